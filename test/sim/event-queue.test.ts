import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';
import { Flights } from './flights.ts';
import { Histogram } from './histogram.ts';
import { LossList } from './loss-list.ts';

describe('the event queue', () => {
  it('gives events by time, and by entry where the time is the same', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(20)), { maxLength: 300 }), (steps) => {
        const queue = new EventQueue();
        let list: { time: number; entry: number }[] = [];
        steps.forEach((time, entry) => {
          if (time !== null) {
            queue.push(time, 3, entry);
            list.push({ time, entry });
            list.sort((a, b) => a.time - b.time || a.entry - b.entry);
            return;
          }
          expect(queue.pop()).toBe(list.length > 0);
          const [first, ...rest] = list;
          if (first !== undefined) expect([queue.time, queue.argument]).toEqual([first.time, first.entry]);
          list = rest;
        });
        expect(queue.size).toBe(list.length);
      }),
    );
  });

  it('grows', () => {
    const queue = new EventQueue();
    for (let i = 10_000; i > 0; i--) queue.push(i, i % 200, i);
    for (let i = 1; i <= 10_000; i++) {
      queue.pop();
      expect([queue.time, queue.kind, queue.argument]).toEqual([i, i % 200, i]);
    }
    expect(queue.pop()).toBe(false);
  });
});

describe('flights', () => {
  it('bring out what went in: control whole, data by header and length', () => {
    const flights = new Flights();
    const control = Uint8Array.from({ length: 44 }, (_, i) => (i === 0 ? 0x80 : i));
    const nak = Uint8Array.from({ length: 900 }, (_, i) => (i === 0 ? 0x80 : i & 0xff));
    const data = new Uint8Array(1_332).fill(7);
    const slots = [control, nak, data].map((bytes, i) => flights.add(bytes, i));
    expect(flights.read(slots[0]!)).toEqual(control);
    expect(flights.read(slots[1]!)).toEqual(nak);
    expect(flights.read(slots[2]!).subarray(0, 16)).toEqual(data.subarray(0, 16));
    expect(flights.read(slots[2]!).length).toBe(1_332);
    for (const slot of slots) flights.remove(slot);
    expect(flights.count).toBe(0);
    for (let i = 0; i < 3_000; i++) flights.add(control, i);
    expect([flights.count, flights.tag(2_999)]).toEqual([3_000, 2_999]);
    expect(flights.read(2_999)).toEqual(control);
  });
});

describe('the loss list', () => {
  it('agrees with a plain set', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('gap', 'come', 'drop'), fc.nat(60)), { maxLength: 80 }),
        (steps) => {
          const list = new LossList();
          let plain = new Set<number>();
          let newest = 0;
          for (const [verb, value] of steps) {
            if (verb === 'gap') {
              const last = newest + (value % 5);
              list.append(newest, last);
              for (let i = newest; i <= last; i++) plain.add(i);
              newest = last + 2;
            } else if (verb === 'come') expect(list.remove(value)).toBe(plain.delete(value));
            else {
              list.dropBefore(value);
              plain = new Set([...plain].filter((each) => each >= value));
            }
            const ranges = list.firsts.flatMap((first, i) =>
              Array.from({ length: list.lasts[i]! - first + 1 }, (_, step) => first + step),
            );
            expect(ranges).toEqual([...plain].sort((a, b) => a - b));
          }
        },
      ),
    );
  });
});

describe('the histogram', () => {
  it('gives quantiles within a quarter of a millisecond, below zero too', () => {
    const histogram = new Histogram();
    for (let i = -50; i < 50; i++) histogram.add(i);
    expect(histogram.quantile(0.5)).toBeCloseTo(-1, 0);
    expect(histogram.quantile(0.99)).toBeCloseTo(48, 0);
    expect(new Histogram().quantile(0.5)).toBeNaN();
  });
});
