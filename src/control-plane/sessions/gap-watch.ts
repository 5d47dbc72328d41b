import type { Millis } from '../../shared/clock.ts';

/** What the wall clock may run ahead of the monotonic one between two looks. */
const JUMP_MS: Millis = 10_000;

/**
 * Tells whether deadlines may be believed: whether whoever had to renew something could do so for long enough. They could not while this
 * process was not there, the database was away (nothing was looked at), the machine slept, or the wall clock, which deadlines are kept in, jumped
 * ahead. After each of these a whole period has to pass in order.
 */
export class GapWatch {
  readonly #periodMs: Millis;
  readonly #everyMs: Millis;
  #orderlySince: Millis | undefined;
  #last: { now: Millis; unixMs: Millis } | undefined;

  /** @param everyMs between two looks when all is well */
  constructor(periodMs: Millis, everyMs: Millis) {
    this.#periodMs = periodMs;
    this.#everyMs = everyMs;
  }

  /** To be called whenever one has been able to look. @returns whether deadlines of a period count */
  look(now: Millis, unixMs: Millis): boolean {
    const last = this.#last;
    this.#last = { now, unixMs };
    const isGap =
      last === undefined ||
      now - last.now > 2 * this.#everyMs ||
      Math.abs(unixMs - last.unixMs - (now - last.now)) > JUMP_MS;
    if (isGap) this.#orderlySince = now;
    return this.#orderlySince !== undefined && now - this.#orderlySince >= this.#periodMs;
  }
}
