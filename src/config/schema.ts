import { TRAFFIC_COUNTS } from '../shared/traffic-period.ts';
import {
  accountNumber,
  address,
  address6,
  addressList,
  bytes,
  credential,
  file,
  flag,
  folder,
  furtherPorts,
  hostName,
  type Kind,
  listOf,
  milliseconds,
  networkList,
  oneOf,
  percent,
  port,
  portList,
  position,
  seconds,
  secret,
  serverId,
  serviceUrl,
  text,
  webUrl,
  webUrlList,
  wholeNumber,
  wordList,
} from './kinds.ts';

/**
 * When a changed value takes effect: `live` (at once, also for what is running), `next-session` (for encoders, players and streams that
 * begin from then on) or `restart`.
 */
export type ReloadClass = 'live' | 'next-session' | 'restart';

/** One setting. Its path (`srtla.ports`) names it in the file; flag names and most environment names follow from the path. */
export interface Setting<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  /** One line for --help, the reference and the example file. */
  readonly doc: string;
  /** Environment name that existing deployments use; `TRIBUTARY_…` is derived where it is absent. */
  readonly env?: string;
  /** What a new value needs where the node is running. */
  readonly reload: ReloadClass;
  /** The value is shown nowhere. */
  readonly secret?: boolean;
}

const declared =
  <const R extends ReloadClass>(reload: R) =>
  <T>(
    kind: Kind<T>,
    byDefault: NoInfer<T>,
    doc: string,
    more: { env?: string; secret?: boolean } = {},
  ): Setting<T> & { readonly reload: R } => ({ reload, kind, default: byDefault, doc, ...more });

const live = declared('live');
const nextSession = declared('next-session');
const restart = declared('restart');

const refusal = oneOf('close', 'reject');
const srtEngine = oneOf('libsrt', 'direct');
const MIB = 2 ** 20;

/** Every setting of a node, in the order of the reference. The only place where one is declared. */
export const SETTINGS = {
  bind: restart(
    addressList,
    ['::'],
    "Addresses to listen on. '::' is every IPv6 and IPv4 address; 'auto' opens each address of the machine by itself.",
  ),
  dataDir: restart(folder, './data', 'Folder for stream ids and API keys.', { env: 'DATA_DIR' }),
  publicHost: live(hostName, undefined, 'Host name or address in the URLs that the node prints.'),
  publicIp: live(address, undefined, 'Public address; used in the printed URLs where publicHost is not set.', {
    env: 'PUBLIC_IP',
  }),
  publicIp6: live(
    address6,
    undefined,
    'Public IPv6 address beside publicIp, for the control plane: host names lead there too, once the plane has reached the node there.',
    { env: 'PUBLIC_IP6' },
  ),
  appUrl: live(text, undefined, 'URL of the web page; its host is used in the printed URLs as a last choice.', {
    env: 'APP_URL',
  }),
  'log.level': live(
    oneOf('trace', 'debug', 'info', 'warn', 'error'),
    'info',
    'Least severity that is logged: trace, debug, info, warn or error.',
  ),
  'srtla.ports': restart(portList, [5_000], 'UDP ports for bonded senders (SRTLA).', { env: 'SRTLA_PORT' }),
  'srtla.maxGroups': restart(
    wholeNumber(1, 10_000),
    200,
    'Bonded senders at once. Past it the oldest group without an accepted session makes room, else the newcomer is refused.',
  ),
  'srtla.maxLinksPerGroup': restart(wholeNumber(1, 64), 16, 'Links of one bonded sender; one more is refused.'),
  'srtla.linkTimeoutMs': live(milliseconds(1_000, 600_000), 15_000, 'A link that is silent for this long is removed.'),
  'srtla.groupTimeoutMs': live(
    milliseconds(1_000, 3_600_000),
    30_000,
    'A bonded sender that is silent for this long is forgotten.',
  ),
  'srtla.sessionTimeoutMs': live(
    milliseconds(1_000, 3_600_000),
    10_000,
    'A bonded sender whose encoder has got no SRT session within this time is forgotten, and registers anew.',
  ),
  'srtla.maxGroupKbps': live(
    wholeNumber(1_000, 10_000_000),
    100_000,
    'Most that one bonded sender may send, averaged over a second; more is dropped and counted.',
  ),
  'srtla.maxGroupPacketsPerSecond': live(
    wholeNumber(100, 1_000_000),
    15_000,
    'Most datagrams that one bonded sender may send, averaged over a second; more are dropped and counted.',
  ),
  'srtla.adoptRebinds': restart(
    flag,
    false,
    'A packet from a new address takes the place of a silent link of the same IP address at once, where only that link can have sent it (NAT rebinding). It weakens the group id as a credential.',
  ),
  'srtla.ackFlushMs': live(
    milliseconds(20, 50),
    30,
    'An SRTLA acknowledgement leaves at the latest this long after the first packet that it confirms.',
  ),
  'srtla.lossDetection': restart(
    oneOf('exact', 'plain'),
    'exact',
    'Who asks bonded senders for lost packets: exact (the node, once no link can bring a packet any more) or plain (libsrt, which takes late packets for lost ones).',
    { env: 'TRIBUTARY_LOSS_DETECTION' },
  ),
  'srtla.transport': restart(
    oneOf('auto', 'batched', 'dgram'),
    'auto',
    'How SRTLA does UDP: batched (the native addon), dgram (Node alone; costs several times the CPU), or auto (batched where it can be had).',
    { env: 'TRIBUTARY_UDP_TRANSPORT' },
  ),
  'srtla.coalesceMs': restart(
    milliseconds(0, 20),
    2,
    'While more than 2,000 datagrams per second arrive, they are taken in batches this far apart; 0 = at once.',
  ),
  'srt.publishPort': restart(port, 4_001, 'UDP port for plain SRT encoders.', { env: 'SRT_SENDER_PORT' }),
  'srt.playPort': restart(port, 4_000, 'UDP port for players.', { env: 'SRT_PLAYER_PORT' }),
  'srt.bondPort': restart(port, 0, 'UDP port on loopback between the SRTLA receiver and SRT; nobody outside needs it.'),
  'srt.refuse.publish': restart(
    refusal,
    'close',
    'How an encoder is refused: close (accepted, then closed) or reject (a code in the handshake).',
  ),
  'srt.refuse.play': restart(refusal, 'close', 'How a player is refused: close or reject.'),
  'srt.refuse.bond': restart(refusal, 'reject', 'How a bonded encoder is refused: close or reject.'),
  'srt.engine.publish': restart(
    srtEngine,
    'libsrt',
    'What plain SRT encoders speak to: libsrt (the system library) or direct (an engine of Tributary, which costs less CPU).',
  ),
  'srt.engine.bond': restart(
    srtEngine,
    'libsrt',
    'What bonded encoders speak to behind the SRTLA receiver: libsrt or direct (packets go there without a socket).',
  ),
  'srt.engine.play': restart(srtEngine, 'libsrt', 'What players speak to: libsrt or direct.'),
  'srt.latencyFloorMs': nextSession(
    milliseconds(0, 10_000),
    200,
    'Least SRT latency of an encoder; one that asks for less gets this.',
  ),
  'srt.latencyCeilingMs': nextSession(
    milliseconds(100, 30_000),
    10_000,
    'Highest SRT latency of an encoder; one that wants more is refused, but for an id with a higher latency of its own.',
  ),
  'srt.peerIdleTimeoutMs': restart(
    milliseconds(1_000, 60_000),
    5_000,
    'An SRT session that hears nothing for this long is over.',
  ),
  'srt.takeoverSilenceMs': restart(
    milliseconds(250, 60_000),
    1_000,
    'A publisher that has sent nothing for this long may be replaced by another on the same id.',
  ),
  'srt.tickMs': restart(milliseconds(1, 50), 5, 'Least time between two readings of the SRT sockets.'),
  'srt.udpBufferBytes': restart(
    bytes(65_536, 256 * MIB),
    8 * MIB,
    'Kernel buffer asked for on UDP sockets; the system may grant less (net.core.rmem_max).',
  ),
  'srt.allowUnfixedLibrary': restart(
    flag,
    false,
    'Start although nothing says that libsrt has the fixes of CVE-2026-55868 and CVE-2026-55869.',
  ),
  'latency.mode': restart(
    oneOf('additive', 'shared'),
    'additive',
    "additive: a player's latency begins where the encoder's ends. shared: packets go on at arrival, and both use the same time; it needs srt.engine.play: direct.",
  ),
  'udp.bufferMaxBytes': restart(
    bytes(0, 256 * MIB),
    0,
    'Cap on every kernel buffer that is asked for, to try a small machine; 0 = no cap.',
    { env: 'TRIBUTARY_UDP_BUFFER_MAX' },
  ),
  'player.waitSeconds': live(
    seconds(0, 86_400),
    0,
    'How long a player may wait for its publisher before it is closed; 0 = without limit.',
  ),
  'player.maxPerId': nextSession(
    wholeNumber(1, 1_000),
    20,
    'Players at once on one player id that has no number of its own; one more is refused.',
  ),
  'player.slow': live(
    oneOf('skip', 'disconnect'),
    'skip',
    'What a player meets that cannot keep up for three seconds: skip (it goes on at the live edge) or disconnect.',
  ),
  'player.join': nextSession(
    oneOf('next-key-frame', 'last-key-frame'),
    'next-key-frame',
    'Where a player begins that joins a running stream: next-key-frame (the live edge) or last-key-frame (a picture at once, up to a group of pictures behind; costs memory for each stream).',
  ),
  'player.gopMaxBytes': nextSession(
    bytes(65_536, 64 * MIB),
    8 * MIB,
    'With last-key-frame: what is kept of each stream; a larger group of pictures is not kept.',
  ),
  'player.gopMaxMs': nextSession(
    milliseconds(500, 60_000),
    10_000,
    'With last-key-frame: a longer group of pictures is not kept.',
  ),
  'http.statsPort': restart(port, 8_090, 'TCP port for statistics of streams and the management API.', {
    env: 'SLS_STATS_PORT',
  }),
  'http.statsAliasPorts': restart(
    furtherPorts,
    [],
    'Further TCP ports that serve the same as http.statsPort; the container image has 8080 here, the port of SLS.',
  ),
  'http.linksPort': restart(port, 5_080, 'TCP port for statistics of links.', { env: 'LINK_STATS_PORT' }),
  'http.dashboardPort': restart(port, 3_000, 'TCP port for the dashboard.', {
    env: 'SLS_MGNT_PORT',
  }),
  'http.tlsPort': restart(
    port,
    8_443,
    'TCP port that serves what http.statsPort and http.dashboardPort do, by HTTPS; closed without a certificate.',
  ),
  'http.tlsCert': restart(
    file,
    undefined,
    'File with a certificate and its chain, PEM, for http.tlsPort. A new one in its place is taken at once.',
  ),
  'http.tlsKey': restart(file, undefined, 'File with the key of that certificate, PEM.'),
  'http.statsPerMinute': live(
    wholeNumber(1, 1_000_000),
    1_200,
    'Statistics requests per minute and client address on each port; more are answered with 429.',
  ),
  'http.unknownIdsPerMinute': live(
    wholeNumber(1, 1_000_000),
    30,
    'Statistics requests with an unknown id per minute and client address; past it only ids that the client has asked for before are answered.',
  ),
  'http.apiPerMinute': live(
    wholeNumber(1, 1_000_000),
    30,
    'Requests on the management API without a valid key per minute and client address.',
  ),
  'http.apiKeyPerMinute': live(
    wholeNumber(1, 1_000_000),
    600,
    'Requests on the management API with a valid key per minute and client address.',
  ),
  'http.keysPerMinute': live(wholeNumber(1, 1_000_000), 20, 'Requests on /api/keys per minute and client address.'),
  'http.maxPushClients': live(
    wholeNumber(0, 10_000),
    200,
    'WebSocket clients on /ws/stats at once; a tenth of them, at least 10, from one address.',
  ),
  'http.trustedProxies': live(
    networkList,
    [],
    'Addresses and networks of reverse proxies: only from them X-Forwarded-For names the client.',
  ),
  'streams.deleteGraceSeconds': live(
    seconds(0, 86_400),
    600,
    'How long a stream that is live may go on after its id was deleted; ?mode=revoke cuts it at once.',
  ),
  'stats.linksMode': live(
    oneOf('auto', 'byor', 'managed'),
    'auto',
    'Which groups an anonymous call for link statistics sees: auto (all while there is one publisher id, else none), byor (all), managed (none).',
  ),
  'stats.trusted': live(
    networkList,
    ['127.0.0.0/8', '::1'],
    'Addresses and networks that see publisher ids without a key. A request that came through a proxy (X-Forwarded-For) is never trusted.',
  ),
  'stats.srtlaFolder': live(
    file,
    undefined,
    "Folder, such as /tmp, for srtla_stats_{port}.json: what the links of the newest stream do, each second, for VVLIVE's adapter; docs/quality.md.",
  ),
  'api.key': live(secret, undefined, 'An admin API key; with it none is generated on the first start.', {
    secret: true,
  }),
  'api.keyFile': live(file, undefined, 'File that holds the admin API key; used where api.key is not set.'),
  'control.url': restart(
    serviceUrl,
    undefined,
    'URL of the control plane that governs this node; without it the node is governed by its own API alone.',
    { env: 'CONTROL_URL' },
  ),
  'control.serverId': restart(serverId, undefined, 'Name by which the control plane knows this node.', {
    env: 'SERVER_ID',
  }),
  'control.nodeKey': restart(secret, undefined, "This node's own key at the control plane.", {
    env: 'NODE_KEY',
    secret: true,
  }),
  'control.nodeKeyFile': restart(file, undefined, 'File that holds it; used where control.nodeKey is not set.', {
    env: 'NODE_KEY_FILE',
  }),
  'control.region': live(text, undefined, 'Region of this node, such as us-central.', { env: 'REGION' }),
  'control.provider': live(text, undefined, 'Who runs the machine, such as hetzner.', { env: 'PROVIDER' }),
  'control.position': live(position, undefined, 'Where the machine is: latitude, longitude in degrees.'),
  'control.maxSessions': live(wholeNumber(0, 100_000), 10, 'Streams that the control plane may assign to this node.'),
  'control.monthlyCapGb': live(
    wholeNumber(0, 10_000_000),
    0,
    'Traffic that the node may have in a month, in GB (10^9 bytes); 0 = no cap. It is told to the control plane, which gives the node nothing new from 95 % on; the node stops nothing.',
  ),
  'control.portMbps': live(wholeNumber(0, 1_000_000), 0, "Speed of the machine's network port; 0 = not known."),
  'traffic.resetDay': live(
    wholeNumber(1, 31),
    1,
    'Day of the month (UTC) on which the traffic of the node is counted anew; in a month without that day its last one. A change begins the count anew.',
  ),
  'traffic.count': live(
    oneOf(...TRAFFIC_COUNTS),
    'both',
    'What of the traffic counts against control.monthlyCapGb and traffic.sustainedMbps: both (received and sent together), out (sent) or max (the larger of the two).',
  ),
  'traffic.sustainedMbps': live(
    wholeNumber(0, 1_000_000),
    0,
    'Rate that the provider tolerates for long; the control plane gives the node no more streams than that carries. 0 = not known.',
  ),
  'metrics.trusted': live(
    networkList,
    ['127.0.0.0/8', '::1'],
    'Addresses and networks that may read /metrics without a token; private networks are not among them by themselves. A request that came through a proxy (X-Forwarded-For) never is.',
  ),
  'metrics.token': live(
    secret,
    undefined,
    'Bearer token for /metrics, for a Prometheus elsewhere; every API key does, too.',
    { secret: true },
  ),
  'metrics.tokenFile': live(file, undefined, 'File that holds the token; used where metrics.token is not set.'),
  'metrics.maxStreams': live(
    wholeNumber(0, 10_000),
    200,
    'Streams that /metrics shows one by one, the largest first; how many are left out is told.',
  ),
  'metrics.maxLinks': live(
    wholeNumber(0, 65_536),
    2_000,
    'Links that /metrics shows one by one; how many are left out is told.',
  ),
  'controlPlane.port': restart(
    port,
    9_080,
    'TCP port of the control plane; on loopback only, unless it has a certificate or is behind a proxy.',
    { env: 'CONTROL_PLANE_PORT' },
  ),
  'controlPlane.tlsCert': restart(
    file,
    undefined,
    "File with the control plane's certificate and its chain, PEM; with it the control plane speaks HTTPS on every address of bind. A new one is taken within a minute.",
    { env: 'TLS_CERT' },
  ),
  'controlPlane.tlsKey': restart(file, undefined, 'File with the key of that certificate, PEM.', { env: 'TLS_KEY' }),
  'controlPlane.behindProxy': restart(
    flag,
    false,
    'A reverse proxy with a certificate is in front of the control plane: it listens on every address of bind without one.',
    { env: 'BEHIND_PROXY' },
  ),
  'controlPlane.publicUrl': restart(
    text,
    undefined,
    'https:// address at which clients and people reach the control plane.',
    { env: 'CONTROL_PLANE_PUBLIC_URL' },
  ),
  'controlPlane.databaseUrl': restart(
    text,
    undefined,
    'postgres:// address of the database of the control plane; without it a file in the data folder is used.',
    { env: 'DATABASE_URL', secret: true },
  ),
  'controlPlane.enrolKey': restart(
    secret,
    undefined,
    'A node that brings this key as NODE_KEY is taken in at its first registration; without it nodes are added by an administrator.',
    { env: 'NODE_ENROL_KEY', secret: true },
  ),
  'controlPlane.relayKey': restart(
    secret,
    undefined,
    'Shared key that is accepted in X-Relay-Auth on relay/health in place of a login.',
    { env: 'RELAY_SHARED_KEY', secret: true },
  ),
  'controlPlane.relayDomain': restart(
    hostName,
    undefined,
    'Domain of the host names of stream slots: SLOT.DOMAIN. Who makes its DNS entries says controlPlane.dns; without a domain clients get the host of the node.',
    { env: 'RELAY_DOMAIN' },
  ),
  'controlPlane.dns': restart(
    oneOf('none', 'cloudflare'),
    'none',
    'Who serves the domain of the slots, and is told where each slot leads: cloudflare, or none (the entries are made outside).',
    { env: 'DNS_PROVIDER' },
  ),
  'controlPlane.cloudflareZoneId': restart(text, undefined, "Id of Cloudflare's zone that holds that domain.", {
    env: 'CLOUDFLARE_ZONE_ID',
  }),
  'controlPlane.cloudflareToken': restart(
    credential,
    undefined,
    "Token of Cloudflare's API that may edit the DNS of that zone, and needs to do nothing else.",
    { env: 'CLOUDFLARE_DNS_TOKEN', secret: true },
  ),
  'controlPlane.regions': restart(
    wordList,
    ['us-central', 'us-east', 'us-west', 'eu-west', 'ap-southeast'],
    'Regions that users may choose from; the first one is the default.',
    { env: 'RELAY_REGIONS' },
  ),
  'controlPlane.leaseTimeoutSeconds': restart(
    seconds(60, 86_400),
    300,
    'A session without a heartbeat of its client and without ingest is ended after this time.',
  ),
  'controlPlane.requestsPerMinute': restart(
    wholeNumber(1, 1_000_000),
    6_000,
    'Requests to the control plane per minute and client address; more are answered with 429.',
  ),
  'controlPlane.adminKey': restart(
    secret,
    undefined,
    "Key of the control plane's administration API, for programs; without it only people who are administrators may use it.",
    { env: 'CONTROL_PLANE_ADMIN_KEY', secret: true },
  ),
  'controlPlane.entitlementKey': restart(
    secret,
    undefined,
    'Key that signs what a billing system says about the entitlement of users; without it nothing is taken from one.',
    { env: 'ENTITLEMENT_KEY', secret: true },
  ),
  'controlPlane.loginKey': restart(
    secret,
    undefined,
    'Key of a web site that signs users in itself and completes the sign-in of their OBS (X-Plugin-Login-Auth).',
    { env: 'PLUGIN_LOGIN_KEY', secret: true },
  ),
  'controlPlane.signInsPerMinute': restart(
    wholeNumber(1, 10_000),
    10,
    'Passwords that are tried per minute and client address, and per account; likewise links that do not work. More are answered with 429.',
  ),
  'hooks.urls': live(
    webUrlList,
    [],
    'URLs that are told what happens to streams: up to four, separated by commas; docs/webhooks.md.',
    { secret: true },
  ),
  'hooks.events': live(
    listOf('publish', 'unpublish', 'play', 'stop', 'link-up', 'link-down', 'refused', 'quality'),
    ['publish', 'unpublish', 'play', 'stop', 'link-up', 'link-down', 'refused', 'quality'],
    'Which events they are told.',
  ),
  'hooks.details': live(
    oneOf('public', 'full'),
    'public',
    'What they are told of a stream: public (no ids; addresses as privacy.addresses has them) or full (publisher ids, player ids and addresses, for a receiver of your own).',
  ),
  'hooks.secret': live(secret, undefined, 'Secret that signs what they are told; without it nothing is signed.', {
    secret: true,
  }),
  'hooks.secretFile': live(file, undefined, 'File that holds the secret; used where hooks.secret is not set.'),
  'hooks.authUrl': live(
    webUrl,
    undefined,
    'URL that is asked whether an encoder or a player with a known id may come in; docs/webhooks.md.',
    { secret: true },
  ),
  'hooks.authForm': live(
    oneOf('json', 'sls'),
    'json',
    "How it is asked: json (a signed body) or sls (the query of SLS's on_event_url).",
  ),
  'hooks.whenDown': live(
    oneOf('cached', 'open', 'closed'),
    'cached',
    'Who comes in while it does not answer: cached (ids that it has allowed within 24 hours), open (every known id) or closed (nobody).',
  ),
  'hooks.allowedNetworks': live(
    networkList,
    [],
    'Addresses and networks beside the public Internet where receivers may be, such as 127.0.0.1 or 10.8.0.0/24; any other address that is not public is not called.',
  ),
  'hooks.maxQueued': live(
    wholeNumber(1, 100_000),
    1_000,
    'Events that may wait for one receiver; more are dropped and counted.',
  ),
  'privacy.addresses': live(
    oneOf('prefix', 'hash', 'full'),
    'prefix',
    'How client addresses are shown in the log and to callers without an admin or write key: prefix (203.0.113.x, the first 48 bits of IPv6), hash (the same for the same address, on this node), or full.',
  ),
  'asn.update': live(
    oneOf('off', 'weekly'),
    'off',
    'Whether the node fetches carrier databases itself: off, or weekly from every source that is set below. ./tributary asn update does it once.',
  ),
  'asn.ipinfoToken': live(credential, undefined, 'Token of an IPinfo account: fetches IPinfo Lite.', {
    secret: true,
  }),
  'asn.maxmindAccount': live(
    accountNumber,
    undefined,
    'Number of a MaxMind account; without it the key alone is sent, as old accounts allow.',
  ),
  'asn.maxmindKey': live(credential, undefined, 'Licence key of a MaxMind account: fetches GeoLite2.', {
    secret: true,
  }),
  'asn.maxmindEditions': live(
    listOf('GeoLite2-ASN', 'GeoLite2-City', 'GeoLite2-Country'),
    ['GeoLite2-ASN'],
    'Databases to fetch with it, separated by commas: GeoLite2-ASN (carriers), GeoLite2-City or GeoLite2-Country (the place of a stream).',
  ),
  'asn.url': live(webUrl, undefined, 'URL of a database in the MaxMind format, as it is, gzipped or in a .tar.gz.', {
    secret: true,
  }),
  'quality.mode': live(
    oneOf('off', 'observe', 'advise'),
    'observe',
    'How streams are judged: observe (what arrives gets a name), advise (what the encoder should send, for one that listens) or off.',
  ),
  'quality.highKbps': live(wholeNumber(1, 1000000), 4_500, 'What an encoder sends at level HIGH, in kbit/s.'),
  'quality.highLossPct': live(percent(0.1, 100), 2, 'More loss on the links than this is too much for level HIGH.'),
  'quality.mediumKbps': live(wholeNumber(1, 1000000), 2_500, 'What an encoder sends at level MEDIUM, in kbit/s.'),
  'quality.mediumLossPct': live(percent(0.1, 100), 3, 'More loss on the links than this is too much for level MEDIUM.'),
  'quality.lowKbps': live(wholeNumber(1, 1000000), 1_200, 'What an encoder sends at level LOW, in kbit/s.'),
  'quality.lowLossPct': live(percent(0.1, 100), 5, 'More loss on the links than this is too much for level LOW.'),
  'quality.veryLowKbps': live(wholeNumber(1, 1000000), 600, 'What an encoder sends at level VERY_LOW, in kbit/s.'),
  'quality.veryLowLossPct': live(
    percent(0.1, 100),
    5,
    'More loss on the links than this is too much for level VERY_LOW.',
  ),
  'quality.viewerLossPct': live(
    percent(0, 100),
    0.1,
    'More that is missing for a viewer than this is too much for every level.',
  ),
  'quality.rttPct': live(
    percent(1, 100),
    33,
    'A longer round trip than this, of the latency, is too much: nothing can be sent again in time.',
  ),
  'quality.bufferPct': live(percent(0, 100), 25, 'Less waiting at the node than this, of the latency, is too little.'),
  'quality.downAfterSeconds': live(
    seconds(0, 600),
    4,
    'What is wrong has to be so for this long before a lower level is advised.',
  ),
  'quality.downFastAfterSeconds': live(seconds(0, 600), 1, 'The same, where it is very wrong.'),
  'quality.upAfterSeconds': live(
    seconds(1, 3600),
    30,
    'With a sender that tells what its links carry: room for the next level has to be there for this long.',
  ),
  'quality.probeAfterSeconds': live(
    seconds(1, 3600),
    20,
    'With others, which can only try: how long everything has to be well before they do.',
  ),
  'quality.trialSeconds': live(
    seconds(1, 3600),
    60,
    'A higher level that does not hold for this long doubles the wait for the next try.',
  ),
  'quality.upAfterMostSeconds': live(seconds(1, 86400), 300, 'The longest that wait becomes.'),
  'quality.errorAfterSeconds': live(seconds(1, 600), 3, 'No link heard for this long is an error.'),
  'quality.errorEndsAfterSeconds': live(seconds(0, 600), 3, 'A link heard again for this long is its end.'),
  'dashboard.enabled': restart(flag, true, 'Serves the dashboard; false leaves its port closed.'),
  'dashboard.maxPages': live(
    wholeNumber(1, 1_000),
    64,
    'Pages of the dashboard that are kept up to date at once; a quarter of them, at least 8, from one address, and half of them for shared links.',
  ),
  'dashboard.preview': restart(
    flag,
    false,
    'Lets who is signed in to the dashboard watch a stream in it: two viewers at once, each a player of the stream.',
  ),
} as const;

export type SettingPath = keyof typeof SETTINGS;
type Values = { [P in SettingPath]: (typeof SETTINGS)[P] extends Setting<infer T> ? T : never };
type Head<P> = P extends `${infer H}.${string}` ? H : P;
type Nested<V> = {
  readonly [H in Head<keyof V> & string]: H extends keyof V
    ? V[H]
    : Nested<{ [P in keyof V as P extends `${H}.${infer Rest}` ? Rest : never]: V[P] }>;
};

/** Every setting with its value, nested by the parts of its path: `settings.srtla.ports`. */
export type Settings = Nested<Values>;

export const SETTING_PATHS = Object.keys(SETTINGS) as SettingPath[];

export const settingAt = (path: SettingPath): Setting<unknown> => SETTINGS[path] as unknown as Setting<unknown>;

/** Paths of settings that a running node takes. */
export type ReloadablePath = {
  [P in SettingPath]: (typeof SETTINGS)[P]['reload'] extends 'restart' ? never : P;
}[SettingPath];

/** The value of one setting. */
export const valueAt = (settings: Settings, path: SettingPath): unknown =>
  path.split('.').reduce<unknown>((block, part) => (block as Record<string, unknown>)[part], settings);

/** Settings as they are nested, from the value of each. */
export const nestedSettings = (valueFor: (path: SettingPath) => unknown): Settings => {
  const root: Record<string, unknown> = {};
  for (const path of SETTING_PATHS) {
    const parts = path.split('.');
    let block = root;
    for (const part of parts.slice(0, -1)) {
      block[part] ??= {};
      block = block[part] as Record<string, unknown>;
    }
    block[parts.at(-1)!] = valueFor(path);
  }
  return root as unknown as Settings;
};

const upperSnake = (path: string): string =>
  path
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase();

/** `SRTLA_PORT`, `TRIBUTARY_SRTLA_MAX_GROUPS`. */
export const envNameOf = (path: SettingPath): string => settingAt(path).env ?? `TRIBUTARY_${upperSnake(path)}`;

const kebab = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** Names without the dashes, the one to show first: from the path (`srtla-ports`) and from the environment name (`srtla-port`). */
export const flagNamesOf = (path: SettingPath): string[] => [
  ...new Set([kebab(upperSnake(path)), kebab(envNameOf(path).replace(/^TRIBUTARY_/, ''))]),
];
