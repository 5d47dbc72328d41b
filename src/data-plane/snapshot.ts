import type { SrtStatsField } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import type { PublisherSource } from '../sls-bridge/stream-event.ts';
import type { SrtlaSnapshot } from '../srtla/types.ts';

export type SrtStats = Readonly<Record<SrtStatsField, number>>;

/** One live publisher. */
export interface PublisherSnapshot {
  /** A secret: see `publicStreamName`. */
  publisherId: string;
  /** `srtla` = through a bonded group (its id in `group`), `srt` = straight to the publish port, `pull` = read from another node. */
  source: PublisherSource;
  group: string | undefined;
  address: string;
  uptimeMs: Millis;
  latencyMs: Millis;
  encrypted: boolean;
  /** SRT payload that was delivered, over the last 2 s; falls to 0 by itself when nothing comes. */
  bitrateKbps: number;
  payloadBytes: number;
  messages: number;
  /** Since the last payload packet reached libsrt, in steps of 200 ms; since it connected while none has. */
  lastPayloadMs: Millis;
  /** The same, under the name of the time line: mean of the last 2 s. */
  meanKbps2s: number;
  /** Words of `StreamEvent` types that are the case now: `latency-short`, `bitrate-exceeded`. */
  warnings: string[];
  /** Gaps in the continuity counters of its transport stream. */
  continuityErrors: number;
  /** The last that could be read. */
  stats: SrtStats;
}

export interface PlayerSnapshot {
  /** Names this connection, for `DataPlaneHost.kickSocket`. */
  key: string;
  playerId: string;
  publisherId: string;
  address: string;
  port: number;
  /** `waiting` for a publisher, `joining` until the next clean point, `playing`. */
  state: 'waiting' | 'joining' | 'playing';
  uptimeMs: Millis;
  latencyMs: Millis;
  sentMessages: number;
  droppedMessages: number;
  stats: SrtStats;
}

/** The last thing that went wrong or right at the door, for the checklist and `doctor`. No secrets: ids are shortened. */
export interface DoorEvent {
  ageMs: Millis;
  port: 'srtla' | 'publish' | 'play';
  shortId: string;
  /** 1404 unknown id, 1403 wrong role, 1409 in use, 10/11 passphrase; 1402 full or draining. */
  code: number;
}

export interface DataPlaneSnapshot {
  srtVersion: string;
  uptimeMs: Millis;
  ports: { srtla: number[]; publish: number; bond: number; play: number };
  srtla: SrtlaSnapshot;
  publishers: PublisherSnapshot[];
  players: PlayerSnapshot[];
  lastRefusal: DoorEvent | undefined;
  counters: Readonly<Record<string, number>>;
}
