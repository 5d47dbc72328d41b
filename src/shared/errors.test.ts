import { expect, it } from 'vitest';
import { TributaryError } from './errors.ts';

it('an error is one line, whatever is repeated in it, and nothing in it speaks to a terminal', () => {
  const error = new TributaryError('TRIBUTARY_BAD_ARGUMENT', 'not a link: a\nb\u001b[31m\u2028', 'give an address');
  expect(error.line).toBe('not a link: a\\u000ab\\u001b[31m\\u2028: give an address');
});
