import type { Millis } from '../shared/clock.ts';

/** Why a publisher or a player is gone. `ended`: its own end, or that of its connection. */
export type LeaveReason =
  | 'ended'
  | 'timeout'
  | 'taken-over'
  | 'kicked'
  | 'revoked'
  | 'expired'
  | 'bitrate'
  | 'slow'
  | 'waited'
  | 'stopping'
  | 'data-plane';

/** Why a caller was refused; the number that goes with it is srt's reject code. */
export type RefusalReason =
  | 'unknown-id'
  | 'wrong-role'
  | 'in-use'
  | 'overload'
  | 'passphrase'
  | 'latency'
  | 'expired'
  | 'draining'
  | 'denied'
  | 'other';

/** How a stream comes in: plain SRT, behind SRTLA, or read from the node that it is moving away from. */
export type PublisherSource = 'srt' | 'srtla' | 'pull';

type Caller = { source: PublisherSource; address: string };
type Watcher = { playerId: string; address: string; port: number };

/**
 * What happens to a stream, in the words that the log and the API share. Moments are Unix ms, durations ms. Player ids are
 * capabilities and addresses are private: whoever shows an event to somebody without an admin or write key masks them.
 */
export type StreamHappening =
  | { type: 'link-joined'; group: string; address: string; port: number }
  | { type: 'link-left'; group: string; address: string; port: number; why: string }
  | ({ type: 'publisher-up'; latencyMs: Millis; encrypted: boolean } & Caller)
  | ({ type: 'publisher-down'; why: LeaveReason; seconds: number; messages: number } & Caller)
  /** `times` of the same kind from any address, since the first of them or since the last such event. */
  | ({ type: 'publisher-refused'; why: RefusalReason; code: number; times: number } & Caller)
  /** A new encoder has replaced the one that held the id. */
  | ({ type: 'publisher-takeover' } & Caller)
  /** Nothing has come from it for so long that its connection was given up; `publisher-down` follows. */
  | ({ type: 'publisher-timeout'; silentMs: Millis } & Caller)
  | ({ type: 'player-up'; latencyMs: Millis } & Watcher)
  | ({ type: 'player-down'; why: LeaveReason; seconds: number; messages: number; dropped: number } & Watcher)
  /** Messages that a slow player was not given, or not in time. */
  | ({ type: 'player-dropped'; messages: number } & Watcher)
  | { type: 'bitrate-exceeded'; kbps: number; ceilingKbps: number }
  | { type: 'bitrate-closed'; kbps: number; ceilingKbps: number }
  /** Less latency than four round trips: a lost packet can hardly be repaired twice. Of a player where it names one. */
  | { type: 'latency-short'; latencyMs: Millis; rttMs: Millis; playerId?: string }
  /** The control plane has left the id out, among too many at once: it stays until that is confirmed. */
  | { type: 'removal-held' }
  /** How good the stream is was judged anew: states before and after, and why. */
  | { type: 'quality'; from: string; to: string; reason: string }
  /** The SRT server has turned a bonded session down. */
  | { type: 'session-rejected'; group: string; why: RefusalReason; code: number; times: number };

export type StreamEventType = StreamHappening['type'];

export type StreamEvent = {
  /** On the clock that all threads of the node share. */
  readonly atMs: Millis;
  /** Unix ms. */
  readonly wallMs: number;
  /** A secret: see `publicStreamName`. */
  readonly publisherId: string;
} & Readonly<StreamHappening>;

/** srt's access-control codes, and libsrt's own for secrets. */
const REASONS: Readonly<Record<number, RefusalReason>> = {
  10: 'passphrase',
  11: 'passphrase',
  1401: 'denied',
  1402: 'overload',
  1403: 'wrong-role',
  1404: 'unknown-id',
  1406: 'latency',
  1409: 'in-use',
};

export const refusalReason = (code: number): RefusalReason => REASONS[code] ?? 'other';
