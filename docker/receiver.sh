#!/usr/bin/env bash
# Runs the relay node with Docker from the folder that you are in: docker-compose.yml, .env, data/ and .apikey lie there. The commands are
# those of the old stack's script, and so is the folder: start it where that one was used.
#
#   receiver.sh [--yes] [--address=HOST] [--host-network] [--branch=NAME] COMMAND
#
# Compose file, script and image come from the clone of Tributary that this script lies in. A copy elsewhere needs TRIBUTARY_SOURCE (in the
# environment or .env): the path of a clone, or an http(s) address that has docker/receiver.sh and docker/compose.yml under it; with an
# address TRIBUTARY_IMAGE has to name the image.
set -euo pipefail

SELF=$(readlink -f "${BASH_SOURCE[0]}")
KEY_WORDS='Generated default admin API key: '
DATA_OWNER=3001
ASSUME_YES=
ADDRESS=
BRANCH=
HOST_NETWORK=
COMPOSE=()

say() { printf '%s\n' "$*"; }
warn() { printf 'receiver.sh: %s\n' "$*" >&2; }
fail() {
  warn "$*"
  exit 1
}

help() {
  cat <<'HELP'
Usage: receiver.sh [options] COMMAND      in the folder that has, or is to have, .env and data/

  install      Docker where it is missing, docker-compose.yml, .env and data/; builds or pulls the image; starts
  start        starts the node and prints what to paste
  stop         stops it; data stays
  update       a newer version, with a backup first; goes back to the old one where the new one does not come up
  updateself   a newer receiver.sh; the old one is kept as receiver.sh.backup
  remove       takes the containers away; data stays
  status       what runs, ports, API key, what to paste
  reset        deletes ids, keys and .apikey, after a question
  help         this

  --yes            no questions: defaults, and yes
  --address=HOST   name or address that senders and players use
  --host-network   the node on the host's own network (docker/compose.host.yml)
  --branch=NAME    of the clone, for update and updateself; --use-main and --use-next are short for two of them
HELP
}

# ---- small things

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

confirm() { # question
  [ -z "$ASSUME_YES" ] || return 0
  local answer
  read -r -p "$1 [y/N] " answer || return 1
  case $answer in y | Y | yes) return 0 ;; *) return 1 ;; esac
}

ask() { # question, default: the answer on standard output
  local answer=
  if [ -z "$ASSUME_YES" ]; then read -r -p "$1 [$2] " answer || answer=; fi
  printf '%s' "${answer:-$2}"
}

setting() { # name, default: the value in .env
  local value=
  [ ! -f .env ] || value=$(sed -n "s/^[[:space:]]*$1=//p" .env | tail -n 1 | sed -e "s/^[\"']//" -e "s/[\"']\$//")
  printf '%s' "${value:-${2:-}}"
}

set_setting() { # name, value: replaces the line or adds one; every other line stays
  [ "$(setting "$1")" != "$2" ] || return 0
  local fresh
  fresh=$(mktemp .env.XXXXXX)
  { [ ! -f .env ] || sed "/^[[:space:]]*$1=/d" .env; printf '%s=%s\n' "$1" "$2"; } >"$fresh"
  chmod 0644 "$fresh"
  mv "$fresh" .env
}

is_port() { case $1 in '' | *[!0-9]*) return 1 ;; esac; [ "$1" -ge 1 ] && [ "$1" -le 65535 ]; }

# ---- where things come from

source_of() { # the path of a clone, or an address
  local given=${TRIBUTARY_SOURCE:-$(setting TRIBUTARY_SOURCE)} clone
  clone=$(dirname "$(dirname "$SELF")")
  if [ -z "$given" ] && [ -f "$clone/docker/Dockerfile" ]; then given=$clone; fi
  [ -n "$given" ] || fail 'where Tributary comes from is not known: run the receiver.sh of a clone, or set TRIBUTARY_SOURCE'
  printf '%s' "$given"
}

is_address() { case $1 in http://* | https://*) return 0 ;; *) return 1 ;; esac; }

fetch() { # path below the source, file: an answer that is an error never becomes the file
  local from
  from=$(source_of)
  if is_address "$from"; then
    command -v curl >/dev/null || fail 'curl is missing: apt-get install curl'
    curl --fail --silent --show-error --location --max-time 60 --output "$2" "${from%/}${BRANCH:+/$BRANCH}/$1" ||
      fail "${from%/}${BRANCH:+/$BRANCH}/$1 cannot be had"
  else
    [ -f "$from/$1" ] || fail "$from is no clone of Tributary: it has no $1"
    cp "$from/$1" "$2"
  fi
}

pull_clone() { # brings the clone up to date, if there is something to follow
  local from
  from=$(source_of)
  ! is_address "$from" || return 0
  if ! git -C "$from" rev-parse --git-dir >/dev/null 2>&1; then
    warn "$from is no git clone: it is taken as it is"
    return 0
  fi
  if [ -n "$BRANCH" ]; then
    git -C "$from" fetch --quiet origin "$BRANCH"
    git -C "$from" checkout --quiet "$BRANCH"
  fi
  if git -C "$from" rev-parse --abbrev-ref '@{upstream}' >/dev/null 2>&1; then
    git -C "$from" pull --quiet --ff-only || fail "the clone $from cannot be brought up to date: see git -C $from status"
  else
    warn "the clone $from follows no branch: it is taken as it is"
  fi
}

compose_file() { # writes docker-compose.yml; one of other content is kept beside
  local fresh name=docker/compose.yml
  [ "$(setting RECEIVER_NETWORK)" != host ] || name=docker/compose.host.yml
  fresh=$(mktemp docker-compose.yml.XXXXXX)
  fetch "$name" "$fresh"
  if ! grep -q '^services:' "$fresh"; then
    rm -f "$fresh"
    fail "what is at $name is no compose file"
  fi
  chmod 0644 "$fresh"
  if [ -f docker-compose.yml ] && cmp -s "$fresh" docker-compose.yml; then
    rm -f "$fresh"
    return 0
  fi
  if [ -f docker-compose.yml ]; then
    if ! confirm 'docker-compose.yml is another one: replace it? It is kept as docker-compose.yml.backup.'; then
      rm -f "$fresh"
      fail 'docker-compose.yml was left as it is'
    fi
    cp docker-compose.yml docker-compose.yml.backup
  fi
  mv "$fresh" docker-compose.yml
}

# ---- Docker

find_compose() {
  if docker compose version >/dev/null 2>&1; then COMPOSE=(docker compose)
  elif command -v docker-compose >/dev/null; then COMPOSE=(docker-compose)
  else return 1; fi
}

ensure_docker() {
  local missing=()
  command -v curl >/dev/null || missing+=(curl)
  if ! command -v docker >/dev/null || ! find_compose; then missing+=(docker.io docker-compose); fi
  if [ "${#missing[@]}" -gt 0 ]; then
    command -v apt-get >/dev/null || fail "missing, and there is no apt-get here to install it with: ${missing[*]}"
    say "installing from the distribution: ${missing[*]}"
    as_root apt-get update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y "${missing[@]}"
    find_compose || fail 'docker is installed, but its compose is not found'
  fi
  docker info >/dev/null 2>&1 ||
    fail "Docker does not answer this user: run as root, or 'sudo usermod -aG docker $(id -un)' and log in anew"
}

need_install() {
  [ -f docker-compose.yml ] || fail 'there is no docker-compose.yml in this folder: receiver.sh install'
  if ! command -v docker >/dev/null || ! find_compose; then fail 'Docker is missing: receiver.sh install'; fi
}

compose() { "${COMPOSE[@]}" --file docker-compose.yml --project-directory "$PWD" "$@"; }

image_name() { setting TRIBUTARY_IMAGE tributary:local; }

get_image() {
  if [ -n "$(setting TRIBUTARY_IMAGE)" ]; then docker pull "$(image_name)"
  else compose build; fi
}

data_folder() {
  mkdir -p data
  chmod 0755 data 2>/dev/null || as_root chmod 0755 data
  # Ids and keys of SLS belonged to the same user.
  if [ -n "$(find data ! -user "$DATA_OWNER" -print -quit)" ]; then as_root chown -R "$DATA_OWNER:$DATA_OWNER" data; fi
}

is_up() {
  local port status
  port=$(setting SLS_STATS_PORT 8090)
  status=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 2 "http://127.0.0.1:$port/healthz") || return 1
  [ "$status" = 200 ]
}

wait_up() { # seconds, where it is not RECEIVER_WAIT_SECONDS
  local end=$((SECONDS + ${1:-${RECEIVER_WAIT_SECONDS:-60}}))
  until is_up; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.5
  done
}

save_key() {
  [ ! -s .apikey ] || return 0
  local key
  key=$(compose logs --no-color receiver 2>/dev/null | sed -n "s/.*$KEY_WORDS\([A-Za-z0-9_-]*\).*/\1/p" | tail -n 1)
  if [ -z "$key" ]; then
    say 'API key: none was made, so the one that the data folder has from before goes on to work.'
    return 0
  fi
  (umask 077 && printf '%s\n' "$key" >.apikey)
}

print_urls() {
  local host key ids
  host=$(setting PUBLIC_ADDRESS "$(host_of_url "$(setting APP_URL)")")
  host=${host:-HOST}
  case $host in *:*) host="[$host]" ;; esac
  say ''
  say "Sender, bonded:  srtla://$host:$(setting SRTLA_PORT 5000)?streamid=PUBLISHER_ID"
  say "Sender, plain:   srt://$host:$(setting SRT_SENDER_PORT 4001)?streamid=PUBLISHER_ID"
  say "Player:          srt://$host:$(setting SRT_PLAYER_PORT 4000)?streamid=PLAYER_ID&mode=caller&latency=2000000"
  say "Statistics:      http://$host:$(setting SLS_STATS_PORT 8090)/stats/PLAYER_ID"
  say "Dashboard:       http://$host:$(setting SLS_MGNT_PORT 3000)/"
  if [ -s .apikey ] && key=$(cat .apikey) && ids=$(printf 'header = "Authorization: Bearer %s"\n' "$key" |
    curl --fail --silent --max-time 5 --config - "http://127.0.0.1:$(setting SLS_STATS_PORT 8090)/api/stream-ids"); then
    say ''
    say 'Ids:'
    printf '%s\n' "$ids" | grep -o '{[^{}]*}' | sed -n 's/.*"player":"\([^"]*\)".*"publisher":"\([^"]*\)".*/  publisher \2   player \1/p'
  fi
}

host_of_url() { # http://[2001:db8::1]:8080 → 2001:db8::1
  printf '%s' "$1" | sed -e 's#^[a-z]*://##' -e 's#/.*##' -e 's#^\[\(.*\)\].*#\1#' -e '/^[^:]*:[0-9]*$/s#:[0-9]*$##'
}

# ---- commands

do_install() {
  ensure_docker
  local from address known
  from=$(source_of)
  if is_address "$from"; then
    [ -n "$(setting TRIBUTARY_IMAGE)" ] || [ -n "${TRIBUTARY_IMAGE:-}" ] ||
      fail 'an address alone has no image: set TRIBUTARY_IMAGE to the name of one'
    [ -z "${TRIBUTARY_IMAGE:-}" ] || set_setting TRIBUTARY_IMAGE "$TRIBUTARY_IMAGE"
  else
    set_setting TRIBUTARY_CONTEXT "$from"
  fi
  set_setting TRIBUTARY_SOURCE "$from"
  [ -z "$HOST_NETWORK" ] || set_setting RECEIVER_NETWORK host
  compose_file

  known=$(setting PUBLIC_ADDRESS "$(host_of_url "$(setting APP_URL)")")
  known=${known:-$(hostname -I 2>/dev/null | awk '{print $1}')}
  address=${ADDRESS:-$(ask 'Name or address that senders and players use' "${known:-localhost}")}
  case $address in 10.* | 192.168.* | 172.1[6-9].* | 172.2[0-9].* | 172.3[01].* | 100.6[4-9].* | 127.* | fd* | fe80*)
    warn "$address is reachable only in its own network: a phone on cellular needs a public one (--address=HOST)" ;;
  esac
  set_setting PUBLIC_ADDRESS "$address"
  local name question port
  while read -r -u 4 name port question; do
    port=$(ask "Port for $question" "$(setting "$name" "$port")")
    is_port "$port" || fail "$name=$port is no port"
    set_setting "$name" "$port"
  done 4<<'PORTS'
SRTLA_PORT 5000 bonded senders (UDP)
SRT_SENDER_PORT 4001 plain SRT senders (UDP)
SRT_PLAYER_PORT 4000 players (UDP)
SLS_STATS_PORT 8090 statistics and API (TCP)
LINK_STATS_PORT 5080 statistics of links (TCP)
SLS_MGNT_PORT 3000 the dashboard (TCP)
PORTS
  case $address in *:*) address="[$address]" ;; esac
  set_setting APP_URL "http://$address:$(setting SLS_STATS_PORT)"
  data_folder
  get_image
  small_buffers
  do_start
}

small_buffers() {
  local granted
  granted=$(cat /proc/sys/net/core/rmem_max 2>/dev/null || echo 8388608)
  [ "$granted" -ge 8388608 ] ||
    warn "this machine grants UDP sockets $granted bytes: packets may be lost when it is busy; docker/60-tributary.conf raises that"
}

do_start() {
  need_install
  data_folder
  # The page of the old stack has a container of its own, which holds port 3000.
  compose up -d --remove-orphans
  wait_up || fail "the node does not answer on port $(setting SLS_STATS_PORT 8090): ${COMPOSE[*]} logs receiver"
  save_key
  [ ! -s .apikey ] || say "API key: in .apikey"
  print_urls
}

do_stop() {
  need_install
  # The log goes with the container, and the key with it.
  save_key >/dev/null || true
  compose down --remove-orphans
}

backup_data() {
  local file
  mkdir -p backups
  chmod 0700 backups
  file=backups/data-$(date +%Y%m%d-%H%M%S).tar
  (umask 077 && as_root tar -cf - data >"$file")
  say "backup: $file"
}

do_update() {
  need_install
  pull_clone
  compose_file
  backup_data
  local image old
  image=$(image_name)
  old=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null || true)
  # The node that runs goes on until the new one is there.
  get_image
  if [ -n "$old" ] && [ "$old" = "$(docker image inspect --format '{{.Id}}' "$image")" ]; then say 'the image is the same as before'; fi
  compose up -d --remove-orphans
  if wait_up; then
    save_key
    say 'updated'
    return 0
  fi
  [ -n "$old" ] || fail "the new version does not answer: ${COMPOSE[*]} logs receiver"
  warn 'the new version does not answer: going back'
  compose logs --no-color receiver 2>&1 | tail -n 20 >&2 || true
  docker tag "$old" "$image"
  compose up -d --remove-orphans --force-recreate
  wait_up 120 || fail 'neither does the old one'
  fail 'the old version runs again'
}

do_updateself() {
  pull_clone
  local from fresh target=$SELF
  from=$(source_of)
  if [ "$from/docker/receiver.sh" = "$SELF" ]; then
    say 'this receiver.sh is the one of the clone, which is up to date'
    return 0
  fi
  fresh=$(mktemp "$target.XXXXXX")
  fetch docker/receiver.sh "$fresh"
  if ! head -n 1 "$fresh" | grep -q '^#!' || ! bash -n "$fresh"; then
    rm -f "$fresh"
    fail 'what was fetched is no receiver.sh'
  fi
  if cmp -s "$fresh" "$target"; then
    rm -f "$fresh"
    say 'receiver.sh is up to date'
    return 0
  fi
  cp -p "$target" "$target.backup"
  chmod --reference="$target" "$fresh"
  mv "$fresh" "$target"
  say "receiver.sh is new; the old one is $target.backup"
}

do_remove() {
  need_install
  confirm 'Take the containers away? data/ stays.' || fail 'nothing was done'
  save_key >/dev/null || true
  compose down --volumes --remove-orphans
}

do_status() {
  need_install
  compose ps
  local name
  for name in APP_URL SRTLA_PORT SRT_SENDER_PORT SRT_PLAYER_PORT SLS_STATS_PORT LINK_STATS_PORT SLS_MGNT_PORT; do
    printf '%-16s %s\n' "$name" "$(setting "$name" '(default)')"
  done
  if is_up; then say 'the node answers'; else say 'the node does not answer'; fi
  if [ -s .apikey ]; then say "API key: $(cat .apikey)"; fi
  print_urls
  is_up
}

do_reset() {
  need_install
  if [ -z "$ASSUME_YES" ]; then
    local answer
    read -r -p 'This deletes every stream id and API key. Type yes: ' answer || answer=
    [ "$answer" = yes ] || fail 'nothing was done'
  fi
  compose down --volumes --remove-orphans
  as_root rm -rf data .apikey
  data_folder
  say 'reset: receiver.sh start makes new ids and a new key'
}

# ---- command line

main() {
  local command=
  while [ $# -gt 0 ]; do
    case $1 in
      --yes | -y) ASSUME_YES=yes ;;
      --address=*) ADDRESS=${1#*=} ;;
      --host-network) HOST_NETWORK=yes ;;
      --branch=*) BRANCH=${1#*=} ;;
      --use-main) BRANCH=main ;;
      --use-next) BRANCH=next ;;
      -h | --help) command=help ;;
      -*) fail "there is no option $1: receiver.sh help" ;;
      *) [ -z "$command" ] || fail "one command at a time: receiver.sh help"; command=$1 ;;
    esac
    shift
  done
  case ${command:-help} in
    install) do_install ;;
    start) do_start ;;
    stop) do_stop ;;
    update) do_update ;;
    updateself) do_updateself ;;
    remove) do_remove ;;
    status) do_status ;;
    reset) do_reset ;;
    help) help ;;
    *)
      warn "there is no command $command"
      help >&2
      exit 1
      ;;
  esac
}

# As a whole before anything runs: updateself replaces this file.
main "$@"
exit
