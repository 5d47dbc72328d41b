import { type BenchContext, bufferEnvironment } from '../context.ts';
import { ControlledProgram } from '../process.ts';
import { NodeRelay } from '../relays.ts';
import type { FloodReport } from '../reports.ts';
import type { ScenarioResult } from '../result.ts';
import { Rig, type Totals, type Window } from '../rig.ts';
import { LINKS } from './chain.ts';
import { describeFlood } from './flood-report.ts';

/** What the node has done with a flood, and counted: totals of the window. */
export type Dropped = Readonly<Record<(typeof WATCHED)[number], number>>;

export interface FloodCase {
  name: string;
  /** Of the same node just before. */
  quiet: Window;
  window: Window;
  flood: FloodReport;
  dropped: Dropped;
  /** Payloads missing behind it. */
  lost: number;
}

export const PER_SECOND = 100_000;
/** The more there are, the less a single stream is heard in the noise; what is measured is what one suffers. */
export const STREAMS = 2;
const FOREIGN_ID = 1;

export const WATCHED = [
  'reg1Dropped',
  'answersOverBudget',
  'overGroupCeiling',
  'beforeAcceptance',
  'foreignDestination',
  'linkKernelDrops',
  'serverKernelDrops',
] as const;

type Options = Record<string, string | number>;

/** Bonded streams, each payload accounted for, while somebody who knows the protocol floods the same port. */
export const runFlood = async (context: BenchContext): Promise<ScenarioResult> => {
  const { options, cores } = context;
  const { mbps = 6, players, seconds } = options;
  const node = await NodeRelay.start({ cores: cores.relay, env: bufferEnvironment(options), probe: true });
  const rig = new Rig(context, node);
  const cases: FloodCase[] = [];
  try {
    context.progress(`${STREAMS} streams`);
    await rig.add({ streams: STREAMS, links: LINKS, mbps, playersPerStream: players });
    const [live] = await rig.serverIds();
    const floods: readonly (readonly [name: string, options: Options])[] = [
      ['REG1 from 64 ports', { mode: 'reg1', ports: 64 }],
      ['REG1 from 1,000 addresses', { mode: 'reg1', ports: 1, addresses: 1_000 }],
      ['data of a group, foreign id', { mode: 'data', destination: FOREIGN_ID }],
      ["data of a group, another's id", { mode: 'data', destination: live! }],
    ];
    for (const [name, flood] of floods) cases.push(await beside(rig, node, name, flood, context, seconds));
    const totals: Totals = await rig.finish();
    return describeFlood(cases, totals);
  } finally {
    for (const flood of running.splice(0)) await flood.stop('SIGKILL');
    await rig.close();
  }
};

const running: ControlledProgram[] = [];

const beside = async (
  rig: Rig,
  node: NodeRelay,
  name: string,
  options: Options,
  { cores, progress }: BenchContext,
  seconds: number,
): Promise<FloodCase> => {
  // Just before, because delays drift with libsrt's idea of the sender's clock; and so the flood's group is seconds old at its end.
  progress(`quiet, before: ${name}`);
  const quiet = await rig.window(seconds);
  const flood = new ControlledProgram('flood', { port: node.publish.port, pps: PER_SECOND, ...options }, cores.load);
  running.push(flood);
  await flood.answer('ready');
  progress(name);
  flood.tell('start');
  const before = await counters(node);
  flood.tell('reset');
  const window = await rig.window(seconds);
  const report = await flood.ask<FloodReport>('report');
  const after = await counters(node);
  await flood.ask('stop');
  await flood.stop();
  const dropped = Object.fromEntries(WATCHED.map((key) => [key, after[key] - before[key]])) as Dropped;
  return { name, quiet, window, flood: report, dropped, lost: await rig.holes() };
};

const counters = async (node: NodeRelay): Promise<Dropped> => {
  const answer = await node.json<{ srtla: { counters: Record<string, number> } }>(node.ports.stats, '/v1/doctor');
  if (answer === undefined) throw new Error('the node tells no counters');
  return Object.fromEntries(WATCHED.map((key) => [key, answer.srtla.counters[key] ?? 0])) as Dropped;
};
