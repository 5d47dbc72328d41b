import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { until } from '../../test/support/processes.ts';
import { LoopHealth } from './loop-health.ts';

const block = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

describe('the health of an event loop', () => {
  it('shows how late timers were, in this window and the one before', async () => {
    const health = new LoopHealth();
    expect(health.lag).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
    health.start();
    // Its timer runs.
    await delay(50);
    block(300);
    await until('the delay to be seen', () => health.lag.maxMs > 200);
    expect(health.lag.maxMs).toBeGreaterThanOrEqual(health.lag.p99Ms);
    expect(health.lag.p99Ms).toBeGreaterThanOrEqual(health.lag.p50Ms);
    expect(health.activeMs).toBeGreaterThanOrEqual(250);
    health.turnOver();
    expect(health.lag.maxMs).toBeGreaterThan(200);
    health.turnOver();
    expect(health.lag.maxMs).toBeLessThan(200);
    health.stop();
  });

  it('is measured only while somebody wants it', async () => {
    const health = new LoopHealth();
    health.start();
    await delay(50);
    block(200);
    await until('the delay to be seen', () => health.lag.maxMs > 100);
    health.measureLag(false);
    expect(health.lag.maxMs).toBeGreaterThan(100);
    health.turnOver();
    await delay(50);
    block(200);
    await delay(50);
    expect(health.lag.maxMs).toBe(0);
    // The time without it is no lag.
    health.measureLag(true);
    await delay(100);
    expect(health.lag.maxMs).toBeLessThan(150);
    block(300);
    await until('the delay to be seen', () => health.lag.maxMs > 200);
    health.stop();
  });

  it('counts pauses for garbage', async () => {
    const health = new LoopHealth();
    health.start();
    await until('a pause', () => {
      Array.from({ length: 20_000 }, (_, n) => ({ n }));
      return health.gcPauses > 0;
    });
    expect(health.gcPausedMs).toBeGreaterThan(0);
    health.stop();
  });
});
