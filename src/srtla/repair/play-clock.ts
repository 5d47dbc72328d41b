import type { Millis } from '../../shared/clock.ts';
import { FOREVER } from '../constants.ts';

/** No clock of a phone runs away faster than this. */
const MOST_DRIFT_MS_PER_S = 0.2;
const SECOND_MS: Millis = 1_000;
/** Links have shown their delays by then. */
const SETTLED_MS: Millis = 5_000;

/**
 * When the SRT server plays what the encoder has stamped: stamp + latency, from the moment when the conclusion came (SRT specification
 * §3.2). The encoder's clock may run faster or slower than ours, which shows in the smallest delay.
 */
export class PlayClock {
  /** The session's beginning. */
  readonly sinceMs: Millis;
  /** 0: from a stamp to its arrival in the conclusion. 1: latency. 2: drift. 3: the smallest delay once the session had settled. */
  readonly #values: Float64Array;
  #nextMs: Millis;

  /** `stampOffsetMs`: from the stamp of the conclusion to its arrival. `latencyMs`: what both sides have agreed on. */
  constructor(stampOffsetMs: Millis, latencyMs: Millis, now: Millis) {
    this.sinceMs = now;
    this.#nextMs = now + SETTLED_MS;
    this.#values = Float64Array.of(stampOffsetMs, latencyMs, 0, Number.NaN);
  }

  get latencyMs(): Millis {
    return this.#values[1]!;
  }

  /** From a stamp to the moment when it is due. */
  get offsetMs(): Millis {
    return this.#values[0]! + this.#values[1]! + this.#values[2]!;
  }

  isDue(now: Millis): boolean {
    return now >= this.#nextMs;
  }

  /** To be called when it is due. `smallestDelayMs`: of all links, in the last seconds. Follows it as fast as clocks drift, not as fast as links change. */
  tick(smallestDelayMs: Millis, now: Millis): void {
    this.#nextMs = now + SECOND_MS;
    if (smallestDelayMs === FOREVER) return;
    const values = this.#values;
    if (Number.isNaN(values[3])) values[3] = smallestDelayMs;
    const off = smallestDelayMs - values[3]! - values[2]!;
    values[2]! += Math.max(-MOST_DRIFT_MS_PER_S, Math.min(MOST_DRIFT_MS_PER_S, off));
  }
}
