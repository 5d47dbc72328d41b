import { describe, expect, it } from 'vitest';
import { hangUpMeans } from './stop-signals.ts';

describe('SIGHUP', () => {
  it('ends what runs on a terminal once that is gone, and asks anything else to read its settings again', () => {
    expect(hangUpMeans(true, false, () => false)).toBe('stop');
    expect(hangUpMeans(true, true, () => false)).toBe('stop');
    expect(hangUpMeans(true, true, () => true)).toBe('reload');
    expect(hangUpMeans(false, false, () => false)).toBe('reload');
    // Nobody reads what it prints any more.
    expect(hangUpMeans(false, true, () => false)).toBe('stop');
  });
});
