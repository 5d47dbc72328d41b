import { describe, expect, it } from 'vitest';
import { type Delivery, HOOKS_IN_FLIGHT, HookQueue } from './hook-queue.ts';

const delivery = (publisherId: string, id: string): Delivery => ({ publisherId, id, body: '' });
const queueOf = (...deliveries: Delivery[]): HookQueue => {
  const queue = new HookQueue();
  for (const one of deliveries) queue.push(one, 100, 0);
  return queue;
};

describe('a queue of hooks', () => {
  it('sends the next of a stream when the one before is settled, and other streams meanwhile', () => {
    const queue = queueOf(delivery('a', '1'), delivery('a', '2'), delivery('b', '3'));
    const first = queue.take(0)!;
    expect([first.id, queue.take(0)?.id, queue.take(0)]).toEqual(['1', '3', undefined]);
    queue.settle(first, 'done', 5);
    expect(queue.take(5)?.id).toBe('2');
  });

  it('tries three times, 1 s and 4 s apart, while what is behind waits', () => {
    const queue = queueOf(delivery('a', '1'), delivery('a', '2'));
    expect(queue.settle(queue.take(0)!, 'again', 100)).toBe(false);
    expect([queue.take(1_099), queue.dueMs()]).toEqual([undefined, 1_100]);
    expect(queue.settle(queue.take(1_100)!, 'again', 1_100)).toBe(false);
    expect(queue.dueMs()).toBe(5_100);
    expect(queue.settle(queue.take(5_100)!, 'again', 5_200)).toBe(true);
    expect(queue.take(5_200)?.id).toBe('2');
    expect(queue.counts).toEqual({ delivered: 0, failed: 1, dropped: 0 });
  });

  it('does not try again what the receiver refuses', () => {
    const queue = queueOf(delivery('a', '1'));
    expect(queue.settle(queue.take(0)!, 'refused', 1)).toBe(true);
    expect([queue.size, queue.dueMs()]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it('gives a second event its own tries', () => {
    const queue = queueOf(delivery('a', '1'), delivery('a', '2'));
    queue.settle(queue.take(0)!, 'again', 0);
    queue.settle(queue.take(1_000)!, 'done', 1_000);
    expect(queue.settle(queue.take(1_000)!, 'again', 1_000)).toBe(false);
    expect(queue.dueMs()).toBe(2_000);
  });

  it('drops the newest past its limit, and has room again when one is settled', () => {
    const queue = new HookQueue();
    expect(['1', '2', '3'].map((id) => queue.push(delivery('a', id), 2, 0))).toEqual([true, true, false]);
    queue.settle(queue.take(0)!, 'done', 0);
    expect([queue.push(delivery('a', '4'), 2, 0), queue.counts.dropped]).toEqual([true, 1]);
  });

  it('has a few in flight at once, and takes turns between streams', () => {
    const ids = Array.from({ length: HOOKS_IN_FLIGHT + 1 }, (_, index) => `s${index}`);
    const queue = queueOf(...ids.flatMap((id) => [delivery(id, `${id}-1`), delivery(id, `${id}-2`)]));
    const flying = ids.map(() => queue.take(0));
    expect(flying.map((one) => one?.id)).toEqual(['s0-1', 's1-1', 's2-1', 's3-1', undefined]);
    queue.settle(flying[0]!, 'done', 0);
    expect(queue.take(0)?.id).toBe('s4-1');
  });
});
