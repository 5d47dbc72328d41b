import { expect, it } from 'vitest';
import { idealLoss } from '../../bench/ideal-receiver.ts';
import type { BondScenario } from '../../src/sender/impair/scenarios.ts';

const scenario = (latencyMs: number, lossRate: number): BondScenario => ({
  name: 'test',
  title: 'test',
  latencyMs,
  links: [
    { delayMs: 50, lossRate },
    { delayMs: 100, lossRate: 0 },
  ],
});
const losses = Array<number>(1_000).fill(100);

it('a receiver that may ask once loses what does not come back', () => {
  // Asked at 100, heard at 150, back at 200: before 50 + 160, and a second time would be too late.
  const question = { lossDelaysMs: losses, shares: [1, 0], rttMs: 100 };
  const once = idealLoss({ ...question, scenario: scenario(160, 0.1) });
  expect(once.mean).toBeGreaterThan(170);
  expect(once.mean).toBeLessThan(210);
  expect(once.p95).toBeGreaterThan(once.mean);
  expect(idealLoss({ ...question, scenario: scenario(140, 0.1) })).toEqual({ mean: 1_000, p95: 1_000 });
});

it('with time for more it loses nearly nothing, and nothing of nothing', () => {
  const question = { lossDelaysMs: losses, shares: [1, 1], rttMs: 100, scenario: scenario(2_000, 0.1) };
  expect(idealLoss(question)).toEqual({ mean: 0, p95: 0 });
  expect(idealLoss({ ...question, lossDelaysMs: [] })).toEqual({ mean: 0, p95: 0 });
});

it('sends again where the stream goes', () => {
  // Back by the first link at 200, by the second one at 250, which is too late.
  const question = { lossDelaysMs: losses, rttMs: 1_000, scenario: scenario(160, 0) };
  expect(idealLoss({ ...question, shares: [1, 0] }).mean).toBe(0);
  expect(idealLoss({ ...question, shares: [0, 1] }).mean).toBe(1_000);
});
