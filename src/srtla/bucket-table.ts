import type { Millis } from '../shared/clock.ts';

const SLOTS = 4_096;
const PROBES = 4;

/**
 * Token buckets by key, in a table of fixed size: so many tokens at once, then so many a second. A key without a bucket takes one that is
 * full, which nobody misses; where there is none, keys share, and each has less.
 */
export class BucketTable {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #keys = new Int32Array(SLOTS);
  readonly #tokens: Float64Array;
  readonly #refilledMs = new Float64Array(SLOTS);

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#tokens = new Float64Array(SLOTS).fill(burst);
  }

  take(key: number, now: Millis): boolean {
    const slot = this.#slot(key, now, true);
    const tokens = this.#level(slot, now);
    if (tokens < 1) return false;
    this.#tokens[slot] = tokens - 1;
    this.#refilledMs[slot] = now;
    return true;
  }

  /** One that `take` has taken. */
  giveBack(key: number, now: Millis): void {
    const slot = this.#slot(key, now, false);
    this.#tokens[slot] = Math.min(this.#burst, this.#level(slot, now) + 1);
    this.#refilledMs[slot] = now;
  }

  #level(slot: number, now: Millis): number {
    const elapsedMs = Math.max(0, now - this.#refilledMs[slot]!);
    return Math.min(this.#burst, this.#tokens[slot]! + elapsedMs * this.#perMs);
  }

  #slot(key: number, now: Millis, claims: boolean): number {
    let free = -1;
    for (let i = 0; i < PROBES; i++) {
      const slot = (key + i) & (SLOTS - 1);
      if (this.#keys[slot] === key) return slot;
      if (free < 0 && this.#level(slot, now) >= this.#burst) free = slot;
    }
    if (free < 0) return key & (SLOTS - 1);
    if (claims) this.#keys[free] = key;
    return free;
  }
}

const FNV_PRIME = 16_777_619;

/** Mixes `value` (int32) into a hash that `seed` began. */
export const mixHash = (hash: number, value: number): number => Math.imul(hash ^ value, FNV_PRIME);

/** The same for UTF-16 text. */
export const mixText = (hash: number, text: string): number => {
  let mixed = hash;
  for (let i = 0; i < text.length; i++) mixed = mixHash(mixed, text.charCodeAt(i));
  return mixed;
};

export const hashSeed = (seed: number): number => mixHash(0x811c9dc5, seed);

/** FNV's low bits alone would pick the slot. */
export const finishHash = (hash: number): number => {
  const spread = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return spread ^ (spread >>> 13);
};
