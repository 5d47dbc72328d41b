import { afterAll, expect } from 'vitest';
import { leaks } from './secret-watch.ts';

// Every test file: whatever its programs have written, no id and no key stands in it.
afterAll(() => expect(leaks().join('\n'), 'secrets in the output of programs').toBe(''));
