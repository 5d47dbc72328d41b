import { type BenchContext, LATENCY_MS, packetsPerSecond } from './context.ts';
import { busyNs, cpuNs, residentMiB, udpCounts } from './machine.ts';
import { readProbe, type ThreadFacts } from './probe.ts';
import { ControlledProgram, pause } from './process.ts';
import { NodeRelay, type Relay } from './relays.ts';
import type { LoadReport, PlayersReport } from './reports.ts';
import { type Distribution, mergeDistributions } from './statistics.ts';

export interface StreamShape {
  streams: number;
  links: number;
  mbps: number;
  playersPerStream: number;
}

/** One measuring window of a relay under load. */
export interface Window {
  seconds: number;
  /** Media messages that reached a player; with several players of a stream each message counts once. */
  messages: number;
  /** Messages times players. */
  deliveries: number;
  /** User and system time of the relay. */
  cpuNs: number;
  /** Of one core. */
  cpuShare: number;
  cpuUsPerMessage: number;
  /** Of the network namespace: between links and relay, inside the relay, between relay and players; per message. */
  datagramsInPerMessage: number;
  datagramsOutPerMessage: number;
  kernelDrops: number;
  /** Beyond both negotiated latencies. */
  chainDelay: Distribution;
  /** From a link's tenth packet to the relay's SRTLA ACK; empty without SRTLA. */
  stageDelay: Distribution;
  /** The load maker's. */
  skipped: number;
  memoryMiB: [second: number, value: number][];
  threads: ThreadFacts[];
  /** Of the relay's core, used by somebody else; 0 where the relay and the load share cores. */
  foreignShare: number;
}

export interface Totals {
  sent: number;
  /** Payloads that a player never got, over all players and the whole run. */
  lost: number;
  duplicated: number;
  reordered: number;
  altered: number;
  ackedWrong: number;
  /** Packets that no SRTLA ACK has confirmed, and packets confirmed twice. */
  unacked: number;
  ackedAgain: number;
  retransmitted: number;
  /** Sessions that ended early. */
  broken: number;
}

const SETTLE_MS = 1_200;
const MEMORY_EVERY_MS = 250;

/** Senders, a relay, players. */
export class Rig {
  readonly relay: Relay;
  readonly #context: BenchContext;
  readonly #ownCore: boolean;
  readonly #loads: ControlledProgram[] = [];
  readonly #players: ControlledProgram[] = [];
  #streams = 0;
  #playersPerStream = 1;

  constructor(context: BenchContext, relay: Relay) {
    this.#context = context;
    this.relay = relay;
    this.#ownCore = relay.process.cores.length === 1;
  }

  get streams(): number {
    return this.#streams;
  }

  /** Players first, so that not one payload comes before them; then the senders. */
  async add({ streams, links, mbps, playersPerStream }: StreamShape, cores = this.#context.cores.load): Promise<void> {
    const ids = await this.relay.addIds(streams);
    const first = this.#streams;
    const players = new ControlledProgram(
      'players',
      {
        port: this.relay.playPort,
        ids: ids.map(({ player }) => player).join(','),
        'per-id': playersPerStream,
        latency: LATENCY_MS,
        'publisher-latency': LATENCY_MS,
        'first-group': first,
      },
      cores,
    );
    this.#players.push(players);
    await players.answer('ready');
    const load = new ControlledProgram(
      'load',
      {
        mode: this.relay.publish.mode,
        port: this.relay.publish.port,
        groups: streams,
        links: this.relay.publish.mode === 'bonded' ? links : 1,
        pps: packetsPerSecond(mbps) * streams,
        // Ten in turn on one link: their SRTLA ACK is due with the tenth, which shows the delay of the stage.
        burst: 10,
        'one-by-one': 1,
        latency: LATENCY_MS,
        ids: ids.map(({ publisher }) => publisher).join(','),
        'first-group': first,
      },
      cores,
    );
    this.#loads.push(load);
    const ready = await load.answer<LoadReport>('ready');
    if (ready.live !== streams)
      throw new Error(`${streams - ready.live} of ${streams} streams found no way in\n${load.output}`);
    load.tell('start');
    this.#streams += streams;
    this.#playersPerStream = playersPerStream;
    await pause(SETTLE_MS + 2 * LATENCY_MS);
  }

  /** Counts for so long; `meanwhile` runs at the same time. */
  async window(seconds: number, meanwhile?: (untilMs: number) => Promise<void>): Promise<Window> {
    const { pid } = this.relay.process;
    const programs = [...this.#loads, ...this.#players];
    for (const program of programs) program.tell('reset');
    const { relay, load } = this.#context.cores;
    const begin = { cpu: cpuNs(pid), busy: busyNs(relay), udp: udpCounts(), at: performance.now(), wallMs: Date.now() };
    const end = begin.at + seconds * 1_000;
    const other = meanwhile?.(end);
    const memoryMiB: [number, number][] = [];
    while (performance.now() < end) {
      this.relay.process.assertRunning();
      memoryMiB.push([(performance.now() - begin.at) / 1_000, residentMiB(pid)]);
      await pause(Math.min(MEMORY_EVERY_MS, Math.max(1, end - performance.now())));
    }
    const cpu = cpuNs(pid) - begin.cpu;
    const busy = busyNs(relay) - begin.busy;
    const udp = udpCounts();
    const elapsed = (performance.now() - begin.at) / 1_000;
    for (const program of programs) program.tell('report');
    const loads = await Promise.all(this.#loads.map((load) => load.answer<LoadReport>('report')));
    const players = await Promise.all(this.#players.map((player) => player.answer<PlayersReport>('report')));
    await other;
    const deliveries = players.reduce((sum, { messages }) => sum + messages, 0);
    const messages = deliveries / this.#playersPerStream;
    return {
      seconds: elapsed,
      messages,
      deliveries,
      cpuNs: cpu,
      cpuShare: cpu / 1e9 / elapsed,
      cpuUsPerMessage: cpu / 1e3 / messages,
      datagramsInPerMessage: (udp.received - begin.udp.received) / messages,
      datagramsOutPerMessage: (udp.sent - begin.udp.sent) / messages,
      kernelDrops: udp.dropped - begin.udp.dropped,
      chainDelay: mergeDistributions(players.map(({ delay }) => delay)),
      stageDelay: mergeDistributions(loads.map(({ ackDelay }) => ackDelay)),
      skipped: loads.reduce((sum, { skipped }) => sum + skipped, 0),
      memoryMiB,
      // With a relay on several cores there is no telling.
      foreignShare: this.#ownCore && relay[0] !== load[0] ? Math.max(0, (busy - cpu) / 1e9 / elapsed) : 0,
      threads: this.relay instanceof NodeRelay ? readProbe(this.relay.probeFolder, begin.wallMs, Date.now()) : [],
    };
  }

  /** Payloads missing so far behind the newest one of each player: in the middle of a run. */
  async holes(): Promise<number> {
    const reports = await Promise.all(this.#players.map((player) => player.ask<PlayersReport>('report')));
    return reports.reduce(
      (sum, { received }) => sum + received.reduce((all, [, next, unique]) => all + next - unique, 0),
      0,
    );
  }

  /** The SRT socket ids of all sessions at the server. */
  async serverIds(): Promise<number[]> {
    const reports = await Promise.all(this.#loads.map((load) => load.ask<LoadReport>('report')));
    return reports.flatMap(({ serverIds }) => serverIds);
  }

  /** Stops the senders as encoders stop, waits for the last payload that was sent, ends everything. */
  async finish(): Promise<Totals> {
    const loads = await Promise.all(this.#loads.map((load) => load.ask<LoadReport>('stop')));
    const sent = loads.flatMap(({ sentPerStream }) => sentPerStream);
    const wanted = sent.reduce((sum, count) => sum + count, 0) * this.#playersPerStream;
    let players = await this.#ask('report');
    const uniqueOf = (reports: PlayersReport[]): number => reports.reduce((sum, { unique }) => sum + unique, 0);
    // What is on its way has come after both latencies; a little more for a busy machine.
    for (
      const end = performance.now() + 2 * LATENCY_MS + 1_000;
      uniqueOf(players) < wanted && performance.now() < end;
    ) {
      await pause(100);
      players = await this.#ask('report');
    }
    players = await this.#ask('stop');
    const sum = <T>(all: readonly T[], of: (one: T) => number): number =>
      all.reduce((total, one) => total + of(one), 0);
    const bonded = this.relay.publish.mode === 'bonded';
    const copies = sum(sent, (count) => count) + sum(loads, ({ retransmitted }) => retransmitted);
    return {
      sent: wanted,
      // The bare relay drops what libsrt holds back when a publisher ends, by design: there the tail does not count.
      lost: sum(players, ({ received }) =>
        sum(received, ([stream, next, unique]) => (bonded ? sent[stream]! : next) - unique),
      ),
      duplicated: sum(players, ({ duplicated }) => duplicated),
      reordered: sum(players, ({ reordered }) => reordered),
      altered: sum(players, ({ altered }) => altered),
      ackedWrong: sum(loads, ({ ackedWrong }) => ackedWrong),
      ackedAgain: sum(loads, ({ ackedAgain }) => ackedAgain),
      unacked: bonded ? Math.max(0, copies - sum(loads, ({ acked, ackedAgain }) => acked + ackedAgain)) : 0,
      retransmitted: sum(loads, ({ retransmitted }) => retransmitted),
      broken: sum(loads, ({ shutdowns, rejected }) => shutdowns + rejected),
    };
  }

  /** Ends whatever is left, the relay included. */
  async close(): Promise<void> {
    await Promise.all([...this.#loads, ...this.#players].map((program) => program.stop('SIGKILL')));
    await this.relay.stop();
  }

  #ask(command: 'report' | 'stop'): Promise<PlayersReport[]> {
    return Promise.all(this.#players.map((player) => player.ask<PlayersReport>(command)));
  }
}
