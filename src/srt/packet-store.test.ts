import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PacketStore, SLOT_BYTES } from './packet-store.ts';

const contentOf = (store: PacketStore, slot: number): number[] => {
  const offset = store.offsetOf(slot);
  return [...store.bytesOf(slot).subarray(offset, offset + store.lengthOf(slot))];
};

it('keeps what is held, whatever else is released, and never more than its limit', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(1_500)), { maxLength: 400 }), (steps) => {
      const store = new PacketStore(256);
      const held: { slot: number; value: number; holders: number }[] = [];
      steps.forEach(([verb, value], step) => {
        const at = value % Math.max(1, held.length);
        const entry = held[at];
        if (verb < 2) {
          const slot = store.add(new Uint8Array(1 + (value % SLOT_BYTES)).fill(value), step);
          if (held.length === 256) expect(slot).toBe(-1);
          else held.push({ slot, value, holders: 1 });
        } else if (entry === undefined) return;
        else if (verb === 2) {
          store.hold(entry.slot);
          entry.holders += 1;
        } else {
          store.release(entry.slot);
          entry.holders -= 1;
          if (entry.holders === 0) held.splice(at, 1);
        }
      });
      expect(store.usedCount).toBe(held.length);
      expect(new Set(held.map(({ slot }) => slot)).size).toBe(held.length);
      for (const { slot, value } of held) {
        expect(contentOf(store, slot)).toEqual(new Array(1 + (value % SLOT_BYTES)).fill(value & 255));
      }
    }),
  );
});

it('grows, and gives memory back when little is used', () => {
  const store = new PacketStore(2_000);
  const slots = Array.from({ length: 2_048 }, (_, i) => store.add(Uint8Array.of(i), i));
  expect(store.add(Uint8Array.of(1), 0)).toBe(-1);
  const full = store.allocatedBytes;
  for (const slot of slots.slice(100)) store.release(slot);
  store.trim();
  expect(store.allocatedBytes).toBe(full / 4);
  expect(contentOf(store, slots[99]!)).toEqual([99]);
  expect(store.sourceMsOf(slots[99]!)).toBe(99);
  for (let i = 0; i < 1_900; i++) expect(store.add(Uint8Array.of(i), i)).toBeGreaterThanOrEqual(0);
  expect(contentOf(store, slots[7]!)).toEqual([7]);
});
