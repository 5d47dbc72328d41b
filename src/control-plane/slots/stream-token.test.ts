import { describe, expect, it } from 'vitest';
import { base32, randomToken } from '../accounts/secrets.ts';
import { bareToken, isStreamToken, newSlug } from './stream-token.ts';

describe('stream tokens', () => {
  it('are 128 bits in base32 (RFC 4648, section 10, in lower case and without padding)', () => {
    for (const [text, encoded] of [
      ['', ''],
      ['f', 'my'],
      ['fo', 'mzxq'],
      ['foo', 'mzxw6'],
      ['foob', 'mzxw6yq'],
      ['fooba', 'mzxw6ytb'],
      ['foobar', 'mzxw6ytboi'],
    ] as const)
      expect(base32(Buffer.from(text))).toBe(encoded);
    expect(base32(new Uint8Array(16).fill(255))).toBe(`${'7'.repeat(25)}4`);
    const tokens = new Set(Array.from({ length: 1_000 }, randomToken));
    expect(tokens.size).toBe(1_000);
    for (const token of tokens) expect(isStreamToken(token)).toBe(true);
  });
  it.each(['3f9a0c1e', 'abcdefghijklmnopqrstuvwxyz'])('%s has the form of one', (token) => {
    expect(isStreamToken(token)).toBe(true);
  });
  it.each([
    '3F9A0C1E',
    '3f9a0c1',
    'k3f9a0c1',
    'k3f9a0c1.relay.example',
    'live_3f9a0c1e',
    '',
    'a'.repeat(27),
    '3f9a0c1e\n',
  ])('%j has not', (token) => {
    expect(isStreamToken(token)).toBe(false);
  });
  it('are found in what people paste', () => {
    expect(bareToken(' LIVE_3F9A0C1E ')).toBe('3f9a0c1e');
    expect(bareToken('play_3f9a0c1e')).toBe('3f9a0c1e');
  });
});

describe('slugs', () => {
  it('are 8 characters of base36 and never have the form of a token', () => {
    const slugs = Array.from({ length: 2_000 }, () => newSlug());
    expect(new Set(slugs).size).toBe(2_000);
    for (const slug of slugs) {
      expect(slug).toMatch(/^[0-9a-z]{8}$/);
      expect(isStreamToken(slug)).toBe(false);
    }
  });
  it('are drawn again where all is hex', () => {
    const draws = [...Array(8).fill(3), ...Array(8).fill(35)];
    expect(newSlug(() => draws.shift())).toBe('zzzzzzzz');
  });
  it('use every character about as often', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 4_500; i++) for (const char of newSlug()) counts.set(char, (counts.get(char) ?? 0) + 1);
    expect(counts.size).toBe(36);
    // 1,000 each are expected; 6 standard deviations are 190.
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(200);
  });
});
