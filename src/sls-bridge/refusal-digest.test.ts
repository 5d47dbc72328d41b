import { describe, expect, it } from 'vitest';
import { DIGEST_MS, RefusalDigest } from './refusal-digest.ts';

describe('RefusalDigest', () => {
  it('tells the first at once and the others together', () => {
    const digest = new RefusalDigest<string>();
    const told: [string, number][] = [];
    const tick = (now: number): void => digest.tick(now, (refusal, times) => told.push([refusal, times]));
    expect(digest.note('a', 'first', 0)).toBe(true);
    expect(digest.note('a', 'second', 10)).toBe(false);
    expect(digest.note('a', 'third', 20)).toBe(false);
    expect(digest.note('b', 'other', 20)).toBe(true);
    tick(DIGEST_MS - 1);
    expect(told).toEqual([]);
    tick(DIGEST_MS + 20);
    expect(told).toEqual([['third', 2]]);
    expect(digest.note('a', 'fourth', DIGEST_MS + 30)).toBe(false);
    expect(digest.note('b', 'again', DIGEST_MS + 30)).toBe(true);
    tick(3 * DIGEST_MS);
    expect(told).toEqual([
      ['third', 2],
      ['fourth', 1],
    ]);
  });

  it('follows no more kinds than it has room for', () => {
    const digest = new RefusalDigest<number>();
    const told = Array.from({ length: 3_000 }, (_, i) => digest.note(`kind ${i}`, i, 0)).filter(Boolean);
    expect(told.length).toBe(1_024);
    digest.tick(DIGEST_MS, () => {});
    expect(digest.note('kind 2999', 0, DIGEST_MS)).toBe(true);
  });
});
