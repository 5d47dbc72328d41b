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

  /** The sum over the last `spanMs` (the whole window where it is not given) up to `now`. */
  total(now: Millis, spanMs?: Millis): number {
    this.#advance(now);
    const count = this.#bucketsIn(spanMs);
    let sum = 0;
    for (let i = 0; i < count; i++) sum += this.#buckets[(this.#newest - i) % this.#buckets.length] ?? 0;
    return sum;
  }

  /** The sum per second, over the part of the last `spanMs` that `sinceMs` (when adding began) has lived through. */
  perSecond(now: Millis, sinceMs: Millis, spanMs?: Millis): number {
    const total = this.total(now, spanMs);
    const count = this.#bucketsIn(spanMs);
    const start = Math.max((this.#newest - count + 1) * this.#bucketMs, sinceMs);
    const span = now - start;
    return span <= 0 ? 0 : (total * 1000) / Math.max(span, this.#bucketMs);
  }

  #bucketsIn(spanMs: Millis | undefined): number {
    return spanMs === undefined ? this.#buckets.length : Math.max(1, Math.round(spanMs / this.#bucketMs));
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
