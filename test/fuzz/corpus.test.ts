import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corpusOf } from './corpus.ts';
import { inputsOf } from './inputs.ts';
import { TARGETS } from './targets.ts';

/** The same ones each time: what is new is looked for by `npm run fuzz`. */
const RUNS = 60;

describe.each(TARGETS)('$name', (target) => {
  it('holds for what it failed on once, and for its seeds', { timeout: 30_000 }, async () => {
    const inputs = [...corpusOf(target.name), ...target.seeds.map((input, n) => ({ name: `seed ${n}`, input }))];
    for (const { name, input } of inputs) {
      const outcome = await Promise.resolve(target.run(input)).then(() => 'holds', String);
      expect([name, outcome]).toEqual([name, 'holds']);
    }
  });

  it('holds for inputs that are almost right', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(inputsOf(target), async (input) => target.run(input)),
      { numRuns: RUNS, seed: 7 },
    );
  });
});
