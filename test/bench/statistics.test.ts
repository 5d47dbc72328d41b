import { describe, expect, it } from 'vitest';
import {
  countOf,
  cumulative,
  type Distribution,
  median,
  mergeDistributions,
  NO_DISTRIBUTION,
  quantileMs,
  slope,
} from '../../bench/statistics.ts';

const MS = 1_000_000;
/** 99 at a millisecond, one at eight. */
const mostlyFast: Distribution = {
  maxNs: 8 * MS,
  negative: 0,
  buckets: [
    [2 ** 20, 99],
    [2 ** 23 - 2 ** 19, 1],
  ],
};

describe('quantileMs', () => {
  it('finds the bucket that a share falls into, to within its width', () => {
    const p50 = quantileMs(mostlyFast, 0.5)!;
    expect(p50).toBeGreaterThanOrEqual(2 ** 20 / MS);
    expect(p50).toBeLessThanOrEqual((2 ** 20 / MS) * 1.0625);
    expect(quantileMs(mostlyFast, 0.999)).toBeCloseTo(7.9, 0);
  });
  it('never says more than the largest that was seen', () => {
    expect(quantileMs({ maxNs: 2 ** 20 + 5, negative: 0, buckets: [[2 ** 20, 10]] }, 1)).toBe((2 ** 20 + 5) / MS);
  });
  it('has nothing to say of nothing', () => {
    expect(quantileMs(NO_DISTRIBUTION, 0.5)).toBeUndefined();
    expect(cumulative(NO_DISTRIBUTION)).toEqual([]);
  });
});

describe('mergeDistributions', () => {
  it('adds bucket by bucket, in order', () => {
    const slow: Distribution = {
      maxNs: 20 * MS,
      negative: 2,
      buckets: [
        [2 ** 24, 5],
        [2 ** 20, 1],
      ].sort() as never,
    };
    const both = mergeDistributions([mostlyFast, slow]);
    expect(countOf(both)).toBe(106);
    expect(both).toMatchObject({ maxNs: 20 * MS, negative: 2 });
    expect(both.buckets.map(([lowest]) => lowest)).toEqual([2 ** 20, 2 ** 23 - 2 ** 19, 2 ** 24]);
    expect(both.buckets[0]![1]).toBe(100);
  });
});

describe('cumulative', () => {
  it('rises from 0 to 1', () => {
    const points = cumulative(mostlyFast);
    expect(points[0]![1]).toBe(0);
    expect(points.at(-1)![1]).toBe(1);
    for (let i = 1; i < points.length; i++) {
      expect(points[i]![0]).toBeGreaterThanOrEqual(points[i - 1]![0]);
      expect(points[i]![1]).toBeGreaterThanOrEqual(points[i - 1]![1]);
    }
  });
});

describe('median and slope', () => {
  it('takes the middle, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 7])).toBe(6);
    expect(median([])).toBeNaN();
  });
  it('fits a line', () => {
    expect(slope([0, 1, 2, 3].map((x) => [x, 100 + 2.5 * x] as const))).toBeCloseTo(2.5);
    expect(slope([[1, 5]])).toBe(0);
    expect(
      slope([
        [1, 5],
        [1, 9],
      ]),
    ).toBe(0);
  });
});
