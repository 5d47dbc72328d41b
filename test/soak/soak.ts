import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Millis } from '../../src/shared/clock.ts';
import { TestNode, until } from '../support/processes.ts';
import { Churn, settingsText } from './churn.ts';
import { Ledger, type LedgerTotals, type Loss, MOST_LAST, type Outage } from './ledger.ts';
import { Pollers } from './pollers.ts';
import { type ProcessReport, ProcessWatch } from './process-watch.ts';
import { PLAYER_LATENCY_MS, SoakPlayers } from './soak-players.ts';
import { PUBLISHER_LATENCY_MS, SoakStream } from './soak-stream.ts';
import { SrtPeers } from './srt-peers.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** A line now and then, for people. */
  readonly say: (line: string) => void;
}

export interface SoakReport {
  readonly minutes: number;
  readonly totals: LedgerTotals;
  readonly losses: readonly Loss[];
  readonly outages: readonly Outage[];
  readonly process: ProcessReport;
  readonly warmUpMinutes: number;
  readonly sessions: number;
  readonly joins: number;
  readonly flaps: number;
  /** Messages that encoders gave up; what that cost players is in `totals`. */
  readonly givenUp: number;
  readonly kills: number;
  readonly polls: number;
  readonly pushes: number;
  readonly churn: Churn['counts'];
  readonly carriers: readonly string[];
  /** Whatever was not as it should be, one line each. */
  readonly problems: readonly string[];
}

const STREAMS = 4;
const PLAYERS_PER_STREAM = 2;
/** From an encoder to a player: both latencies, the way, and what a busy machine adds. */
const DUE_MS: Millis = PUBLISHER_LATENCY_MS + PLAYER_LATENCY_MS + 1_500;
const WARM_UP_MINUTES = 3;
const KILL_EVERY_MS: Millis = 300_000;
/** A stream that has begun, or was disturbed, is read as it is after so long. */
const STEADY_AFTER_MS: Millis = 12_000;
/** A pump that comes so late. */
const STANDSTILL_MS: Millis = 300;
/** Pings come each ten seconds, and have to be answered before the next one. */
const STILL_MATTERS_MS: Millis = 30_000;
const MOST_RSS_MIB_PER_MINUTE = 0.5;

interface Facts {
  /** Under their public names. */
  publishers: { publisherId: string; messages: number }[];
  counters: Record<string, number>;
  srtla: { groups: { streamId?: string; losses: object }[] };
}

/** Everything at once for so long (docs/proof.md). */
class Soak {
  readonly #options: SoakOptions;
  readonly #node: TestNode;
  readonly #folder: string;
  readonly #peers = new SrtPeers();
  readonly #ledger = new Ledger(STREAMS, DUE_MS);
  readonly #streams: SoakStream[] = [];
  readonly #disturbedMs = new Float64Array(STREAMS).fill(Number.POSITIVE_INFINITY);
  readonly #problems: string[] = [];
  readonly #ended = new AbortController();
  readonly #jobs: Promise<void>[] = [];
  #players!: SoakPlayers;
  #pollers!: Pollers;
  #churn!: Churn;
  /** Public names of the streams. */
  readonly #names: string[] = [];
  #kills = 0;
  #flaps = 0;
  #endMs: Millis = 0;
  #pumpedMs: Millis = 0;
  /** When the machine stood still last. */
  #stillMs: Millis = Number.NEGATIVE_INFINITY;
  #startMs: Millis = 0;
  /** Losses that were told of. */
  #told = 0;
  readonly #lately: string[] = [];

  constructor(options: SoakOptions, node: TestNode, folder: string) {
    this.#options = options;
    this.#node = node;
    this.#folder = folder;
  }

  async run(): Promise<SoakReport> {
    const { minutes, say } = this.#options;
    await this.#open();
    this.#pumpedMs = performance.now();
    const pump = setInterval(() => this.#pump(), 5);
    const { pid } = this.#node.program.child;
    const watch = new ProcessWatch(pid!);
    const startMs = performance.now();
    this.#startMs = startMs;
    this.#endMs = startMs + minutes * 60_000;
    this.#startJobs(minutes);
    try {
      while (performance.now() < this.#endMs) {
        if (this.#node.program.exitCode !== undefined)
          throw new Error(`the node has ended:\n${this.#node.program.output.slice(-3_000)}`);
        await this.#wait(Math.min(30_000, this.#endMs - performance.now()));
        const { received, lost, excused } = this.#ledger.totals;
        const at = Math.round((performance.now() - startMs) / 1_000);
        say(
          `${at} s: ${received} messages received, ${lost} lost, ${excused} in outages, ${this.#players.connected} players`,
        );
      }
    } finally {
      this.#ended.abort();
      await Promise.all(this.#jobs);
    }
    // What was sent last arrives.
    await Promise.all(this.#streams.map((stream) => stream.finish(() => delay(DUE_MS))));
    clearInterval(pump);
    watch.stop();
    const totals = this.#ledger.close(performance.now() + DUE_MS);
    const warmUpMinutes = Math.min(WARM_UP_MINUTES, minutes / 3);
    const report = { minutes, totals, process: watch.report(warmUpMinutes * 60_000), warmUpMinutes };
    await this.#judge(report);
    return {
      ...report,
      losses: this.#ledger.losses,
      outages: this.#ledger.outages,
      sessions: this.#streams.reduce((sum, { sessions }) => sum + sessions, 0),
      joins: this.#players.joins,
      flaps: this.#flaps,
      givenUp: this.#streams.reduce((sum, { dropped }) => sum + dropped, 0),
      kills: this.#kills,
      polls: this.#pollers.polls,
      pushes: this.#pollers.pushes,
      churn: this.#churn.counts,
      carriers: this.#pollers.carriers,
      problems: [...this.#problems, ...this.#churn.problems, ...this.#pollers.problems],
    };
  }

  async close(): Promise<void> {
    this.#pollers?.close();
    await Promise.all(this.#streams.map((stream) => stream.stop()));
    this.#peers.dispose();
  }

  async #open(): Promise<void> {
    this.#churn = new Churn(this.#node);
    const ids = await Promise.all(Array.from({ length: STREAMS }, () => this.#node.createIds()));
    const { play } = this.#node.ports;
    const players = ids.map(({ player }) => player);
    this.#players = new SoakPlayers(play, players, PLAYERS_PER_STREAM, this.#peers, this.#ledger);
    for (const [index, one] of ids.entries())
      this.#streams.push(await SoakStream.open(index, one, this.#node, this.#peers, this.#ledger, this.#folder));
    await this.#players.joinAll();
    for (const { publisher } of ids) {
      const path = `/api/streams/${publisher}`;
      this.#names.push((await this.#node.get<{ data: { name: string } }>(path, this.#node.adminKey)).data.name);
    }
    this.#disturbedMs.fill(performance.now());
    this.#pollers = new Pollers(
      this.#node,
      players,
      (stream) => this.#isSteady(stream),
      () => performance.now() - this.#stillMs < STILL_MATTERS_MS,
    );
  }

  #isSteady(stream: number): boolean {
    return this.#streams[stream]!.isLive && performance.now() - this.#disturbedMs[stream]! > STEADY_AFTER_MS;
  }

  #pump(): void {
    const now = performance.now();
    // Encoders and players stand still with this process: what that costs is no fault of the node.
    if (now - this.#pumpedMs > STANDSTILL_MS) {
      this.#stillMs = now;
      this.#ledger.outage('the machine stood still', this.#pumpedMs).toMs = now + 1_000;
      for (let stream = 0; stream < STREAMS; stream++)
        this.#disturbedMs[stream] = Math.max(this.#disturbedMs[stream]!, now);
    }
    if (now - this.#pumpedMs > 100) this.#note(`this process was ${Math.round(now - this.#pumpedMs)} ms late`);
    this.#pumpedMs = now;
    for (const stream of this.#streams) stream.pump(now);
  }

  /** At the end of the run it is over at once. */
  async #wait(ms: Millis): Promise<void> {
    await delay(Math.max(0, ms), undefined, { signal: this.#ended.signal }).catch(() => {});
  }

  get #isOver(): boolean {
    return this.#ended.signal.aborted;
  }

  #startJobs(minutes: number): void {
    const every = (ms: Millis, job: () => Promise<void> | void): void => {
      const loop = async (): Promise<void> => {
        for (await this.#wait(ms); !this.#isOver; await this.#wait(ms)) {
          try {
            await job();
          } catch (error) {
            if (!this.#isOver) this.#problems.push(`${job.name}: ${(error as Error).message}`);
          }
        }
      };
      this.#jobs.push(loop());
    };
    // In a short run each thing happens a few times.
    const pace = Math.min(1, minutes / 10);
    let turn = 0;
    every(Math.max(12_000, 40_000 * pace), () => this.#restart(turn++ % STREAMS));
    every(Math.max(5_000, 8_000 * pace), () => this.#flap());
    every(4_000, () => this.#change());
    every(1_000, () => this.#pollers.poll());
    every(1_000, () => this.#tellLosses());
    every(500, () => this.#reconnect());
    every(3_000, () => this.#churn.ids());
    every(7_000, () => this.#churn.keys());
    every(Math.max(10_000, 30_000 * pace), () => void this.#churn.database());
    every(Math.max(8_000, 20_000 * pace), () => this.#churn.settings());
    every(Math.min(KILL_EVERY_MS, minutes * 30_000), () => this.#kill());
  }

  /** The encoder stops, and starts anew with another session. */
  async #restart(index: number): Promise<void> {
    const stream = this.#streams[index]!;
    if (!stream.isLive) return;
    stream.isResting = true;
    this.#disturbedMs[index] = Number.POSITIVE_INFINITY;
    this.#note(`the encoder of stream ${index} ends`);
    const outages = this.#ledger.outages.length;
    let told: number | undefined;
    const sent = await stream.finish(async () => {
      await delay(DUE_MS);
      const { publishers } = await this.#facts();
      told = publishers.find(({ publisherId }) => publisherId === this.#names[index])?.messages;
    });
    if (
      outages === this.#ledger.outages.length &&
      this.#ledger.outages.every(({ toMs }) => toMs < performance.now()) &&
      (told === undefined || told > sent || told < sent - MOST_LAST)
    )
      this.#problems.push(`stream ${index}: the encoder has sent ${sent} messages, the node tells of ${told}`);
    await this.#wait(1_000);
    stream.isResting = false;
    await stream.connect();
    this.#disturbedMs[index] = performance.now();
  }

  async #flap(): Promise<void> {
    const stream = this.#streams[Math.floor(Math.random() * STREAMS)]!;
    if (!stream.isLive) return;
    this.#flaps++;
    const link = Math.floor(Math.random() * 3);
    this.#note(`link ${link} of stream ${stream.index} is taken away`);
    await stream.flap(link, 2_000, (ms) => this.#wait(ms));
  }

  /** What was done lately, for whoever has to explain a loss. */
  #note(what: string): void {
    this.#lately.push(`${this.#at()} s ${what}`);
    if (this.#lately.length > 12) this.#lately.shift();
  }

  #at(): string {
    return ((performance.now() - this.#startMs) / 1_000).toFixed(1);
  }

  async #tellLosses(): Promise<void> {
    const { losses } = this.#ledger;
    if (losses.length <= this.#told) return;
    const { srtla } = await this.#facts();
    for (const { player, epoch, first, last, sentMs } of losses.slice(this.#told))
      this.#options.say(
        `lost: ${player}, session ${epoch}, messages ${first} to ${last}, sent at ${((sentMs - this.#startMs) / 1_000).toFixed(1)} s, found at ${this.#at()} s`,
      );
    this.#told = losses.length;
    for (const { streamId, losses: counts } of srtla.groups)
      this.#options.say(`  ${streamId}: ${JSON.stringify(counts)}`);
    for (const line of this.#lately) this.#options.say(`  ${line}`);
  }

  /** Whatever has cut an encoder, it comes back, as encoders do. */
  async #reconnect(): Promise<void> {
    for (const [index, stream] of this.#streams.entries()) {
      if (stream.isLive || stream.isResting) continue;
      this.#disturbedMs[index] = Number.POSITIVE_INFINITY;
      await stream.connect();
      this.#disturbedMs[index] = performance.now();
    }
  }

  /** A player goes, and another one comes a little later. */
  async #change(): Promise<void> {
    const { seats } = this.#players;
    const seat = seats[Math.floor(Math.random() * seats.length)]!;
    this.#players.leave(seat);
    await this.#wait(500 + Math.random() * 1_500);
    if (!this.#isOver) await this.#players.join(seat);
  }

  /** The thread that moves packets dies, and another one takes its place. */
  async #kill(): Promise<void> {
    // Not in the last moments: what comes back has to be seen.
    if (this.#endMs - performance.now() < 15_000) return;
    const before = this.#streams.map(({ broken, dropped }) => ({ broken, dropped }));
    const { cut } = this.#players;
    const killedMs = performance.now();
    this.#note('the data plane is killed');
    const outage = this.#ledger.outage(`data plane killed (${this.#kills % 2 === 0 ? 'throw' : 'exit'})`, killedMs);
    this.#disturbedMs.fill(Number.POSITIVE_INFINITY);
    this.#node.hook({ hook: 'data-plane', fault: this.#kills++ % 2 === 0 ? 'throw' : 'exit' });
    // Those that have begun in this very moment may have begun with the old one.
    await until(
      'every encoder to be back',
      () => this.#streams.every((stream) => stream.isResting || (stream.isLive && stream.startedMs > killedMs + 500)),
      60_000,
    );
    outage.toMs = performance.now();
    this.#disturbedMs.fill(outage.toMs);
    await until(
      'every player to be back',
      async () => {
        await this.#players.joinAll();
        return this.#players.seats.every(({ socket, isBusy }) => socket !== undefined || isBusy);
      },
      20_000,
    );
    // Those that it has cut were announced.
    this.#players.cut = cut;
    for (const [index, stream] of this.#streams.entries()) Object.assign(stream, before[index]);
  }

  #facts(): Promise<Facts> {
    return this.#node.get<Facts>('/v1/doctor', this.#node.token);
  }

  async #judge({ totals, process, minutes }: Pick<SoakReport, 'totals' | 'process' | 'minutes'>): Promise<void> {
    const bad = (line: string): void => void this.#problems.push(line);
    const { counters } = await this.#facts();
    if (totals.lost > 0) bad(`${totals.lost} messages are lost`);
    if (totals.duplicated + totals.reordered > 0)
      bad(`${totals.duplicated} messages came twice, ${totals.reordered} out of order`);
    if (totals.received < minutes * 60 * 100 * STREAMS) bad(`only ${totals.received} messages were received`);
    for (const { index, broken } of this.#streams)
      if (broken > 0) bad(`the encoder of stream ${index} was cut ${broken} times`);
    if (this.#players.cut > 0) bad(`${this.#players.cut} players were cut`);
    if (this.#kills === 0) bad('the data plane was not killed once');
    if (counters.dataPlaneRestarts !== this.#kills)
      bad(`the data plane was killed ${this.#kills} times and has begun anew ${counters.dataPlaneRestarts} times`);
    if (
      this.#churn.counts.databases > 2 &&
      this.#pollers.carriers.filter((name) => name.startsWith('Carrier')).length < 2
    )
      bad(`links were called ${this.#pollers.carriers.join(', ')}: another database was not taken`);
    // A line through less says nothing.
    if (minutes >= 10 && process.rssMiBPerMinute >= MOST_RSS_MIB_PER_MINUTE)
      bad(`the memory grows by ${process.rssMiBPerMinute.toFixed(2)} MiB a minute`);
    if (process.descriptors.late > process.descriptors.early + 6)
      bad(`descriptors have grown from ${process.descriptors.early} to ${process.descriptors.late}`);
    if (process.threads.late > process.threads.early)
      bad(`threads have grown from ${process.threads.early} to ${process.threads.late}`);
  }
}

/** @throws Error where the node or a sender ends, or nothing connects */
export const runSoak = async (options: SoakOptions): Promise<SoakReport> => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-soak-'));
  const dataDir = join(folder, 'data');
  mkdirSync(join(dataDir, 'asn'), { recursive: true });
  writeFileSync(join(dataDir, 'tributary.yml'), settingsText(false));
  const node = await TestNode.start(
    { TRIBUTARY_TEST_HOOKS: '1', TRIBUTARY_HTTP_API_KEY_PER_MINUTE: '100000' },
    dataDir,
  );
  const soak = new Soak(options, node, folder);
  try {
    const report = await soak.run();
    await soak.close();
    const code = await node.stop();
    return code === 0 ? report : { ...report, problems: [...report.problems, `the node ended with ${code}`] };
  } finally {
    await soak.close().catch(() => {});
    await node.program.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
};
