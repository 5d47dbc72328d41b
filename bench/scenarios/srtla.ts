import { type BenchContext, FOREIGN, SMALL_BUFFER_BYTES } from '../context.ts';
import { BenchProcess, freeUdpPort } from '../process.ts';
import { programPath } from '../programs.ts';
import { NODE_FLAGS } from '../relays.ts';
import type { ScenarioResult } from '../result.ts';
import { median, mergeDistributions } from '../statistics.ts';
import { type CellResult, measureCell, type Shape, type Stage, startSink } from './srtla-cell.ts';
import { describeSrtla } from './srtla-report.ts';

export type Kind = 'batched' | 'dgram' | 'perpacket' | 'floor';

/** References in C: they register nobody and confirm only every tenth packet. */
export const isReference = (kind: Kind): boolean => kind === 'perpacket' || kind === 'floor';

/** How long the stage gathers by default, and so the floor. */
const COALESCE_US = 2_000;

export interface SrtlaCell extends CellResult {
  kind: Kind;
  shape: Shape;
}

/** Goals are for 5,000, 20,000 and 150,000; the others make it a curve. */
const SHAPES: readonly Shape[] = [
  { packetsPerSecond: 1_000, groups: 8, links: 4, rounds: 1 },
  { packetsPerSecond: 5_000, groups: 8, links: 4, rounds: 2 },
  { packetsPerSecond: 20_000, groups: 35, links: 3, rounds: 2 },
  { packetsPerSecond: 60_000, groups: 35, links: 3, rounds: 1 },
  { packetsPerSecond: 150_000, groups: 35, links: 3, rounds: 1 },
];

/** Those with goals. */
export const GOAL_SHAPES = SHAPES.filter(({ packetsPerSecond }) => [5_000, 20_000, 150_000].includes(packetsPerSecond));

/** A way that has used this share of its core is not tried with more: it would only show a queue. What a packet costs falls with the load. */
const SATURATED = 0.85;

const startStage = async (kind: Kind, { cores, options }: BenchContext): Promise<Stage> => {
  const sink = await startSink(isReference(kind), cores.load);
  const port = await freeUdpPort();
  const small = options.smallBuffers ? [SMALL_BUFFER_BYTES] : [];
  const process_ =
    kind === 'perpacket' || kind === 'floor'
      ? new BenchProcess(
          kind,
          programPath(kind),
          [port, sink.port, ...(kind === 'floor' ? [COALESCE_US] : []), ...small].map(String),
          { cores: cores.relay },
        )
      : new BenchProcess(
          `tributary srtla (${kind})`,
          process.execPath,
          [
            ...[...NODE_FLAGS, 'dist/main.js', 'srtla', '--srtla_port', String(port)],
            ...['--srt_hostname', '127.0.0.1', '--srt_port', String(sink.port), '--log_level', 'warn'],
            ...['--udp_transport', kind, ...small.flatMap((bytes) => ['--udp_buffer', String(bytes)])],
          ],
          { cores: cores.relay },
        );
  return { process: process_, port, sink, registers: !isReference(kind) };
};

/** Waits until it answers a load of one group, or says why it does not. */
const answers = async (stage: Stage, context: BenchContext): Promise<string | undefined> => {
  try {
    await measureCell(stage, { packetsPerSecond: 200, groups: 1, links: 1, rounds: 1 }, 0.1, context.cores);
    return undefined;
  } catch (error) {
    const lines = stage.process.output.split('\n').filter((line) => /error|tributary:/i.test(line));
    return lines[0] ?? (error as Error).message;
  }
};

const SUMMED = [
  ...(['packets', 'lost', 'duplicated', 'reordered', 'altered', 'misaddressed'] as const),
  ...(['sinkDrops', 'skipped', 'unacked', 'ackedAgain', 'ackedWrong'] as const),
] as const;

const sums = (cells: readonly SrtlaCell[]): Pick<SrtlaCell, (typeof SUMMED)[number]> =>
  Object.fromEntries(SUMMED.map((name) => [name, cells.reduce((sum, cell) => sum + cell[name], 0)])) as ReturnType<
    typeof sums
  >;

const merged = (cells: readonly SrtlaCell[]): SrtlaCell => ({
  ...cells[0]!,
  cpuUsPerPacket: median(cells.map(({ cpuUsPerPacket }) => cpuUsPerPacket)),
  cpuShare: median(cells.map(({ cpuShare }) => cpuShare)),
  foreignShare: Math.max(...cells.map(({ foreignShare }) => foreignShare)),
  ...sums(cells),
  delay: mergeDistributions(cells.map(({ delay }) => delay)),
  ackDelay: mergeDistributions(cells.map(({ ackDelay }) => ackDelay)),
});

/**
 * The SRTLA stage alone: batched, node:dgram, one system call a packet in C, and the bare system calls of batches in C. Each cell is
 * measured with all of them in turn, so that what else the machine does falls on all of them.
 */
export const runSrtla = async (context: BenchContext, shapes = SHAPES): Promise<ScenarioResult> => {
  const stages = new Map<Kind, Stage>();
  const notes: string[] = [];
  const cells: SrtlaCell[] = [];
  try {
    for (const kind of ['batched', 'dgram', 'perpacket', 'floor'] as const) {
      context.progress(`starting ${kind}`);
      const stage = await startStage(kind, context);
      const problem = await answers(stage, context);
      stages.set(kind, stage);
      if (problem === undefined) continue;
      notes.push(`${kind} was left out: ${problem}`);
      await closeStage(stage);
      stages.delete(kind);
    }
    for (const shape of shapes) cells.push(...(await measureShape(stages, shape, cells, context)));
  } finally {
    for (const stage of stages.values()) await closeStage(stage);
  }
  return describeSrtla(cells, [...notes, ...cells.flatMap(notesOf)]);
};

const notesOf = ({ kind, shape, skipped, sinkDrops, packets, foreignShare }: SrtlaCell): string[] => [
  ...(skipped > packets * 0.02
    ? [`${kind} at ${shape.packetsPerSecond}/s: the load maker was held up and left ${skipped} packets out`]
    : []),
  ...(foreignShare > FOREIGN
    ? [`${kind} at ${shape.packetsPerSecond}/s: something else used ${Math.round(foreignShare * 100)} % of its core`]
    : []),
  ...(sinkDrops > 0 ? [`${kind} at ${shape.packetsPerSecond}/s: the sink itself dropped ${sinkDrops} packets`] : []),
];

/** The ways in turn, and that once each round. */
const measureShape = async (
  stages: ReadonlyMap<Kind, Stage>,
  shape: Shape,
  earlier: readonly SrtlaCell[],
  { options, cores, progress }: BenchContext,
): Promise<SrtlaCell[]> => {
  const usedShare = (kind: Kind): number => earlier.findLast((cell) => cell.kind === kind)?.cpuShare ?? 0;
  const able = [...stages].filter(([kind]) => usedShare(kind) <= SATURATED);
  const measured: SrtlaCell[] = [];
  for (let round = 1; round <= shape.rounds; round++) {
    for (const [kind, stage] of able) {
      progress(`${shape.packetsPerSecond}/s ${kind}${shape.rounds > 1 ? `, ${round} of ${shape.rounds}` : ''}`);
      measured.push({ kind, shape, ...(await measureCell(stage, shape, options.seconds, cores)) });
    }
  }
  return able.map(([kind]) => merged(measured.filter((cell) => cell.kind === kind)));
};

const closeStage = async ({ process: stage, sink }: Stage): Promise<void> => {
  await stage.stop();
  await sink.program.stop('SIGKILL');
};
