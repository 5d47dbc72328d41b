import type { Millis } from '../shared/clock.ts';

/** What both ends go by before there is a sample; libsrt knows this pair, and ignores it. */
const FIRST_MS: Millis = 100;
const FIRST_VARIATION_MS: Millis = 50;
/** 0 would tell a sender that repeats cost no time. */
const LEAST_MS: Millis = 0.1;
/** No packet takes longer, whatever a peer says. */
const MOST_MS: Millis = 60_000;

/** A round trip that varies by no more than this share of itself. */
const STEADY_SHARE = 1 / 8;

const RTT = 0;
const VARIATION = 1;

/** A round trip and how much it varies, smoothed as in TCP. */
export class SmoothedRtt {
  readonly #values = Float64Array.of(FIRST_MS, FIRST_VARIATION_MS);
  hasSample = false;

  get ms(): Millis {
    return this.#values[RTT]!;
  }

  get variationMs(): Millis {
    return this.#values[VARIATION]!;
  }

  /** So long an answer may take before it is late. */
  get patienceMs(): Millis {
    return this.#values[RTT]! + 4 * this.#values[VARIATION]!;
  }

  get isSteady(): boolean {
    return this.#values[VARIATION]! <= this.#values[RTT]! * STEADY_SHARE;
  }

  add(sampleMs: Millis): void {
    const values = this.#values;
    const sample = bounded(sampleMs);
    if (!this.hasSample) {
      this.take(sample, sample / 2);
      return;
    }
    values[VARIATION] = (3 * values[VARIATION]! + Math.abs(sample - values[RTT]!)) / 4;
    values[RTT] = (7 * values[RTT]! + sample) / 8;
  }

  /** The peer has measured it. */
  take(rttMs: Millis, variationMs: Millis): void {
    this.hasSample = true;
    this.#values[RTT] = bounded(rttMs);
    this.#values[VARIATION] = Math.min(MOST_MS, Math.max(0, variationMs));
  }
}

const bounded = (ms: Millis): Millis => Math.min(MOST_MS, Math.max(LEAST_MS, ms));
