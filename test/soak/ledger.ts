import type { Millis } from '../../src/shared/clock.ts';

/** A time in which streams may lose payloads, and it was said so. */
export interface Outage {
  readonly what: string;
  readonly fromMs: Millis;
  /** Infinity while it lasts. */
  toMs: Millis;
}

export interface Loss {
  readonly player: string;
  readonly stream: number;
  readonly epoch: number;
  /** Numbers of the messages, both ends in it. */
  readonly first: number;
  readonly last: number;
  readonly sentMs: Millis;
}

export interface LedgerTotals {
  /** Messages that a player should have got, over all players. */
  expected: number;
  received: number;
  /** Missing outside of every outage. */
  lost: number;
  /** Missing within one. */
  excused: number;
  /** The very last of a session: nothing followed that would have shown the gap, and SRT asks for nothing it does not know of. */
  last: number;
  duplicated: number;
  reordered: number;
}

/** So many at the end of a session may go unnoticed. */
export const MOST_LAST = 2;
/** A player has its first message so soon. */
const JOIN_WITHIN_MS: Millis = 3_000;

/** When each message of one session of an encoder was sent. */
class Epoch {
  #times = new Float64Array(4_096);
  count = 0;

  add(atMs: Millis): number {
    if (this.count === this.#times.length) {
      const larger = new Float64Array(this.count * 2);
      larger.set(this.#times);
      this.#times = larger;
    }
    this.#times[this.count] = atMs;
    return this.count++;
  }

  sentMs(number: number): Millis {
    return this.#times[number]!;
  }
}

interface Player {
  readonly name: string;
  readonly stream: number;
  readonly joinedMs: Millis;
  epoch: number;
  /** The number that comes next; -1 before the first. */
  next: number;
}

/**
 * What was sent and what came, message by message: each has the number of its stream, of the encoder's session (epoch) and its own. A message is
 * lost for a player that was there from before it was sent until after it was due. Pure.
 */
export class Ledger {
  readonly totals: LedgerTotals = {
    expected: 0,
    received: 0,
    lost: 0,
    excused: 0,
    last: 0,
    duplicated: 0,
    reordered: 0,
  };
  /** The first of them. */
  readonly losses: Loss[] = [];
  readonly outages: Outage[] = [];
  readonly #streams: Epoch[][];
  readonly #players = new Map<number, Player>();
  /** From sending to arrival, what is on its way included. */
  readonly #dueMs: Millis;
  #isClosed = false;

  constructor(streams: number, dueMs: Millis) {
    this.#streams = Array.from({ length: streams }, () => []);
    this.#dueMs = dueMs;
  }

  outage(what: string, fromMs: Millis): Outage {
    const outage = { what, fromMs, toMs: Number.POSITIVE_INFINITY };
    this.outages.push(outage);
    return outage;
  }

  /** The encoder of a stream begins a session. */
  begin(stream: number): number {
    return this.#streams[stream]!.push(new Epoch()) - 1;
  }

  /** @returns the number of the message */
  send(stream: number, atMs: Millis): number {
    return this.#streams[stream]!.at(-1)!.add(atMs);
  }

  sentIn(stream: number, epoch: number): number {
    return this.#streams[stream]![epoch]!.count;
  }

  /** @param key of its connection */
  join(key: number, name: string, stream: number, joinedMs: Millis): void {
    this.#players.set(key, { name, stream, joinedMs, epoch: -1, next: -1 });
  }

  take(key: number, epoch: number, number: number): void {
    const player = this.#players.get(key);
    if (!player) return;
    if (epoch < player.epoch || (epoch === player.epoch && number < player.next)) {
      if (epoch === player.epoch && number === player.next - 1) this.totals.duplicated++;
      else this.totals.reordered++;
      return;
    }
    // Of a session that began before it came it sees what comes from then on.
    if (player.next >= 0) this.#missing(player, epoch, number);
    player.epoch = epoch;
    player.next = number + 1;
    this.totals.expected++;
    this.totals.received++;
  }

  /** It has gone by itself, or has been cut. */
  leave(key: number, atMs: Millis): void {
    const player = this.#players.get(key);
    this.#players.delete(key);
    if (!player) return;
    if (player.next < 0) this.#expectFromJoin(player);
    this.#settle(player, atMs);
  }

  /** The end of the run. */
  close(atMs: Millis): LedgerTotals {
    this.#isClosed = true;
    for (const key of [...this.#players.keys()]) this.leave(key, atMs);
    return this.totals;
  }

  /** Nothing has come at all: it should have had what was sent from a while after it came. */
  #expectFromJoin(player: Player): void {
    const epochs = this.#streams[player.stream]!;
    const fromMs = player.joinedMs + JOIN_WITHIN_MS;
    player.epoch = epochs.findIndex((epoch) => epoch.count > 0 && epoch.sentMs(epoch.count - 1) >= fromMs);
    player.next = 0;
    if (player.epoch < 0) player.epoch = epochs.length;
    else while (epochs[player.epoch]!.sentMs(player.next) < fromMs) player.next++;
  }

  #missing(player: Player, epoch: number, number: number): void {
    for (; player.epoch < epoch; player.epoch++, player.next = 0)
      this.#miss(player, player.next, this.sentIn(player.stream, player.epoch));
    this.#miss(player, player.next, number);
  }

  /** What was due by then. */
  #settle(player: Player, atMs: Millis): void {
    const epochs = this.#streams[player.stream]!;
    for (; player.epoch < epochs.length; player.epoch++, player.next = 0) {
      const epoch = epochs[player.epoch]!;
      let end = player.next;
      while (end < epoch.count && epoch.sentMs(end) < atMs - this.#dueMs) end++;
      this.#miss(player, player.next, end);
    }
  }

  #miss({ name: player, stream, epoch: index }: Player, first: number, end: number): void {
    const epochs = this.#streams[stream]!;
    const epoch = epochs[index]!;
    const isOver = index < epochs.length - 1 || this.#isClosed;
    const isLast = isOver && end === epoch.count && end - first <= MOST_LAST;
    for (let number = first; number < end; number++) {
      this.totals.expected++;
      if (isLast) {
        this.totals.last++;
        continue;
      }
      const sentMs = epoch.sentMs(number);
      if (this.outages.some(({ fromMs, toMs }) => sentMs >= fromMs - this.#dueMs && sentMs <= toMs)) {
        this.totals.excused++;
        continue;
      }
      this.totals.lost++;
      const last = this.losses.at(-1);
      if (last && last.player === player && last.epoch === index && last.last === number - 1)
        this.losses[this.losses.length - 1] = { ...last, last: number };
      else if (this.losses.length < 50)
        this.losses.push({ player, stream, epoch: index, first: number, last: number, sentMs });
    }
  }
}
