import {
  type BenchContext,
  bufferEnvironment,
  type Engine,
  engineEnvironment,
  SMALL_BUFFER_BYTES,
} from '../context.ts';
import { BareRelay, NodeRelay } from '../relays.ts';
import type { ScenarioResult } from '../result.ts';
import { Rig, type StreamShape, type Totals, type Window } from '../rig.ts';
import { describeChain, describeOneStream } from './chain-report.ts';

/** The node on libsrt, on our own engine, there with one latency for both ways; and libsrt alone. */
export type ChainKind = 'node' | 'direct' | 'shared' | 'minirelay';

const ENGINE_OF = { node: 'libsrt', direct: 'direct', shared: 'shared' } as const;
const kindsOf = (engine: Engine): ChainKind[] =>
  engine === 'libsrt' ? ['node', 'minirelay'] : ['node', engine, 'minirelay'];

export interface ChainRun {
  kind: ChainKind;
  window: Window;
  totals: Totals;
}

export const LINKS = 3;

const startRelay = (kind: ChainKind, { cores, options }: BenchContext): Promise<NodeRelay | BareRelay> =>
  kind !== 'minirelay'
    ? NodeRelay.start({
        cores: cores.relay,
        env: { ...bufferEnvironment(options), ...engineEnvironment(ENGINE_OF[kind]) },
        probe: true,
      })
    : BareRelay.start(cores.relay, options.smallBuffers ? SMALL_BUFFER_BYTES : 0);

export const runOnce = async (kind: ChainKind, context: BenchContext, shape: StreamShape): Promise<ChainRun> => {
  const rig = new Rig(context, await startRelay(kind, context));
  try {
    await rig.add(shape);
    const window = await rig.window(context.options.seconds);
    return { kind, window, totals: await rig.finish() };
  } finally {
    await rig.close();
  }
};

/** The whole node and the bare relay in turn, with the same streams, players and latencies. */
export const runChain = async (context: BenchContext): Promise<ScenarioResult> => {
  const { streams, mbps = 6, players, rounds } = context.options;
  const shape = { streams, links: LINKS, mbps, playersPerStream: players };
  const runs: ChainRun[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const kind of kindsOf(context.options.engine)) {
      context.progress(`${streams} streams of ${mbps} Mbit/s, ${kind}, ${round} of ${rounds}`);
      runs.push(await runOnce(kind, context, shape));
    }
  }
  return describeChain(shape, runs);
};

export const runOneStream = async (context: BenchContext): Promise<ScenarioResult> => {
  const { mbps = 6, players } = context.options;
  const shape = { streams: 1, links: LINKS, mbps, playersPerStream: players };
  context.progress(`one stream of ${mbps} Mbit/s`);
  return describeOneStream(shape, await runOnce('node', context, shape));
};
