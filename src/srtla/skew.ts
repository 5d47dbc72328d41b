import type { Millis } from '../shared/clock.ts';
import { FOREVER, NEVER, STATS_WINDOW_MS } from './constants.ts';

const BUCKETS = 5;
const BUCKET_MS = STATS_WINDOW_MS / BUCKETS;
const LARGEST = 0;
const SMALLEST = 1;
const NOTHING = Float64Array.of(NEVER, FOREVER);

/**
 * SRT timestamps (µs, 32 bits) as milliseconds that go on past the wrap; late packets give earlier times. Where it starts means
 * nothing, and a jump to another session's clock does no harm once the delays are cleared.
 */
export class TimestampClock {
  /** Of the last packet that was read. A field, not a result: a number handed from call to call would be allocated. */
  millis: Millis = 0;
  /** Of the last packet that was peeked at. */
  pastMillis: Millis = 0;
  #last = 0;
  #unwrappedUs = 0;

  /** `timestampUs` as int32. */
  read(timestampUs: number): void {
    this.#unwrappedUs += (timestampUs - this.#last) | 0;
    this.#last = timestampUs;
    this.millis = this.#unwrappedUs / 1000;
  }

  /** The same for a stamp of the past, which a retransmission carries: into `pastMillis`, and the clock stays where it is. */
  peek(timestampUs: number): void {
    this.pastMillis = (this.#unwrappedUs + ((timestampUs - this.#last) | 0)) / 1000;
  }
}

/**
 * Arrival times of one link against the encoder's clock: largest and smallest of the last 5 s, in buckets of 1 s. The clock's offset is unknown but the same for all links of a session, so differences between links are true.
 */
export class LinkDelay {
  readonly #largest = new Float64Array(BUCKETS).fill(NEVER);
  readonly #smallest = new Float64Array(BUCKETS).fill(FOREVER);
  /** Over all buckets. */
  readonly #ends = Float64Array.of(NEVER, FOREVER);
  #newest = NEVER;

  /** The packet that `clock` has read last has arrived. A first copy: a retransmission carries the time of the original. */
  add(clock: TimestampClock, now: Millis): void {
    this.#advance(now);
    const delayMs = now - clock.millis;
    const index = this.#newest % BUCKETS;
    const ends = this.#ends;
    if (delayMs > this.#largest[index]!) this.#largest[index] = delayMs;
    if (delayMs < this.#smallest[index]!) this.#smallest[index] = delayMs;
    if (delayMs > ends[LARGEST]!) ends[LARGEST] = delayMs;
    if (delayMs < ends[SMALLEST]!) ends[SMALLEST] = delayMs;
  }

  /** `NEVER` while unknown. */
  largestMs(now: Millis): Millis {
    this.#advance(now);
    return this.#ends[LARGEST]!;
  }

  /** `FOREVER` while unknown. */
  smallestMs(now: Millis): Millis {
    this.#advance(now);
    return this.#ends[SMALLEST]!;
  }

  clear(): void {
    this.#largest.fill(NEVER);
    this.#smallest.fill(FOREVER);
    this.#ends.set(NOTHING);
  }

  #advance(now: Millis): void {
    const current = Math.floor(now / BUCKET_MS);
    if (current <= this.#newest) return;
    const steps = Math.min(BUCKETS, current - this.#newest);
    for (let i = 0; i < steps; i++) {
      this.#largest[(current - i) % BUCKETS] = NEVER;
      this.#smallest[(current - i) % BUCKETS] = FOREVER;
    }
    this.#newest = current;
    const ends = this.#ends;
    ends[LARGEST] = NEVER;
    ends[SMALLEST] = FOREVER;
    for (let i = 0; i < BUCKETS; i++) {
      if (this.#largest[i]! > ends[LARGEST]!) ends[LARGEST] = this.#largest[i]!;
      if (this.#smallest[i]! < ends[SMALLEST]!) ends[SMALLEST] = this.#smallest[i]!;
    }
  }
}
