import { busyNs, type Cores, cpuNs, residentMiB } from '../machine.ts';
import { type BenchProcess, ControlledProgram, pause } from '../process.ts';
import type { LoadReport, SinkReport } from '../reports.ts';
import type { Distribution } from '../statistics.ts';

export interface Shape {
  packetsPerSecond: number;
  groups: number;
  links: number;
  rounds: number;
}

export interface Sink {
  program: ControlledProgram;
  port: number;
}

/** A process between links and sink. */
export interface Stage {
  process: BenchProcess;
  port: number;
  sink: Sink;
  /** It speaks SRTLA; else it takes any datagram. */
  registers: boolean;
}

export interface CellResult {
  cpuUsPerPacket: number;
  /** Of one core. */
  cpuShare: number;
  packets: number;
  /** Payloads of the whole cell that never came out. */
  lost: number;
  duplicated: number;
  reordered: number;
  altered: number;
  misaddressed: number;
  /** Of the sink's own socket: not the stage's fault. */
  sinkDrops: number;
  skipped: number;
  /** SRTLA ACK: packets never confirmed, confirmed twice, confirmed on a link that did not carry them. */
  unacked: number;
  ackedAgain: number;
  ackedWrong: number;
  /** Datagram in to datagram out. */
  delay: Distribution;
  /** A link's tenth packet to its SRTLA ACK. */
  ackDelay: Distribution;
  memoryMiB: number;
  /** Of the stage's core, used by somebody else. */
  foreignShare: number;
}

const SETTLE_MS = 700;
/** What is on its way has come out after this, and SRTLA ACKs have been flushed. */
const DRAIN_MS = 250;

export const startSink = async (raw: boolean, cores: readonly number[]): Promise<Sink> => {
  const program = new ControlledProgram('sink', { raw: raw ? 1 : 0 }, cores);
  const { port } = await program.answer<{ port: number }>('ready');
  return { program, port };
};

/** One load on one stage for so many seconds. */
export const measureCell = async (stage: Stage, shape: Shape, seconds: number, cores: Cores): Promise<CellResult> => {
  const { program: sink } = stage.sink;
  const before = await sink.ask<SinkReport>('report');
  const load = new ControlledProgram(
    'load',
    {
      mode: stage.registers ? 'bonded' : 'raw',
      port: stage.port,
      groups: shape.groups,
      links: shape.links,
      pps: shape.packetsPerSecond,
      // Ten in turn on one link: their SRTLA ACK is due with the tenth.
      burst: 10,
      'first-group': nextGroup,
    },
    cores.load,
  );
  // Streams of their own, so that each cell is counted by itself.
  nextGroup += shape.groups;
  try {
    const ready = await load.answer<LoadReport>('ready');
    if (ready.live !== shape.groups)
      throw new Error(`${shape.groups - ready.live} of ${shape.groups} groups were refused`);
    load.tell('start');
    await pause(SETTLE_MS);
    const { pid } = stage.process;
    load.tell('reset');
    sink.tell('reset');
    const begin = { cpu: cpuNs(pid), busy: busyNs(cores.relay), at: performance.now() };
    await pause(seconds * 1_000);
    const cpu = cpuNs(pid) - begin.cpu;
    const busy = busyNs(cores.relay) - begin.busy;
    const elapsedNs = (performance.now() - begin.at) * 1e6;
    load.tell('report');
    sink.tell('report');
    const [sent, got] = [await load.answer<LoadReport>('report'), await sink.answer<SinkReport>('report')];
    stage.process.assertRunning();
    const last = await load.ask<LoadReport>('stop');
    await pause(DRAIN_MS);
    const after = await sink.ask<SinkReport>('report');
    const total = last.sentPerStream.reduce((sum, count) => sum + count, 0);
    const sinkDrops = after.kernelDrops - before.kernelDrops;
    return {
      cpuUsPerPacket: cpu / 1e3 / got.packets,
      cpuShare: cpu / elapsedNs,
      packets: got.packets,
      lost: total - (after.unique - before.unique) - sinkDrops,
      duplicated: after.duplicated - before.duplicated,
      reordered: after.reordered - before.reordered,
      altered: got.altered,
      misaddressed: got.misaddressed,
      sinkDrops,
      skipped: sent.skipped,
      unacked: total - last.acked,
      ackedAgain: last.ackedAgain,
      ackedWrong: last.ackedWrong,
      delay: got.delay,
      ackDelay: sent.ackDelay,
      memoryMiB: residentMiB(pid),
      foreignShare: Math.max(0, (busy - cpu) / elapsedNs),
    };
  } finally {
    await load.stop('SIGKILL');
  }
};

let nextGroup = 0;
