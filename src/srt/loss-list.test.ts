import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LossList } from './loss-list.ts';
import { LARGEST_SEQUENCE, sequenceDistance, sequencePlus } from './sequence.ts';

it('agrees with a plain set, across the wrap too', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1_000, LARGEST_SEQUENCE - 40),
      fc.array(fc.tuple(fc.constantFrom('gap', 'come', 'drop'), fc.nat(90), fc.nat(6)), { maxLength: 150 }),
      (start, steps) => {
        const list = new LossList();
        let plain = new Set<number>();
        let newest = 0;
        const at = (index: number): number => sequencePlus(start, index);
        for (const [verb, value, length] of steps) {
          if (verb === 'gap') {
            for (let i = newest; i <= newest + length; i++) plain.add(i);
            list.append(at(newest), at(newest + length), 0, 0);
            newest += length + 2;
          } else if (verb === 'come') expect(list.remove(at(value))).toBe(plain.delete(value));
          else {
            const before = plain.size;
            plain = new Set([...plain].filter((each) => each < value || each > value + length));
            expect(list.removeRange(at(value), at(value + length))).toBe(before - plain.size);
          }
          const numbers: number[] = [];
          for (let i = 0; i < list.count; i++) {
            const first = sequenceDistance(list.firstOf(i), start);
            const last = sequenceDistance(list.lastOf(i), start);
            for (let each = first; each <= last; each++) numbers.push(each);
            expect(list.find(list.lastOf(i))).toBe(i);
          }
          expect(numbers).toEqual([...plain].sort((a, b) => a - b));
          expect(list.packets).toBe(plain.size);
        }
      },
    ),
  );
});

it('keeps with each part of a range when it was missed and asked for', () => {
  const list = new LossList();
  for (let i = 0; i < 100; i++) list.append(10 * i, 10 * i + 4, 10 * i + 6, i);
  list.asked(50, 77);
  list.remove(502);
  expect([list.firstOf(50), list.lastOf(50), list.askedMsOf(50)]).toEqual([500, 501, 77]);
  expect([list.firstOf(51), list.lastOf(51), list.askedMsOf(51)]).toEqual([503, 504, 77]);
  expect([list.ripeOf(51), list.sinceMsOf(51)]).toEqual([506, 50]);
  expect([list.ripeOf(52), list.sinceMsOf(52), list.askedMsOf(52)]).toEqual([516, 51, Number.NEGATIVE_INFINITY]);
  list.clear();
  expect([list.count, list.packets, list.find(500)]).toEqual([0, 0, -1]);
});
