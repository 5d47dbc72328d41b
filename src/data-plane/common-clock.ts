import type { Millis } from '../shared/clock.ts';

const READINGS = 9;

/** Milliseconds from the system's monotonic clock to this thread's `performance.now()`; of several readings the least disturbed one. */
const offsetMs = (): Millis => {
  let best = 0;
  let narrowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < READINGS; i++) {
    const before = performance.now();
    const common = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    best = common - (before + after) / 2;
  }
  return best;
};

const OFFSET_MS = offsetMs();

/**
 * Monotonic milliseconds that mean the same in every thread of the process, to a few microseconds. The origin of `performance.now()` is a thread's own
 * affair, and `performance.timeOrigin` follows the wall clock; the system's monotonic clock knows neither.
 */
export const commonNow = (): Millis => performance.now() + OFFSET_MS;
