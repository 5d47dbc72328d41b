import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../bench/report/html.ts';
import { linearTicks, logTicks, scaleOf, tickLabel } from '../../bench/report/scale.ts';
import { renderPlot } from '../../bench/report/svg.ts';
import { checkTable, renderTable } from '../../bench/report/terminal.ts';
import { type Check, fixed, passes, percent, type ScenarioResult, whole } from '../../bench/result.ts';

const check = (value: number | undefined, relation: Check['relation'], goal: number): Check => ({
  name: 'n',
  value,
  relation,
  goal,
  unit: 'ms',
});

const result: ScenarioResult = {
  scenario: 'chain, small buffers',
  title: 'Streams <b>& "more"</b>',
  data: {},
  tables: [{ title: 'T', columns: ['a', 'b'], rows: [['x<y', '1']] }],
  plots: [
    {
      kind: 'line',
      style: 'dots',
      title: 'L',
      x: { label: 'x', scale: 'log' },
      y: { label: 'y', scale: 'linear' },
      series: [
        {
          name: 'one',
          points: [
            [1, 2],
            [100, 4],
          ],
        },
        { name: 'empty', points: [] },
      ],
    },
    {
      kind: 'bar',
      title: 'B',
      unit: 'µs',
      bars: [{ name: 'bar', value: 3, group: 'g' }],
      limit: { y: 5, label: 'goal' },
    },
  ],
  checks: [check(6, '≤', 5), check(4, '≤', 5), check(undefined, '≤', 5)],
  ratios: {},
  notes: ['a <note>'],
};

describe('checks', () => {
  it('compares in the direction of the goal, and never passes what was not measured', () => {
    expect(passes(check(5, '≤', 5))).toBe(true);
    expect(passes(check(5.1, '≤', 5))).toBe(false);
    expect(passes(check(5.1, '≥', 5))).toBe(true);
    expect(passes(check(undefined, '≤', 5))).toBeUndefined();
    expect(passes(check(Number.NaN, '≥', 5))).toBeUndefined();
    expect(checkTable('Goals', result.checks).rows.map((row) => row.at(-1))).toEqual(['MISSED', 'ok', 'not measured']);
  });
});

describe('numbers', () => {
  it('are short, and a dash where there are none', () => {
    expect([fixed(1.256, 2), fixed(undefined), fixed(Number.NaN), percent(0.1234)]).toEqual([
      '1.26',
      '–',
      '–',
      '12.3\u202f%',
    ]);
    expect([whole(999), whole(1_234_567)]).toEqual(['999', '1\u202f234\u202f567']);
    expect([5_000, 150_000, 0.02, 2_000_000].map(tickLabel)).toEqual(['5k', '150k', '0.02', '2M']);
  });
});

describe('renderTable', () => {
  it('lines numbers up at the right', () => {
    const lines = renderTable({
      title: 'T',
      columns: ['way', 'µs'],
      rows: [
        ['batched', '1.5'],
        ['dgram', '10.25'],
      ],
    }).split('\n');
    expect(lines.map((line) => line.trimEnd())).toEqual([
      'T',
      '  way         µs',
      '  ───────  ─────',
      '  batched    1.5',
      '  dgram    10.25',
    ]);
  });
});

describe('scales', () => {
  it('ticks at round numbers within the axis', () => {
    expect(linearTicks(0, 31)).toEqual([0, 10, 20, 30]);
    expect(logTicks(0.9, 120)).toEqual([1, 2, 5, 10, 20, 50, 100]);
    expect(logTicks(1, 100_000)).toEqual([1, 10, 100, 1_000, 10_000, 100_000]);
  });
  it('puts the ends of the data on the ends of the page', () => {
    const linear = scaleOf({ label: '', scale: 'linear', max: 10 }, [3], 100, 0, false);
    expect([linear.at(0), linear.at(10)]).toEqual([100, 0]);
    const log = scaleOf({ label: '', scale: 'log' }, [1, 1_000], 0, 300, false);
    expect([log.at(1), log.at(10), log.at(1_000)].map(Math.round)).toEqual([0, 100, 300]);
  });
  it.each([[[]], [[0]], [[5]]])('has finite places for %j', (values) => {
    for (const scale of ['linear', 'log'] as const) {
      expect(Number.isFinite(scaleOf({ label: '', scale }, values, 0, 10, true).at(1))).toBe(true);
    }
  });
});

describe('the page', () => {
  const page = renderHtml([result], [], new Date(0));
  it('escapes what it is given', () => {
    expect(page).not.toContain('<b>&');
    expect(page).not.toContain('a <note>');
    expect(page).not.toContain('x<y');
  });
  it('needs nothing from elsewhere', () => {
    expect(page).not.toMatch(/<script|<link|src=|url\(|https?:/);
  });
  it('draws every series and counts the goals', () => {
    expect(renderPlot(result.plots[0]!)).not.toMatch(/NaN|Infinity|undefined/);
    expect(renderPlot(result.plots[1]!)).toContain('goal');
    expect(page).toContain('1 goals reached');
    expect(page).toContain('1 missed');
    expect(page).toContain('1 not measured');
  });
});
