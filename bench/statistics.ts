/** Durations, counted in buckets: `[lowest nanoseconds, how many]`, ascending, empty ones left out. */
export interface Distribution {
  maxNs: number;
  /** Durations below zero; they are in the first bucket. */
  negative: number;
  buckets: [lowestNs: number, count: number][];
}

export const NO_DISTRIBUTION: Distribution = { maxNs: 0, negative: 0, buckets: [] };

/** Buckets are sixteen to a doubling. */
const widthNs = (lowestNs: number): number => (lowestNs < 16 ? 1 : 2 ** (Math.floor(Math.log2(lowestNs)) - 4));

export const countOf = ({ buckets }: Distribution): number => buckets.reduce((sum, [, count]) => sum + count, 0);

export const mergeDistributions = (all: readonly Distribution[]): Distribution => {
  const counts = new Map<number, number>();
  for (const { buckets } of all) {
    for (const [lowestNs, count] of buckets) counts.set(lowestNs, (counts.get(lowestNs) ?? 0) + count);
  }
  return {
    maxNs: Math.max(0, ...all.map(({ maxNs }) => maxNs)),
    negative: all.reduce((sum, { negative }) => sum + negative, 0),
    buckets: [...counts].sort(([a], [b]) => a - b),
  };
};

/** Milliseconds below which the share `q` (0–1) lies, to within a bucket (6 %); undefined where nothing was counted. */
export const quantileMs = (distribution: Distribution, q: number): number | undefined => {
  const wanted = countOf(distribution) * q;
  if (wanted === 0 && distribution.buckets.length === 0) return undefined;
  let seen = 0;
  for (const [lowestNs, count] of distribution.buckets) {
    if (seen + count >= wanted) {
      const within = lowestNs + widthNs(lowestNs) * ((wanted - seen) / count);
      return Math.min(within, Math.max(distribution.maxNs, lowestNs)) / 1e6;
    }
    seen += count;
  }
  return distribution.maxNs / 1e6;
};

/** Points `[milliseconds, share 0–1]` of the cumulative distribution, from a share of 0 on. */
export const cumulative = (distribution: Distribution): [ms: number, share: number][] => {
  const total = countOf(distribution);
  let seen = 0;
  const steps = distribution.buckets.map(([lowestNs, count]): [number, number] => {
    seen += count;
    return [Math.min(lowestNs + widthNs(lowestNs), Math.max(distribution.maxNs, lowestNs)) / 1e6, seen / total];
  });
  const first = distribution.buckets[0];
  return first ? [[first[0] / 1e6, 0], ...steps] : [];
};

/** The middle one; of an even number the mean of the middle two. NaN of none. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** By the least squares: how much `y` grows for each `x`. 0 with fewer than two points. */
export const slope = (points: readonly (readonly [x: number, y: number])[]): number => {
  const n = points.length;
  if (n < 2) return 0;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  let above = 0;
  let below = 0;
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return below === 0 ? 0 : above / below;
};
