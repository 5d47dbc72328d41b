import type { DataPlaneSnapshot, DoorEvent, PlayerSnapshot, PublisherSnapshot } from '../../src/data-plane/snapshot.ts';
import { SRT_STATS_FIELDS } from '../../src/shared/addon.ts';
import type { GroupSnapshot, LinkSnapshot } from '../../src/srtla/types.ts';

const stats = Object.fromEntries(SRT_STATS_FIELDS.map((name) => [name, 0])) as PublisherSnapshot['stats'];

const link = (index: number): LinkSnapshot => ({
  address: `127.0.${index}.1`,
  port: 40_000 + index,
  state: 'active',
  bytes: 0,
  packets: 0,
  dataPackets: 0,
  retransmittedPackets: 0,
  windowBytes: 0,
  bitrateKbps: 0,
  lastHeardMs: 0,
  uptimeMs: 0,
  skewMs: undefined,
  uniquePackets: 0,
  duplicatePackets: 0,
  lostPackets: 0,
  falselyLostPackets: 0,
  bitrate1sKbps: 0,
  bitrate10sKbps: 0,
  jitterMs: undefined,
  reorderMs: 0,
  roundTrip: undefined,
  rebinds: 0,
  telemetry: undefined,
});

/** A group with so many links. */
export const group = (id: string, links: number): GroupSnapshot => ({
  id,
  streamId: undefined,
  session: undefined,
  sessionAccepted: false,
  totalBytes: 0,
  windowBytes: 0,
  lastHeardMs: 0,
  uptimeMs: 0,
  lastDataMs: undefined,
  losses: { lost: 0, falselyLost: 0, repaired: 0, unrepaired: 0, duplicates: 0, restarts: 0 },
  lossesExact: true,
  rebinds: 0,
  links: Array.from({ length: links }, (_, index) => link(index + 1)),
});

/** A live publisher: bonded where it names a group. */
export const publisher = (bitrateKbps: number, groupId?: string): PublisherSnapshot => ({
  publisherId: 'live_3f00',
  source: groupId === undefined ? 'srt' : 'srtla',
  group: groupId,
  address: '127.0.0.1',
  uptimeMs: 0,
  latencyMs: 2_000,
  encrypted: false,
  bitrateKbps,
  payloadBytes: 0,
  messages: 0,
  lastPayloadMs: 0,
  meanKbps2s: bitrateKbps,
  warnings: [],
  continuityErrors: 0,
  stats,
});

export const player = (state: PlayerSnapshot['state']): PlayerSnapshot => ({
  key: '7',
  playerId: 'play_a1b2',
  publisherId: 'live_3f00',
  address: '127.0.0.1',
  port: 50_000,
  state,
  uptimeMs: 0,
  latencyMs: 2_000,
  sentMessages: 0,
  droppedMessages: 0,
  stats,
});

export const refusal = (code: number, port: DoorEvent['port'] = 'srtla', ageMs = 100): DoorEvent => ({
  ageMs,
  port,
  shortId: 'live_3f…',
  code,
});

/** A node at rest, with these changes; `counters` are those of SRTLA. */
export const nodeState = ({
  groups = [],
  counters = {},
  ...rest
}: Partial<DataPlaneSnapshot> & {
  groups?: GroupSnapshot[];
  counters?: Record<string, number>;
} = {}): DataPlaneSnapshot => ({
  srtVersion: '1.5.1',
  uptimeMs: 1_000,
  ports: { srtla: [5000], publish: 4001, bond: 4002, play: 4000 },
  publishers: [],
  players: [],
  lastRefusal: undefined,
  ...rest,
  srtla: { groups, counters },
  counters: {},
});
