import { describe, expect, it } from 'vitest';
import { GapWatch } from './gap-watch.ts';

const UNIX = 1_790_000_000_000;
const MINUTE = 60_000;

/** Looks at these minutes; the wall clock shows so many minutes more. */
const looks = (...at: [minute: number, wallAhead?: number][]): boolean[] => {
  const watch = new GapWatch(5 * MINUTE, MINUTE);
  return at.map(([minute, ahead = 0]) => watch.look(minute * MINUTE, UNIX + (minute + ahead) * MINUTE));
};

describe('whether deadlines may be believed', () => {
  it('after a whole period in order', () => {
    expect(looks([0], [1], [2], [3], [4], [5], [6])).toEqual([false, false, false, false, false, true, true]);
  });
  it('not for a period after it could not be looked', () => {
    expect(looks([0], [1], [2], [3], [4], [5], [15], [16], [17], [18], [19], [20])).toEqual([
      ...[false, false, false, false, false, true],
      ...[false, false, false, false, false, true],
    ]);
  });
  it('nor after a jump of the wall clock, either way, or a sleep that the monotonic clock has not seen', () => {
    const before: [number][] = [[0], [1], [2], [3], [4], [5]];
    expect(looks(...before, [6, 10], [7, 10]).slice(-2)).toEqual([false, false]);
    expect(looks(...before, [6, -10]).at(-1)).toBe(false);
    expect(looks(...before, [6, 0.1]).at(-1)).toBe(true);
  });
});
