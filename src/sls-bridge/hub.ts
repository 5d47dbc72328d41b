import type { Millis } from '../shared/clock.ts';
import type { Current } from '../shared/current.ts';
import type { GopCacheLimits } from './gop-cache.ts';
import type { Player, Publisher } from './sessions.ts';
import { Stream, type StreamSink } from './stream.ts';

/** The table of streams: which socket belongs to whom, and fan-out of what arrives. Knows nothing of listeners or access. */
export class Hub {
  readonly #sink: StreamSink;
  readonly #gop: Current<GopCacheLimits | undefined>;
  readonly #streams = new Map<string, Stream>();
  readonly #publishers = new Map<number, Publisher>();
  readonly #players = new Map<number, Player>();

  /** @param gop where players begin with the last key frame instead of the next one; counts for each publisher when it begins */
  constructor(sink: StreamSink, gop?: Current<GopCacheLimits | undefined>) {
    this.#sink = sink;
    this.#gop = gop;
  }

  publishers(): Iterable<Publisher> {
    return this.#publishers.values();
  }

  players(): Iterable<Player> {
    return this.#players.values();
  }

  /** Somebody publishes or plays. */
  get hasSessions(): boolean {
    return this.#publishers.size + this.#players.size > 0;
  }

  publisher(socket: number): Publisher | undefined {
    return this.#publishers.get(socket);
  }

  player(socket: number): Player | undefined {
    return this.#players.get(socket);
  }

  /** Its messages are passed on. */
  isActive(publisherId: string, socket: number): boolean {
    return this.#streams.get(publisherId)?.active?.socket === socket;
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

  /** It has not kept up: it is given nothing more for now. */
  hold(player: Player): void {
    this.#streams.get(player.publisherId)?.hold(player);
  }

  /** It has caught up, and goes on at the next clean point. */
  resume(player: Player): void {
    this.#streams.get(player.publisherId)?.resume(player);
  }

  /** Closes players that have waited for a publisher for longer than `waitMs`; 0 = no limit. */
  closeIdlePlayers(waitMs: Millis, now: Millis): void {
    if (waitMs === 0) return;
    for (const player of this.#players.values()) {
      if (player.state !== 'waiting' || now - player.waitingSinceMs <= waitMs) continue;
      player.leaves ??= 'waited';
      this.#sink.close(player.socket);
    }
  }

  #stream(publisherId: string): Stream {
    let stream = this.#streams.get(publisherId);
    if (!stream) {
      stream = new Stream(publisherId, this.#sink, this.#gop);
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
