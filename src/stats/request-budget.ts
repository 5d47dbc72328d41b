import { isIPv6 } from 'node:net';
import type { Millis } from '../shared/clock.ts';
import { type Current, reading } from '../shared/current.ts';
import { ipv6Prefix } from '../shared/ipv6-prefix.ts';

const WINDOW_MS: Millis = 60_000;
const MAX_ADDRESSES = 10_000;

/** An IPv6 customer has a /64 at least: all of it counts as one. */
export const sourceOf = (address: string): string => (isIPv6(address) ? ipv6Prefix(address, 4) : address);

/**
 * So many requests per source in each minute, as SLS counts them. Remembers at most 10,000 sources; the longest known one is
 * forgotten for a newcomer.
 */
export class RequestBudget {
  readonly #perMinute: () => number;
  readonly #counts = new Map<string, number>();
  #window = -1;

  constructor(perMinute: Current<number>) {
    this.#perMinute = reading(perMinute);
  }

  /** Tries of keys: the servers of ports 8090 and 5080 count them together, so that nobody gets more of them by asking both. */
  static ofKeyTries(settings: { readonly http: { readonly apiPerMinute: number } }): RequestBudget {
    return new RequestBudget(() => settings.http.apiPerMinute);
  }

  /** Counts a request. False: it is one too many. */
  take(address: string, now: Millis): boolean {
    this.#advance(now);
    const source = sourceOf(address);
    const count = (this.#counts.get(source) ?? 0) + 1;
    if (count === 1 && this.#counts.size >= MAX_ADDRESSES) this.#counts.delete(this.#counts.keys().next().value!);
    this.#counts.set(source, count);
    return count <= this.#perMinute();
  }

  /** True where another request would be one too many. */
  isSpent(address: string, now: Millis): boolean {
    this.#advance(now);
    return (this.#counts.get(sourceOf(address)) ?? 0) >= this.#perMinute();
  }

  /** Seconds until everybody may ask again, whole and at least 1. */
  static retryAfterS(now: Millis): number {
    return Math.max(1, Math.ceil((WINDOW_MS - (now % WINDOW_MS)) / 1_000));
  }

  #advance(now: Millis): void {
    const window = Math.floor(now / WINDOW_MS);
    if (window === this.#window) return;
    this.#window = window;
    this.#counts.clear();
  }
}
