import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharePercentages } from './shares.ts';

const bytes = fc.array(fc.oneof(fc.nat(10), fc.nat(1e10)), { maxLength: 64 });
const tenths = (shares: readonly number[]): number => shares.reduce((sum, share) => sum + Math.round(share * 10), 0);

describe('sharePercentages', () => {
  it.each([
    [[], []],
    [
      [0, 0],
      [0, 0],
    ],
    [[5], [100]],
    [
      [1, 1, 1],
      [33.4, 33.3, 33.3],
    ],
    [
      [700, 300],
      [70, 30],
    ],
    [
      [1, 999_999_999],
      [0, 100],
    ],
    [
      [1, 1, 1, 1, 1, 1, 1],
      [14.3, 14.3, 14.3, 14.3, 14.3, 14.3, 14.2],
    ],
  ])('%j → %j', (given, expected) => {
    expect(sharePercentages(given)).toEqual(expected);
  });

  it('totals exactly 100.0 where anything came, else 0', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        expect(tenths(sharePercentages(given))).toBe(given.some((value) => value > 0) ? 1_000 : 0);
      }),
    );
  });

  it('has one decimal, lies within a tenth of the truth and gives more bytes no smaller share', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const total = given.reduce((sum, value) => sum + value, 0);
        const shares = sharePercentages(given);
        given.forEach((value, index) => {
          const share = shares[index]!;
          expect(String(share)).toMatch(/^\d{1,3}(\.\d)?$/);
          if (total > 0) expect(Math.abs(share - (value / total) * 100)).toBeLessThan(0.1 + 1e-9);
          given.forEach((other, at) => {
            if (other > value) expect(shares[at]!).toBeGreaterThanOrEqual(share);
          });
        });
      }),
    );
  });
});
