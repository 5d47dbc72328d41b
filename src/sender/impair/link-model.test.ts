import { describe, expect, it } from 'vitest';
import type { LinkConditions } from './link-conditions.ts';
import { LinkModel } from './link-model.ts';

const SIZE = 1332;

/** Sends `count` datagrams `gapMs` apart; the arrival of each, undefined where it was lost. */
const run = (conditions: Partial<LinkConditions>, count: number, gapMs = 2, seed = 7) => {
  const model = new LinkModel(conditions, seed);
  const arrivals: (number | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    const copies = model.send(SIZE, i * gapMs);
    arrivals.push(copies === 0 ? undefined : model.arrivalMs);
    if (copies === 2) arrivals.push(model.secondArrivalMs);
  }
  return { model, arrivals, came: arrivals.filter((each) => each !== undefined) };
};

describe('a link model', () => {
  it('passes everything at once by default, and the same seed gives the same run', () => {
    expect(run({}, 3).arrivals).toEqual([0, 2, 4]);
    const conditions = {
      delayMs: 50,
      jitterMs: 20,
      lossRate: 0.1,
      duplicateRate: 0.1,
      reorderRate: 0.1,
      reorderMaxMs: 9,
    };
    expect(run(conditions, 500)).toEqual(run(conditions, 500));
    expect(run(conditions, 500).arrivals).not.toEqual(run(conditions, 500, 2, 8).arrivals);
  });

  it('spreads the delay within its bound and stays in order', () => {
    const { came } = run({ delayMs: 60, jitterMs: 20 }, 5_000, 40);
    const delays = came.map((arrival, i) => arrival - i * 40);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(40);
    expect(Math.max(...delays)).toBeLessThanOrEqual(80);
    const mean = delays.reduce((sum, each) => sum + each, 0) / delays.length;
    expect(mean).toBeGreaterThan(58);
    expect(mean).toBeLessThan(62);
    const close = run({ delayMs: 60, jitterMs: 20 }, 5_000, 1).came;
    expect(close.every((arrival, i) => i === 0 || arrival >= close[i - 1]!)).toBe(true);
  });

  it('loses at random, and says when the lost datagram would have arrived', () => {
    const { model } = run({ lossRate: 0.05, delayMs: 30 }, 20_000);
    expect(model.totals.lost).toBeGreaterThan(850);
    expect(model.totals.lost).toBeLessThan(1_150);
    const always = new LinkModel({ lossRate: 1, delayMs: 30 }, 1);
    expect([always.send(SIZE, 100), always.fate, always.arrivalMs]).toEqual([0, 'lost', 130]);
  });

  it('loses in bursts', () => {
    const { model, arrivals } = run({ burst: { enterRate: 0.01, leaveRate: 0.2, lossRate: 1 } }, 50_000);
    // The share of the bad state is enter / (enter + leave).
    expect(model.totals.lost / 50_000).toBeGreaterThan(0.035);
    expect(model.totals.lost / 50_000).toBeLessThan(0.06);
    let bursts = 0;
    for (let i = 1; i < arrivals.length; i++) {
      if (arrivals[i] === undefined && arrivals[i - 1] !== undefined) bursts++;
    }
    expect(model.totals.lost / bursts).toBeGreaterThan(4);
    expect(model.totals.lost / bursts).toBeLessThan(6);
  });

  it('sends at its rate and drops at the tail, by bytes or by time', () => {
    // 1332 bytes at 1332 kbit/s take 8 ms.
    const bytes = run({ rateKbps: 1332, queueBytes: SIZE * 4 }, 10, 0);
    expect(bytes.came).toEqual([8, 16, 24, 32]);
    expect(bytes.model.totals.overflowed).toBe(6);
    const time = run({ rateKbps: 1332, queueMs: 16 }, 10, 0);
    expect(time.came).toEqual([8, 16, 24]);
  });

  it('a late datagram is overtaken', () => {
    const { came, model } = run({ delayMs: 20, reorderRate: 0.01, reorderMinMs: 5, reorderMaxMs: 30 }, 10_000);
    const late = came.map((arrival, i) => arrival - i * 2 - 20).filter((by) => by > 1e-6);
    expect(late).toHaveLength(model.totals.reordered);
    expect(late.length).toBeGreaterThan(60);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...late)).toBeLessThanOrEqual(30);
  });

  it('delivers twice', () => {
    const { model, came } = run({ duplicateRate: 1, delayMs: 5 }, 3);
    expect(came).toEqual([5, 5, 7, 7, 9, 9]);
    expect(model.totals).toMatchObject({ delivered: 3, duplicated: 3 });
  });

  it('swallows during a blackout, each time it comes round', () => {
    const { arrivals } = run({ blackout: { everyMs: 4_000, forMs: 600 } }, 12_000, 1);
    const out = arrivals.flatMap((arrival, i) => (arrival === undefined ? [i] : []));
    expect(out).toHaveLength(1_800);
    expect([out[0], out[599], out[600], out[1799]]).toEqual([3_400, 3_999, 7_400, 11_999]);
  });

  it('may start its blackouts at another time', () => {
    const { arrivals } = run({ blackout: { everyMs: 100, forMs: 10, fromMs: 0 } }, 200, 1);
    expect(arrivals.flatMap((arrival, i) => (arrival === undefined ? [i] : []))).toHaveLength(20);
    expect(arrivals[0]).toBeUndefined();
  });

  it('an unplugged link takes nothing until it is plugged in again', () => {
    const model = new LinkModel({ delayMs: 3 }, 1);
    model.conditions.up = false;
    expect([model.send(SIZE, 0), model.fate]).toEqual([0, 'unplugged']);
    model.conditions.up = true;
    expect([model.send(SIZE, 10), model.arrivalMs]).toEqual([1, 13]);
  });
});
