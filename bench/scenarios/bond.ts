import { BOND_SCENARIOS, type BondScenario } from '../../src/sender/impair/scenarios.ts';
import { BOND_VARIANTS, type BondRun, runBondOnce } from '../bond-rig.ts';
import type { BenchContext } from '../context.ts';
import type { ScenarioResult } from '../result.ts';
import { describeBond } from './bond-report.ts';

/** Of each scenario. */
export const BOND_SECONDS = 60;
export const BOND_SECONDS_AMONG_ALL = 20;
/** In less the player would hardly have begun. */
const LEAST_SECONDS = 8;

const ATTEMPTS = 2;
/** A run in which the emulator itself was later than this shows the machine, not the node. */
const LATE_P99_MS = 20;
const LATE_MAX_MS = 400;

/** @throws Error for a name that is none */
const chosen = (only: string | undefined): BondScenario[] => {
  if (only === undefined) return [...BOND_SCENARIOS.values()];
  const one = BOND_SCENARIOS.get(only);
  if (one !== undefined) return [one];
  throw new Error(`--only ${only}: there is no such scenario; known: ${[...BOND_SCENARIOS.keys()].join(', ')}`);
};

/** Once more where something else has failed it, such as a machine that stood still. */
const tried = async (run: () => Promise<BondRun>, failed: (why: string) => void): Promise<BondRun[]> => {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      return [await run()];
    } catch (error) {
      failed(error instanceof Error ? error.message.split('\n')[0]! : String(error));
    }
  }
  return [];
};

const isDisturbed = (runs: readonly BondRun[]): boolean =>
  runs.some(({ impairment: { lateness } }) => lateness.p99Ms >= LATE_P99_MS || lateness.maxMs >= LATE_MAX_MS);

/** No runs are the worst. */
const latenessOf = (runs: readonly BondRun[]): number =>
  runs.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...runs.map(({ impairment }) => impairment.lateness.maxMs));

/** Both variants at the same time, so that the machine is the same for both. */
export const runBond = async (context: BenchContext, leastSeconds = LEAST_SECONDS): Promise<ScenarioResult> => {
  const { only } = context.options;
  const seconds = Math.max(leastSeconds, context.options.seconds);
  const scenarios = chosen(only);
  const runs: BondRun[] = [];
  const failures: string[] = [];
  for (const scenario of scenarios) {
    context.progress(`${scenario.title}, ${seconds} s`);
    const pair = async (): Promise<BondRun[]> => {
      const both = BOND_VARIANTS.map((variant) =>
        tried(
          () => runBondOnce(context, scenario, variant, seconds),
          (why) => failures.push(`${scenario.name}, ${variant}: a run failed (${why})`),
        ),
      );
      return (await Promise.all(both)).flat();
    };
    const first = await pair();
    if (!isDisturbed(first)) {
      runs.push(...first);
      continue;
    }
    context.progress(`${scenario.title}, again, because the machine was busy`);
    const second = await pair();
    runs.push(...(latenessOf(second) < latenessOf(first) ? second : first));
  }
  if (runs.length === 0) throw new Error(failures.at(-1));
  return describeBond(scenarios, runs, failures, seconds);
};
