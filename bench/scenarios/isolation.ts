import { type BenchContext, bufferEnvironment } from '../context.ts';
import { type HttpResult, type HttpTarget, requestSteadily } from '../http-load.ts';
import { ControlledProgram, pause } from '../process.ts';
import { NodeRelay } from '../relays.ts';
import type { LoadReport } from '../reports.ts';
import type { ScenarioResult } from '../result.ts';
import { Rig, type Totals, type Window } from '../rig.ts';
import { LINKS } from './chain.ts';
import { describeIsolation } from './isolation-report.ts';

export interface IsolationCase {
  name: string;
  /** Of the same node just before. */
  quiet: Window;
  window: Window;
  http: HttpResult | undefined;
  /** Payloads missing behind it. */
  lost: number;
}

const REQUESTS_PER_SECOND = 1_000;
const BIG_ANSWERS_PER_SECOND = 10;
const BLOCK_MS = 2_000;
/** 2,000 links that only keep themselves alive, as groups of the most links that one may have. */
const IDLE = { groups: 125, links: 16 };

/** A chain while HTTP floods it, while answers are big, and while the main thread stands still. */
export const runIsolation = async (context: BenchContext): Promise<ScenarioResult> => {
  const { options, cores } = context;
  // With one core for all of its threads the scheduler, not the node, would decide who waits.
  const start = (env: Record<string, string>): Promise<NodeRelay> =>
    NodeRelay.start({ cores: cores.all, env: { ...bufferEnvironment(options), ...env }, probe: true });
  // The idle links never have a session.
  const patient = { TRIBUTARY_HTTP_STATS_PER_MINUTE: '1000000', TRIBUTARY_SRTLA_SESSION_TIMEOUT_MS: '600000' };
  const raised = await inOneNode(context, await start(patient), [
    ['1,000 requests/s, limits raised', flood],
    ['main thread blocked for 2 s', blockMain],
    ['10 big answers/s over 2,000 links', bigAnswers, addIdleLinks],
  ]);
  const limited = await inOneNode(context, await start({}), [['1,000 requests/s, default limits', flood]]);
  return describeIsolation([...raised.cases, ...limited.cases], [raised.totals, limited.totals], options.streams);
};

type Disturb = (node: NodeRelay, untilMs: number) => Promise<HttpResult | undefined>;
type Case = readonly [
  name: string,
  disturb: Disturb,
  prepare?: (node: NodeRelay, context: BenchContext) => Promise<void>,
];

const inOneNode = async (
  context: BenchContext,
  node: NodeRelay,
  disturbances: readonly Case[],
): Promise<{ cases: IsolationCase[]; totals: Totals }> => {
  const rig = new Rig(context, node);
  const { streams, mbps = 6, players, seconds } = context.options;
  const cases: IsolationCase[] = [];
  try {
    context.progress(`${streams} streams`);
    await rig.add({ streams, links: LINKS, mbps, playersPerStream: players });
    for (const [name, disturb, prepare] of disturbances) {
      await prepare?.(node, context);
      // Just before, because delays drift with libsrt's idea of the sender's clock.
      context.progress(`quiet, before: ${name}`);
      const quiet = await rig.window(seconds);
      context.progress(name);
      let http: HttpResult | undefined;
      const window = await rig.window(seconds, async (untilMs) => {
        http = await disturb(node, untilMs);
      });
      cases.push({ name, quiet, window, http, lost: await rig.holes() });
    }
    return { cases, totals: await rig.finish() };
  } finally {
    for (const idle of idlers.splice(0)) await idle.stop('SIGKILL');
    await rig.close();
  }
};

const statsTargets = ({ ports }: NodeRelay): HttpTarget[] => [
  { port: ports.stats, path: '/stats/play0' },
  { port: ports.links, path: '/stats' },
];

const flood: Disturb = (node, untilMs) => requestSteadily(statsTargets(node), REQUESTS_PER_SECOND, untilMs);

/** Asked all the while: what waits for the main thread has to be answered in the end. */
const blockMain: Disturb = async (node, untilMs) => {
  await pause(200);
  node.blockMain(BLOCK_MS);
  return requestSteadily(statsTargets(node), BIG_ANSWERS_PER_SECOND, Math.max(untilMs, performance.now() + BLOCK_MS));
};

const idlers: ControlledProgram[] = [];

/** They are there before anything is measured, and stay for the cases that follow. */
const addIdleLinks = async (node: NodeRelay, { cores, progress }: BenchContext): Promise<void> => {
  const { groups, links } = IDLE;
  progress(`registering ${groups * links} idle links`);
  const options = { mode: 'idle', port: node.publish.port, groups, links, 'first-group': 1_000, 'one-by-one': 1 };
  const load = new ControlledProgram('load', options, cores.load);
  idlers.push(load);
  const ready = await load.answer<LoadReport>('ready', 30_000);
  if (ready.live !== groups) throw new Error(`only ${ready.live} of ${groups} idle groups were let in`);
};

/** `/metrics` too, where the node has it. */
const bigAnswers: Disturb = async (node, untilMs) => {
  const metrics = { port: node.ports.stats, path: '/metrics' };
  const { status } = await fetch(`http://127.0.0.1:${metrics.port}${metrics.path}`);
  const links = { port: node.ports.links, path: '/stats' };
  return requestSteadily(status === 200 ? [links, metrics] : [links], BIG_ANSWERS_PER_SECOND, untilMs);
};
