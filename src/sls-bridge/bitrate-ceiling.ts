import type { Millis } from '../shared/clock.ts';

/** The bitrate that is held against the ceiling is a mean over this long. */
export const CEILING_WINDOW_MS: Millis = 5_000;
/** Up to so many times the ceiling is borne for a while; more is not. */
const BORNE_FACTOR = 1.2;
const BORNE_MS: Millis = 30_000;

/** `exceeds`: above the ceiling, and borne for now. */
export type CeilingVerdict = 'within' | 'exceeds' | 'close';

/** Holds one publisher to its bitrate ceiling: up to 120 % of it is borne for 30 s, more or longer is not. */
export class BitrateCeiling {
  #exceedsSinceMs: Millis = Number.NaN;

  get isExceeded(): boolean {
    return !Number.isNaN(this.#exceedsSinceMs);
  }

  /**
   * @param kbps mean over `CEILING_WINDOW_MS`
   * @param ceilingKbps undefined = none; it may be another one at each call
   */
  judge(kbps: number, ceilingKbps: number | undefined, now: Millis): CeilingVerdict {
    if (ceilingKbps === undefined || kbps <= ceilingKbps) {
      this.#exceedsSinceMs = Number.NaN;
      return 'within';
    }
    if (!this.isExceeded) this.#exceedsSinceMs = now;
    return kbps > ceilingKbps * BORNE_FACTOR || now - this.#exceedsSinceMs >= BORNE_MS ? 'close' : 'exceeds';
  }
}
