import { describe, expect, it } from 'vitest';
import { capital, concealed } from './format.ts';

describe('a secret on a screen', () => {
  it.each([
    ['srtla://host:5000?streamid=live_secret', 'srtla://host:5000?streamid=••••••••'],
    [
      'srt://host:4000?streamid=secret&mode=caller&passphrase=secret%20words',
      'srt://host:4000?streamid=••••••••&mode=caller&passphrase=••••••••',
    ],
    [
      "ffplay -fflags nobuffer 'srt://host:4000?streamid=secret'",
      "ffplay -fflags nobuffer 'srt://host:4000?streamid=••••••••'",
    ],
    ['moblin://?%7B%22url%22%3A%22secret%22%7D', 'moblin://?••••••••'],
    ['live_secret', '••••••••'],
    ['an-id-of-my-own', '••••••••'],
    ['a pass=phrase', '••••••••'],
  ])('%s', (secret, shown) => {
    expect(concealed(secret)).toBe(shown);
  });
});

it('a text of the terminal begins with a capital on a page, and libsrt keeps its name', () => {
  expect(['waiting for packets', 'libsrt 1.5.1', ''].map(capital)).toEqual(['Waiting for packets', 'libsrt 1.5.1', '']);
});
