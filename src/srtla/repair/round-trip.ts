import type { Millis } from '../../shared/clock.ts';
import { FOREVER, NEVER } from '../constants.ts';

/** ACK numbers that are remembered: 2.5 s of libsrt's hundred a second. */
const NUMBERS = 256;
const BUCKETS = 5;
const BUCKET_MS: Millis = 2_000;
const SMOOTHING = 1 / 8;
/** libsrt's own first guess. */
const FIRST_GUESS_MS: Millis = 100;

/** A round trip within this of the shortest is one of the fastest links. */
const NEAR_SHARE = 1.5;
const NEAR_MS: Millis = 20;
/** The server gets a sample at least this often, whatever it is. */
const SAMPLE_EVERY_MS: Millis = 1_000;

export const ACK_ACK = { first: 0, repeated: 1, unknown: 2, slow: 3 } as const;

/**
 * Round trips from the SRT server's full ACKs to the encoder's answers. An ACK leaves on every link and each copy is answered: only
 * the first answer means anything.
 */
export class RoundTrip {
  /** 0 = free: libsrt counts from 1. */
  readonly #numbers = new Int32Array(NUMBERS);
  readonly #sentMs = new Float64Array(NUMBERS);
  readonly #answered = new Uint8Array(NUMBERS);
  readonly #smallest = new Float64Array(BUCKETS).fill(FOREVER);
  #newest = NEVER;
  /** When the server was last given an answer. */
  readonly #sampledMs = new Float64Array(1).fill(NEVER);
  /** Of the first answer to the ACK that `answered` was called for last. */
  lastMs: Millis = 0;

  /** A full ACK goes out. `number` as int32. */
  sent(number: number, now: Millis): void {
    const at = number & (NUMBERS - 1);
    if (this.#numbers[at] === number) return;
    this.#numbers[at] = number;
    this.#sentMs[at] = now;
    this.#answered[at] = 0;
  }

  /** An answer has come: a value of `ACK_ACK`. */
  answered(number: number, now: Millis): number {
    const at = number & (NUMBERS - 1);
    if (number === 0 || this.#numbers[at] !== number) return ACK_ACK.unknown;
    if (this.#answered[at] === 1) return ACK_ACK.repeated;
    this.#answered[at] = 1;
    this.lastMs = now - this.#sentMs[at]!;
    this.#advance(now);
    const bucket = this.#newest % BUCKETS;
    if (this.lastMs < this.#smallest[bucket]!) this.#smallest[bucket] = this.lastMs;
    if (this.lastMs > this.smallestMs(now) * NEAR_SHARE + NEAR_MS && now - this.#sampledMs[0]! < SAMPLE_EVERY_MS)
      return ACK_ACK.slow;
    this.#sampledMs[0] = now;
    return ACK_ACK.first;
  }

  /** The shortest of the last 10 s; libsrt's first guess while there was none. */
  smallestMs(now: Millis): Millis {
    this.#advance(now);
    let smallest = FOREVER;
    for (let i = 0; i < BUCKETS; i++) smallest = Math.min(smallest, this.#smallest[i]!);
    return smallest === FOREVER ? FIRST_GUESS_MS : smallest;
  }

  #advance(now: Millis): void {
    const current = Math.floor(now / BUCKET_MS);
    if (current <= this.#newest) return;
    const steps = Math.min(BUCKETS, current - this.#newest);
    for (let i = 0; i < steps; i++) this.#smallest[(current - i) % BUCKETS] = FOREVER;
    this.#newest = current;
  }
}

/** A smoothed round trip of one link; NaN before the first sample. */
export class SmoothedRoundTrip {
  readonly #value = new Float64Array(1).fill(Number.NaN);

  get ms(): Millis {
    return this.#value[0]!;
  }

  add(sampleMs: Millis): void {
    const old = this.#value[0]!;
    this.#value[0] = Number.isNaN(old) ? sampleMs : old + (sampleMs - old) * SMOOTHING;
  }

  clear(): void {
    this.#value[0] = Number.NaN;
  }
}
