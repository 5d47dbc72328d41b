import { describe, expect, it } from 'vitest';
import { BitrateCeiling, type CeilingVerdict } from './bitrate-ceiling.ts';

/** One verdict a second. */
const judge = (rates: readonly number[], ceilingKbps: number | undefined): CeilingVerdict[] => {
  const ceiling = new BitrateCeiling();
  return rates.map((kbps, second) => ceiling.judge(kbps, ceilingKbps, second * 1_000));
};
const seconds = (count: number, kbps: number): number[] => Array.from({ length: count }, () => kbps);

describe('BitrateCeiling', () => {
  it('says nothing at the ceiling, nor where there is none', () => {
    expect(new Set(judge(seconds(100, 1_000), 1_000))).toEqual(new Set(['within']));
    expect(new Set(judge(seconds(100, 1e9), undefined))).toEqual(new Set(['within']));
  });

  it('bears 120 % for 30 s', () => {
    const verdicts = judge(seconds(31, 1_200), 1_000);
    expect(verdicts.slice(0, 30)).toEqual(Array(30).fill('exceeds'));
    expect(verdicts[30]).toBe('close');
  });

  it('does not bear more', () => {
    expect(judge([900, 1_201], 1_000)).toEqual(['within', 'close']);
  });

  it('begins anew once the stream is within', () => {
    const verdicts = judge([...seconds(29, 1_100), 1_000, ...seconds(30, 1_100)], 1_000);
    expect(verdicts).not.toContain('close');
  });

  it('takes a ceiling that was lowered or lifted meanwhile', () => {
    const ceiling = new BitrateCeiling();
    expect(ceiling.judge(1_000, 1_000, 0)).toBe('within');
    expect(ceiling.judge(1_000, 900, 1_000)).toBe('exceeds');
    expect(ceiling.isExceeded).toBe(true);
    expect(ceiling.judge(1_000, undefined, 2_000)).toBe('within');
    expect(ceiling.judge(1_000, 500, 3_000)).toBe('close');
  });
});
