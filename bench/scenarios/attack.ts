import { once } from 'node:events';
import { ATTACKS, type AttackTarget, CONTROLS } from '../attacker.ts';
import { type BenchContext, bufferEnvironment } from '../context.ts';
import { BenchProcess, pause } from '../process.ts';
import { NodeRelay } from '../relays.ts';
import { type Check, fixed, type ScenarioResult, whole } from '../result.ts';
import { Rig, type Window } from '../rig.ts';
import { quantileMs } from '../statistics.ts';
import { LINKS } from './chain.ts';
import { lossChecks } from './chain-report.ts';
import { chain, delayPlots, signed } from './quiet-comparison.ts';

interface AttackCase {
  name: string;
  /** Of the same node just before. */
  quiet: Window;
  window: Window;
  perSecond: number;
  /** Payloads missing behind it. */
  lost: number;
}

const GOAL_MS = 5;
/** Until connections and groups of the attack are there. */
const BEGIN_MS = 500;

const p99 = (window: Window): number | undefined => quantileMs(chain(window), 0.99);

/**
 * Against the calm just before, or that of the whole run where what came before has left its mark on it; milliseconds. An attack that is
 * itself much work on the load maker's core has a control instead: the same, at a listener of the attacker's own.
 */
const change = ({ name, quiet, window }: AttackCase, cases: readonly AttackCase[]): number | undefined => {
  const control = cases.find((one) => one.name === CONTROLS[name]);
  const calm = cases.map((one) => p99(one.quiet) ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const now = p99(window);
  return now === undefined
    ? undefined
    : now - ((control && p99(control.window)) ?? Math.min(p99(quiet) ?? 0, calm[calm.length >> 1]!));
};

/** One bonded stream, each payload accounted for, beside one attack after the other. */
export const runAttack = async (context: BenchContext): Promise<ScenarioResult> => {
  const { options, cores } = context;
  const { mbps = 6, players, seconds } = options;
  const node = await NodeRelay.start({ cores: cores.relay, env: bufferEnvironment(options), probe: true });
  const rig = new Rig(context, node);
  const cases: AttackCase[] = [];
  try {
    await rig.add({ streams: 1, links: LINKS, mbps, playersPerStream: players });
    const { srtla, publish, play, stats, links } = node.ports;
    const [known] = await node.addIds(1);
    const target: AttackTarget = { srtla: srtla[0]!, publish, play, stats, links, player: known!.player };
    for (const name of Object.keys(ATTACKS)) cases.push(await beside(rig, name, target, context, seconds));
    const totals = await rig.finish();
    return {
      scenario: 'attack',
      title: 'A bonded stream beside attacks on every port',
      data: { cases, totals },
      tables: [
        {
          title: 'Attacks',
          columns: ['attack', 'tries/s', 'p99 before ms', 'p99 ms', 'change', 'max ms', 'missing', 'core'],
          rows: cases.map((one) => [
            one.name,
            whole(one.perSecond),
            fixed(p99(one.quiet), 2),
            fixed(p99(one.window), 2),
            signed(change(one, cases)),
            fixed(chain(one.window).maxNs / 1e6, 1),
            whole(one.lost),
            fixed(one.window.cpuShare, 2),
          ]),
        },
      ],
      plots: delayPlots(cases, 'attacked').slice(1),
      checks: [
        ...cases
          .filter(({ name }) => !Object.values(CONTROLS).includes(name))
          .map(
            (one): Check => ({
              name: `${one.name}: change of chain p99`,
              value: change(one, cases),
              relation: '≤',
              goal: GOAL_MS,
              unit: 'ms',
            }),
          ),
        ...lossChecks([totals]),
      ],
      ratios: {},
      notes: ['Floods of 100,000 datagrams a second that are well-formed: `npm run bench -- flood`.'],
    };
  } finally {
    await rig.close();
  }
};

const beside = async (
  rig: Rig,
  name: string,
  target: AttackTarget,
  { cores, progress }: BenchContext,
  seconds: number,
): Promise<AttackCase> => {
  progress(name);
  const quiet = await rig.window(seconds);
  const attacker = new BenchProcess(
    'attacker',
    'nice',
    ['-n', '19', process.execPath, 'bench/attacker.ts', name, JSON.stringify(target)],
    {
      cores: cores.load,
      ipc: true,
    },
  );
  try {
    await pause(BEGIN_MS);
    const before = await countOf(attacker);
    const window = await rig.window(seconds);
    const tries = (await countOf(attacker)) - before;
    return { name, quiet, window, perSecond: tries / window.seconds, lost: await rig.holes() };
  } finally {
    await attacker.stop('SIGKILL');
  }
};

const countOf = async (attacker: BenchProcess): Promise<number> => {
  attacker.assertRunning();
  attacker.child.send('count');
  const [{ count }] = (await once(attacker.child, 'message')) as [{ count: number }];
  return count;
};
