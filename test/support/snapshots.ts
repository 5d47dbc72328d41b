import type { DataPlaneSnapshot, PublisherSnapshot, SrtStats } from '../../src/data-plane/snapshot.ts';
import { SRT_STATS_FIELDS } from '../../src/shared/addon.ts';
import type { GroupSnapshot, LinkSnapshot } from '../../src/srtla/types.ts';

export const srtStats = (some: Partial<SrtStats> = {}): SrtStats =>
  ({ ...Object.fromEntries(SRT_STATS_FIELDS.map((name) => [name, 0])), ...some }) as SrtStats;

export const publisherSnapshot = (some: Partial<PublisherSnapshot> = {}): PublisherSnapshot => ({
  publisherId: 'live_a',
  source: 'srtla',
  group: '0x1a2b3c4d5e6f7081',
  address: '127.0.0.1',
  uptimeMs: 63_999.7,
  latencyMs: 2_000,
  encrypted: false,
  bitrateKbps: 4_123.456,
  payloadBytes: 32_000_000,
  messages: 25_000,
  lastPayloadMs: 40,
  meanKbps2s: 4_123.456,
  warnings: [],
  continuityErrors: 0,
  stats: srtStats({
    rttMs: 41.23456,
    bandwidthMbps: 97.512345,
    receiveRateMbps: 4.31,
    pktRecvTotal: 25_431,
    pktRcvLossTotal: 431,
    pktRcvDropTotal: 12,
    byteRcvLossTotal: 577_540,
    byteRcvDropTotal: 16_080,
    rcvBufMs: 1_987,
  }),
  ...some,
});

export const linkSnapshot = (some: Partial<LinkSnapshot> = {}): LinkSnapshot => ({
  address: '203.0.113.7',
  port: 40_000,
  state: 'active',
  bytes: 7_340_032,
  packets: 5_578,
  dataPackets: 5_500,
  retransmittedPackets: 11,
  windowBytes: 700,
  bitrateKbps: 2_800.4,
  lastHeardMs: 12.345,
  uptimeMs: 63_001,
  skewMs: 21.5,
  uniquePackets: 5_480,
  duplicatePackets: 9,
  lostPackets: 16,
  falselyLostPackets: 2,
  bitrate1sKbps: 2_790.2,
  bitrate10sKbps: 2_810.7,
  jitterMs: 3.25,
  reorderMs: 0,
  roundTrip: { ms: 58.4, source: 'srt' },
  rebinds: 0,
  telemetry: undefined,
  ...some,
});

export const groupSnapshot = (some: Partial<GroupSnapshot> = {}): GroupSnapshot => {
  const links = some.links ?? [
    linkSnapshot(),
    linkSnapshot({
      address: '2001:db8:1:2::9',
      port: 51_820,
      bytes: 3_145_728,
      packets: 2_391,
      windowBytes: 300,
      bitrateKbps: 1_200.6,
      lastHeardMs: 6_655.5,
      state: 'quiet',
      roundTrip: { ms: 61.5, source: 'keepalive38' },
      telemetry: {
        connectionId: 7,
        windowPackets: 20,
        inFlightPackets: 4,
        rttMs: 61.5,
        nakCount: 3,
        bitrateKbps: 1_150,
        inMicroseconds: false,
        ageMs: 400,
      },
    }),
  ];
  return {
    id: '0x1a2b3c4d5e6f7081',
    streamId: 'live_a',
    session: 1,
    sessionAccepted: true,
    totalBytes: links.reduce((sum, link) => sum + link.bytes, 0),
    windowBytes: links.reduce((sum, link) => sum + link.windowBytes, 0),
    lastHeardMs: 12.345,
    uptimeMs: 63_500,
    lastDataMs: 12.345,
    losses: { lost: 40, falselyLost: 1, repaired: 38, unrepaired: 1, duplicates: 12, restarts: 0 },
    lossesExact: true,
    rebinds: 0,
    links,
    ...some,
  };
};

export const dataPlaneSnapshot = (some: Partial<DataPlaneSnapshot> = {}): DataPlaneSnapshot => ({
  srtVersion: '1.5.1',
  uptimeMs: 100_000,
  ports: { srtla: [5_000], publish: 4_001, bond: 41_234, play: 4_000 },
  srtla: { groups: [groupSnapshot()], counters: { malformed: 0 } },
  publishers: [publisherSnapshot()],
  players: [
    {
      key: '7',
      playerId: 'play_a_long_one',
      publisherId: 'live_a',
      address: '198.51.100.4',
      port: 50_123,
      state: 'playing',
      uptimeMs: 5_000,
      latencyMs: 2_000,
      sentMessages: 20_000,
      droppedMessages: 0,
      stats: srtStats(),
    },
  ],
  lastRefusal: undefined,
  counters: { messages: 25_000 },
  ...some,
});
