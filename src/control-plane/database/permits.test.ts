import { describe, expect, it } from 'vitest';
import { Permits } from './permits.ts';

describe('permits', () => {
  it('are not waited for longer than somebody wants to', async () => {
    const permits = new Permits(1);
    const end = Promise.withResolvers<void>();
    const first = permits.use(() => end.promise);
    expect(await permits.use(async () => 'without', 5)).toBe('without');
    const waiting = permits.use(async () => 'with', 60_000);
    end.resolve();
    await first;
    expect(await waiting).toBe('with');
    expect(await permits.use(async () => 'free', 0)).toBe('free');
  });

  it('let so many go at once and the others after them in their order, whatever came of them', async () => {
    const permits = new Permits(2);
    const begun: number[] = [];
    const ends: PromiseWithResolvers<void>[] = [];
    const all = [0, 1, 2, 3, 4].map((index) =>
      permits.use(() => {
        begun.push(index);
        const end = Promise.withResolvers<void>();
        ends.push(end);
        return end.promise;
      }),
    );
    const settled = Promise.allSettled(all);
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    ends[1]!.reject(new Error('broken'));
    await all[1]!.catch(() => {});
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1, 2]);
    ends[0]!.resolve();
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1, 2, 3]);
    ends[2]!.resolve();
    await new Promise(setImmediate);
    for (const end of ends) end.resolve();
    expect((await settled).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    // All of them are free again.
    let count = 0;
    await Promise.all([permits.use(async () => count++), permits.use(async () => count++)]);
    expect(count).toBe(2);
  });
});
