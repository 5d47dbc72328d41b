import { BOND_SCENARIOS, type BondScenario } from '../../src/sender/impair/scenarios.ts';
import { BOND_VARIANTS, type BondRun, runBondOnce } from '../bond-rig.ts';
import type { BenchContext } from '../context.ts';
import type { ScenarioResult } from '../result.ts';
import { describeBond } from './bond-report.ts';

/** Of each scenario. */
export const BOND_SECONDS = 60;

/** @throws Error for a name that is none */
const chosen = (only: string | undefined): BondScenario[] => {
  if (only === undefined) return [...BOND_SCENARIOS.values()];
  const one = BOND_SCENARIOS.get(only);
  if (one !== undefined) return [one];
  throw new Error(`--only ${only}: there is no such scenario; known: ${[...BOND_SCENARIOS.keys()].join(', ')}`);
};

/** Both variants at the same time, so that the machine is the same for both. */
export const runBond = async (context: BenchContext): Promise<ScenarioResult> => {
  const { seconds, only } = context.options;
  const scenarios = chosen(only);
  const runs: BondRun[] = [];
  for (const scenario of scenarios) {
    context.progress(`${scenario.title}, ${seconds} s`);
    runs.push(...(await Promise.all(BOND_VARIANTS.map((variant) => runBondOnce(context, scenario, variant, seconds)))));
  }
  return describeBond(scenarios, runs, seconds);
};
