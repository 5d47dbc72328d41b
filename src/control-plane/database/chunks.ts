const LARGEST = 256;

/**
 * A list in parts whose lengths are powers of two, 256 at the most: each length is a statement of its own, which the database prepares and
 * keeps.
 */
export const chunksOf = <T>(list: readonly T[]): T[][] => {
  const chunks: T[][] = [];
  for (let from = 0; from < list.length; ) {
    const length = Math.min(LARGEST, 2 ** Math.floor(Math.log2(list.length - from)));
    chunks.push(list.slice(from, from + length));
    from += length;
  }
  return chunks;
};
