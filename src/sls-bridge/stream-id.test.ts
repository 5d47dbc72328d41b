import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STREAM_ID_TABLE } from '../../test/support/stream-id-table.ts';
import { streamIdForms } from './stream-id.ts';

const role = fc.constantFrom('publish' as const, 'play' as const);
const part = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(...'abc/:?,=#!.r_') });

describe('what an unknown stream id may mean', () => {
  it.each(STREAM_ID_TABLE)('$role $id: $forms', ({ id, role, forms }) => {
    expect(streamIdForms(id, role)).toEqual(forms);
  });

  it('never throws, is never itself, never empty, never twice the same, and always a part of what was said', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 600 }), part), role, (id, of) => {
        const forms = streamIdForms(id, of);
        expect(new Set(forms).size).toBe(forms.length);
        expect(forms.length).toBeLessThanOrEqual(5);
        for (const form of forms) {
          expect(form).not.toBe(id);
          expect(form).not.toBe('');
          expect(id).toContain(form);
        }
      }),
    );
  });

  it('holds every id that a dialect was made of', () => {
    const id = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(...'abcXYZ019_-./') });
    fc.assert(
      fc.property(id, fc.constantFrom('a', 'live', 'app-1'), (x, app) => {
        for (const said of [
          `#!::r=${x},m=publish`,
          `#!::m=publish,u=${x}`,
          `publish/${app}/${x}`,
          `publish:${x}`,
          `${x}?a`,
        ])
          expect(streamIdForms(said, 'publish')).toContain(x);
        for (const said of [`#!::r=${x},m=request`, `play/${app}/${x}`, `read:${x}`, `read:${x}:u:p`])
          expect(streamIdForms(said, 'play')).toContain(x);
      }),
    );
  });
});
