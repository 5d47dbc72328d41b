/** Reproducible randomness, 0 ≤ x < 1 (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Normal with mean 0 and the given bound at two standard deviations; never outside the bound. */
export const truncatedNormal = (random: () => number, bound: number): number => {
  for (;;) {
    // 1 - x: the logarithm of 0 is no number.
    const value = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    if (value >= -2 && value <= 2) return (value * bound) / 2;
  }
};
