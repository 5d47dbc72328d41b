import type { Millis } from '../shared/clock.ts';
import type { Player, Publisher } from './sessions.ts';
import { Stream, type StreamSink } from './stream.ts';

/** Beyond its latency, for what is still on the way to it. */
const PLAY_OUT_MARGIN_MS: Millis = 500;

/** The table of streams: which socket belongs to whom, and fan-out of what arrives. Knows nothing of listeners or access. */
export class Hub {
  readonly #sink: StreamSink;
  readonly #streams = new Map<string, Stream>();
  readonly #publishers = new Map<number, Publisher>();
  readonly #players = new Map<number, Player>();

  constructor(sink: StreamSink) {
    this.#sink = sink;
  }

  publishers(): Iterable<Publisher> {
    return this.#publishers.values();
  }

  players(): Iterable<Player> {
    return this.#players.values();
  }

  publisher(socket: number): Publisher | undefined {
    return this.#publishers.get(socket);
  }

  player(socket: number): Player | undefined {
    return this.#players.get(socket);
  }

  addPublisher(publisher: Publisher): void {
    this.#publishers.set(publisher.socket, publisher);
    this.#stream(publisher.publisherId).addPublisher(publisher);
  }

  addPlayer(player: Player): void {
    this.#players.set(player.socket, player);
    this.#stream(player.publisherId).addPlayer(player);
  }

  /** Messages of the batch that was just received. A socket that nobody knows is passed over. */
  deliver(socket: number, firstSlot: number, count: number, now: Millis): void {
    const publisher = this.#publishers.get(socket);
    if (publisher) this.#streams.get(publisher.publisherId)?.deliver(publisher, firstSlot, count, now);
  }

  /** The socket is closed, with all it had delivered. */
  remove(socket: number, now: Millis): Publisher | Player | undefined {
    const publisher = this.#publishers.get(socket);
    if (publisher) {
      this.#publishers.delete(socket);
      this.#leave(publisher.publisherId, (stream) => stream.removePublisher(publisher, now));
      return publisher;
    }
    const player = this.#players.get(socket);
    if (!player) return undefined;
    this.#players.delete(socket);
    this.#leave(player.publisherId, (stream) => stream.removePlayer(player));
    return player;
  }

  /** A player id was taken away: its players play on to the end of the stream, but wait no longer. */
  revokePlayerId(playerId: string): void {
    for (const player of this.#players.values()) if (player.playerId === playerId) player.revoked = true;
  }

  /**
   * Closes players that have waited for a publisher for longer than `waitMs` (0 = no limit), and those that may not wait at all once
   * they have played out what they were given.
   */
  closeIdlePlayers(waitMs: Millis, now: Millis): void {
    for (const player of this.#players.values()) {
      if (player.state !== 'waiting') continue;
      const waitedMs = now - player.waitingSinceMs;
      const limitMs = player.revoked ? player.latencyMs + PLAY_OUT_MARGIN_MS : waitMs || Number.POSITIVE_INFINITY;
      if (waitedMs > limitMs) this.#sink.close(player.socket);
    }
  }

  #stream(publisherId: string): Stream {
    let stream = this.#streams.get(publisherId);
    if (!stream) {
      stream = new Stream(publisherId, this.#sink);
      this.#streams.set(publisherId, stream);
    }
    return stream;
  }

  #leave(publisherId: string, how: (stream: Stream) => void): void {
    const stream = this.#streams.get(publisherId);
    if (!stream) return;
    how(stream);
    if (stream.isEmpty) this.#streams.delete(publisherId);
  }
}
