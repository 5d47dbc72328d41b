import { z } from 'zod';
import { QUALITY_LEVELS, QUALITY_MODES, QUALITY_REASONS, QUALITY_STATES } from '../../quality/types.ts';

/*
 * What `/v1` answers with and takes, each shape once: answers are checked against them in tests, and the OpenAPI document is made of them.
 */

const count = z.int().min(0);
const ms = z.number().min(0);
const text = z.string();
const maybe = <T extends z.ZodType>(schema: T) => schema.nullable();

const level = z.enum(QUALITY_LEVELS);

export const Failure = z
  .object({
    message: text.describe('What is wrong, and how it is mended.'),
    status: z.literal('error'),
  })
  .describe('What went wrong.');

export const Done = z.object({ status: z.literal('success') }).describe('It is done.');

export const Quality = z
  .object({
    mode: z.enum(QUALITY_MODES),
    level: level.describe('The name of what arrives.'),
    advice: maybe(level).describe('What the encoder should send; null where streams are only observed.'),
    state: z.enum(QUALITY_STATES),
    reason: z.enum(QUALITY_REASONS),
    forMs: ms.describe('How long the state has lasted.'),
  })
  .describe('How good a stream is (docs/quality.md).');

export const Link = z
  .object({
    address: text.describe('As the caller may see it: whole for admin and write keys, else as privacy.addresses says.'),
    label: text.describe('The carrier where it is known, else Link 1.'),
    kind: z.enum(['cellular', 'fixed', 'satellite', 'hosting', 'private', 'unknown']),
    country: maybe(text).describe('Of the carrier, two letters.'),
    asn: maybe(count),
    state: z.enum(['active', 'quiet']),
    sharePct: z.number().min(0).max(100).describe('Of what all links of the group have brought in the last 5 s.'),
    bitrateKbps: z.number().min(0).describe('Over the last 5 s.'),
    rttMs: maybe(ms),
    rttSource: maybe(z.enum(['keepalive42', 'keepalive38', 'srt'])),
    jitterMs: maybe(ms),
    skewMs: maybe(ms).describe('Behind the fastest link.'),
    reorderMs: ms,
    bytes: count,
    packets: count,
    lostPackets: count.describe('Certainly lost, where it can be told that this link has lost them.'),
    retransmittedPackets: count,
    duplicatePackets: count,
    rebinds: count,
    windowPackets: maybe(z.number().min(0)).describe('As the sender tells; null where it does not.'),
    inFlightPackets: maybe(count),
    lastHeardMs: ms,
    uptimeMs: ms,
  })
  .describe('One link of a bonded stream.');

export const Publisher = z
  .object({
    source: z.enum(['srtla', 'srt', 'pull']),
    address: text,
    state: z.enum(['live', 'stalled', 'gone']).describe('stalled: nothing for 2 s; gone: for 5 s.'),
    encrypted: z.boolean(),
    bitrateKbps: z.number().min(0).describe('Over the last 2 s.'),
    rttMs: ms,
    latencyMs: ms,
    bufferMs: ms.describe('What waits for its time.'),
    payloadBytes: count,
    messages: count,
    receivedPackets: count,
    lostPackets: count,
    retransmittedPackets: count,
    droppedPackets: count.describe('Lost for good.'),
    continuityErrors: count,
    lastPayloadMs: ms,
    uptimeMs: ms,
    warnings: z.array(text),
    group: maybe(text).describe('Of the bond it comes through.'),
    links: z.array(Link),
  })
  .describe('An encoder that is connected.');

export const Player = z
  .object({
    key: text.describe('Names this connection, to end it.'),
    player: text.describe('Its player id.'),
    address: text,
    state: z.enum(['waiting', 'joining', 'playing']),
    latencyMs: ms,
    totalLatencyMs: maybe(ms).describe(
      'From the encoder to the picture, the ways of the packets not counted: both latencies, or with latency.mode shared the longer one. Null while nobody sends.',
    ),
    rttMs: ms,
    bufferMs: ms.describe('What it has not acknowledged yet.'),
    sentMessages: count,
    droppedMessages: count,
    retransmittedPackets: count,
    uptimeMs: ms,
  })
  .describe('A player that is connected.');

export const Stream = z
  .object({
    id: text.describe('Its publisher id. A secret: the right to go live.'),
    name: text.describe('Its public name, as in the log and in metrics.'),
    label: maybe(text),
    state: z.enum(['live', 'stalled', 'waiting', 'idle']).describe('waiting: players and no publisher; idle: nobody.'),
    quality: maybe(Quality),
    publishers: z.array(Publisher).describe('While one takes over from another there are two.'),
    players: z.array(Player),
    leavingUntilMs: maybe(ms).describe('Unix time at which a deleted id is over.'),
  })
  .describe('A stream and whoever is on it.');

const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: maybe(text).describe('For after=, where there are more.') });

export const StreamList = page(Stream).describe('Streams with somebody on them, by their id.');
export const LinkList = z.object({ items: z.array(Link) }).describe('Links of a stream.');
export const PlayerList = z.object({ items: z.array(Player) }).describe('Players of a stream.');

export const Group = z
  .object({
    id: text,
    stream: maybe(text).describe('The publisher id that its encoder has asked for last.'),
    isAccepted: z.boolean().describe('A session of it was let in.'),
    bytes: count,
    lostPackets: count.describe('Certainly lost on all links, those that came late after all not counted.'),
    repairedPackets: count,
    unrepairedPackets: count,
    duplicatePackets: count,
    rebinds: count,
    lastHeardMs: ms,
    uptimeMs: ms,
    links: z.array(Link),
  })
  .describe('A bond: the links of one SRTLA sender, let in or not.');
export const GroupList = page(Group).describe('Bonds, by their id.');

export const Event = z
  .looseObject({
    atMs: ms.describe("The node's monotonic clock."),
    wallMs: z.number().describe('Unix time.'),
    type: text,
  })
  .describe('Something that has happened to a stream, with the words of its type (docs/events.md).');
export const EventList = z.object({ items: z.array(Event) }).describe('The last 200 events of a stream, oldest first.');

const series = z.array(maybe(z.number())).describe('A value for each step, oldest first; null where there is none.');
export const History = z
  .object({
    stepMs: count,
    endMs: z.number().describe('Unix time of the last step.'),
    kbps: series,
    rttMs: series,
    bufferMs: series,
    lossPct: series,
    resentPct: series,
    dropped: series,
    links: z.array(
      z.object({
        ...{ slot: count, label: text, kbps: series, rttMs: series, jitterMs: series, lossPct: series },
      }),
    ),
  })
  .describe('The last 30 minutes of a stream.');

const limits = {
  maxPlayers: z.int().min(1).max(1_000),
  maxBitrateKbps: z.int().min(64).max(1_000_000),
  latencyMs: z.int().min(20).max(30_000),
  playerLatencyMs: z.int().min(20).max(30_000),
};
const id = z.string().min(1).max(512);

export const StreamId = z
  .object({
    publisher: text,
    player: text,
    label: maybe(text),
    description: maybe(text),
    maxPlayers: maybe(limits.maxPlayers),
    maxBitrateKbps: maybe(limits.maxBitrateKbps),
    latencyMs: maybe(limits.latencyMs),
    playerLatencyMs: maybe(limits.playerLatencyMs),
    expiresAtMs: maybe(z.number()).describe('Unix time; from then on it is refused.'),
    isExpired: z.boolean(),
    isEncrypted: z.boolean().describe('A passphrase is due.'),
    owner: text.describe('local, or the control plane that governs it.'),
  })
  .describe('A player id and the publisher id whose stream it plays.');
export const StreamIdList = page(StreamId).describe('Stream ids, by player id.');

const options = {
  label: z.string(),
  description: z.string(),
  passphrase: z.string().describe('10 to 79 bytes.'),
  ...limits,
  expiresAt: z.union([z.number(), z.string()]).describe('Unix milliseconds, or ISO 8601 with a zone.'),
};
export const NewStreamId = z
  .object({
    publisher: id.optional(),
    player: id.optional(),
    plugin: z.boolean().optional().describe('Made for the OBS plugin.'),
    ...z.object(options).partial().shape,
  })
  .describe('Both ids, or neither: then they are made.');
export const StreamIdChange = z
  .object(Object.fromEntries(Object.entries(options).map(([name, schema]) => [name, schema.nullable().optional()])))
  .describe('What is to be another; null takes a field away.');

const permissions = z.enum(['admin', 'write', 'read']);
export const Key = z
  .object({
    id: text,
    name: text,
    permissions,
    createdAt: maybe(text).describe('ISO 8601; null for the one of the settings.'),
    lastUsedAt: maybe(text).describe('ISO 8601, since this start.'),
    isPreset: z.boolean().describe('It comes from the settings, and goes with them.'),
  })
  .describe('An API key, without the key itself.');
export const KeyList = z.object({ items: z.array(Key) }).describe('API keys.');
export const NewKey = z
  .object({ name: z.string().max(200).optional(), permissions: permissions.optional() })
  .describe('read where no permission is given.');
export const MadeKey = z.object({ key: text.describe('Shown this once.') }).describe('A key that was made.');

export const Node = z
  .object({
    version: text,
    srtVersion: text,
    srtPackage: maybe(text),
    uptimeMs: ms,
    isUp: z.boolean().describe('The data plane runs.'),
    dataPlaneRestarts: count,
    isReady: z.boolean().describe('Encoders may be sent here.'),
    notReady: z.array(text),
    isDraining: z.boolean(),
    score: z.number().min(0).max(100),
    ports: z.object({ srtla: z.array(count), publish: count, play: count }),
    publishers: count,
    players: count,
    groups: count,
    controlPlane: maybe(z.object({ state: text, problem: maybe(text) })),
  })
  .describe('The node.');

/** By their names in the document. */
export const SCHEMAS = {
  ...{ Failure, Done, Quality, Link, Publisher, Player, Stream, StreamList, LinkList, PlayerList, Group, GroupList },
  ...{ Event, EventList, History, StreamId, StreamIdList, NewStreamId, StreamIdChange, Key, KeyList, NewKey, MadeKey },
  Node,
} as const;
export type SchemaName = keyof typeof SCHEMAS;
