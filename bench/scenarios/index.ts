import type { BenchContext } from '../context.ts';
import type { ScenarioResult } from '../result.ts';
import { runAttack } from './attack.ts';
import { BOND_SECONDS, BOND_SECONDS_AMONG_ALL, runBond } from './bond.ts';
import { runCapacity } from './capacity.ts';
import { runChain, runOneStream } from './chain.ts';
import { runFanout } from './fanout.ts';
import { runFlood } from './flood.ts';
import { runIsolation } from './isolation.ts';
import { runPages } from './pages.ts';
import { GOAL_SHAPES, runSrtla } from './srtla.ts';

type Run = (context: BenchContext) => Promise<ScenarioResult>;

const SCENARIOS: Readonly<Record<string, Run>> = {
  srtla: (context) => runSrtla(context),
  chain: runChain,
  'one-stream': runOneStream,
  fanout: runFanout,
  capacity: runCapacity,
  isolation: runIsolation,
  bond: (context) => runBond(context),
  flood: runFlood,
  attack: runAttack,
  pages: runPages,
};

/** Of a measuring window, where nothing else was asked for. */
const SECONDS = 3;
export const secondsOf = (name: string): number => (name === 'bond' ? BOND_SECONDS : SECONDS);

export interface Step {
  name: string;
  /** Whatever the command line says. */
  smallBuffers: boolean;
  run: Run;
}

export const SCENARIO_NAMES = [...Object.keys(SCENARIOS), 'all'];

/** Small buffers make a difference where datagrams queue: with the goals' own loads. */
const ALL: readonly (readonly [name: string, smallBuffers: boolean])[] = [
  ['srtla', false],
  ['chain', false],
  ['fanout', false],
  ['capacity', false],
  ['isolation', false],
  ['bond', false],
  ['flood', false],
  ['srtla', true],
  ['chain', true],
];

/** What a scenario's name stands for; undefined where there is none of that name. */
export const planOf = (name: string): Step[] | undefined => {
  const one = (scenario: string, smallBuffers: boolean): Step => ({
    name: scenario,
    smallBuffers,
    run: SCENARIOS[scenario]!,
  });
  if (name === 'all') {
    return ALL.map(([scenario, smallBuffers]) => {
      const step = one(scenario, smallBuffers);
      if (scenario === 'bond') return { ...step, run: (context) => runBond(context, BOND_SECONDS_AMONG_ALL) };
      if (scenario !== 'srtla' || !smallBuffers) return step;
      return { ...step, run: (context) => runSrtla(context, GOAL_SHAPES) };
    });
  }
  return Object.hasOwn(SCENARIOS, name) ? [one(name, false)] : undefined;
};
