import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { commonNow } from '../../src/data-plane/common-clock.ts';

/** Offsets are measured between two readings of a clock, some microseconds apart. */
const TOLERANCE_MS = 0.1;

it('shows the same time in every thread, however late the thread was started', async () => {
  // A thread's own clock may begin with the thread.
  await delay(100);
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const time = new Float64Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL('./clock-worker.ts', import.meta.url), { workerData: { shared, time } });
  try {
    for (let i = 0; i < 50; i++) {
      const before = commonNow();
      Atomics.store(shared, 0, 1);
      Atomics.notify(shared, 0);
      expect(Atomics.wait(shared, 1, 0, 10_000)).not.toBe('timed-out');
      const after = commonNow();
      Atomics.store(shared, 1, 0);
      expect(time[0]).toBeGreaterThan(before - TOLERANCE_MS);
      expect(time[0]).toBeLessThan(after + TOLERANCE_MS);
    }
  } finally {
    Atomics.store(shared, 0, 2);
    Atomics.notify(shared, 0);
    await worker.terminate();
  }
});

it('keeps the pace of the thread clock, and of the system', async () => {
  const start = [commonNow(), performance.now(), Number(process.hrtime.bigint()) / 1e6] as const;
  await delay(50);
  const now = [commonNow(), performance.now(), Number(process.hrtime.bigint()) / 1e6] as const;
  expect(now[0] - start[0]).toBeGreaterThan(45);
  expect(Math.abs(now[0] - start[0] - (now[1] - start[1]))).toBeLessThan(5);
  expect(Math.abs(now[0] - now[2])).toBeLessThan(5);
});
