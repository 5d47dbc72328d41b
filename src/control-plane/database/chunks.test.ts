import { describe, expect, it } from 'vitest';
import { chunksOf } from './chunks.ts';

describe('chunks', () => {
  it('hold everything once, in parts of few lengths', () => {
    for (const count of [0, 1, 20, 255, 256, 1_000]) {
      const list = Array.from({ length: count }, (_, index) => index);
      expect(chunksOf(list).flat()).toEqual(list);
      for (const { length } of chunksOf(list)) expect([1, 2, 4, 8, 16, 32, 64, 128, 256]).toContain(length);
    }
    expect(chunksOf([1, 2, 3]).map(({ length }) => length)).toEqual([2, 1]);
  });
});
