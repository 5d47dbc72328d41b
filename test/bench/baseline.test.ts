import { describe, expect, it } from 'vitest';
import { type Baseline, compare, updated } from '../../bench/baseline.ts';
import type { ScenarioResult } from '../../bench/result.ts';

const result = (scenario: string, ratios: Record<string, number>): ScenarioResult => ({
  scenario,
  title: scenario,
  data: undefined,
  tables: [],
  plots: [],
  checks: [],
  ratios,
  notes: [],
});

const stored: Baseline = { node: 'v24', ratios: { srtla: { a: 0.2, b: 0.4, c: 1 }, chain: { d: 1.2 } } };

describe('compare', () => {
  it('calls worse what has grown beyond the tolerance, better what has shrunk as much', () => {
    const drifts = compare(stored, [result('srtla', { a: 0.26, b: 0.42, c: 0.8 })]);
    expect(drifts.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['a', 'worse'],
      ['b', 'same'],
      ['c', 'better'],
    ]);
    expect(drifts[0]!.change).toBeCloseTo(1.3);
  });
  it('leaves out what one of them does not have, and what is no number', () => {
    expect(compare(stored, [result('srtla', { x: 1, a: Number.NaN }), result('fanout', { d: 1 })])).toEqual([]);
  });
});

describe('updated', () => {
  it('replaces the scenarios of a run and keeps the others', () => {
    const next = updated(stored, [result('srtla', { a: 0.123456, bad: Number.POSITIVE_INFINITY })], 'v25');
    expect(next).toEqual({ node: 'v25', ratios: { srtla: { a: 0.1235 }, chain: { d: 1.2 } } });
  });
  it('begins with nothing', () => {
    expect(updated(undefined, [result('chain', { d: 1 })], 'v24').ratios).toEqual({ chain: { d: 1 } });
  });
});
