import { QualityMachine } from '../../src/quality/machine.ts';
import { QUALITY_RULES, type QualityInput } from '../../src/quality/types.ts';
import { PublishedRules } from './published-rules.ts';

/** kbit/s that the links carry together, 0 = no link, by the second. */
export type Trace = (atS: number) => number;

/** Draws in [0, 1), the same ones for the same seed. */
const drawsOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const within = (atS: number, fromS: number, forS: number): boolean => atS >= fromS && atS < fromS + forS;

const walk = (seed: number): Trace => {
  const draw = drawsOf(seed);
  const values: number[] = [];
  let kbps = 5_000;
  for (let s = 0; s < 1_800; s++) {
    kbps = Math.min(9_000, Math.max(400, kbps + (draw() - 0.5) * 600));
    values.push(kbps);
  }
  return (atS) => values[Math.min(atS, values.length - 1)]!;
};

export const TRACES: Readonly<Record<string, Trace>> = {
  'steady 10 Mbit/s': () => 10_000,
  '10 → 2 Mbit/s for 180 s': (atS) => (within(atS, 600, 180) ? 2_000 : 10_000),
  'tunnel of 20 s': (atS) => (within(atS, 600, 20) ? 0 : 10_000),
  'tunnel of 90 s': (atS) => (within(atS, 600, 90) ? 0 : 10_000),
  'slow fade 10 → 1 → 10 Mbit/s': (atS) => 1_000 + 9_000 * Math.abs(1 - atS / 900),
  'flapping link, 10 and 3 Mbit/s each 15 s': (atS) => (Math.floor(atS / 15) % 2 === 0 ? 10_000 : 3_000),
  'sine 2–10 Mbit/s, 40 s': (atS) => 6_000 + 4_000 * Math.sin((2 * Math.PI * atS) / 40),
  'random walk 0.4–9 Mbit/s': walk(7),
};

export interface Outcome {
  switches: number;
  /** The encoder sends more than the links carry. */
  overloadedS: number;
  /** The longest while a lower level would have fitted. */
  longestOverloadS: number;
  /** … although links are up. */
  errorS: number;
  /** Of what was sent while it was not too much, over all seconds. */
  cleanKbps: number;
  states: { atS: number; state: string }[];
}

interface Steered {
  readonly state: string;
  readonly rateKbps: number;
  take(input: QualityInput, atS: number): void;
}

export const RULE_SETS: Readonly<Record<string, () => Steered>> = {
  published: () => new PublishedRules(false),
  'published, mended': () => new PublishedRules(true),
  ours: () => {
    const machine = new QualityMachine(0);
    return {
      get state() {
        return machine.quality.state;
      },
      get rateKbps() {
        return machine.quality.state === 'ERROR' ? 300 : QUALITY_RULES.levels[machine.quality.level].rateKbps;
      },
      take: (input, atS) => void machine.take(input, atS * 1_000),
    };
  },
};

const SECONDS = 1_800;
const LATENCY_MS = 2_000;
const LEAST_KBPS = QUALITY_RULES.levels.VERY_LOW.rateKbps;

/** Half an hour of one encoder that does as it is told. @param isCapacityKnown the sender has telemetry */
export const drive = (trace: Trace, steered: Steered, isCapacityKnown: boolean, seed = 1): Outcome => {
  const draw = drawsOf(seed);
  const noisy = (value: number): number => value * (1 + (draw() - 0.5) * 0.16);
  const outcome: Outcome = { switches: 0, overloadedS: 0, longestOverloadS: 0, errorS: 0, cleanKbps: 0, states: [] };
  let overloadS = 0;
  for (let atS = 1; atS <= SECONDS; atS++) {
    const capacity = trace(atS);
    const rate = steered.rateKbps;
    const isOver = capacity > 0 && rate > capacity;
    // Below the lowest level there is nothing to go to.
    overloadS = isOver && capacity >= LEAST_KBPS ? overloadS + 1 : 0;
    outcome.overloadedS += Number(isOver);
    outcome.longestOverloadS = Math.max(outcome.longestOverloadS, overloadS);
    outcome.errorS += Number(capacity > 0 && steered.state === 'ERROR');
    if (capacity > 0 && !isOver) outcome.cleanKbps += rate / SECONDS;
    const before = steered.state;
    steered.take(
      {
        linksHeard: capacity > 0 ? 2 : 0,
        deliveredKbps: noisy(Math.min(rate, capacity)),
        capacityKbps: isCapacityKnown ? noisy(capacity) : undefined,
        lossPct: isOver ? (100 * (rate - capacity)) / rate : 0,
        playerLossPct: 0,
        rttMs: 60 + (isOver ? 400 : 0),
        bufferMs: undefined,
        latencyMs: LATENCY_MS,
      },
      atS,
    );
    if (steered.state === before) continue;
    outcome.switches++;
    outcome.states.push({ atS, state: steered.state });
  }
  return outcome;
};

/** Markdown: each trace with each rule set. */
const comparison = (isCapacityKnown: boolean): string => {
  const lines = [
    '| Trace | Rules | Switches | Seconds overloaded | The longest that a lower level would have ended | Seconds in ERROR with links up | Mean clean kbit/s |',
    '|---|---|---|---|---|---|---|',
  ];
  for (const [name, trace] of Object.entries(TRACES))
    for (const [rules, make] of Object.entries(RULE_SETS)) {
      const { switches, overloadedS, longestOverloadS, errorS, cleanKbps } = drive(trace, make(), isCapacityKnown);
      lines.push(
        `| ${name} | ${rules} | ${switches} | ${overloadedS} | ${longestOverloadS} | ${errorS} | ${Math.round(cleanKbps)} |`,
      );
    }
  return lines.join('\n');
};

/** Markdown: both tables. */
export const comparisons = (): string =>
  `The sender tells its capacity:\n\n${comparison(true)}\n\nOnly what arrives is known:\n\n${comparison(false)}\n`;
