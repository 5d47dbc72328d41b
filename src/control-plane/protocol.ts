import { z } from 'zod';
import { TRAFFIC_COUNTS } from '../shared/traffic-period.ts';

/*
 * What a relay node and a control plane say to each other: HTTP with JSON, always asked by the node. Every request carries
 *
 *   Authorization: Bearer NODE_KEY          the key of this one node
 *   X-Tributary-Instance: INSTANCE          the node's data folder: tells two nodes with one id from one that was started anew
 *
 *   POST /api/v1/nodes/register             RegisterRequest   → 200 RegisterReply
 *   POST /api/v1/nodes/{id}/heartbeat       HeartbeatRequest  → 200 HeartbeatReply      every 10 s
 *   GET  /api/v1/nodes/{id}/desired?after=G                   → 200 Desired, 204 nothing new within 25 s
 *   POST /api/v1/nodes/{id}/applied         AppliedRequest    → 204
 *   POST /api/v1/nodes/{id}/links           LinksRequest      → 204                     every second while anything ingests
 *
 * Errors are `ErrorBody` with the status of `ERROR_STATUS`. Both sides ignore members that they do not know: what is added later is optional.
 * No moment of a wall clock decides anything here (`expiresAt` of a row apart): ages are durations, so that skew does no harm.
 *
 * **Generations.** For each node the plane counts a generation, which grows whenever that node's list changes and never falls. A list is
 * whole: every row that the node is to admit. What is in it is admitted, what is not is cut at once, with its publisher and players; whoever
 * may go on for a while stays in it for that while. A node applies a list only if its generation is higher than the last one it applied of
 * the same plane, and only to rows that this plane owns. `after` is the last generation applied: it acknowledges too, without the
 * details of `applied`.
 *
 * **Mass removal.** A list without `confirm` that takes more than max(2, 20 %) of the plane's rows away takes none: they stay, are
 * counted in `held`, and are removed by a list with `confirm`, or by being left out once more after having been in a list. The plane
 * sets `confirm` when a person, or one entitlement, means it, and keeps it set until a generation with it was acknowledged.
 *
 * **A plane whose database is older than the node** sees an `after` above its own generation. It goes on from `after` + 1, and its lists
 * carry `older` until one of them was acknowledged: they add and change, and remove nothing (what is missing becomes `held`). A plane with a
 * new database has a new `planeId`; rows of another plane's are not touched by it, but for those that it lists itself, which become its own.
 */

export const PROTOCOL_VERSION = 1;

export const NODES_PATH = '/api/v1/nodes';
export const INSTANCE_HEADER = 'x-tributary-instance';

export const HEARTBEAT_EVERY_MS = 10_000;
export const LINKS_EVERY_MS = 1_000;
/** How long the plane keeps `desired` open. */
export const DESIRED_WAIT_MS = 25_000;
/** A node that was heard within this time holds its id: another instance is refused with `node_id_in_use`. */
export const INSTANCE_HOLD_MS = 30_000;
/** The report of links counts for this long; afterwards `connections` is empty. */
export const LINKS_VALID_MS = 5_000;
/** Longest request body of a node: 200 groups of 16 links. */
export const MAX_NODE_BODY_BYTES = 4 * 1024 * 1024;
export const MAX_STREAMS = 20_000;

/**
 * Environment of a plane that a node starts beside itself: `SERVER_ID KEY`, parted by a space. Such a node is known to the plane from the start,
 * with this key, in place of the one it had. The plane tells its parent by IPC, with a `PlaneReady`, where it takes that node's requests.
 */
export const LOCAL_NODE_ENV = 'TRIBUTARY_LOCAL_NODE';

/** `process.send` of such a plane, once it listens. */
export interface PlaneReady {
  type: 'plane-ready';
  /** `http://` on loopback, or `https://` with a certificate that the node trusts; without a path. */
  url: string;
}

/** `SERVER_ID`: also a part of URLs and host names. */
export const serverIdSchema = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/);
/** 16 to 256 printable ASCII characters. */
export const nodeKeySchema = z.string().regex(/^[\x21-\x7e]{16,256}$/);
export const instanceSchema = z.string().regex(/^[0-9a-f]{32}$/);
/** Becomes `owner` of the rows. */
export const planeIdSchema = z.string().regex(/^[A-Za-z0-9._:-]{8,64}$/);
/** The plane adds to generations, and counts together: what it keeps has to stay a safe integer. */
const MAX_COUNT = 2 ** 51;
export const generationSchema = z.number().int().min(0).max(MAX_COUNT);

const count = z.number().int().min(0).max(MAX_COUNT);
const int32 = z.number().int().min(0).max(2_147_483_647);
const shortText = z.string().max(128);
const portNumber = z.number().int().min(0).max(65_535);
const streamId = z.string().min(1).max(512);

export const positionSchema = z.object({
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
});

/** A row of the node's stream directory; limits that are absent are the node's own. Ranges: `src/sls-bridge/directory-rules.ts`. */
export const desiredStreamSchema = z.object({
  /** A secret: the right to go live. */
  publisher: streamId,
  /** Unique in the list. */
  player: streamId,
  label: z.string().optional(),
  passphrase: z.string().optional(),
  maxPlayers: z.number().int().optional(),
  maxBitrateKbps: z.number().int().optional(),
  latencyMs: z.number().int().optional(),
  playerLatencyMs: z.number().int().optional(),
  /**
   * `ADDRESS:PORT` of the play port of the node that the stream is moving away from, which admits the same ids: while no encoder sends the id
   * to this node, it reads the stream there as the player `player`, with `passphrase`. The plane takes it away when the move is over.
   */
  pullFrom: z.string().max(64).optional(),
  /** Unix ms of the node's clock: cut from then on, also while the plane is away. */
  expiresAt: z.number().int().optional(),
});

export const desiredSchema = z.object({
  planeId: planeIdSchema,
  generation: generationSchema,
  streams: z.array(desiredStreamSchema).max(MAX_STREAMS),
  /** Removals of any number are meant. */
  confirm: z.boolean().optional(),
  /** Of a database that is older than what the node has applied: nothing is removed. */
  older: z.boolean().optional(),
});

export const registerRequestSchema = z.object({
  protocol: z.number().int().min(1),
  serverId: serverIdSchema,
  instance: instanceSchema,
  /** Of Tributary. */
  version: shortText,
  region: z.string().max(64),
  provider: z.string().max(64),
  /** What senders and players are told; absent: the plane takes the address that the request came from. */
  publicIp: z.union([z.ipv4(), z.ipv6()]).optional(),
  /** A second address, for senders and players with IPv6; told to them once the plane has reached `/health` there. */
  publicIp6: z.ipv6().optional(),
  publicHost: z.string().max(253).optional(),
  /** UDP: srtla, publish, play; TCP: stats, links. 0 = the node has none. */
  ports: z.object({
    srtla: z.array(portNumber).min(1).max(8),
    publish: portNumber,
    play: portNumber,
    stats: portNumber,
    links: portNumber,
  }),
  limits: z.object({
    /** Streams that may be assigned to the node. */
    maxSessions: z.number().int().min(0).max(100_000),
    /** In a month that begins on `resetDay`, counted as `count` says. */
    monthlyCapBytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    /** Day of the month (UTC); absent: the first. In a month without that day its last one. */
    resetDay: z.number().int().min(1).max(31).optional(),
    /** What counts against the cap and the sustained rate; absent: both ways together. */
    count: z.enum(TRAFFIC_COUNTS).optional(),
    /** What the provider tolerates for long, counted likewise. */
    sustainedKbps: count.optional(),
    /** Of the machine's port, each way. */
    portKbps: count.optional(),
  }),
  position: positionSchema.optional(),
  /** The plane whose list was applied last, and its generation; absent: none yet. Of another plane it says nothing: take it for 0. */
  planeId: planeIdSchema.optional(),
  generation: generationSchema.optional(),
});

/** `draining`: no new assignments. `inactive`: none, and the operator has taken it out. The node serves its rows in each of them. */
export const nodeStatusSchema = z.enum(['active', 'draining', 'inactive']);

export const registerReplySchema = z.object({
  planeId: planeIdSchema,
  status: nodeStatusSchema,
  /** What the node is to admit, where it is newer than what it has said that it has. */
  desired: desiredSchema.optional(),
});

/** Where a stream comes from, to a degree: no addresses. */
export const placeSchema = z.object({
  /** ISO 3166-1, two letters. */
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  city: shortText.optional(),
  latitude: positionSchema.shape.latitude.optional(),
  longitude: positionSchema.shape.longitude.optional(),
});

export const ingestSchema = z.object({
  publisher: streamId,
  source: z.enum(['srt', 'srtla']),
  uptimeMs: count,
  bitrateKbps: count,
  /** Since the last payload. */
  lastPayloadMs: count,
  /** SRT's round trip to the encoder, through its links. */
  rttMs: z.number().min(0).max(60_000).optional(),
  place: placeSchema.optional(),
});

export const heartbeatRequestSchema = z.object({
  planeId: planeIdSchema.optional(),
  /** Of the last list that was applied. */
  generation: generationSchema.optional(),
  uptimeMs: count,
  /** Wall clock, Unix ms: to show skew, for nothing else. */
  unixMs: count,
  /**
   * How far the node's clock is ahead of the plane's, by the `unixMs` of the last heartbeat's answer, which came so long after the question: half
   * of that is not known. Both 0 before there was one. Absent: `unixMs` is held against the arrival, and what is late on its way looks like a clock.
   */
  clock: z.object({ aheadMs: z.number().int().min(-MAX_COUNT).max(MAX_COUNT), roundTripMs: count }).optional(),
  /** No new publisher is admitted. */
  draining: z.boolean(),
  /** Why no encoder should be sent here; empty: one may. */
  notReady: z.array(shortText).max(16),
  /** 0 to 100, the sum of the parts. */
  score: z.number().int().min(0).max(100),
  /** 30, 25, 25 and 20 at most. */
  parts: z.object({
    alive: z.number().min(0).max(30),
    capacity: z.number().min(0).max(25),
    loss: z.number().min(0).max(25),
    load: z.number().min(0).max(20),
  }),
  sessions: z.object({ publishers: int32, players: int32, groups: int32 }),
  /**
   * SRTLA and SRT with the headers of UDP and IP since the last `resetDay`, restarts of the node included. `month`: the one in which that
   * day was.
   */
  traffic: z.object({
    month: z.string().regex(/^\d{4}-\d\d$/),
    receivedBytes: count,
    sentBytes: count,
  }),
  /** Publisher ids that are sending, of rows that a plane has listed: those of the node's own rows are secrets. */
  ingesting: z.array(ingestSchema).max(MAX_STREAMS),
  /** Rows that the plane has left out and that are kept until it confirms. */
  held: int32,
});

export const heartbeatReplySchema = z.object({
  planeId: planeIdSchema,
  /** Wall clock of the plane. */
  unixMs: count.optional(),
  generation: generationSchema,
  status: nodeStatusSchema,
  /** As in `RegisterReply`: the way round where the long poll does not come through. */
  desired: desiredSchema.optional(),
});

/** Sent once everything in the list is in effect: a handshake of any id in it, conflicts apart, is accepted from now on. */
export const appliedRequestSchema = z.object({
  planeId: planeIdSchema,
  generation: generationSchema,
  held: int32,
  /**
   * Rows that could not be taken over; their player ids. All others have been. `local`: the node has the same pair in a row of its own, which
   * admits it and is not the plane's to change or remove. `taken`: an id is in another row. `invalid`: a value is out of its range, or
   * contradicts another row of the same publisher id.
   */
  conflicts: z
    .array(z.object({ player: streamId, reason: z.enum(['local', 'taken', 'invalid']), message: z.string().max(512) }))
    .max(MAX_STREAMS),
});

/** The members that the plugin reads are as it reads them: whole numbers within int32 where it takes them for such. */
export const linkReportSchema = z.object({
  addr: z.string().max(128),
  asn_org: z.string().max(256).optional(),
  bytes: count,
  pkts: count,
  share_pct: z.number().min(0).max(100),
  last_ms_ago: int32,
  uptime_s: int32,
  bitrate_kbps: int32.optional(),
  rtt_ms: z.number().min(0).optional(),
  label: z.string().max(128).optional(),
  kind: z.string().max(32).optional(),
});

/** Every bonded stream of a plane's that is alive; a stream's last report has no connections. A stream that is missing is unchanged. */
export const linksRequestSchema = z.object({
  streams: z
    .array(
      z.object({
        publisher: streamId,
        bitrateKbps: count,
        connections: z.array(linkReportSchema).max(64),
      }),
    )
    .max(10_000),
});

/** What a plane answers a node with when it does not do what was asked. */
export const ERROR_STATUS = {
  /** The node does not go on by itself: an operator has to mend its settings. */
  invalid_request: 400,
  /** No key, or one that is nobody's. */
  unauthorized: 401,
  /** The key of another node. */
  node_key_mismatch: 403,
  /** The node has to register first. */
  node_unknown: 404,
  /** Another instance with this id is alive. */
  node_id_in_use: 409,
  request_too_large: 413,
  /** The plane does not speak this version of the protocol. */
  protocol_unsupported: 426,
  rate_limited: 429,
  internal_error: 500,
  /** The database is away. */
  unavailable: 503,
} as const;
export type NodeErrorCode = keyof typeof ERROR_STATUS;

export const errorBodySchema = z.object({
  error: z.object({
    code: z.string().max(64),
    message: z.string().max(1_024),
    request_id: z.string().max(128).optional(),
  }),
});

export type Position = z.infer<typeof positionSchema>;
export type DesiredStream = z.infer<typeof desiredStreamSchema>;
export type Desired = z.infer<typeof desiredSchema>;
export type RegisterRequest = z.infer<typeof registerRequestSchema>;
export type RegisterReply = z.infer<typeof registerReplySchema>;
export type NodeStatus = z.infer<typeof nodeStatusSchema>;
export type Place = z.infer<typeof placeSchema>;
export type Ingest = z.infer<typeof ingestSchema>;
export type HeartbeatRequest = z.infer<typeof heartbeatRequestSchema>;
export type HeartbeatReply = z.infer<typeof heartbeatReplySchema>;
export type AppliedRequest = z.infer<typeof appliedRequestSchema>;
export type LinkReport = z.infer<typeof linkReportSchema>;
export type LinksRequest = z.infer<typeof linksRequestSchema>;
export type ErrorBody = z.infer<typeof errorBodySchema>;
