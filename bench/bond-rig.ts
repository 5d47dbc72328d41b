import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askSender } from '../src/sender/control-client.ts';
import { impairmentText } from '../src/sender/impair/impairment-text.ts';
import type { BondScenario } from '../src/sender/impair/scenarios.ts';
import type { ImpairmentReport } from '../src/sender/impaired-bond.ts';
import { type BenchContext, bufferEnvironment, packetsPerSecond } from './context.ts';
import { cpuNs, residentMiB } from './machine.ts';
import { BenchProcess, ControlledProgram, pause, until } from './process.ts';
import { NodeRelay } from './relays.ts';
import type { CallerReport, PlayersReport } from './reports.ts';

/** `srtla.lossDetection` of the node: `plain` is what libsrt does behind a receiver that only forwards. */
export const BOND_VARIANTS = ['plain', 'exact'] as const;
export type BondVariant = (typeof BOND_VARIANTS)[number];

/** One stream through one scenario. */
export interface BondRun {
  scenario: string;
  variant: BondVariant;
  seconds: number;
  /** Payloads that the encoder gave to libsrt. */
  sent: number;
  /** Of them at the player. */
  lost: number;
  duplicated: number;
  reordered: number;
  altered: number;
  /** Packets that the encoder's libsrt gave up because they were too old. */
  encoderDropped: number;
  impairment: ImpairmentReport;
  /** User and system time of the node, by media messages delivered to the player. */
  cpuUsPerMessage: number;
  memoryMiB: number;
  encoderRttMs: number;
  /** The session or a player ended early. */
  broken: boolean;
}

/** Of the player, on a perfect link. */
const PLAYER_LATENCY_MS = 200;
/** What the window of the CPU leaves out at the start. */
const SETTLE_MS = 1_000;

/**
 * Everything here keeps time, so all of it is urgent: what is measured is waiting that the programs choose, not a busy machine's.
 * A real encoder → the sender with emulated links → the node → a real player.
 */
class BondChain {
  readonly node: NodeRelay;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tributary-bond-'));
  readonly #context: BenchContext;
  readonly #scenario: BondScenario;
  #programs: BenchProcess[] = [];
  #sender!: BenchProcess;
  #caller!: ControlledProgram;
  #player!: ControlledProgram;

  private constructor(context: BenchContext, scenario: BondScenario, node: NodeRelay) {
    this.#context = context;
    this.#scenario = scenario;
    this.node = node;
  }

  static async open(context: BenchContext, scenario: BondScenario, variant: BondVariant): Promise<BondChain> {
    const { cores, options } = context;
    const env = { ...bufferEnvironment(options), TRIBUTARY_LOSS_DETECTION: variant };
    const chain = new BondChain(context, scenario, await NodeRelay.start({ cores: cores.relay, env, urgent: true }));
    try {
      await chain.#connect(packetsPerSecond(options.mbps ?? 6));
      return chain;
    } catch (error) {
      await chain.close();
      throw error;
    }
  }

  async #connect(pps: number): Promise<void> {
    const cores = this.#context.cores.load;
    const { latencyMs, links } = this.#scenario;
    const [id] = await this.node.addIds(1);
    this.#player = this.#controlled('players', {
      port: this.node.playPort,
      ids: id!.player,
      latency: PLAYER_LATENCY_MS,
      'publisher-latency': latencyMs,
    });
    await this.#player.answer('ready');
    const args = [
      ...['send', '--to', `127.0.0.1:${this.node.publish.port}`, '--listen', '0', '--json'],
      ...['--links', links.map((_, i) => `127.0.${i + 1}.1`).join(',')],
      ...['--impair', links.map(impairmentText).join(';'), '--control', `unix:${this.#control}`],
    ];
    const command = ['dist/main.js', ...args];
    this.#sender = new BenchProcess('send', process.execPath, command, { cores, urgent: true });
    this.#programs.push(this.#sender);
    const port = await until('the sender to listen', () => {
      this.#sender.assertRunning();
      return Number(/"type":"listening".*?"port":(\d+)/.exec(this.#sender.output)?.[1]) || undefined;
    });
    await until('every link to be up', () => {
      this.#sender.assertRunning();
      const ups = this.#sender.output.match(/"event":"link-up"/g) ?? [];
      return ups.length >= links.length;
    });
    this.#caller = this.#controlled('caller', { port, id: id!.publisher, latency: latencyMs, pps });
    await this.#caller.answer('ready', 30_000);
  }

  async measure(variant: BondVariant, seconds: number): Promise<BondRun> {
    this.#caller.tell('start');
    const { latencyMs } = this.#scenario;
    await pause(latencyMs + PLAYER_LATENCY_MS + SETTLE_MS);
    const { pid } = this.node.process;
    const begin = { cpu: cpuNs(pid), messages: (await this.#player.ask<PlayersReport>('report')).unique };
    await this.#until(performance.now() + seconds * 1_000 - (latencyMs + PLAYER_LATENCY_MS + SETTLE_MS));
    const cpu = cpuNs(pid) - begin.cpu;
    const messages = (await this.#player.ask<PlayersReport>('report')).unique - begin.messages;
    const memoryMiB = residentMiB(pid);
    this.#caller.tell('pause');
    const caller = await this.#caller.ask<CallerReport>('report');
    const player = await this.#drained(caller.sent);
    const impairment = await this.#impairment();
    return {
      scenario: this.#scenario.name,
      variant,
      seconds,
      sent: caller.sent,
      lost: caller.sent - player.unique,
      duplicated: player.duplicated,
      reordered: player.reordered,
      altered: player.altered,
      encoderDropped: caller.dropped + caller.refused,
      impairment,
      cpuUsPerMessage: cpu / 1e3 / messages,
      memoryMiB,
      encoderRttMs: caller.rttMs,
      broken: caller.broken || player.broken > 0,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop('SIGKILL')));
    await this.node.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #control(): string {
    return join(this.#folder, 'sender.sock');
  }

  #controlled(name: 'players' | 'caller', options: Record<string, string | number>): ControlledProgram {
    const program = new ControlledProgram(name, options, this.#context.cores.load, true);
    this.#programs.push(program);
    return program;
  }

  async #until(endMs: number): Promise<void> {
    while (performance.now() < endMs) {
      for (const program of [this.node.process, ...this.#programs]) program.assertRunning();
      await pause(Math.min(250, Math.max(1, endMs - performance.now())));
    }
  }

  /** What is on its way has come after both latencies; a little more for a busy machine. */
  async #drained(sent: number): Promise<PlayersReport> {
    const end = performance.now() + this.#scenario.latencyMs + PLAYER_LATENCY_MS + 1_500;
    for (;;) {
      const report = await this.#player.ask<PlayersReport>('report');
      if (report.unique >= sent || performance.now() > end) return report;
      await pause(100);
    }
  }

  async #impairment(): Promise<ImpairmentReport> {
    const { answer } = await askSender(`unix:${this.#control}`, 'impairment');
    if (!answer.ok) throw new Error(`the sender tells nothing of its links: ${answer.error}`);
    return (answer as unknown as { impairment: ImpairmentReport }).impairment;
  }
}

/** @throws Error where a program ends early or nothing connects */
export const runBondOnce = async (
  context: BenchContext,
  scenario: BondScenario,
  variant: BondVariant,
  seconds: number,
): Promise<BondRun> => {
  const chain = await BondChain.open(context, scenario, variant);
  try {
    return await chain.measure(variant, seconds);
  } finally {
    await chain.close();
  }
};
