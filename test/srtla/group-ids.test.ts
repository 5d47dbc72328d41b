import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupIds } from '../../src/srtla/group-ids.ts';
import { createMac } from '../../src/srtla/shell-mac.ts';
import { toHex } from './packets.ts';

const KEY = new Uint8Array(64).fill(7);
const fresh = (): GroupIds => new GroupIds(createMac(() => KEY));
const half = fc.uint8Array({ minLength: 128, maxLength: 256 });
const moment = fc.integer({ min: 0, max: 3_600_000 });
const PERIOD_MS = 30_000;

describe('group ids', () => {
  it('are two blocks of HMAC-SHA-512 over block, n, period and sender half', () => {
    const asked = Uint8Array.from({ length: 256 }, (_, i) => i);
    const message = (block: number, n: number): Uint8Array =>
      Uint8Array.of(block, n, 0, 0, 0, 2, ...asked.subarray(0, 128));
    const mac = (block: number, n: number): string => createHmac('sha512', KEY).update(message(block, n)).digest('hex');
    const ids = fresh();
    const id = new Uint8Array(ids.issue(asked, 2 * PERIOD_MS)!);
    expect(toHex(id)).toBe(toHex(asked.subarray(0, 128)) + mac(0, 0) + mac(1, 0));
    ids.end(id, 2, 2 * PERIOD_MS + 1);
    expect(toHex(ids.issue(asked, 2 * PERIOD_MS + 2)!.subarray(128))).toBe(mac(0, 1) + mac(1, 1));
  });

  it('are the same for the same question in the same period, and good in it and the next one', () => {
    fc.assert(
      fc.property(half, moment, fc.integer({ min: 0, max: 200_000 }), (asked, now, laterMs) => {
        const ids = fresh();
        const period = Math.floor(now / PERIOD_MS);
        const id = new Uint8Array(ids.issue(asked, now)!);
        expect(fresh().issue(asked, period * PERIOD_MS + PERIOD_MS - 1)).toEqual(id);
        const isGood = Math.floor((now + laterMs) / PERIOD_MS) - period <= 1;
        expect(ids.periodOf(id, now + laterMs)).toBe(isGood ? period : undefined);
      }),
      { numRuns: 50 },
    );
  });

  it('cannot be made by anybody else', () => {
    fc.assert(
      fc.property(half, moment, fc.nat({ max: 255 }), fc.integer({ min: 1, max: 255 }), (asked, now, at, change) => {
        const ids = fresh();
        const id = new Uint8Array(ids.issue(asked, now)!);
        id[at]! ^= change;
        expect(ids.periodOf(id, now)).toBeUndefined();
        expect(new GroupIds(createMac(() => new Uint8Array(64).fill(8))).periodOf(id, now)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  it('of ended groups do not come back, and are remembered within bounds', () => {
    const ids = fresh();
    const asked = new Uint8Array(128);
    const seen = new Set<string>();
    for (let n = 0; n < 8; n++) {
      const id = new Uint8Array(ids.issue(asked, 0)!);
      expect(ids.periodOf(id, 0)).toBe(0);
      seen.add(toHex(id));
      ids.end(id, 0, 0);
      expect(ids.periodOf(id, 0)).toBeUndefined();
    }
    expect(seen.size).toBe(8);
    // Nobody ends more groups of one half than that within a minute.
    expect(ids.issue(asked, 0)).toBeUndefined();
    expect(ids.issue(asked, PERIOD_MS)).toBeDefined();
    // Those that are no longer valid need no memory.
    ids.end(new Uint8Array(ids.issue(asked, PERIOD_MS)!), 1, 3 * PERIOD_MS);
    expect(ids.endedCount).toBe(0);
    const other = new Uint8Array(256);
    for (let i = 0; i < 10_000; i++) {
      other[128] = i;
      other[129] = i >> 8;
      ids.end(other, 3, 3 * PERIOD_MS);
    }
    expect(ids.endedCount).toBe(4_096);
  });
});
