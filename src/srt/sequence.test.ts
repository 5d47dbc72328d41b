import fc from 'fast-check';
import { expect, it } from 'vitest';
import { earlierSequence, LARGEST_SEQUENCE, laterSequence, sequenceDistance, sequencePlus } from './sequence.ts';

const sequence = fc.integer({ min: 0, max: LARGEST_SEQUENCE });

it('a distance leads back, across the wrap too', () => {
  fc.assert(
    fc.property(sequence, fc.integer({ min: -(2 ** 30), max: 2 ** 30 - 1 }), (from, steps) => {
      const to = sequencePlus(from, steps);
      expect(to).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(LARGEST_SEQUENCE);
      expect(sequenceDistance(to, from)).toBe(steps);
      expect(laterSequence(to, from)).toBe(steps >= 0 ? to : from);
      expect(earlierSequence(to, from)).toBe(steps <= 0 ? to : from);
    }),
  );
  expect(sequencePlus(LARGEST_SEQUENCE, 1)).toBe(0);
  expect(sequenceDistance(0, LARGEST_SEQUENCE)).toBe(1);
});
