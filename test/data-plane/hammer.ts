import type { TableLayout } from '../../src/data-plane/counter-layout.ts';

/** One record of several cache lines, as long as a link's. */
export const HAMMER: TableLayout = { offsetBytes: 64, records: 1, fields: 20 };
export const HAMMER_BYTES = 64 + 8 + 20 * 8;

const WRITINGS_PER_OWNER = 8;

/** The owner of the record in this writing. */
export const generationOf = (writing: number): number => ((writing / WRITINGS_PER_OWNER) << 1) | 1;

/** Every field tells which writing it is of. */
export const fieldValue = (writing: number, field: number): number => writing * 64 + field;

/** The writing that all fields are of; undefined when they are of several. */
export const writingOf = (values: Float64Array): number | undefined => {
  const writing = values[0]! / 64;
  for (let field = 1; field < values.length; field++)
    if (values[field] !== fieldValue(writing, field)) return undefined;
  return writing;
};
