import type { Millis } from '../shared/clock.ts';
import { equalBytes, writeU32 } from './bytes.ts';
import { GROUP_ID_BYTES, HALF_ID_BYTES, ID_PERIOD_MS } from './constants.ts';

/** HMAC-SHA-512 under a key of this process: 64 bytes, which the next call may overwrite. A parameter, as randomness is. */
export type Mac = (message: Uint8Array) => Uint8Array;

/** Ids of ended groups that are remembered while they would still be valid; with more the oldest are forgotten. */
const MAX_ENDED = 4_096;
/** Groups of one sender half that may end within the time in which their ids are valid. */
const MAX_GENERATIONS = 8;
const BLOCK_BYTES = HALF_ID_BYTES / 2;

/**
 * Group ids without a memory. Our half is made of the sender's: two blocks of the MAC over (block, n, period, sender's half), so that
 * nothing is stored for a REG1, the same REG1 has the same answer, and nobody else can make an id.
 *
 * ```
 * 0 u8 block   1 u8 n   2 u32 period: ⌊now / 30 s⌋   6 128 bytes: the sender's half
 * ```
 *
 * `n` is the smallest number whose id is not that of a group that has ended: an ended group does not come back. An id is good in its own
 * period and the next one, for 30 to 60 s. The sender's address is no part of it, since its other links show the same id.
 */
export class GroupIds {
  readonly #mac: Mac;
  readonly #message = new Uint8Array(6 + HALF_ID_BYTES);
  readonly #id = new Uint8Array(GROUP_ID_BYTES);
  /** By `groupKey`, in the order in which the groups have ended: the period of the id. */
  readonly #ended = new Map<string, number>();

  constructor(mac: Mac) {
    this.#mac = mac;
  }

  /**
   * The id for a REG1 with this sender half (the first 128 bytes of `asked`); valid until the next call. Undefined when too many groups
   * of this half have just ended.
   */
  issue(asked: Uint8Array, now: Millis): Uint8Array | undefined {
    if (!this.#begin(asked, periodOf(now))) return undefined;
    this.#block(1);
    return this.#id;
  }

  /** The period of an id that may found a group now, else undefined. */
  periodOf(id: Uint8Array, now: Millis): number | undefined {
    const newest = periodOf(now);
    for (let period = newest; period >= Math.max(0, newest - 1); period--) {
      // Most that are not ours differ in the first block: the second one need not be made.
      if (!this.#begin(id, period) || !this.#isSame(id, 0)) continue;
      this.#block(1);
      if (this.#isSame(id, 1)) return period;
    }
    return undefined;
  }

  /** The group is over; its id must not found another one. */
  end(id: Uint8Array, period: number, now: Millis): void {
    const oldestValid = periodOf(now) - 1;
    for (const [key, ended] of this.#ended) {
      if (ended >= oldestValid && this.#ended.size < MAX_ENDED) break;
      this.#ended.delete(key);
    }
    if (period >= oldestValid) this.#ended.set(groupKey(id), period);
  }

  get endedCount(): number {
    return this.#ended.size;
  }

  /** The first block, with the smallest `n` whose id has not ended. False when there is none. */
  #begin(asked: Uint8Array, period: number): boolean {
    for (let i = 0; i < HALF_ID_BYTES; i++) this.#id[i] = this.#message[6 + i] = asked[i]!;
    writeU32(this.#message, 2, period);
    for (let n = 0; n < MAX_GENERATIONS; n++) {
      this.#message[1] = n;
      this.#block(0);
      if (!this.#ended.has(groupKey(this.#id))) return true;
    }
    return false;
  }

  #block(block: number): void {
    this.#message[0] = block;
    const mac = this.#mac(this.#message);
    for (let i = 0; i < BLOCK_BYTES; i++) this.#id[HALF_ID_BYTES + block * BLOCK_BYTES + i] = mac[i]!;
  }

  #isSame(id: Uint8Array, block: number): boolean {
    const at = HALF_ID_BYTES + block * BLOCK_BYTES;
    return equalBytes(this.#id, at, id, at, BLOCK_BYTES);
  }
}

const periodOf = (now: Millis): number => Math.max(0, Math.floor(now / ID_PERIOD_MS));

/** Eight bytes of our own half: unguessable, so nobody can fill one bucket of a table. Whole ids are compared afterwards. */
export const groupKey = (id: Uint8Array): string =>
  String.fromCharCode(
    (id[HALF_ID_BYTES]! << 8) | id[HALF_ID_BYTES + 1]!,
    (id[HALF_ID_BYTES + 2]! << 8) | id[HALF_ID_BYTES + 3]!,
    (id[HALF_ID_BYTES + 4]! << 8) | id[HALF_ID_BYTES + 5]!,
    (id[HALF_ID_BYTES + 6]! << 8) | id[HALF_ID_BYTES + 7]!,
  );
