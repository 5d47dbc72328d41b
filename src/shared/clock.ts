/** Monotonic milliseconds since an arbitrary start; fractions allowed. Core files get it as a parameter and never read it. */
export type Millis = number;

/** The one place that reads the monotonic clock. Wall-clock jumps do not show in it. */
export const monotonicNow = (): Millis => performance.now();
