import { describe, expect, it } from 'vitest';
import { type LinkConditions, LinkModel } from './link-model.ts';

/** Offers `count` datagrams of `bytes` bytes, one each ms, and returns when each came out. */
const run = (
  conditions: Partial<LinkConditions>,
  count: number,
  bytes = 1000,
  seed = 1,
): { model: LinkModel; out: [number, number][] } => {
  const model = new LinkModel(conditions, seed);
  const out: [number, number][] = [];
  for (let now = 0; now < count + 100_000 && (now < count || model.nextMs() !== undefined); now++) {
    if (now < count) model.offer(new Uint8Array(bytes).fill(now & 255), now);
    model.advance(now, (datagram) => out.push([datagram[0]!, now]));
  }
  return { model, out };
};

describe('an impaired link', () => {
  it('delays, and nothing else', () => {
    expect(run({ delayMs: 30 }, 3).out).toEqual([
      [0, 30],
      [1, 31],
      [2, 32],
    ]);
  });

  it('stays in order under jitter', () => {
    const { out } = run({ delayMs: 10, jitterMs: 50 }, 200);
    expect(out.map(([number]) => number)).toEqual(Array.from({ length: 200 }, (_, i) => i & 255));
    expect(new Set(out.map(([number, at]) => at - number)).size).toBeGreaterThan(5);
  });

  it('loses and doubles the share it is told to, the same each time', () => {
    const first = run({ lossRate: 0.1, duplicateRate: 0.05 }, 5_000);
    expect(first.model.totals.lost).toBeGreaterThan(400);
    expect(first.model.totals.lost).toBeLessThan(600);
    const doubled = first.model.totals.delivered - (5_000 - first.model.totals.lost);
    expect(doubled).toBeGreaterThan(150);
    expect(doubled).toBeLessThan(310);
    expect(run({ lossRate: 0.1, duplicateRate: 0.05 }, 5_000).out).toEqual(first.out);
    expect(run({ lossRate: 0.1, duplicateRate: 0.05 }, 5_000, 1000, 2).out).not.toEqual(first.out);
  });

  it('holds to its rate, queues up to its limit and drops the rest', () => {
    // 8 Mbit/s in, 4 Mbit/s out, 20 datagrams of queue.
    const { model, out } = run({ rateKbps: 4_000, queueBytes: 20_000 }, 1_000);
    expect(out.length).toBeGreaterThan(500);
    expect(out.length).toBeLessThan(525);
    expect(model.totals.overflowed).toBe(1_000 - out.length);
    expect(out.at(-1)![1]).toBeLessThanOrEqual(1_000 + 42);
  });

  it('loses what is on its way when it is unplugged', () => {
    const model = new LinkModel({ delayMs: 10 }, 1);
    const out: number[] = [];
    model.offer(Uint8Array.of(1), 0);
    model.conditions.up = false;
    model.offer(Uint8Array.of(2), 5);
    model.advance(20, (bytes) => out.push(bytes[0]!));
    model.conditions.up = true;
    model.offer(Uint8Array.of(3), 21);
    model.advance(31, (bytes) => out.push(bytes[0]!));
    expect(out).toEqual([3]);
    expect(model.totals).toMatchObject({ offered: 3, delivered: 1, unplugged: 2 });
  });
});
