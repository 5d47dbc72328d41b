import { describe, expect, it, onTestFinished } from 'vitest';
import { forget, keepSecret, leaks, watch } from '../support/secret-watch.ts';

describe('the watch over the output of programs', () => {
  const written = (text: string, args = ['dist/main.js', 'relay']): string[] => {
    onTestFinished(forget);
    keepSecret('live_of_somebody', 'a'.repeat(32), 'short');
    watch(args)(text);
    return leaks();
  };
  it.each([
    'publisher live_of_somebody came',
    `{"msg":"x","key":"${'a'.repeat(32)}"}`,
    `nobody knows live_${'0f'.repeat(16)}`,
  ])('sees %s', (line) => expect(written(`first\n${line}\nlast`)).toEqual([`dist/main.js relay: ${line}`]));
  it('sees what comes in two pieces', () => {
    onTestFinished(forget);
    keepSecret('live_of_somebody');
    const write = watch(['dist/main.js', 'relay']);
    write('live_of');
    write('_somebody');
    expect(leaks()).toHaveLength(1);
  });
  it('lets the first start tell its key, and commands that are asked for ids tell them', () => {
    expect(written(`Generated default admin API key: ${'a'.repeat(32)}\n`)).toEqual([]);
    expect(written('srt://host:4000?streamid=live_of_somebody', ['dist/main.js', 'urls'])).toEqual([]);
    expect(written('a short word')).toEqual([]);
    expect(written('srt://host?streamid=live_of_somebody', ['-i', 'x.ts'])).toEqual([]);
  });
});
