#!/usr/bin/env bash
# The two commands on a machine that has none of the dependencies: Debian 12 with nodejs, npm and git and nothing else, in a folder.
#
#   sudo test/fresh-machine.sh              start, start again, a few tests
#   sudo test/fresh-machine.sh --all        … and every test
#
# Needs root, mmdebstrap and 2 GB in TMPDIR. What the network asks for can be given: NODE_EXTRA_CA_CERTS (a file), FRESH_APT_CONF (a file
# of apt options). Tests what is committed.
set -euo pipefail
repository=$(CDPATH='' cd "$(dirname "$0")/.." && pwd -P)

skip() { echo "skipped: $1"; exit 0; }
[ "$(id -u)" = 0 ] || skip "a root folder of its own needs root"
command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
unshare --mount --pid --fork true 2>/dev/null || skip "namespaces are not allowed here"

machine=$(mktemp -d)
trap 'rm -rf --one-file-system "$machine"' EXIT
echo "making a Debian 12 with nodejs, npm and git"
mmdebstrap --quiet --variant=minbase --include=nodejs,npm,git,ca-certificates bookworm "$machine" 2>"$machine.log" ||
  { cat "$machine.log"; rm -f "$machine.log"; exit 1; }
rm -rf "$machine.log" "$machine"/var/lib/apt/lists/*
cp /etc/resolv.conf /etc/hosts "$machine/etc/"
[ -z "${FRESH_APT_CONF:-}" ] || cp "$FRESH_APT_CONF" "$machine/etc/apt/apt.conf.d/99fresh"
ca=
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
  cp "$NODE_EXTRA_CA_CERTS" "$machine/usr/local/share/ca-certificates/extra.crt"
  ca=/usr/local/share/ca-certificates/extra.crt
fi
# Over file://, because a plain path would link the objects of the original.
git clone --quiet "file://$repository" "$machine/root/tributary"

# Its own processes end with it.
inside() {
  unshare --mount --pid --fork --kill-child bash -c 'mount -t proc proc "$1/proc" && shift && exec "$@"' - "$machine" \
    chroot "$machine" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin CI=true NODE_EXTRA_CA_CERTS="$ca" \
    bash -ec "cd /root/tributary; $1" </dev/null
}

# shellcheck disable=SC2016 # expanded inside
start='
  free="SRTLA_PORT=0 SRT_SENDER_PORT=0 SRT_PLAYER_PORT=0 SLS_STATS_PORT=0 LINK_STATS_PORT=0 SLS_MGNT_PORT=0"
  begin=$(date +%s%N)
  env $free npm start >out 2>err & npm=$!
  until grep -q "Open in the firewall" out; do kill -0 $npm 2>/dev/null || { cat out err; exit 1; }; sleep 0.02; done
  ms=$((($(date +%s%N) - begin) / 1000000))
  ./tributary urls >urls
  kill -TERM $npm; wait $npm || true
  cat err; grep -c "srtla://" urls >/dev/null'
inside "node --version; for tool in g++ pkg-config ffmpeg; do ! command -v \$tool; done
  $start
  grep 'Generated default admin API key' out; echo \"first start: URLs after \$ms ms\""
inside "$start
  ! grep 'Generated default admin API key' out; echo \"second start: URLs after \$ms ms\"; [ \$ms -lt 3000 ]"
if [ "${1:-}" = --all ]; then inside .ci/run; else inside 'npm test -- test/wire test/launcher'; fi
echo "the two commands work on a fresh machine"
