import type { Millis } from './clock.ts';

/**
 * A sum over the last `windowMs`, kept in fixed buckets: no allocation when adding, and it falls to 0 by itself once nothing is added.
 * The resolution is one bucket, so the true span is between `windowMs - bucketMs` and `windowMs`.
 */
export class RateWindow {
  readonly #bucketMs: number;
  readonly #buckets: Float64Array;
  #newest = -1;

  constructor(windowMs: Millis, buckets: number) {
    this.#bucketMs = windowMs / buckets;
    this.#buckets = new Float64Array(buckets);
  }

  add(amount: number, now: Millis): void {
    this.#advance(now);
    this.#buckets[this.#newest % this.#buckets.length]! += amount;
  }

  /** The sum over the window that ends at `now`. */
  total(now: Millis): number {
    this.#advance(now);
    let sum = 0;
    for (let i = 0; i < this.#buckets.length; i++) sum += this.#buckets[i]!;
    return sum;
  }

  /** The sum per second, over the part of the window that `sinceMs` (when adding began) has lived through. */
  perSecond(now: Millis, sinceMs: Millis): number {
    const total = this.total(now);
    const count = this.#buckets.length;
    const start = Math.max((this.#newest - count + 1) * this.#bucketMs, sinceMs);
    const span = now - start;
    return span <= 0 ? 0 : (total * 1000) / Math.max(span, this.#bucketMs);
  }

  #advance(now: Millis): void {
    const current = Math.floor(now / this.#bucketMs);
    const count = this.#buckets.length;
    if (current <= this.#newest) return;
    const steps = this.#newest < 0 ? count : Math.min(current - this.#newest, count);
    for (let i = 0; i < steps; i++) this.#buckets[(current - i) % count] = 0;
    this.#newest = current;
  }
}
