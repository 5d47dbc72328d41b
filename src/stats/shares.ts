const TENTHS = 1_000;

/**
 * What part of the bytes each link carried, in percent with one decimal. The shares total exactly 100.0 (largest remainder; of equal
 * remainders the earlier link gets the tenth), or are all 0 where no bytes came.
 *
 * @param bytes per link over the same span, none negative
 */
export const sharePercentages = (bytes: readonly number[]): number[] => {
  const total = bytes.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return bytes.map(() => 0);
  const exact = bytes.map((value) => (value / total) * TENTHS);
  const tenths = exact.map(Math.floor);
  const missing = TENTHS - tenths.reduce((sum, value) => sum + value, 0);
  exact
    .map((value, index) => ({ index, remainder: value - tenths[index]! }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index)
    .slice(0, missing)
    .forEach(({ index }) => {
      tenths[index]!++;
    });
  return tenths.map((value) => value / 10);
};
