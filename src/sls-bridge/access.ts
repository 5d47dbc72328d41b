import type { Millis } from '../shared/clock.ts';
import { enoughForPlayerMs } from '../shared/latency-budget.ts';
import { ASSUMED_KBPS, sessionBuffers } from './buffer-size.ts';
import type { SrtAccess, SrtEngine, SrtRole } from './srt-engine.ts';
import { streamIdForms } from './stream-id.ts';

/** A row of the stream directory, as far as admission needs it. */
export interface AccessRow {
  publisher: string;
  player: string;
  /** 10–79 bytes. Of several rows of a publisher id the one that was added or updated last counts. */
  passphrase?: string | undefined;
  /** Players at once on this player id; absent = the setting. */
  maxPlayers?: number | undefined;
  /** Of the publisher; absent = none. Of several rows of a publisher id the lowest counts. */
  maxBitrateKbps?: number | undefined;
  /** Least SRT latency of the publisher, in place of the setting, and let in even above the ceiling. Of several rows the highest counts. */
  latencyMs?: Millis | undefined;
  /** Least SRT latency of players on this player id. */
  playerLatencyMs?: Millis | undefined;
  /** `host:port` of another node's play port, which has the same ids: see `Pulls`. */
  pullFrom?: string | undefined;
  /** Unix ms. From then on the player id is refused, and the publisher id once all of its rows have expired. */
  expiresAt?: number | undefined;
}

export interface AccessSettings {
  playersPerId: number;
  latencyFloorMs: Millis;
  latencyCeilingMs: Millis;
}

/** Ids whose time has come. */
export interface Expired {
  publishers: string[];
  players: string[];
}

/** Above its ceiling a stream is borne for a while, and its buffers have to hold that too. */
const CEILING_MARGIN = 1.2;
const MOST_PLAYERS = 1_000_000;
const MOST_LATENCY_MS: Millis = 60_000;

/**
 * Who may come in, and with which limits: keeps the engine's admission table in step with the directory. A publisher id may have several
 * player ids. Wall-clock moments are Unix ms.
 */
export class AccessTable {
  readonly #engine: Pick<SrtEngine, 'allow' | 'forbid'>;
  #settings: AccessSettings;
  /** The listeners' buffers are for this, and their floor is that of the start. */
  readonly #listeners: AccessSettings;
  readonly #rows = new Map<string, AccessRow>();
  /** Player ids of each publisher id; the one that was added or updated last is the last. */
  readonly #playersOf = new Map<string, Set<string>>();
  readonly #expired = new Set<string>();
  /** What publishers that share their latency have agreed on last, by publisher id: players that come are told so. */
  readonly #sharedMs = new Map<string, Millis>();
  /** Player ids that have a time to expire. */
  readonly #dated = new Set<string>();

  constructor(engine: Pick<SrtEngine, 'allow' | 'forbid'>, settings: AccessSettings) {
    this.#engine = engine;
    this.#settings = settings;
    this.#listeners = settings;
  }

  /** Other settings, for callers that come from now on. */
  configure({ playersPerId, latencyCeilingMs, latencyFloorMs }: AccessSettings): void {
    const now = this.#settings;
    if (
      playersPerId === now.playersPerId &&
      latencyCeilingMs === now.latencyCeilingMs &&
      latencyFloorMs === now.latencyFloorMs
    )
      return;
    this.#settings = { playersPerId, latencyCeilingMs, latencyFloorMs };
    for (const publisherId of this.#playersOf.keys()) this.#applyStream(publisherId);
  }

  publisherOf(playerId: string): string | undefined {
    return this.#rows.get(playerId)?.publisher;
  }

  hasPublisher(publisherId: string): boolean {
    return this.#playersOf.has(publisherId);
  }

  /** True when the id is known and its time is over. */
  isExpired(id: string): boolean {
    const players = this.#playersOf.get(id);
    return players ? [...players].every((player) => this.#expired.has(player)) : this.#expired.has(id);
  }

  /** The publisher id that a caller of this role has meant, in whatever dialect, known to either role; undefined = nobody's. */
  meantBy(streamId: string, role: SrtRole): string | undefined {
    for (const id of [streamId, ...streamIdForms(streamId, role)]) {
      if (this.#playersOf.has(id)) return id;
      const publisher = this.publisherOf(id);
      if (publisher !== undefined) return publisher;
    }
    return undefined;
  }

  /** The publisher id that an encoder is, or would be, let in as; undefined = it would be refused. */
  publisherIdOf(streamId: string): string | undefined {
    if (this.#rows.has(streamId)) return undefined;
    const id = [streamId, ...streamIdForms(streamId, 'publish')].find((form) => this.#playersOf.has(form));
    return id === undefined || this.isExpired(id) ? undefined : id;
  }

  /** Adds a row, or puts it in the place of the one with the same player id. */
  put(row: AccessRow, wallMs: number): void {
    const old = this.#rows.get(row.player);
    if (old && old.publisher !== row.publisher) this.remove(old.player);
    this.#rows.set(row.player, row);
    const players = this.#playersOf.get(row.publisher) ?? new Set();
    players.delete(row.player);
    this.#playersOf.set(row.publisher, players.add(row.player));
    if (row.expiresAt === undefined) this.#dated.delete(row.player);
    else this.#dated.add(row.player);
    this.#apply(row, wallMs);
  }

  /** @returns the publisher id of the row, and whether it was its last one; undefined when there is no such row */
  remove(playerId: string): { publisher: string; wasLast: boolean } | undefined {
    const row = this.#rows.get(playerId);
    if (!row) return undefined;
    this.#rows.delete(playerId);
    this.#dated.delete(playerId);
    this.#expired.delete(playerId);
    this.#engine.forbid('play', playerId);
    const players = this.#playersOf.get(row.publisher);
    players?.delete(playerId);
    const wasLast = !players || players.size === 0;
    if (wasLast) {
      this.#playersOf.delete(row.publisher);
      this.#sharedMs.delete(row.publisher);
      this.#engine.forbid('publish', row.publisher);
    } else this.#applyStream(row.publisher);
    return { publisher: row.publisher, wasLast };
  }

  /** A publisher is in. @param sharedMs what its players need at least because of it; 0 = nothing */
  agreed(publisherId: string, sharedMs: Millis): void {
    if ((this.#sharedMs.get(publisherId) ?? 0) === sharedMs) return;
    if (sharedMs === 0) this.#sharedMs.delete(publisherId);
    else this.#sharedMs.set(publisherId, sharedMs);
    this.#applyStream(publisherId);
  }

  /** The publisher's ceiling, kbit/s; undefined = none. */
  ceilingKbps(publisherId: string): number | undefined {
    return least(this.#valid(publisherId).map((row) => row.maxBitrateKbps));
  }

  /** Ids that have expired since the last call: refused from now on, and to be cut. A clock that was set back lets them in again. */
  expire(wallMs: number): Expired {
    const expired: Expired = { publishers: [], players: [] };
    for (const player of this.#dated) {
      const row = this.#rows.get(player);
      if (!row || isOver(row, wallMs) === this.#expired.has(player)) continue;
      this.#apply(row, wallMs);
      if (!this.#expired.has(player)) continue;
      expired.players.push(player);
      if (this.isExpired(row.publisher)) expired.publishers.push(row.publisher);
    }
    return expired;
  }

  #apply(row: AccessRow, wallMs: number): void {
    if (isOver(row, wallMs)) {
      this.#expired.add(row.player);
      this.#engine.forbid('play', row.player, true);
    } else this.#expired.delete(row.player);
    this.#applyStream(row.publisher);
  }

  /** The publisher id and its player ids: what one row says of the publisher sets the players' buffers too. */
  #applyStream(publisherId: string): void {
    const rows = this.#valid(publisherId);
    const newest = rows.at(-1);
    if (!newest) {
      this.#engine.forbid('publish', publisherId, true);
      return;
    }
    const latencyMs = Math.max(0, ...rows.map((row) => latencyOf(row.latencyMs) ?? 0));
    // What the row itself asks for it must let in.
    const latencyCeilingMs = Math.max(this.#settings.latencyCeilingMs, latencyMs);
    this.#engine.allow('publish', publisherId, {
      ...defined({ passphrase: newest.passphrase, latencyMs: latencyMs || this.#changedFloorMs() }),
      ...this.#buffers(publisherId, latencyCeilingMs),
      latencyCeilingMs,
      maxSockets: 1,
    });
    for (const { player, passphrase, playerLatencyMs, maxPlayers } of rows)
      this.#engine.allow('play', player, {
        ...defined({ passphrase, latencyMs: this.#playerFloorMs(publisherId, playerLatencyMs) }),
        ...this.#buffers(publisherId, Math.max(this.#settings.latencyCeilingMs, latencyOf(playerLatencyMs) ?? 0)),
        maxSockets: within(maxPlayers, MOST_PLAYERS) ?? this.#settings.playersPerId,
      });
  }

  /**
   * A caller may ask for any latency up to the ceiling, and nobody knows it before the handshake is over. Nothing where the listener's fit.
   */
  #buffers(publisherId: string, longestMs: Millis): Partial<SrtAccess> {
    const kbps = this.ceilingKbps(publisherId);
    if (kbps === undefined && longestMs <= this.#listeners.latencyCeilingMs) return {};
    return sessionBuffers(longestMs, kbps === undefined ? ASSUMED_KBPS : kbps * CEILING_MARGIN);
  }

  /** Undefined where the listeners have it; they take 0 for "no other". */
  #changedFloorMs(): Millis | undefined {
    const { latencyFloorMs } = this.#settings;
    return latencyFloorMs === this.#listeners.latencyFloorMs ? undefined : Math.max(1, latencyFloorMs);
  }

  #playerFloorMs(publisherId: string, rowMs: Millis | undefined): Millis | undefined {
    const sharedMs = this.#sharedMs.get(publisherId);
    const ownMs = latencyOf(rowMs);
    return sharedMs === undefined ? ownMs : Math.max(ownMs ?? 0, within(enoughForPlayerMs(sharedMs), MOST_LATENCY_MS)!);
  }

  /** Rows of a publisher id that have not expired; the one that was added or updated last is the last. */
  #valid(publisherId: string): AccessRow[] {
    const valid: AccessRow[] = [];
    for (const player of this.#playersOf.get(publisherId) ?? []) {
      const row = this.#rows.get(player);
      if (row && !this.#expired.has(player)) valid.push(row);
    }
    return valid;
  }
}

/** The engine refuses what is out of its range; a row that says such a thing is held to the nearest, and one that says nonsense to nothing. */
const within = (value: number | undefined, most: number): number | undefined =>
  value === undefined || Number.isNaN(value) ? undefined : Math.min(most, Math.max(1, Math.round(value)));

/** 0 = the listener's. */
const latencyOf = (ms: Millis | undefined): Millis | undefined => (ms === 0 ? undefined : within(ms, MOST_LATENCY_MS));

const isOver = ({ expiresAt }: AccessRow, wallMs: number): boolean => expiresAt !== undefined && expiresAt <= wallMs;

const least = (values: readonly (number | undefined)[]): number | undefined => {
  const given = values.filter((value) => value !== undefined && value > 0) as number[];
  return given.length > 0 ? Math.min(...given) : undefined;
};

type Given<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** Without the members that are undefined. */
const defined = <T extends object>(from: T): Given<T> =>
  Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined)) as Given<T>;
