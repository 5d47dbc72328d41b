import { parseEndpoint } from '../shared/address.ts';
import type { Millis } from '../shared/clock.ts';
import type { AccessRow } from './access.ts';
import type { SrtConnectOptions } from './srt-engine.ts';

/** Between two nodes: four round trips across an ocean. */
const LATENCY_MS: Millis = 1_000;
const CONNECT_WITHIN_MS: Millis = 3_000;
const RETRY_FIRST_MS: Millis = 1_000;
const RETRY_MOST_MS: Millis = 10_000;

export interface PullsDeps {
  /** @returns the socket's number @throws what is wrong at once */
  connect: (options: SrtConnectOptions) => number;
  close: (socket: number) => void;
  /** An encoder of this publisher id is connected here, and sends. */
  isSentHere: (publisherId: string) => boolean;
  /** What this socket reads is what the players of the id get. */
  isActive: (publisherId: string, socket: number) => boolean;
  /** Told once for each row of failures. */
  onFailure: (publisherId: string, address: string, why: string) => void;
}

interface Pull {
  readonly publisherId: string;
  readonly player: string;
  readonly from: string;
  readonly host: string;
  readonly port: number;
  readonly passphrase: string | undefined;
  socket: number | undefined;
  isConnected: boolean;
  failures: number;
  nextMs: Millis;
}

/** A connection that now reads the stream of `publisherId` from another node. */
export interface Pulled {
  readonly publisherId: string;
  readonly host: string;
  readonly port: number;
  readonly isEncrypted: boolean;
}

/**
 * Streams that another node still receives: read from its play port, as any player does, while no encoder sends the id here. One that comes
 * gets the stream by the rule of takeovers; one that falls silent is followed by the other node again.
 *
 * ```
 *           due, nobody sends here             connected                   an encoder here has taken over
 *   idle ───────────────────────► connecting ───────────► reading ──────────────────────────────────────► idle
 *    ▲                                │                      │
 *    └──────── after a pause ─────────┴──────── ended ───────┘
 * ```
 */
export class Pulls {
  readonly #deps: PullsDeps;
  readonly #byPublisher = new Map<string, Pull>();
  readonly #bySocket = new Map<number, Pull>();
  #isStopped = false;

  constructor(deps: PullsDeps) {
    this.#deps = deps;
  }

  /** A row as it is now: it begins, goes on or ends reading. */
  put({ publisher, player, pullFrom, passphrase }: AccessRow, now: Millis): void {
    const known = this.#byPublisher.get(publisher);
    const target = pullFrom === undefined ? undefined : parseEndpoint(pullFrom);
    if (pullFrom === undefined || !target) {
      if (known?.player === player) this.remove(player);
      return;
    }
    if (known && known.player !== player) return;
    if (known?.from === pullFrom && known.passphrase === passphrase) return;
    this.remove(player);
    const pull: Pull = {
      ...{ publisherId: publisher, player, from: pullFrom, ...target, passphrase },
      ...{ socket: undefined, isConnected: false, failures: 0, nextMs: now },
    };
    this.#byPublisher.set(publisher, pull);
    this.#look(pull, now);
  }

  /** The row of this player id is gone. */
  remove(player: string): void {
    for (const pull of this.#byPublisher.values()) {
      if (pull.player !== player) continue;
      this.#byPublisher.delete(pull.publisherId);
      if (pull.socket === undefined) continue;
      this.#bySocket.delete(pull.socket);
      this.#deps.close(pull.socket);
    }
  }

  tick(now: Millis): void {
    for (const pull of this.#byPublisher.values()) this.#look(pull, now);
  }

  /** An encoder of the id has gone: not to be waited for. */
  hurry(publisherId: string, now: Millis): void {
    const pull = this.#byPublisher.get(publisherId);
    if (!pull) return;
    pull.nextMs = now;
    this.#look(pull, now);
  }

  /** @returns undefined where nothing is to be read from it: it is closed */
  connected(socket: number): Pulled | undefined {
    const pull = this.#bySocket.get(socket);
    if (!pull || this.#deps.isSentHere(pull.publisherId)) {
      this.#deps.close(socket);
      return undefined;
    }
    pull.isConnected = true;
    const { publisherId, host, port, passphrase } = pull;
    return { publisherId, host, port, isEncrypted: passphrase !== undefined };
  }

  failed(socket: number, why: string, now: Millis): void {
    const pull = this.#bySocket.get(socket);
    if (pull) this.#fail(pull, why, now);
  }

  /** @param messages that it has brought */
  ended(socket: number, messages: number, now: Millis): void {
    const pull = this.#bySocket.get(socket);
    if (!pull) return;
    if (messages > 0) pull.failures = 0;
    // Accepted and closed: that is how most nodes refuse.
    if (pull.isConnected && messages === 0) this.#fail(pull, 'the connection was closed', now);
    else this.#rest(pull, now + RETRY_FIRST_MS);
  }

  /** Nothing is read from now on. */
  stop(): void {
    this.#isStopped = true;
    for (const { player } of [...this.#byPublisher.values()]) this.remove(player);
  }

  #look(pull: Pull, now: Millis): void {
    const { publisherId, socket } = pull;
    const isSentHere = this.#deps.isSentHere(publisherId);
    if (socket !== undefined) {
      // What it reads goes on until the encoder's first message is due; then the stream itself closes it.
      if (!isSentHere || !pull.isConnected || this.#deps.isActive(publisherId, socket)) return;
      pull.isConnected = false;
      this.#deps.close(socket);
      return;
    }
    if (this.#isStopped || isSentHere || now < pull.nextMs) return;
    const { host, port, player, passphrase } = pull;
    try {
      pull.socket = this.#deps.connect({
        ...{ host, port, streamId: player, latencyMs: LATENCY_MS, connectTimeoutMs: CONNECT_WITHIN_MS, reads: true },
        ...(passphrase === undefined ? {} : { passphrase }),
      });
      this.#bySocket.set(pull.socket, pull);
    } catch (error) {
      this.#fail(pull, error instanceof Error ? error.message : String(error), now);
    }
  }

  #fail(pull: Pull, why: string, now: Millis): void {
    if (pull.failures === 0) this.#deps.onFailure(pull.publisherId, pull.host, why);
    const pauseMs = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** Math.min(pull.failures, 10));
    pull.failures++;
    this.#rest(pull, now + pauseMs);
  }

  #rest(pull: Pull, nextMs: Millis): void {
    if (pull.socket !== undefined) this.#bySocket.delete(pull.socket);
    pull.socket = undefined;
    pull.isConnected = false;
    pull.nextMs = nextMs;
  }
}
