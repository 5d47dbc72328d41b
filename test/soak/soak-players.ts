import type { Millis } from '../../src/shared/clock.ts';
import type { Ledger } from './ledger.ts';
import type { SrtPeers } from './srt-peers.ts';

export const PLAYER_LATENCY_MS: Millis = 300;

interface Seat {
  readonly stream: number;
  readonly playerId: string;
  /** Undefined while nobody sits there, or somebody is about to. */
  socket: number | undefined;
  isBusy: boolean;
  received: number;
}

/** Players that come and go: each seat is one at a time on one stream. */
export class SoakPlayers {
  readonly seats: readonly Seat[];
  readonly #port: number;
  readonly #peers: SrtPeers;
  readonly #ledger: Ledger;
  /** Connections that the node has ended while nobody had said that it would. */
  cut = 0;
  refused = 0;
  joins = 0;

  constructor(port: number, ids: readonly string[], perStream: number, peers: SrtPeers, ledger: Ledger) {
    this.#port = port;
    this.#peers = peers;
    this.#ledger = ledger;
    this.seats = ids.flatMap((playerId, stream) =>
      Array.from({ length: perStream }, () => ({ stream, playerId, socket: undefined, isBusy: false, received: 0 })),
    );
  }

  get connected(): number {
    return this.seats.filter(({ socket }) => socket !== undefined).length;
  }

  /** @returns whether it was let in */
  async join(seat: Seat): Promise<boolean> {
    if (seat.isBusy || seat.socket !== undefined) return true;
    seat.isBusy = true;
    seat.received = 0;
    // The number of the socket is known before the first message comes.
    let key = -1;
    const early: [number, number][] = [];
    const socket = await this.#peers.call(this.#port, seat.playerId, {
      latencyMs: PLAYER_LATENCY_MS,
      onMessage: (epoch, number) => {
        seat.received++;
        if (key < 0) early.push([epoch, number]);
        else this.#ledger.take(key, epoch, number);
      },
      onEnd: (ended) => {
        seat.socket = undefined;
        this.#ledger.leave(ended, performance.now());
        this.cut++;
      },
    });
    seat.isBusy = false;
    if (socket === undefined) {
      this.refused++;
      return false;
    }
    this.joins++;
    seat.socket = socket;
    this.#ledger.join(socket, `stream ${seat.stream} player ${socket}`, seat.stream, performance.now());
    for (const [epoch, number] of early) this.#ledger.take(socket, epoch, number);
    key = socket;
    return true;
  }

  leave(seat: Seat): void {
    const { socket } = seat;
    if (socket === undefined) return;
    seat.socket = undefined;
    this.#ledger.leave(socket, performance.now());
    this.#peers.close(socket);
  }

  /** Whoever was cut comes back. */
  async joinAll(): Promise<void> {
    await Promise.all(this.seats.map((seat) => this.join(seat)));
  }
}
