import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HookQueue } from '../../src/hooks/hook-queue.ts';

const options = { maxWaiting: 5, maxAtOnce: 2, pausesMs: [1_000, 5_000] };

describe('HookQueue', () => {
  it('keeps the order of a stream, and serves others beside it', () => {
    const queue = new HookQueue<number>(options);
    for (const [stream, content] of [
      ['a', 1],
      ['a', 2],
      ['b', 3],
      ['c', 4],
    ] as const)
      queue.add(stream, content);
    const first = queue.next(0)!;
    const second = queue.next(0)!;
    expect([first.content, second.content, queue.next(0)]).toEqual([1, 3, undefined]);
    queue.ended(second, true, 0);
    expect(queue.next(0)?.content).toBe(4);
    queue.ended(first, true, 0);
    expect(queue.next(0)?.content).toBe(2);
  });
  it('tries three times after its pauses, gives up, and goes on with what is behind', () => {
    const queue = new HookQueue<number>(options);
    queue.add('a', 1);
    queue.add('a', 2);
    const times: number[] = [];
    let now = 0;
    for (let tries = 0; tries < 3; tries++) {
      const hook = queue.next(now)!;
      times.push(now);
      expect(hook.content).toBe(1);
      expect(queue.ended(hook, false, now)).toBe(tries === 2);
      if (tries < 2) {
        expect(queue.next(now + 999)).toBeUndefined();
        now = queue.wakeMs()!;
      }
    }
    expect(times).toEqual([0, 1_000, 6_000]);
    expect(queue.next(now)?.content).toBe(2);
    expect(queue.failed).toBe(1);
  });
  it('turns away what is too much, and takes more once there is room', () => {
    const queue = new HookQueue<number>(options);
    expect([1, 2, 3, 4, 5, 6].map((content) => queue.add('a', content))).toEqual([true, true, true, true, true, false]);
    expect(queue.dropped).toBe(1);
    queue.ended(queue.next(0)!, true, 0);
    expect(queue.add('a', 7)).toBe(true);
  });
  it('delivers in order and to the last one, whatever fails and when', () => {
    const step = fc.record({ stream: fc.constantFrom('a', 'b', 'c'), ok: fc.boolean(), waitMs: fc.nat(6_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new HookQueue<number>({ ...options, maxWaiting: 100 });
        const ends: Record<string, number[]> = { a: [], b: [], c: [] };
        let now = 0;
        const serve = (isOk: boolean): void => {
          const hook = queue.next(now);
          if (!hook) return;
          const hadTries = hook.tries;
          queue.ended(hook, isOk, now);
          if (isOk || hadTries === 2) ends[hook.stream]!.push(hook.content);
        };
        steps.forEach(({ stream, ok, waitMs }, index) => {
          queue.add(stream, index);
          now += waitMs;
          serve(ok);
        });
        while (queue.size > 0) {
          now = Math.max(now, queue.wakeMs()!);
          serve(true);
        }
        for (const [stream, contents] of Object.entries(ends))
          expect(contents).toEqual(steps.flatMap((one, index) => (one.stream === stream ? [index] : [])));
        expect(queue.next(now + 1e9)).toBeUndefined();
      }),
    );
  });
});
