import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { keep } from './corpus.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { inputsOf } from './inputs.ts';
import { TARGETS } from './targets.ts';

const HELP = `Usage: npm run fuzz -- [--seconds N] [--target NAME] [--seed N]

Tries every parser with inputs that are almost right, for N seconds in all (60). What a parser fails on is made small, kept in
test/fuzz/corpus and tried in \`npm test\` from then on.

Targets: ${TARGETS.map(({ name }) => name).join(' ')}
`;

interface Outcome {
  readonly target: string;
  readonly executions: number;
  readonly failure?: string;
}

const fuzz = async (target: FuzzTarget, ms: number, seed: number): Promise<Outcome> => {
  let executions = 0;
  const property = fc.asyncProperty(inputsOf(target), async (input) => {
    executions++;
    await target.run(input);
  });
  const details = await fc.check(property, { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: ms });
  if (!details.failed || !details.counterexample) return { target: target.name, executions };
  const path = keep(target.name, details.counterexample[0]);
  return { target: target.name, executions, failure: `${String(details.errorInstance)} (kept as ${path})` };
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      target: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const seconds = Number(values.seconds ?? 60);
  const targets = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  if (!(seconds > 0) || targets.length === 0 || !Number.isInteger(seed)) {
    process.stderr.write(HELP);
    return 2;
  }
  process.stdout.write(`seed ${seed}\n\n| Target | Executions | |\n|---|---|---|\n`);
  let failed = 0;
  for (const target of targets) {
    const { executions, failure } = await fuzz(target, (seconds * 1_000) / targets.length, seed);
    if (failure !== undefined) failed++;
    process.stdout.write(`| ${target.name} | ${executions} | ${failure ?? 'holds'} |\n`);
  }
  return failed === 0 ? 0 : 1;
};

process.exit(await main());
