import {
  loadAddon,
  type NativeSrtEngine,
  SRT_SLOT_BYTES,
  SRT_STATS_FIELDS,
  type SrtStatsField,
} from '../../src/shared/addon.ts';
import { until } from '../support/processes.ts';

const MESSAGE_BYTES = 1_316;

type Ended = (socket: number) => void;

/** Encoders and players of SRT in this process, all on one engine; what comes is handed on and not kept. */
export class SrtPeers {
  readonly #engine: NativeSrtEngine;
  readonly #stats = new Float64Array(SRT_STATS_FIELDS.length);
  readonly #message = new Uint8Array(MESSAGE_BYTES);
  readonly #outcomes = new Map<number, string>();
  readonly #endings = new Map<number, Ended>();
  readonly #readers = new Map<number, (epoch: number, number: number) => void>();

  constructor() {
    this.#engine = loadAddon().createSrtEngine({
      ...{ tickMs: 5, slots: 256, takeoverSilenceMs: 1_000 },
      onWake: () => this.#pump(),
    });
  }

  /** @returns the socket; undefined where it was refused or nobody answered */
  async call(
    port: number,
    streamId: string,
    {
      latencyMs,
      onMessage,
      onEnd,
    }: { latencyMs: number; onMessage?: (epoch: number, number: number) => void; onEnd: Ended },
  ): Promise<number | undefined> {
    const reads = onMessage !== undefined;
    const options = { host: '127.0.0.1', port, streamId, latencyMs, connectTimeoutMs: 3_000, reads };
    const socket = this.#engine.connect(options);
    if (onMessage) this.#readers.set(socket, onMessage);
    this.#endings.set(socket, onEnd);
    const outcome = await until('the outcome of a call', () => this.#outcomes.get(socket), 20_000);
    this.#outcomes.delete(socket);
    if (outcome === '') return socket;
    this.#forget(socket);
    return undefined;
  }

  /** @returns whether it was taken */
  send(socket: number, epoch: number, number: number): boolean {
    const view = new DataView(this.#message.buffer);
    view.setUint32(0, epoch);
    view.setUint32(4, number);
    return this.#engine.sendMessage(socket, this.#message, 0) === MESSAGE_BYTES;
  }

  stat(socket: number, field: SrtStatsField): number | undefined {
    return this.#engine.stats(socket, this.#stats) ? this.#stats[SRT_STATS_FIELDS.indexOf(field)] : undefined;
  }

  /** By our own will: `onEnd` is not called. */
  close(socket: number): void {
    this.#forget(socket);
    this.#engine.close(socket);
  }

  dispose(): void {
    this.#engine.dispose();
  }

  #forget(socket: number): void {
    this.#endings.delete(socket);
    this.#readers.delete(socket);
  }

  #pump(): void {
    this.#takeEvents();
    for (let runs = this.#engine.receive(); runs > 0; runs = this.#engine.receive()) this.#takeRuns(runs);
    this.#takeEvents();
    this.#engine.rearm();
  }

  #takeEvents(): void {
    for (const event of this.#engine.takeEvents()) {
      if (event.type === 'connected') this.#outcomes.set(event.socket, '');
      else if (event.type === 'connect-failed') this.#outcomes.set(event.socket, event.message || 'failed');
      else if (event.type === 'broken' && !this.#readers.has(event.socket)) this.#end(event.socket);
      else if (event.type === 'ended') this.#end(event.socket);
    }
  }

  #end(socket: number): void {
    const onEnd = this.#endings.get(socket);
    this.#forget(socket);
    onEnd?.(socket);
  }

  #takeRuns(runs: number): void {
    const { arena, runs: triples } = this.#engine;
    const view = new DataView(arena.buffer, arena.byteOffset, arena.byteLength);
    for (let at = 0; at < runs * 3; at += 3) {
      const reader = this.#readers.get(triples[at]!);
      const [first, count] = [triples[at + 1]!, triples[at + 2]!];
      for (let slot = first; reader && slot < first + count; slot++)
        reader(view.getUint32(slot * SRT_SLOT_BYTES), view.getUint32(slot * SRT_SLOT_BYTES + 4));
    }
  }
}
