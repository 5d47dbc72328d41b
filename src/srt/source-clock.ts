import type { Millis } from '../shared/clock.ts';

/** A stamp is not believed to be from further in the future; a player would wait for it. */
const MOST_AHEAD_MS: Millis = 2_000;
const DRIFT_SAMPLES = 1_000;
/** What is more moves the base, so much at a time. */
const MOST_DRIFT_MS: Millis = 5;

const BASE = 0;
const DRIFT = 1;
const SUM = 2;
const FIRST_RTT = 3;

/**
 * A peer's clock in terms of ours: it was 0 when the peer's conclusion came, less its stamp (SRT specification §3.2). Clocks of phones run
 * up to some 50 ppm apart, 180 ms an hour: the stamps of ACKACKs show it, and the base follows.
 */
export class SourceClock {
  readonly #values: Float64Array;
  #samples = 0;

  /** @param stampUs of the conclusion's header, which came at `now` */
  constructor(stampUs: number, now: Millis) {
    this.#values = Float64Array.of(now - (stampUs >>> 0) / 1_000, 0, 0, Number.NaN);
  }

  /** How far the peer's clock has run ahead (negative) or behind, not counting what has moved the base. */
  get driftMs(): Millis {
    return this.#values[DRIFT]!;
  }

  /** When it was stamped, by our clock. `stampUs` as int32: of the times that it may mean, it is the one nearest to now. */
  sourceMs(stampUs: number, now: Millis): Millis {
    const values = this.#values;
    const elapsedUs = Math.floor((now - values[BASE]!) * 1_000);
    const stampedMs = values[BASE]! + values[DRIFT]! + (elapsedUs + ((stampUs - (elapsedUs | 0)) | 0)) / 1_000;
    return Math.min(stampedMs, now + MOST_AHEAD_MS);
  }

  /** An ACKACK with this stamp has come, after this round trip. */
  sample(stampUs: number, rttMs: Millis, now: Millis): void {
    const values = this.#values;
    if (Number.isNaN(values[FIRST_RTT])) values[FIRST_RTT] = rttMs;
    const elapsedUs = Math.floor((now - values[BASE]!) * 1_000);
    const lateUs = ((elapsedUs | 0) - stampUs) | 0;
    values[SUM]! += lateUs / 1_000 - (rttMs - values[FIRST_RTT]!) / 2;
    this.#samples += 1;
    if (this.#samples < DRIFT_SAMPLES) return;
    const drift = values[SUM]! / DRIFT_SAMPLES;
    const moved = Math.abs(drift) > MOST_DRIFT_MS ? Math.sign(drift) * MOST_DRIFT_MS : 0;
    values[BASE]! += moved;
    values[DRIFT] = drift - moved;
    values[SUM] = 0;
    this.#samples = 0;
  }
}
