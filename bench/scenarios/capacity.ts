import { type BenchContext, bufferEnvironment, engineEnvironment } from '../context.ts';
import { NodeRelay } from '../relays.ts';
import { type Check, fixed, percent, type ScenarioResult, whole } from '../result.ts';
import { Rig, type Window } from '../rig.ts';
import { quantileMs } from '../statistics.ts';
import { LINKS } from './chain.ts';
import { windowNotes } from './chain-report.ts';

const STEPS = [5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 50, 60];
const GOALS = { one: 11, two: 17 } as const;
/** Of the cores that the node may use. */
const FULL = 0.9;

interface CapacityStep {
  streams: number;
  window: Window;
  /** Payloads missing so far. */
  lost: number;
}

interface Curve {
  cores: 'one' | 'two';
  steps: CapacityStep[];
  /** The most streams that were carried without a loss. */
  capacity: number;
  ended: string;
}

/** More and more streams through one node, until a payload is lost or its cores are used up. */
export const runCapacity = async (context: BenchContext): Promise<ScenarioResult> => {
  const mbps = context.options.mbps ?? 6;
  const curves = [await climb(context, 'one', mbps)];
  if (context.cores.all.length > 1) curves.push(await climb(context, 'two', mbps));
  return describe(mbps, curves);
};

const climb = async (context: BenchContext, name: Curve['cores'], mbps: number): Promise<Curve> => {
  const { options, cores } = context;
  const own = name === 'one' ? cores.relay : cores.all.slice(0, 2);
  // With two cores for the node, the load shares both of them: there are no others.
  const loadCores = name === 'one' ? cores.load : cores.all.slice(0, 2);
  const rig = new Rig(
    context,
    await NodeRelay.start({ cores: own, env: { ...bufferEnvironment(options), ...engineEnvironment(options.engine) } }),
  );
  const curve: Curve = { cores: name, steps: [], capacity: 0, ended: `${options.maxStreams} streams were enough` };
  try {
    for (const streams of STEPS.filter((count) => count <= options.maxStreams)) {
      context.progress(`${name === 'one' ? 'one core' : 'two cores'}, ${streams} streams of ${mbps} Mbit/s`);
      await rig.add({ streams: streams - rig.streams, links: LINKS, mbps, playersPerStream: 1 }, loadCores);
      const window = await rig.window(options.seconds);
      const lost = await rig.holes();
      curve.steps.push({ streams, window, lost });
      const end = endOf(curve.steps.at(-1)!, own.length);
      if (lost === 0 && !end?.isLoadMaker) curve.capacity = streams;
      if (!end) continue;
      curve.ended = end.why;
      break;
    }
  } catch (error) {
    curve.ended = `no more streams were let in (${(error as Error).message.split('\n')[0]})`;
  } finally {
    await rig.close();
  }
  return curve;
};

const endOf = ({ window, lost }: CapacityStep, cores: number): { why: string; isLoadMaker: boolean } | undefined => {
  if (lost > 0) return { why: `${lost} payloads were lost`, isLoadMaker: false };
  if (window.skipped > window.messages * 0.02)
    return { why: 'the load maker could not keep up: the machine is the limit', isLoadMaker: true };
  if (window.cpuShare >= FULL * cores)
    return {
      why: `${Math.round(window.cpuShare * 100)} % of ${cores === 1 ? 'a core' : `${cores} cores`} were used`,
      isLoadMaker: false,
    };
  return undefined;
};

const describe = (mbps: number, curves: readonly Curve[]): ScenarioResult => ({
  scenario: 'capacity',
  title: `As many bonded streams of ${mbps} Mbit/s as it carries, one player each`,
  data: curves,
  tables: curves.map(({ cores, steps, capacity, ended }) => ({
    title: `${cores === 'one' ? 'One core' : 'Two cores, the load on the same two'}: ${capacity} streams; then ${ended}`,
    columns: [
      'streams',
      'Mbit/s in',
      'core',
      'µs/message',
      'lost',
      'stage p99 ms',
      'chain p50',
      'p99 ms',
      'MiB',
      'kernel drops',
    ],
    rows: steps.map(({ streams, window, lost }) => [
      whole(streams),
      whole(streams * mbps),
      percent(window.cpuShare),
      fixed(window.cpuUsPerMessage, 1),
      whole(lost),
      fixed(quantileMs(window.stageDelay, 0.99), 2),
      fixed(quantileMs(window.chainDelay, 0.5), 2),
      fixed(quantileMs(window.chainDelay, 0.99), 2),
      fixed(window.memoryMiB.at(-1)?.[1]),
      whole(window.kernelDrops),
    ]),
  })),
  plots: [
    {
      kind: 'line',
      style: 'dots',
      title: 'Share of a core against streams',
      x: { label: 'streams', scale: 'linear' },
      y: { label: '% of a core', scale: 'linear' },
      series: curves.map(({ cores, steps }) => ({
        name: `${cores} core${cores === 'two' ? 's' : ''}`,
        points: steps.map(({ streams, window }) => [streams, window.cpuShare * 100] as const),
      })),
      limit: { y: FULL * 100, label: '90 % of a core' },
    },
    {
      kind: 'line',
      style: 'dots',
      title: 'Resident memory against streams',
      x: { label: 'streams', scale: 'linear' },
      y: { label: 'MiB', scale: 'linear' },
      series: curves.map(({ cores, steps }) => ({
        name: `${cores} core${cores === 'two' ? 's' : ''}`,
        points: steps.map(({ streams, window }) => [streams, window.memoryMiB.at(-1)?.[1] ?? 0] as const),
      })),
    },
  ],
  checks: curves.map(
    ({ cores, capacity }): Check => ({
      name: `streams of ${mbps} Mbit/s without a loss, ${cores === 'one' ? 'one core' : 'two cores'}`,
      value: capacity,
      relation: '≥',
      goal: GOALS[cores],
      unit: 'streams',
    }),
  ),
  ratios: Object.fromEntries(
    curves.flatMap(({ cores, steps }) => {
      const [first, last] = [steps[0], steps.at(-1)];
      if (!first || !last || first === last) return [];
      const at = steps.find(({ streams }) => streams === GOALS[cores]) ?? last;
      return [
        [
          `CPU per message at ${at.streams} ÷ at ${first.streams} streams, ${cores}`,
          at.window.cpuUsPerMessage / first.window.cpuUsPerMessage,
        ],
      ];
    }),
  ),
  notes: curves.flatMap(({ cores, steps }) =>
    steps.flatMap(({ streams, window }) => windowNotes(`${streams} streams, ${cores}`, window)),
  ),
});
