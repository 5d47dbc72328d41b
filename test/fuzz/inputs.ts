import fc from 'fast-check';
import type { FuzzTarget } from './fuzz-target.ts';

interface Edit {
  at: number;
  what: 'set' | 'flip' | 'insert' | 'remove' | 'double' | 'cut';
  bytes: Uint8Array;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(65_535),
  what: fc.constantFrom('set', 'flip', 'insert', 'remove', 'double', 'cut'),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
    fc.constantFrom(
      ...['{', '"', '[[', '%', '\0', '\n', '&a ', '*a', '1e999', '-1', 'ü', '../'].map((text) =>
        new TextEncoder().encode(text),
      ),
    ),
    fc.constantFrom(
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0x80, 0, 0, 0),
      Uint8Array.of(0x7f, 0xff, 0xff, 0xff),
    ),
  ),
});

const edited = (seed: Uint8Array, edits: readonly Edit[], most: number): Uint8Array => {
  let now = Buffer.from(seed);
  for (const { at, what, bytes } of edits) {
    const place = now.length === 0 ? 0 : at % now.length;
    const before = now.subarray(0, place);
    const after = now.subarray(place);
    if (what === 'set') now = Buffer.concat([before, bytes, after.subarray(bytes.length)]);
    else if (what === 'flip')
      now = Buffer.concat([before, Buffer.of((after[0] ?? 0) ^ (1 << (bytes[0]! & 7))), after.subarray(1)]);
    else if (what === 'insert') now = Buffer.concat([before, bytes, after]);
    else if (what === 'remove') now = Buffer.concat([before, after.subarray(bytes.length)]);
    else if (what === 'double') now = Buffer.concat([now, after.subarray(0, 64)]);
    else now = Buffer.from(before);
  }
  return now.subarray(0, most);
};

/** Mostly well-formed inputs with a few changes, and now and then just bytes. */
export const inputsOf = ({ seeds, maxBytes }: FuzzTarget): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 12 }))
        .map(([seed, edits]) => edited(seed, edits, maxBytes)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: maxBytes }) },
  );
