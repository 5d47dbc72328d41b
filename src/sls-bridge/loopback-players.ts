import { Readable } from 'node:stream';
import { loadAddon, type NativeSrtEngine, SRT_SLOT_BYTES } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { TributaryError } from '../shared/errors.ts';

/** Players at once. */
export const MOST_PLAYERS = 2;
/** On one machine nothing is lost: it evens out the batches of the hub. */
const LATENCY_MS: Millis = 120;
const CONNECT_WITHIN_MS: Millis = 3_000;
const TICK_MS: Millis = 20;
const SLOTS = 64;
/** What waits for a reader that does not keep up; with more it is let go, bytes. Some five seconds of 12 Mbit/s. */
const MAX_WAITING_BYTES = 8 * 2 ** 20;

export interface LoopbackTarget {
  /** An address on which the play port is open. */
  host: string;
  port: number;
}

export interface LoopbackId {
  readonly player: string;
  readonly passphrase?: string;
}

interface Player {
  readonly media: Readable;
  readonly settle: (failure: string | undefined) => void;
}

/**
 * Players of this process itself: each calls the node's own play port over loopback, as anybody would, so that the data plane need not know of
 * them. They are admitted, counted, listed and cut like all others.
 */
export class LoopbackPlayers {
  readonly #target: () => LoopbackTarget;
  readonly #players = new Map<number, Player>();
  #engine: NativeSrtEngine | undefined;

  constructor(target: () => LoopbackTarget) {
    this.#target = target;
  }

  /**
   * @returns what the player gets, message by message, to be destroyed by its reader; undefined where there are two already
   * @throws TributaryError TRIBUTARY_SRT_CONNECT_FAILED
   */
  async open({ player, passphrase }: LoopbackId): Promise<Readable | undefined> {
    if (this.#players.size >= MOST_PLAYERS) return undefined;
    this.#engine ??= loadAddon().createSrtEngine({
      ...{ tickMs: TICK_MS, slots: SLOTS, takeoverSilenceMs: 1_000 },
      onWake: () => this.#onWake(),
    });
    const { host, port } = this.#target();
    const socket = this.#engine.connect({
      ...{ host, port, streamId: player, latencyMs: LATENCY_MS, connectTimeoutMs: CONNECT_WITHIN_MS, reads: true },
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    const media = new Readable({
      highWaterMark: MAX_WAITING_BYTES,
      read: () => {},
      destroy: (_error, done) => {
        this.#engine?.close(socket);
        done(null);
      },
    });
    const failure = await new Promise<string | undefined>((settle) => {
      this.#players.set(socket, { media, settle });
    });
    if (failure === undefined) return media;
    throw new TributaryError(
      'TRIBUTARY_SRT_CONNECT_FAILED',
      `the node's own player was not let in: ${failure}`,
      'wait until the stream is live, or until another player of its id has left',
    );
  }

  close(): void {
    for (const { media, settle } of this.#players.values()) {
      settle('the node stops');
      media.push(null);
    }
    this.#players.clear();
    this.#engine?.dispose();
    this.#engine = undefined;
  }

  #onWake(): void {
    const engine = this.#engine;
    if (!engine) return;
    for (const event of engine.takeEvents()) {
      if (!('socket' in event)) continue;
      const player = this.#players.get(event.socket);
      if (event.type === 'connected') player?.settle(undefined);
      else if (event.type === 'connect-failed') this.#forget(event.socket, event.message);
      else if (event.type === 'ended') this.#forget(event.socket, 'the connection has ended');
    }
    for (let runs = engine.receive(); runs > 0; runs = engine.receive()) this.#deliver(engine, runs);
    engine.rearm();
  }

  #deliver({ arena, lengths, runs }: NativeSrtEngine, count: number): void {
    for (let run = 0; run < count * 3; run += 3) {
      const media = this.#players.get(runs[run]!)?.media;
      const first = runs[run + 1]!;
      if (!media || media.destroyed) continue;
      const messages = Array.from({ length: runs[run + 2]! }, (_, index) => {
        const from = (first + index) * SRT_SLOT_BYTES;
        return arena.subarray(from, from + lengths[first + index]!);
      });
      // The arena is written anew with the next reading.
      if (!media.push(Buffer.concat(messages))) media.destroy();
    }
  }

  #forget(socket: number, why: string): void {
    const player = this.#players.get(socket);
    this.#players.delete(socket);
    player?.settle(why);
    if (player && !player.media.destroyed) player.media.push(null);
  }
}
