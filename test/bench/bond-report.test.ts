import { expect, it } from 'vitest';
import type { BondRun, BondVariant } from '../../bench/bond-rig.ts';
import { renderHtml } from '../../bench/report/html.ts';
import { renderResult } from '../../bench/report/terminal.ts';
import { passes } from '../../bench/result.ts';
import { cumulativeOf, describeBond, quantileOf } from '../../bench/scenarios/bond-report.ts';
import { BOND_SCENARIOS } from '../../src/sender/impair/scenarios.ts';

const SCENARIOS = ['three-links', 'reordering', 'short-latency'].map((name) => BOND_SCENARIOS.get(name)!);
const COUNTS = { offered: 1_000, delivered: 990, lost: 10, overflowed: 0, blackout: 0, unplugged: 0 };
const LINK = { ...COUNTS, duplicated: 0, reordered: 0 };

const run = (scenario: string, variant: BondVariant, more: Partial<BondRun> = {}): BondRun => ({
  scenario,
  variant,
  seconds: 60,
  sent: 2_000,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  altered: 0,
  encoderDropped: 0,
  cpuUsPerMessage: 250,
  memoryMiB: 140,
  encoderRttMs: 80,
  broken: false,
  impairment: {
    bond: {
      forMs: 60_000,
      firstCopies: { sent: 2_000, lost: 20 },
      retransmissions: { sent: variant === 'plain' ? 200 : 24, lost: 1 },
      ratio: variant === 'plain' ? 200 / 21 : 24 / 21,
      nak: { packets: 30, numbers: 40, arrived: 1, onTheWay: 2 },
      ack: { full: 6_000, light: 60 },
      losses: Array.from({ length: 20 }, (_, i) => ({ delayMs: 60, nakMs: i === 0 ? undefined : i })),
    },
    lateness: { p50Ms: 0, p99Ms: 1, maxMs: 3.2 },
    links: ['127.0.1.1', '127.0.2.1', '127.0.3.1'].map((address) => ({ address, up: LINK, down: LINK })),
  },
  ...more,
});

const both = SCENARIOS.flatMap(({ name }) => [run(name, 'plain'), run(name, 'exact')]);

it('judges ours, and shows stock beside it', () => {
  const result = describeBond(SCENARIOS, both, [], 60);
  expect(result.checks.map(({ name, goal }) => [name, goal])).toEqual([
    ['three-links: retransmitted ÷ lost', 1.15],
    ['three-links: payloads lost', 0],
    ['three-links: median time to NAK', 80],
    ['reordering: retransmitted ÷ lost', 1.5],
    ['reordering: payloads lost', 0],
    ['reordering: median time to NAK', 80],
    ['short-latency: payloads lost; goal: of 100 ideal receivers 95 lose no more', expect.any(Number)],
    ['short-latency: median time to NAK', 240],
    ['payloads duplicated, reordered or altered, all runs of ours', 0],
  ]);
  expect(result.checks.every((check) => passes(check))).toBe(true);
  expect(result.tables[0]!.rows[0]!.slice(0, 3)).toEqual(['three-links', '9.52', '1.14']);
  expect(result.ratios).toEqual(
    Object.fromEntries(SCENARIOS.map(({ name }) => [`retransmitted ÷ lost, ${name}`, 24 / 21])),
  );
  expect(renderResult(result)).toContain('three-links, stock');
  expect(renderHtml([result], [], new Date(0))).toContain('from a loss to its NAK');
});

it('misses what is missed, of ours alone', () => {
  const bad = { lost: 3, duplicated: 1 };
  const missed = (runs: readonly BondRun[]): string[] =>
    describeBond(SCENARIOS.slice(0, 1), runs, [], 60)
      .checks.filter((check) => passes(check) === false)
      .map(({ name }) => name);
  expect(missed([run('three-links', 'plain', bad), run('three-links', 'exact')])).toEqual([]);
  expect(missed([run('three-links', 'plain'), run('three-links', 'exact', bad)])).toEqual([
    'three-links: payloads lost',
    'payloads duplicated, reordered or altered, all runs of ours',
  ]);
});

it('says what failed, what was late and what the encoder gave up', () => {
  const late = run('three-links', 'exact', { encoderDropped: 4, broken: true });
  late.impairment.lateness.p99Ms = 7;
  expect(describeBond(SCENARIOS.slice(0, 1), [late], ['a run failed'], 60).notes).toEqual([
    'a run failed',
    'three-links, ours: the emulated links were late themselves (p99 7 ms, at most 3 ms)',
    'three-links, ours: the encoder gave 4 packets up',
    'three-links, ours: a connection ended early',
  ]);
});

it('orders and cumulates', () => {
  expect(quantileOf([], 0.5)).toBeUndefined();
  expect(quantileOf([5, 1, 3], 0.5)).toBe(3);
  expect(quantileOf([5, 1, 3], 1)).toBe(5);
  expect(cumulativeOf([])).toEqual([]);
  expect(cumulativeOf([4, -2])).toEqual([
    [0, 0],
    [0, 0.5],
    [4, 1],
  ]);
  expect(cumulativeOf(Array.from({ length: 1_000 }, (_, i) => i))).toHaveLength(101);
});
