import { type BenchContext, bufferEnvironment, engineEnvironment } from '../context.ts';
import { NodeRelay } from '../relays.ts';
import { fixed, percent, type ScenarioResult, whole } from '../result.ts';
import { Rig, type Totals, type Window } from '../rig.ts';
import { cumulative, quantileMs } from '../statistics.ts';
import { LINKS } from './chain.ts';
import { CHAIN_P99_MS, lossChecks, windowNotes } from './chain-report.ts';

const PLAYERS = [1, 10, 30, 100];
/** A hundred players at 6 Mbit/s would measure the players. */
const MBPS = 2;

interface FanoutStep {
  players: number;
  window: Window;
  totals: Totals;
}

/** One bonded stream, more and more players. */
export const runFanout = async (context: BenchContext): Promise<ScenarioResult> => {
  const { options, cores } = context;
  const mbps = options.mbps ?? MBPS;
  const steps: FanoutStep[] = [];
  for (const players of PLAYERS) {
    context.progress(`${players} players at ${mbps} Mbit/s`);
    const rig = new Rig(
      context,
      await NodeRelay.start({
        cores: cores.relay,
        env: { ...bufferEnvironment(options), ...engineEnvironment(options.engine) },
      }),
    );
    try {
      await rig.add({ streams: 1, links: LINKS, mbps, playersPerStream: players });
      const window = await rig.window(options.seconds);
      steps.push({ players, window, totals: await rig.finish() });
    } finally {
      await rig.close();
    }
  }
  return describe(mbps, steps);
};

const perDelivery = ({ window }: FanoutStep): number => window.cpuNs / 1e3 / window.deliveries;

const describe = (mbps: number, steps: readonly FanoutStep[]): ScenarioResult => ({
  scenario: 'fanout',
  title: `One bonded stream of ${mbps} Mbit/s, up to ${steps.at(-1)!.players} players`,
  data: steps,
  tables: [
    {
      title: 'Players',
      columns: [
        'players',
        'µs/delivery',
        'µs/message',
        'core',
        'deliveries/s',
        'lost',
        'dup+reord',
        'chain p50',
        'p99',
        'max ms',
        'MiB',
      ],
      rows: steps.map((step) => [
        whole(step.players),
        fixed(perDelivery(step), 2),
        fixed(step.window.cpuUsPerMessage, 1),
        percent(step.window.cpuShare),
        whole(step.window.deliveries / step.window.seconds),
        whole(step.totals.lost),
        whole(step.totals.duplicated + step.totals.reordered),
        fixed(quantileMs(step.window.chainDelay, 0.5), 2),
        fixed(quantileMs(step.window.chainDelay, 0.99), 2),
        fixed(step.window.chainDelay.maxNs / 1e6, 1),
        fixed(step.window.memoryMiB.at(-1)?.[1]),
      ]),
    },
  ],
  plots: [
    {
      kind: 'line',
      style: 'dots',
      title: 'CPU per delivery against players',
      x: { label: 'players', scale: 'log' },
      y: { label: 'µs per delivery', scale: 'linear' },
      series: [{ name: 'node', points: steps.map((step) => [step.players, perDelivery(step)] as const) }],
    },
    {
      kind: 'line',
      style: 'plain',
      title: 'Delay beyond both latencies, by players',
      x: { label: 'milliseconds', scale: 'log' },
      y: { label: 'share of deliveries', scale: 'linear', max: 1 },
      series: steps.map(({ players, window }) => ({
        name: `${players} players`,
        points: cumulative(window.chainDelay),
      })),
    },
  ],
  checks: [
    {
      name: 'added delay p99, chain, with 30 players',
      value: steps.flatMap(({ players, window }) => (players === 30 ? [quantileMs(window.chainDelay, 0.99)] : []))[0],
      relation: '≤',
      goal: CHAIN_P99_MS,
      unit: 'ms',
    },
    ...lossChecks(steps.map(({ totals }) => totals)),
  ],
  ratios: {
    [`CPU per delivery, ${steps.at(-1)!.players} players ÷ 1`]: perDelivery(steps.at(-1)!) / perDelivery(steps[0]!),
  },
  notes: steps.flatMap(({ players, window }) => windowNotes(`${players} players`, window)),
});
