import { describe, expect, it } from 'vitest';
import { AnswerBudget, sourceKey } from '../../src/srtla/answer-budget.ts';

const taken = (budget: AnswerBudget, address: string, asked: number, now: number): number => {
  let count = 0;
  for (let i = 0; i < asked; i++) if (budget.take(address, now)) count += 1;
  return count;
};

describe('the answer budget', () => {
  it('counts an IPv6 /64 as one source, however its addresses are written', () => {
    const key = sourceKey('2001:db8:1:2:3:4:5:6', 1);
    expect(sourceKey('2001:db8:1:2::1', 1)).toBe(key);
    expect(sourceKey('2001:0db8:1:2::', 1)).toBe(key);
    expect(sourceKey('2001:db8:1:3::1', 1)).not.toBe(key);
    expect(sourceKey('fe80::1%eth0', 1)).toBe(sourceKey('fe80::2', 1));
    expect(sourceKey('::1', 1)).toBe(sourceKey('::2', 1));
    expect(sourceKey('::2:3:4:5:6:7', 1)).toBe(sourceKey('0:0:2:3:9:9:9:9', 1));
    expect(sourceKey('192.0.2.1', 1)).not.toBe(sourceKey('192.0.2.2', 1));
    expect(sourceKey('192.0.2.1', 1)).not.toBe(sourceKey('192.0.2.1', 2));
  });

  it('lets everybody together have 200 at once and 2,000 a second', () => {
    const budget = new AnswerBudget(7);
    let answers = 0;
    for (let i = 0; i < 10_000; i++) answers += taken(budget, `10.0.${i >> 8}.${i & 255}`, 1, 5_000);
    expect(answers).toBe(200);
    answers = 0;
    for (let i = 0; i < 10_000; i++) answers += taken(budget, `10.1.${i >> 8}.${i & 255}`, 1, 5_050);
    expect(answers).toBe(100);
  });

  it('keeps one flooding source from using up what is there for all', () => {
    const budget = new AnswerBudget(7);
    expect(taken(budget, '203.0.113.9', 100_000, 5_000)).toBe(20);
    expect(taken(budget, '203.0.113.10', 20, 5_000)).toBe(20);
  });

  it('holds when there are more sources than it has room for', () => {
    const budget = new AnswerBudget(7);
    let answers = 0;
    // Over 10 s everybody together may have 200 + 20,000.
    for (let now = 0; now < 10_000; now += 1) {
      for (let i = 0; i < 10; i++) answers += taken(budget, `10.${i}.${now >> 8}.${now & 255}`, 1, now);
    }
    expect(answers).toBeLessThanOrEqual(20_200);
    expect(answers).toBeGreaterThan(15_000);
  });

  it('is not misled by a clock that stands still', () => {
    const budget = new AnswerBudget(7);
    expect(taken(budget, '192.0.2.1', 30, 0)).toBe(20);
    expect(taken(budget, '192.0.2.1', 30, 0)).toBe(0);
    expect(taken(budget, '192.0.2.1', 30, 1_000)).toBe(10);
  });
});
