import { isIPv6 } from 'node:net';
import type { Millis } from '../shared/clock.ts';
import { ipv6Prefix } from './ipv6-prefix.ts';

const WINDOW_MS: Millis = 60_000;
const MAX_ADDRESSES = 10_000;

/** An IPv6 customer has a /64 at least: all of it counts as one. */
const bucketOf = (address: string): string => (isIPv6(address) ? ipv6Prefix(address, 4) : address);

/**
 * So many requests per address in each minute, as SLS counts them. Remembers at most 10,000 addresses; the longest known one is
 * forgotten for a newcomer.
 */
export class RequestBudget {
  readonly #perMinute: number;
  readonly #counts = new Map<string, number>();
  #window = -1;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Counts a request. False: it is one too many. */
  take(address: string, now: Millis): boolean {
    const window = Math.floor(now / WINDOW_MS);
    if (window !== this.#window) {
      this.#window = window;
      this.#counts.clear();
    }
    const bucket = bucketOf(address);
    const count = (this.#counts.get(bucket) ?? 0) + 1;
    if (count === 1 && this.#counts.size >= MAX_ADDRESSES) this.#counts.delete(this.#counts.keys().next().value!);
    this.#counts.set(bucket, count);
    return count <= this.#perMinute;
  }
}
