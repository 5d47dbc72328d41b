import type { Millis } from '../shared/clock.ts';
import { BucketTable, finishHash, hashSeed, mixHash, mixText } from './bucket-table.ts';
import {
  ANSWER_BURST,
  ANSWERS_PER_SECOND,
  JOIN_BURST,
  JOIN_SOURCE_BURST,
  JOIN_SOURCE_PER_SECOND,
  JOINS_PER_SECOND,
  REBIND_BURST,
  REBIND_SOURCE_BURST,
  REBIND_SOURCE_PER_SECOND,
  REBINDS_PER_SECOND,
  SOURCE_BURST,
  SOURCE_PER_SECOND,
} from './constants.ts';

/** So many at once and so many a second, from one IPv4 address or IPv6 /64, and from everybody together. */
export interface BudgetRates {
  sourceBurst: number;
  sourcePerSecond: number;
  everybodyBurst: number;
  everybodyPerSecond: number;
}

export const ANSWER_RATES: BudgetRates = {
  sourceBurst: SOURCE_BURST,
  sourcePerSecond: SOURCE_PER_SECOND,
  everybodyBurst: ANSWER_BURST,
  everybodyPerSecond: ANSWERS_PER_SECOND,
};

export const JOIN_RATES: BudgetRates = {
  sourceBurst: JOIN_SOURCE_BURST,
  sourcePerSecond: JOIN_SOURCE_PER_SECOND,
  everybodyBurst: JOIN_BURST,
  everybodyPerSecond: JOINS_PER_SECOND,
};

export const REBIND_RATES: BudgetRates = {
  sourceBurst: REBIND_SOURCE_BURST,
  sourcePerSecond: REBIND_SOURCE_PER_SECOND,
  everybodyBurst: REBIND_BURST,
  everybodyPerSecond: REBINDS_PER_SECOND,
};

/**
 * What strangers can make us do: token buckets, one for each source and one for all. A table of fixed size: where it is full, sources
 * share buckets, and the budget for all holds in any case.
 */
export class AnswerBudget {
  readonly #seed: number;
  readonly #sources: BucketTable;
  readonly #burst: number;
  readonly #perSecond: number;
  #allTokens: number;
  #allRefilledMs = 0;

  /** `seed` is secret, so that nobody can choose addresses that share a bucket. */
  constructor(seed: number, rates = ANSWER_RATES) {
    this.#seed = seed;
    this.#sources = new BucketTable(rates.sourceBurst, rates.sourcePerSecond);
    this.#perSecond = rates.everybodyPerSecond;
    this.#burst = rates.everybodyBurst;
    this.#allTokens = rates.everybodyBurst;
  }

  /** Takes one; false = over budget, be silent. A source over its own budget takes nothing from the others'. */
  take(address: string, now: Millis): boolean {
    const elapsedMs = Math.max(0, now - this.#allRefilledMs);
    this.#allTokens = Math.min(this.#burst, this.#allTokens + (elapsedMs * this.#perSecond) / 1000);
    this.#allRefilledMs = now;
    if (this.#allTokens < 1 || !this.#sources.take(sourceKey(address, this.#seed), now)) return false;
    this.#allTokens -= 1;
    return true;
  }
}

/** A seeded hash of an IPv4 address, or of the first four groups of an IPv6 address however it is written. */
export const sourceKey = (address: string, seed: number): number => finishHash(mixSource(hashSeed(seed), address));

/** Mixes a source into a hash: an IPv4 address, or the /64 of an IPv6 address. */
export const mixSource = (hash: number, address: string): number => {
  if (!address.includes(':')) return mixText(hash, address);
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  let mixed = hash;
  for (let group = 0; group < 4; group++) {
    const fromBack = group - (8 - back.length);
    const text = group < front.length ? front[group] : fromBack >= 0 ? back[fromBack] : '0';
    mixed = mixHash(mixed, Number.parseInt(text ?? '0', 16) | 0);
  }
  return mixed;
};
