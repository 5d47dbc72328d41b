import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audio, message, pat, pmt, video } from '../../test/support/ts-writer.ts';
import { GopCache } from './gop-cache.ts';

const tables = message(pat(), pmt());
const key = (tag: number) => message(video(tag, true));
const picture = (tag: number) => message(video(tag));

/** Offers messages `stepMs` apart. */
const fill = (cache: GopCache, messages: readonly Uint8Array[], stepMs = 1, fromMs = 0): GopCache => {
  const arena = new Uint8Array(3_000);
  for (const [index, bytes] of messages.entries()) {
    arena.set(bytes, 1_500);
    cache.offer(arena, 1_500, bytes.length, 1_000 + index, fromMs + index * stepMs);
  }
  return cache;
};
const cache = (limits: Partial<{ maxBytes: number; maxMs: number }> = {}) =>
  new GopCache({ maxBytes: 1_048_576, maxMs: 10_000, ...limits });
const held = (of: GopCache): Uint8Array[] =>
  Array.from({ length: of.messages }, (_, i) => of.message(of.first + i).slice());

const pids = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length / 188 }, (_, i) => ((bytes[i * 188 + 1]! & 0x1f) << 8) | bytes[i * 188 + 2]!);

describe('GopCache', () => {
  it('holds everything since the tables before the last key frame', () => {
    const all = [picture(0), tables, message(audio(1)), key(1), picture(2), message(audio(2)), picture(3)];
    expect(held(fill(cache(), all))).toEqual(all.slice(1));
    expect(fill(cache(), all).newestTimeUs).toBe(1_006);
  });

  it('begins anew with each key frame, and not before it', () => {
    const first = [tables, key(1), picture(2), tables];
    expect(held(fill(cache(), first))).toEqual(first);
    expect(held(fill(cache(), [...first, message(audio(1)), key(3), picture(4)]))).toEqual([
      ...[tables, message(audio(1))],
      ...[key(3), picture(4)],
    ]);
  });

  it('has nothing before the first key frame, and holds no more than from the newest tables on', () => {
    const waiting = fill(cache(), [tables, ...Array.from({ length: 100 }, (_, i) => picture(i)), tables, picture(1)]);
    expect(waiting.messages).toBe(0);
    expect(waiting.heldBytes).toBe(2 * 188 + 188);
  });

  it('begins with a PAT that has a PMT behind it', () => {
    const bare = message(pat());
    const described = [tables, key(1), message(pat()), message(pmt()), picture(2), bare, key(3), picture(4)];
    // The last PAT has no PMT before the key frame: the one before it has.
    expect(held(fill(cache(), described))).toEqual(described);
    const late = [message(pat()), bare, message(pmt()), key(1)];
    expect(held(fill(cache(), late))).toEqual(late);
  });

  it('keeps nothing of a group that is too large or too long, and goes on with the next one', () => {
    const large = [tables, key(1), ...Array.from({ length: 40 }, (_, i) => picture(i))];
    const bounded = cache({ maxBytes: 20 * 188 });
    fill(bounded, large);
    expect([bounded.messages, bounded.heldBytes]).toEqual([0, 0]);
    expect(held(fill(bounded, [tables, key(2)], 1, 100))).toEqual([tables, key(2)]);
    const long = cache({ maxMs: 1_000 });
    fill(long, [tables, key(1), picture(2), picture(3)], 400);
    expect(long.messages).toBe(0);
    expect(fill(long, [tables, key(2)], 1, 5_000).messages).toBe(2);
  });

  it('keeps nothing of what is no transport stream', () => {
    const mixed = fill(cache(), [tables, key(1), new TextEncoder().encode('hello')]);
    expect(mixed.messages).toBe(0);
    expect(fill(cache(), [message(pat(), pmt([[0x0f, 0x101]])), message(audio(1))]).messages).toBe(0);
  });

  it('never holds more than its limits, and always begins with a PAT, whatever comes', () => {
    const one = fc.oneof(
      fc.constantFrom(tables, message(pat()), message(pmt()), key(1), picture(2), message(audio(1))),
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc.uint8Array({ minLength: 188, maxLength: 188 }).map((bytes) => bytes.fill(0x47, 0, 1)),
    );
    fc.assert(
      fc.property(fc.array(one, { maxLength: 120 }), fc.integer({ min: 400, max: 4_000 }), (messages, maxBytes) => {
        const bounded = cache({ maxBytes, maxMs: 50 });
        for (const [index, bytes] of messages.entries()) {
          fill(bounded, [bytes], 1, index);
          expect(bounded.heldBytes).toBeLessThanOrEqual(maxBytes);
          if (bounded.messages === 0) continue;
          const start = held(bounded);
          expect(start.length).toBeLessThanOrEqual(52);
          expect(start[0]!.length % 188).toBe(0);
          expect(pids(start[0]!)).toContain(0);
          expect(start.reduce((sum, { length }) => sum + length, 0)).toBe(bounded.heldBytes);
        }
      }),
    );
  });
});
