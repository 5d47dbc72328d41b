import { Histogram } from './histogram.ts';
import { type Measures, ratioOf } from './measures.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';

/** One scenario, one profile, one kind of detection, over several seeds. */
export interface Cell {
  readonly runs: readonly Measures[];
  /** Over all seeds together, and the worst of them. */
  readonly ratio: number;
  readonly worstRatio: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly hold: Histogram;
  readonly toNak: Histogram;
  /** CPU time of this process for each simulated hour. */
  readonly cpuSecondsPerHour: number;
}

export const cell = (seeds: readonly number[], options: Omit<SimulationOptions, 'seed'>): Cell => {
  const before = process.cpuUsage();
  const runs = seeds.map((seed) => new Simulation({ ...options, seed }).run());
  const { user, system } = process.cpuUsage(before);
  const sum = (of: (run: Measures) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const hold = new Histogram();
  const toNak = new Histogram();
  for (const run of runs) {
    hold.merge(run.hold);
    toNak.merge(run.toNak);
  }
  return {
    runs,
    ratio: ratioOf(
      sum((run) => run.retransmitted),
      sum((run) => run.missed + run.missedRepeats),
    ),
    worstRatio: Math.max(...runs.map((run) => run.ratio)),
    lost: sum((run) => run.lostAtPlayer),
    duplicated: sum((run) => run.duplicatedAtPlayer + run.inventedAtPlayer),
    hold,
    toNak,
    cpuSecondsPerHour: (user + system) / 1e6 / (sum((run) => run.simulatedMs) / 3_600_000),
  };
};

const COLUMNS = [
  ['scenario', 14],
  ['profile', 8],
  ['detect', 7],
  ['ratio', 7],
  ['worst', 7],
  ['sent', 9],
  ['R sent', 9],
  ['missed', 8],
  ['lost', 6],
  ['dup', 5],
  ['early', 8],
  ['hold50', 7],
  ['hold99', 7],
  ['nak50', 7],
  ['dgr/pkt', 8],
  ['ackcp', 6],
  ['sess', 5],
  ['CPU s/h', 8],
] as const;

const line = (texts: readonly string[]): string =>
  COLUMNS.map(([, width], i) => (i < 3 ? texts[i]!.padEnd(width) : texts[i]!.padStart(width))).join(' ');

export const HEADER = line(COLUMNS.map(([name]) => name));

export const row = (scenario: string, profile: string, detection: string, result: Cell): string => {
  const { runs, hold, toNak } = result;
  const sum = (of: (run: Measures) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const mean = (of: (run: Measures) => number): number => sum(of) / runs.length;
  return line([
    scenario,
    profile,
    detection,
    result.ratio.toFixed(3),
    result.worstRatio.toFixed(3),
    `${sum((run) => run.sent)}`,
    `${sum((run) => run.retransmitted)}`,
    `${sum((run) => run.missed + run.missedRepeats)}`,
    `${result.lost}`,
    `${result.duplicated}`,
    `${sum((run) => run.askedTooEarly)}`,
    hold.quantile(0.5).toFixed(1),
    hold.quantile(0.99).toFixed(1),
    toNak.quantile(0.5).toFixed(1),
    mean((run) => run.datagramsPerPacket).toFixed(2),
    mean((run) => run.ackCopies).toFixed(2),
    mean((run) => run.sessions).toFixed(1),
    result.cpuSecondsPerHour.toFixed(1),
  ]);
};
