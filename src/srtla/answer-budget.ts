import type { Millis } from '../shared/clock.ts';
import { ANSWERS_PER_SECOND, SOURCE_BURST, SOURCE_PER_SECOND } from './constants.ts';

const SLOTS = 4_096;
const PROBES = 4;

/**
 * Token buckets for what strangers can make us send: one for each IPv4 address or IPv6 /64, and one for all. A table of fixed
 * size: where it is full, sources share buckets, and the budget for all holds in any case.
 */
export class AnswerBudget {
  readonly #keys = new Int32Array(SLOTS);
  readonly #tokens = new Float64Array(SLOTS).fill(SOURCE_BURST);
  readonly #refilledMs = new Float64Array(SLOTS);
  readonly #seed: number;
  #allTokens = ANSWERS_PER_SECOND;
  #allRefilledMs = 0;

  /** `seed` is secret, so that nobody can choose addresses that share a bucket. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Takes one answer; false = over budget, be silent. A source over its own budget takes nothing from the others'. */
  take(address: string, now: Millis): boolean {
    const elapsedMs = Math.max(0, now - this.#allRefilledMs);
    this.#allTokens = Math.min(ANSWERS_PER_SECOND, this.#allTokens + (elapsedMs * ANSWERS_PER_SECOND) / 1000);
    this.#allRefilledMs = now;
    if (this.#allTokens < 1) return false;
    const slot = this.#slot(sourceKey(address, this.#seed), now);
    const tokens = this.#level(slot, now);
    if (tokens < 1) return false;
    this.#tokens[slot] = tokens - 1;
    this.#refilledMs[slot] = now;
    this.#allTokens -= 1;
    return true;
  }

  #level(slot: number, now: Millis): number {
    const elapsedMs = Math.max(0, now - this.#refilledMs[slot]!);
    return Math.min(SOURCE_BURST, this.#tokens[slot]! + (elapsedMs * SOURCE_PER_SECOND) / 1000);
  }

  /** The source's own slot, else one whose bucket is full (nobody misses it), else a shared one. */
  #slot(key: number, now: Millis): number {
    let free = -1;
    for (let i = 0; i < PROBES; i++) {
      const slot = (key + i) & (SLOTS - 1);
      if (this.#keys[slot] === key) return slot;
      if (free < 0 && this.#level(slot, now) >= SOURCE_BURST) free = slot;
    }
    if (free < 0) return key & (SLOTS - 1);
    this.#keys[free] = key;
    return free;
  }
}

const FNV_PRIME = 16_777_619;
const mix = (hash: number, value: number): number => Math.imul(hash ^ value, FNV_PRIME);

/** A seeded hash of an IPv4 address, or of the first four groups of an IPv6 address however it is written. */
export const sourceKey = (address: string, seed: number): number => {
  let hash = mix(0x811c9dc5, seed);
  if (!address.includes(':')) {
    for (let i = 0; i < address.length; i++) hash = mix(hash, address.charCodeAt(i));
  } else {
    const [head = '', tail] = address.split('%')[0]!.split('::');
    const front = head === '' ? [] : head.split(':');
    const back = tail === undefined || tail === '' ? [] : tail.split(':');
    for (let group = 0; group < 4; group++) {
      const fromBack = group - (8 - back.length);
      const text = group < front.length ? front[group] : fromBack >= 0 ? back[fromBack] : '0';
      hash = mix(hash, Number.parseInt(text ?? '0', 16) | 0);
    }
  }
  // FNV's low bits alone would pick the slot.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
};
