import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FlightQueue } from './flight-queue.ts';

const NOTHING = new Uint8Array();

it('gives out what is due, by time and then in the order in which it came', () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ takeUntil: fc.integer({ min: 0, max: 20 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new FlightQueue();
      let expected: { dueMs: number; route: number }[] = [];
      steps.forEach((one, route) => {
        if ('add' in one) {
          queue.add(one.add, route, NOTHING);
          expected.push({ dueMs: one.add, route });
          expected = expected.toSorted((a, b) => a.dueMs - b.dueMs || a.route - b.route);
        } else {
          const due = expected.filter(({ dueMs }) => dueMs <= one.takeUntil);
          expected = expected.slice(due.length);
          for (const { route: wanted } of due) expect(queue.take(one.takeUntil)?.route).toBe(wanted);
          expect(queue.take(one.takeUntil)).toBeUndefined();
        }
        expect(queue.size).toBe(expected.length);
        expect(queue.nextMs).toBe(expected[0]?.dueMs ?? Number.POSITIVE_INFINITY);
      });
    }),
  );
});

it('forgets everything', () => {
  const queue = new FlightQueue();
  queue.add(1, 0, NOTHING);
  queue.clear();
  expect(queue.take(10)).toBeUndefined();
});
