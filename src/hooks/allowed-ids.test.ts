import { describe, expect, it } from 'vitest';
import { ALLOWED_FOR_MS, AllowedIds, DENIED_FOR_MS } from './allowed-ids.ts';

describe('who comes in while the hook is down', () => {
  it('cached: what it has allowed within 24 hours, and nobody else', () => {
    const ids = new AllowedIds();
    expect(ids.decide('player a', 'down', 'cached', 0)).toBe(false);
    expect(ids.decide('player a', 'allowed', 'cached', 1_000)).toBe(true);
    expect(ids.decide('player a', 'down', 'cached', 1_000 + ALLOWED_FOR_MS)).toBe(true);
    expect(ids.decide('player a', 'down', 'cached', 1_001 + ALLOWED_FOR_MS)).toBe(false);
    expect(ids.decide('publisher a', 'down', 'cached', 2_000)).toBe(false);
  });

  it('needs no asking right after a no', () => {
    const ids = new AllowedIds();
    expect(ids.isDenied('player a', 0)).toBe(false);
    ids.decide('player a', 'denied', 'cached', 10);
    expect([ids.isDenied('player a', 9 + DENIED_FOR_MS), ids.isDenied('player b', 11)]).toEqual([true, false]);
    expect(ids.isDenied('player a', 10 + DENIED_FOR_MS)).toBe(false);
  });

  it('not what it has denied since', () => {
    const ids = new AllowedIds();
    ids.decide('player a', 'allowed', 'cached', 0);
    expect(ids.decide('player a', 'denied', 'cached', 1)).toBe(false);
    expect(ids.decide('player a', 'down', 'cached', 2)).toBe(false);
  });

  it('open: everybody; closed: nobody; a no counts with either', () => {
    const ids = new AllowedIds();
    ids.decide('player a', 'allowed', 'closed', 0);
    expect(ids.decide('player a', 'down', 'closed', 1)).toBe(false);
    expect(ids.decide('player b', 'down', 'open', 1)).toBe(true);
    expect(ids.decide('player b', 'denied', 'open', 1)).toBe(false);
  });
});
