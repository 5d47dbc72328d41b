import { join } from 'node:path';
import { askSender } from '../../src/sender/control-client.ts';
import type { Millis } from '../../src/shared/clock.ts';
import { type Program, type TestNode, tributary, until } from '../support/processes.ts';
import type { Ledger } from './ledger.ts';
import type { SrtPeers } from './srt-peers.ts';

/** Of the encoder; repairs have so long. */
export const PUBLISHER_LATENCY_MS: Millis = 2_000;
/** About 1.5 Mbit/s. */
const PER_SECOND = 142;
const LINKS = 3;
const PROFILES = ['bel', 'moblin', 'snd', 'bel'] as const;
const IMPAIRMENTS = ['20±5ms,loss=1%', '45±15ms,loss=2%', '70±20ms,burst=0.3%/30%'];

interface Ids {
  readonly publisher: string;
  readonly player: string;
}

/** One bonded stream: an encoder of SRT in this process, and a sender over three impaired links. */
export class SoakStream {
  readonly ids: Ids;
  readonly index: number;
  readonly #peers: SrtPeers;
  readonly #ledger: Ledger;
  readonly #sender: Program;
  readonly #control: string;
  readonly links: readonly string[];
  #port = 0;
  #socket: number | undefined;
  #epoch = -1;
  #startMs: Millis = 0;
  #sent = 0;
  /** Sessions of the encoder that ended by themselves. */
  broken = 0;
  /** Messages that the encoder's libsrt would not take or has given up. */
  dropped = 0;
  sessions = 0;
  /** When the present session began. */
  startedMs: Millis = 0;
  /** Ended on purpose, and not begun anew yet. */
  isResting = false;
  #isOpening = false;

  private constructor(index: number, ids: Ids, node: TestNode, peers: SrtPeers, ledger: Ledger, folder: string) {
    this.index = index;
    this.ids = ids;
    this.#peers = peers;
    this.#ledger = ledger;
    this.#control = `unix:${join(folder, `sender-${index}.sock`)}`;
    this.links = Array.from({ length: LINKS }, (_, link) => `127.${index + 1}.${link + 1}.1`);
    this.#sender = tributary([
      ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--listen', '0', '--json', '--control', this.#control],
      ...['--links', this.links.join(','), '--impair', IMPAIRMENTS.join(';'), '--profile', PROFILES[index % 4]!],
    ]);
  }

  static async open(
    ...args: [index: number, ids: Ids, node: TestNode, peers: SrtPeers, ledger: Ledger, folder: string]
  ): Promise<SoakStream> {
    const stream = new SoakStream(...args);
    const listening = /"type":"listening".*?"port":(\d+)/;
    stream.#port = await until(
      'the sender to listen',
      () => Number(listening.exec(stream.#sender.output)?.[1]) || undefined,
    );
    await stream.connect();
    return stream;
  }

  get isLive(): boolean {
    return this.#socket !== undefined;
  }

  /** Of the encoder's present session. */
  get sent(): number {
    return this.#sent;
  }

  /** Until it is let in. */
  async connect(): Promise<void> {
    if (this.#isOpening || this.#socket !== undefined) return;
    this.#isOpening = true;
    try {
      await until(
        `stream ${this.index} to be let in`,
        async () => {
          this.#assertSender();
          this.#socket = await this.#peers.call(this.#port, this.ids.publisher, {
            latencyMs: PUBLISHER_LATENCY_MS,
            onEnd: () => {
              this.#socket = undefined;
              this.broken++;
            },
          });
          return this.#socket !== undefined;
        },
        60_000,
      );
    } finally {
      this.#isOpening = false;
    }
    this.#epoch = this.#ledger.begin(this.index);
    this.#startMs = performance.now();
    this.startedMs = this.#startMs;
    this.#sent = 0;
    this.sessions++;
  }

  /** What is due by now. */
  pump(now: Millis): void {
    const due = Math.floor(((now - this.#startMs) * PER_SECOND) / 1_000);
    while (this.#socket !== undefined && this.#sent < due) {
      const number = this.#ledger.send(this.index, now);
      this.#sent++;
      if (!this.#peers.send(this.#socket, this.#epoch, number)) this.dropped++;
    }
  }

  /** Has sent its last; what is under way still arrives. @returns how many messages the session had */
  async finish(settle: () => Promise<void>): Promise<number> {
    const socket = this.#socket;
    const count = this.#sent;
    // No more is due.
    this.#startMs = Number.POSITIVE_INFINITY;
    await settle();
    if (socket !== undefined && socket === this.#socket) {
      this.dropped += this.#peers.stat(socket, 'pktSndDropTotal') ?? 0;
      this.#socket = undefined;
      this.#peers.close(socket);
    }
    return count;
  }

  /** One link at most at a time: the others carry on. */
  async flap(link: number, downMs: Millis, wait: (ms: Millis) => Promise<void>): Promise<void> {
    const address = this.links[link % this.links.length]!;
    await askSender(this.#control, `block ${address}`);
    await wait(downMs);
    await askSender(this.#control, `unblock ${address}`);
  }

  async stop(): Promise<void> {
    await this.#sender.stop();
  }

  #assertSender(): void {
    if (this.#sender.exitCode !== undefined)
      throw new Error(`the sender of stream ${this.index} has ended:\n${this.#sender.output.slice(-2_000)}`);
  }
}
