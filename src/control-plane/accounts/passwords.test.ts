import { describe, expect, it } from 'vitest';
import { MAX_PASSWORD_LENGTH, Passwords, passwordFault } from './passwords.ts';

const CHEAP = { logN: 4, r: 1, p: 1 };

describe('Passwords', () => {
  it('knows the right password from a wrong one, whatever form its letters were typed in', async () => {
    const passwords = new Passwords(CHEAP);
    const stored = await passwords.hash('tre\u0301s secret word');
    expect(stored).toMatch(/^scrypt\$4\$1\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await passwords.verify('tr\u00e9s secret word', stored)).toBe(true);
    expect(await passwords.verify('tr\u00e9s secret words', stored)).toBe(false);
  });
  it('salts: the same password gives another hash', async () => {
    const passwords = new Passwords(CHEAP);
    expect(await passwords.hash('one and the same')).not.toBe(await passwords.hash('one and the same'));
  });
  it('is never right where there is no account, and for what is no hash', async () => {
    const passwords = new Passwords(CHEAP);
    expect(await passwords.verify('anything at all', undefined)).toBe(false);
    for (const broken of ['', 'scrypt$4$1$1$AAAA$', '!', 'scrypt$4$1$1$AAAA'])
      expect(await passwords.verify('anything at all', broken)).toBe(false);
  });
  it('refuses an overlong password without hashing it', async () => {
    const passwords = new Passwords(CHEAP);
    const stored = await passwords.hash('a good password');
    expect(await passwords.verify('x'.repeat(MAX_PASSWORD_LENGTH + 1), stored)).toBe(false);
  });
  it('checks at the cost that the hash was made with, and says when that is no longer the one of today', async () => {
    const stored = await new Passwords(CHEAP).hash('a good password');
    const today = new Passwords({ logN: 5, r: 1, p: 1 });
    expect(await today.verify('a good password', stored)).toBe(true);
    expect(today.isOutdated(stored)).toBe(true);
    expect(new Passwords(CHEAP).isOutdated(stored)).toBe(false);
  });
  it('lets one hash at once and 32 wait; the next one is told to come back', async () => {
    const passwords = new Passwords({ logN: 9, r: 8, p: 1 });
    const results = await Promise.allSettled(Array.from({ length: 35 }, () => passwords.hash('a good password')));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(2);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'TRIBUTARY_BUSY' });
    expect(await passwords.hash('and afterwards again')).toContain('scrypt$');
  });
});

describe('passwordFault', () => {
  it.each([
    ['short', /at least 10/],
    ['𝄞𝄞𝄞𝄞𝄞abcd', /at least 10/],
    ['x'.repeat(300), /at most 256/],
    ['abcabcabcabc', /repeats/],
    ['correct horse', undefined],
  ])('%s', (password, fault) => {
    if (fault) expect(passwordFault(password)).toMatch(fault);
    else expect(passwordFault(password)).toBeUndefined();
  });
});
