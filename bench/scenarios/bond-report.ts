import type { BondScenario } from '../../src/sender/impair/scenarios.ts';
import type { BondRun, BondVariant } from '../bond-rig.ts';
import { type IdealLoss, idealLoss } from '../ideal-receiver.ts';
import { type Check, fixed, type Plot, percent, type ScenarioResult, type Table, whole } from '../result.ts';

const RATIO_GOAL = 1.15;
/** Where links reorder by themselves, lateness and loss look alike for a while. */
const REORDERING_RATIO_GOAL = 1.5;
const NAK_MARGIN_MS = 20;
/** Above it the emulator was a part of what was measured. */
const EMULATOR_LATE_MS = 5;

const NAMES: Readonly<Record<BondVariant, string>> = { plain: 'stock', exact: 'ours' };

/** The value below which the share `q` lies; undefined of none. */
export const quantileOf = (values: readonly number[], q: number): number | undefined => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
};

const nakTimes = ({ impairment }: BondRun): number[] =>
  impairment.bond.losses.flatMap(({ nakMs }) => (nakMs === undefined ? [] : [nakMs]));

/** Between the fastest and the slowest link, by their mean delays. */
const skewMs = ({ links }: BondScenario): number => {
  const delays = links.map(({ delayMs = 0 }) => delayMs);
  return Math.max(...delays) - Math.min(...delays);
};

/** Where no receiver could save every packet, it is held against one that knows everything. */
const SHORT_LATENCY_MS = 1_000;
const isShort = ({ latencyMs }: BondScenario): boolean => latencyMs < SHORT_LATENCY_MS;

/** Of the losses of this very run. */
const idealOf = (scenario: BondScenario, { impairment, encoderRttMs }: BondRun): IdealLoss =>
  idealLoss({
    scenario,
    lossDelaysMs: impairment.bond.losses.map(({ delayMs }) => delayMs),
    shares: impairment.links.map(({ up }) => up.offered),
    rttMs: encoderRttMs,
  });

const ratioGoal = ({ links }: BondScenario): number =>
  links.some(({ reorderRate = 0 }) => reorderRate > 0) ? REORDERING_RATIO_GOAL : RATIO_GOAL;

export const describeBond = (
  scenarios: readonly BondScenario[],
  runs: readonly BondRun[],
  failures: readonly string[],
  seconds: number,
): ScenarioResult => ({
  scenario: 'bond',
  title: `One stream of 6 Mbit/s over impaired links, ${seconds} s each: stock loss detection and ours`,
  data: { runs },
  tables: [
    sideBySide(scenarios, runs),
    lossTable(scenarios, runs),
    feedbackTable(scenarios, runs),
    linkTable(scenarios, runs),
  ],
  plots: [ratioPlot(scenarios, runs), ...scenarios.map((scenario) => nakPlot(scenario, runs))],
  checks: [...scenarios.flatMap((scenario) => checksOf(scenario, runs)), untouched(runs)],
  ratios: Object.fromEntries(
    runs
      .filter(({ variant, impairment }) => variant === 'exact' && impairment.bond.ratio !== undefined)
      .map(({ scenario, impairment }) => [`retransmitted ÷ lost, ${scenario}`, impairment.bond.ratio!]),
  ),
  notes: [...failures, ...notesOf(runs)],
});

const rowsOf = (
  scenarios: readonly BondScenario[],
  runs: readonly BondRun[],
  cells: (run: BondRun) => string[],
): string[][] =>
  scenarios.flatMap(({ name }) =>
    runs.filter(({ scenario }) => scenario === name).map((run) => [`${name}, ${NAMES[run.variant]}`, ...cells(run)]),
  );

/** Stock and ours next to each other, for each number. */
const sideBySide = (scenarios: readonly BondScenario[], runs: readonly BondRun[]): Table => {
  const pairs: readonly (readonly [name: string, cell: (run: BondRun) => string])[] = [
    ['ratio', ({ impairment }) => fixed(impairment.bond.ratio, 2)],
    [
      'sent again',
      ({ impairment: { bond } }) => percent(bond.retransmissions.sent / Math.max(1, bond.firstCopies.sent)),
    ],
    ['lost', ({ lost }) => whole(lost)],
    ['NAK ms', (run) => fixed(quantileOf(nakTimes(run), 0.5), 0)],
    ['µs/message', ({ cpuUsPerMessage }) => fixed(cpuUsPerMessage, 0)],
  ];
  return {
    title:
      'Side by side: sent again ÷ lost, sent again ÷ packets, payloads lost at the player, median time to NAK, CPU of the node',
    columns: ['scenario', ...pairs.flatMap(([name]) => [`${name}: stock`, 'ours']), 'ideal lost'],
    rows: scenarios.map((scenario) => {
      const of = (variant: BondVariant): BondRun | undefined =>
        runs.find((run) => run.scenario === scenario.name && run.variant === variant);
      const [stock, ours] = [of('plain'), of('exact')];
      const cells = pairs.flatMap(([, cell]) => [stock, ours].map((run) => (run === undefined ? '–' : cell(run))));
      return [scenario.name, ...cells, ours === undefined ? '–' : fixed(idealOf(scenario, ours).mean, 1)];
    }),
  };
};

const lossTable = (scenarios: readonly BondScenario[], runs: readonly BondRun[]): Table => ({
  title: 'What was sent again for what was lost',
  columns: [
    'scenario',
    'packets',
    'first lost',
    'sent again',
    'of them lost',
    'ratio',
    'NAK p50 ms',
    'p95',
    'player: lost',
    'dup',
    'reord',
  ],
  rows: rowsOf(scenarios, runs, (run) => {
    const { firstCopies, retransmissions, ratio } = run.impairment.bond;
    const times = nakTimes(run);
    return [
      ...[firstCopies.sent, firstCopies.lost, retransmissions.sent, retransmissions.lost].map(whole),
      fixed(ratio, 2),
      fixed(quantileOf(times, 0.5), 0),
      fixed(quantileOf(times, 0.95), 0),
      ...[run.lost, run.duplicated, run.reordered].map(whole),
    ];
  }),
});

const feedbackTable = (scenarios: readonly BondScenario[], runs: readonly BondRun[]): Table => ({
  title: 'What the node sent back',
  columns: [
    'scenario',
    'NAKs/s',
    'numbers/s',
    'of them there',
    'on the way',
    'SRT ACKs/s',
    'light/s',
    'encoder RTT ms',
    'MiB',
    'emulator late ms',
  ],
  rows: rowsOf(scenarios, runs, ({ impairment, encoderRttMs, memoryMiB }) => {
    const { forMs, nak, ack } = impairment.bond;
    const rate = (count: number, decimals: number): string => fixed(count / (forMs / 1_000), decimals);
    const share = (count: number): string => percent(nak.numbers === 0 ? undefined : count / nak.numbers, 0);
    return [
      rate(nak.packets, 1),
      rate(nak.numbers, 1),
      share(nak.arrived),
      share(nak.onTheWay),
      rate(ack.full, 0),
      rate(ack.light, 0),
      fixed(encoderRttMs, 0),
      fixed(memoryMiB, 0),
      fixed(impairment.lateness.p99Ms, 0),
    ];
  }),
});

const linkTable = (scenarios: readonly BondScenario[], runs: readonly BondRun[]): Table => ({
  title: 'What the links did',
  columns: ['link', 'offered', 'lost', 'blacked out', 'queue full', 'reordered', 'back: offered', 'lost'],
  rows: scenarios.flatMap(({ name }) =>
    runs
      .filter(({ scenario }) => scenario === name)
      .flatMap(({ variant, impairment }) =>
        impairment.links.map(({ up, down }, i) => [
          `${name}, ${NAMES[variant]}, ${i + 1}`,
          ...[up.offered, up.lost, up.blackout, up.overflowed, up.reordered].map(whole),
          whole(down.offered),
          whole(down.lost + down.blackout + down.overflowed),
        ]),
      ),
  ),
});

const ratioPlot = (scenarios: readonly BondScenario[], runs: readonly BondRun[]): Plot => ({
  kind: 'bar',
  title: 'Packets sent again for each packet lost',
  unit: '',
  bars: scenarios.flatMap(({ name }) =>
    runs
      .filter(({ scenario }) => scenario === name)
      .map(({ variant, impairment }) => ({
        name: `${name}, ${NAMES[variant]}`,
        value: impairment.bond.ratio ?? 0,
        group: NAMES[variant],
      })),
  ),
  limit: { y: RATIO_GOAL, label: `goal ${RATIO_GOAL}` },
});

/** `[milliseconds, share]`, from a share of 0 on; a hundred steps at most. */
export const cumulativeOf = (values: readonly number[]): [number, number][] => {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  const steps = Math.min(100, sorted.length);
  const points = Array.from({ length: steps }, (_, i): [number, number] => {
    const share = (i + 1) / steps;
    return [Math.max(0, sorted[Math.ceil(share * sorted.length) - 1]!), share];
  });
  return [[Math.max(0, sorted[0]!), 0], ...points];
};

/** The last hundredth may be far out, and would squeeze the rest. */
const mostOf = (runs: readonly BondRun[]): number =>
  Math.max(1, ...runs.map((run) => (quantileOf(nakTimes(run), 0.99) ?? 0) * 1.1));

const nakPlot = (scenario: BondScenario, runs: readonly BondRun[]): Plot => ({
  kind: 'line',
  style: 'plain',
  title: `${scenario.name}: from a loss to its NAK`,
  x: {
    label: 'milliseconds after it would have arrived',
    scale: 'linear',
    max: mostOf(runs.filter((run) => run.scenario === scenario.name)),
  },
  y: { label: 'share of losses', scale: 'linear', max: 1 },
  series: runs
    .filter((run) => run.scenario === scenario.name)
    .map((run) => ({ name: NAMES[run.variant], points: cumulativeOf(nakTimes(run)) })),
});

const checksOf = (scenario: BondScenario, runs: readonly BondRun[]): Check[] => {
  const run = runs.find((one) => one.scenario === scenario.name && one.variant === 'exact');
  if (run === undefined) return [];
  const most = (name: string, value: number | undefined, goal: number, unit: string): Check => ({
    name: `${scenario.name}: ${name}`,
    value,
    relation: '≤',
    goal,
    unit,
  });
  return [
    ...(isShort(scenario)
      ? [most('payloads lost; goal: of 100 ideal receivers 95 lose no more', run.lost, idealOf(scenario, run).p95, '')]
      : [
          most('retransmitted ÷ lost', run.impairment.bond.ratio, ratioGoal(scenario), '×'),
          most('payloads lost', run.lost, 0, ''),
        ]),
    most('median time to NAK', quantileOf(nakTimes(run), 0.5), skewMs(scenario) + NAK_MARGIN_MS, 'ms'),
  ];
};

const untouched = (runs: readonly BondRun[]): Check => ({
  name: 'payloads duplicated, reordered or altered, all runs of ours',
  value: runs
    .filter(({ variant }) => variant === 'exact')
    .reduce((sum, run) => sum + run.duplicated + run.reordered + run.altered, 0),
  relation: '≤',
  goal: 0,
  unit: '',
});

const notesOf = (runs: readonly BondRun[]): string[] =>
  runs.flatMap(({ scenario, variant, impairment, encoderDropped, broken }) => {
    const name = `${scenario}, ${NAMES[variant]}`;
    const { p99Ms, maxMs } = impairment.lateness;
    return [
      ...(p99Ms >= EMULATOR_LATE_MS
        ? [`${name}: the emulated links were late themselves (p99 ${p99Ms} ms, at most ${maxMs.toFixed(0)} ms)`]
        : []),
      ...(encoderDropped > 0 ? [`${name}: the encoder gave ${encoderDropped} packets up`] : []),
      ...(broken ? [`${name}: a connection ended early`] : []),
    ];
  });
