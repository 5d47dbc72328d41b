import { FOREIGN } from '../context.ts';
import type { ThreadFacts } from '../probe.ts';
import { type Check, fixed, type Plot, percent, type ScenarioResult, type Table, whole } from '../result.ts';
import type { StreamShape, Totals, Window } from '../rig.ts';
import { cumulative, median, mergeDistributions, quantileMs, slope } from '../statistics.ts';
import type { ChainKind, ChainRun } from './chain.ts';

const COST_GOAL = 1.3;
const MEMORY_GOAL_MIB = 130;
export const CHAIN_P99_MS = 5;
export const STAGE_P99_MS = 3;

export const describeChain = (shape: StreamShape, runs: readonly ChainRun[]): ScenarioResult => {
  const of = (kind: ChainKind): ChainRun[] => runs.filter((run) => run.kind === kind);
  const cost = (kind: ChainKind): number => median(of(kind).map(({ window }) => window.cpuUsPerMessage));
  const ratio = cost('node') / cost('minirelay');
  return {
    scenario: 'chain',
    title: `${shape.streams} bonded streams of ${shape.mbps} Mbit/s over ${shape.links} links, ${shape.playersPerStream === 1 ? 'a player' : `${shape.playersPerStream} players`} each`,
    data: { shape, runs },
    tables: [
      runTable(runs),
      delayTable(of('node'), of('minirelay')),
      threadTable(of('node').flatMap(({ window }) => window.threads)),
    ],
    plots: plots(of('node'), of('minirelay')),
    checks: [
      { name: 'node ÷ bare relay, CPU per message (medians)', value: ratio, relation: '≤', goal: COST_GOAL, unit: '×' },
      ...chainChecks(of('node')),
    ],
    ratios: { 'node ÷ minirelay, CPU per message': ratio },
    notes: notesOf(runs),
  };
};

export const describeOneStream = (shape: StreamShape, run: ChainRun): ScenarioResult => ({
  scenario: 'one-stream',
  title: `One bonded stream of ${shape.mbps} Mbit/s over ${shape.links} links, ${shape.playersPerStream === 1 ? 'one player' : `${shape.playersPerStream} players`}`,
  data: { shape, runs: [run] },
  tables: [runTable([run]), delayTable([run], []), threadTable(run.window.threads)],
  plots: plots([run], []),
  checks: chainChecks([run]),
  ratios: {},
  notes: notesOf([run]),
});

const chainChecks = (runs: readonly ChainRun[]): Check[] => {
  const windows = runs.map(({ window }) => window);
  const p99 = (of: (window: Window) => Window['chainDelay']): number | undefined =>
    quantileMs(mergeDistributions(windows.map(of)), 0.99);
  const most = (name: string, value: number | undefined, goal: number, unit: string): Check => ({
    name,
    value,
    relation: '≤',
    goal,
    unit,
  });
  return [
    most(
      'resident memory',
      Math.max(...windows.flatMap(({ memoryMiB }) => memoryMiB.map(([, value]) => value))),
      MEMORY_GOAL_MIB,
      'MiB',
    ),
    most(
      'added delay p99, SRTLA stage (tenth packet to SRTLA ACK)',
      p99((window) => window.stageDelay),
      STAGE_P99_MS,
      'ms',
    ),
    most(
      'added delay p99, chain',
      p99((window) => window.chainDelay),
      CHAIN_P99_MS,
      'ms',
    ),
    ...lossChecks(runs.map(({ totals }) => totals)),
  ];
};

/** What may not happen below capacity. */
export const lossChecks = (totals: readonly Totals[]): Check[] => {
  const sum = (of: (total: Totals) => number): number => totals.reduce((all, total) => all + of(total), 0);
  const none = (name: string, value: number): Check => ({ name, value, relation: '≤', goal: 0, unit: '' });
  return [
    none(
      'payloads lost',
      sum(({ lost }) => lost),
    ),
    none(
      'payloads duplicated, reordered or altered',
      sum((t) => t.duplicated + t.reordered + t.altered),
    ),
    none(
      'SRTLA ACKs wrong, repeated or missing',
      sum((t) => t.ackedWrong + t.ackedAgain + t.unacked),
    ),
  ];
};

const runTable = (runs: readonly ChainRun[]): Table => ({
  title: 'Runs',
  columns: [
    'relay',
    'µs/message',
    'core',
    'messages',
    'datagrams in',
    'out',
    'lost',
    'dup',
    'reord',
    'kernel drops',
    'resent',
    'MiB',
    'MiB/min',
  ],
  rows: runs.map(({ kind, window, totals }) => [
    kind,
    fixed(window.cpuUsPerMessage, 1),
    percent(window.cpuShare),
    whole(window.messages),
    fixed(window.datagramsInPerMessage, 2),
    fixed(window.datagramsOutPerMessage, 2),
    whole(totals.lost),
    whole(totals.duplicated),
    whole(totals.reordered),
    whole(window.kernelDrops),
    whole(totals.retransmitted),
    fixed(window.memoryMiB.at(-1)?.[1]),
    fixed(slope(window.memoryMiB) * 60, 1),
  ]),
});

const delayTable = (node: readonly ChainRun[], bare: readonly ChainRun[]): Table => {
  const row = (name: string, runs: readonly ChainRun[], of: (window: Window) => Window['chainDelay']): string[] => {
    const all = mergeDistributions(runs.map(({ window }) => of(window)));
    return [name, ...[0.5, 0.9, 0.99, 0.999].map((q) => fixed(quantileMs(all, q), 2)), fixed(all.maxNs / 1e6, 1)];
  };
  return {
    title: 'Added delay, milliseconds',
    columns: ['', 'p50', 'p90', 'p99', 'p99.9', 'max'],
    rows: [
      row('SRTLA stage: tenth packet to SRTLA ACK', node, ({ stageDelay }) => stageDelay),
      ['sequencer hold: none in this build', '–', '–', '–', '–', '–'],
      row('chain: beyond both latencies', node, ({ chainDelay }) => chainDelay),
      ...(bare.length > 0 ? [row('bare relay: beyond both latencies', bare, ({ chainDelay }) => chainDelay)] : []),
    ],
  };
};

/** The worst of all runs, for each thread. */
export const threadTable = (facts: readonly ThreadFacts[]): Table => {
  const threads = [...new Set(facts.map(({ thread }) => thread))].sort((a, b) => a - b);
  return {
    title: 'JavaScript threads (worst of all runs)',
    columns: ['thread', 'GC/s', 'GC mean ms', 'GC max ms', 'lag p99 ms', 'lag max ms', 'loop busy', 'heap MiB'],
    rows: threads.map((thread) => {
      const of = facts.filter((one) => one.thread === thread);
      const max = (get: (one: ThreadFacts) => number): number => Math.max(...of.map(get));
      return [
        thread === 0 ? 'main' : `worker ${thread}`,
        fixed(
          max((one) => one.gcPerSecond),
          1,
        ),
        fixed(
          max((one) => one.gcMeanMs),
          2,
        ),
        fixed(
          max((one) => one.gcMaxMs),
          2,
        ),
        fixed(
          max((one) => one.lagP99Ms),
          2,
        ),
        fixed(
          max((one) => one.lagMaxMs),
          2,
        ),
        percent(max((one) => one.utilization)),
        fixed(max((one) => one.heapMiB)),
      ];
    }),
  };
};

const plots = (node: readonly ChainRun[], bare: readonly ChainRun[]): Plot[] => {
  const all = [...node, ...bare];
  const delay = (runs: readonly ChainRun[]) => mergeDistributions(runs.map(({ window }) => window.chainDelay));
  return [
    {
      kind: 'bar',
      title: 'CPU per media message delivered',
      unit: 'µs',
      bars: all.map(({ kind, window }, i) => ({
        name: `${kind} ${(i % Math.max(1, node.length)) + 1}`,
        value: window.cpuUsPerMessage,
        group: kind,
      })),
    },
    {
      kind: 'line',
      style: 'plain',
      title: 'Delay beyond both latencies',
      x: { label: 'milliseconds', scale: 'log' },
      y: { label: 'share of messages', scale: 'linear', max: 1 },
      series: [
        { name: 'node', points: cumulative(delay(node)) },
        ...(bare.length > 0 ? [{ name: 'minirelay', points: cumulative(delay(bare)) }] : []),
      ],
    },
    {
      kind: 'line',
      style: 'plain',
      title: 'Resident memory while streaming',
      x: { label: 'seconds', scale: 'linear' },
      y: { label: 'MiB', scale: 'linear' },
      series: all.map(({ kind, window }, i) => ({
        name: `${kind} ${(i % Math.max(1, node.length)) + 1}`,
        points: window.memoryMiB,
      })),
      limit: { y: MEMORY_GOAL_MIB, label: 'goal 130 MiB' },
    },
  ];
};

/** What a reader has to know about a window before believing it. */
export const windowNotes = (name: string, { skipped, messages, kernelDrops, foreignShare }: Window): string[] => [
  ...(skipped > messages * 0.02 ? [`${name}: the load maker was held up and left ${skipped} packets out`] : []),
  ...(kernelDrops > 0 ? [`${name}: full kernel buffers cost ${kernelDrops} datagrams`] : []),
  ...(foreignShare > FOREIGN ? [`${name}: something else used ${Math.round(foreignShare * 100)} % of its core`] : []),
];

const notesOf = (runs: readonly ChainRun[]): string[] =>
  runs.flatMap(({ kind, window, totals }, i) => [
    ...windowNotes(`run ${i + 1} (${kind})`, window),
    ...(totals.broken > 0 ? [`run ${i + 1} (${kind}): ${totals.broken} sessions ended early`] : []),
  ]);
