import type { Millis } from '../shared/clock.ts';
import { type Current, reading } from '../shared/current.ts';
import { CleanPoint } from './clean-point.ts';
import { GopCache, type GopCacheLimits } from './gop-cache.ts';
import type { Player, Publisher } from './sessions.ts';
import { SRT_SLOT_BYTES, type SrtEngine } from './srt-engine.ts';

/** So many messages of the last group of pictures leave at once: more would overflow buffers on the way, and hold up the others. */
const CATCH_UP_MESSAGES = 64;

/** What a stream needs of the SRT engine: the batch that was just received, and ways to pass it on. */
export type StreamSink = Pick<SrtEngine, 'arena' | 'lengths' | 'sourceTimesUs' | 'send' | 'sendMessage' | 'close'>;

/**
 * One stream: the publisher whose bytes go out, the one before it (tail) and the one after it (not due yet), and the players.
 *
 * ```
 *            first message of a newer publisher            its end
 *   offline ───────────────────────────────────► live ───────────────► offline
 *                                                 │ ▲
 *                                                 └─┘ first message of a newer publisher: the old one is cut
 * ```
 * A player is `waiting` while the stream is offline, `joining` until a clean point, then `playing`. One that does not keep up is held:
 * `joining`, but given nothing until its send buffer has drained.
 */
export class Stream {
  readonly publisherId: string;
  readonly players = new Set<Player>();
  /** Newest last. */
  readonly publishers: Publisher[] = [];
  /** The publisher whose messages are passed on. */
  active: Publisher | undefined;
  readonly #sink: StreamSink;
  /** Only while somebody is joining: it holds a third of a megabyte. */
  #clean: CleanPoint | undefined;
  #playing: Player[] = [];
  #joining: Player[] = [];
  #held: Player[] = [];
  /** They join, and are being given what there has been since the last key frame. */
  #catchingUp: Player[] = [];
  readonly #gopLimits: () => GopCacheLimits | undefined;
  /** Only where players begin with the last key frame; made when a publisher begins. */
  #gop: { readonly cache: GopCache; readonly limits: GopCacheLimits } | undefined;
  #sockets = new Int32Array(4);
  #dropped = new Float64Array(4);

  /** @param gop where players begin with the last key frame instead of the next one */
  constructor(publisherId: string, sink: StreamSink, gop?: Current<GopCacheLimits | undefined>) {
    this.publisherId = publisherId;
    this.#sink = sink;
    this.#gopLimits = reading(gop);
  }

  get isEmpty(): boolean {
    return this.publishers.length === 0 && this.players.size === 0;
  }

  addPublisher(publisher: Publisher): void {
    this.publishers.push(publisher);
  }

  /** Its last message has been passed on, or it was closed. Players go on with the next one, or wait. */
  removePublisher(publisher: Publisher, now: Millis): void {
    const index = this.publishers.indexOf(publisher);
    if (index >= 0) this.publishers.splice(index, 1);
    if (this.active !== publisher) return;
    this.active = undefined;
    this.#gop?.cache.clear();
    for (const player of this.players) {
      player.state = 'waiting';
      player.waitingSinceMs = now;
    }
    this.#arrange();
  }

  addPlayer(player: Player): void {
    this.players.add(player);
    if (this.active) {
      this.#beginJoining(player);
      this.#beginWithLastKeyFrame(player);
    }
    this.#arrange();
  }

  /** It has not kept up: it is given nothing more for now. */
  hold(player: Player): void {
    player.isHeld = true;
    if (player.state === 'playing') this.#beginJoining(player);
    this.#arrange();
  }

  /** Its send buffer has drained: it goes on at the next clean point. */
  resume(player: Player): void {
    player.isHeld = false;
    player.isProbed = false;
    this.#arrange();
  }

  removePlayer(player: Player): void {
    this.players.delete(player);
    this.#arrange();
  }

  /** Slots `firstSlot … firstSlot + count` hold messages of this publisher, due now. */
  deliver(publisher: Publisher, firstSlot: number, count: number, now: Millis): void {
    const { arena, lengths } = this.#sink;
    let bytes = 0;
    for (let slot = firstSlot; slot < firstSlot + count; slot++) {
      bytes += lengths[slot]!;
      publisher.continuity.look(arena, slot * SRT_SLOT_BYTES, lengths[slot]!);
    }
    publisher.count(count, bytes, now);
    if (publisher !== this.active && !this.#activate(publisher)) return;
    for (const player of this.#held) this.#passNothing(player, firstSlot, count);
    if (this.#playing.length > 0) this.#pass(this.#playing, firstSlot, count);
    if (this.#joining.length > 0) this.#lookForCleanPoint(firstSlot, count, now);
    const gop = this.#gop?.cache;
    if (!gop) return;
    this.#keep(gop, firstSlot, count, now);
    if (this.#catchingUp.length === 0) return;
    for (const player of this.#catchingUp) this.#catchUp(player, gop);
    this.#arrange();
  }

  /** A publisher's first message is due: it takes the stream over from any older one. False: it is the older one itself. */
  #activate(publisher: Publisher): boolean {
    const index = this.publishers.indexOf(publisher);
    if (index < 0 || (this.active && index < this.publishers.indexOf(this.active))) return false;
    for (let older = 0; older < index; older++) {
      this.publishers[older]!.leaves ??= 'taken-over';
      this.#sink.close(this.publishers[older]!.socket);
    }
    this.#beginKeeping();
    this.active = publisher;
    for (const player of this.players) this.#beginJoining(player);
    this.#clean = undefined;
    this.#arrange();
    return true;
  }

  #beginKeeping(): void {
    const limits = this.#gopLimits();
    if (limits === this.#gop?.limits) this.#gop?.cache.clear();
    else this.#gop = limits && { limits, cache: new GopCache(limits) };
  }

  #beginJoining(player: Player): void {
    player.state = 'joining';
    player.waitingSinceMs = Number.NaN;
    player.catchUpAt = Number.NaN;
  }

  #lookForCleanPoint(firstSlot: number, count: number, now: Millis): void {
    const { arena, lengths, sourceTimesUs } = this.#sink;
    this.#clean ??= new CleanPoint();
    const clean = this.#clean;
    for (let slot = firstSlot; slot < firstSlot + count; slot++) {
      if (!clean.offer(arena, slot * SRT_SLOT_BYTES, lengths[slot]!, now)) continue;
      const joined = this.#joining;
      for (const player of joined) this.#passHeld(player, clean, sourceTimesUs[slot]!);
      const rest = firstSlot + count - slot - 1;
      if (rest > 0) this.#pass(joined, slot + 1, rest);
      for (const player of joined) if (!player.isHeld) player.state = 'playing';
      this.#arrange();
      return;
    }
  }

  /** The first messages of a player leave with the source time of the newest: stamped with their own they would be late already. */
  #passHeld(player: Player, clean: CleanPoint, sourceTimeUs: number): void {
    const held = clean.heldMessages;
    for (let index = 0; index < held; index++) this.#passOne(player, clean.heldMessage(index), sourceTimeUs);
  }

  /** Where it is kept and there is one; else the player waits for the next. */
  #beginWithLastKeyFrame(player: Player): void {
    const gop = this.#gop?.cache;
    if (!gop || gop.messages === 0) return;
    player.catchUpAt = gop.first;
    this.#catchUp(player, gop);
  }

  /** The next part of what there has been since the last key frame. A newer key frame meanwhile is as good a place to begin. */
  #catchUp(player: Player, gop: GopCache): void {
    if (gop.messages === 0) {
      player.catchUpAt = Number.NaN;
      return;
    }
    const end = gop.first + gop.messages;
    let at = Math.max(player.catchUpAt, gop.first);
    for (const until = Math.min(end, at + CATCH_UP_MESSAGES); at < until && !player.isHeld; at++)
      this.#passOne(player, gop.message(at), gop.newestTimeUs);
    player.catchUpAt = player.isHeld || at === end ? Number.NaN : at;
    if (!player.isHeld && at === end) player.state = 'playing';
  }

  #passOne(player: Player, message: Uint8Array, sourceTimeUs: number): void {
    if (!player.isHeld && this.#sink.sendMessage(player.socket, message, sourceTimeUs, this.active?.socket) >= 0) {
      player.sentMessages++;
      return;
    }
    player.missedMessages++;
    player.isHeld = true;
  }

  /** To a player that is held; but for the one message with which it is probed. */
  #passNothing(player: Player, firstSlot: number, count: number): void {
    player.missedMessages += count;
    if (!player.isProbed) return;
    player.isProbed = false;
    this.#sockets[0] = player.socket;
    this.#dropped[0] = 0;
    this.#sink.send(this.#sockets, 1, firstSlot + count - 1, 1, this.#dropped);
    if (this.#dropped[0] > 0) return;
    player.missedMessages--;
    player.sentMessages++;
  }

  #keep(gop: GopCache, firstSlot: number, count: number, now: Millis): void {
    const { arena, lengths, sourceTimesUs } = this.#sink;
    for (let slot = firstSlot; slot < firstSlot + count; slot++)
      gop.offer(arena, slot * SRT_SLOT_BYTES, lengths[slot]!, sourceTimesUs[slot]!, now);
  }

  #pass(players: readonly Player[], firstSlot: number, count: number): void {
    const total = players.length;
    for (let i = 0; i < total; i++) {
      this.#sockets[i] = players[i]!.socket;
      this.#dropped[i] = 0;
    }
    this.#sink.send(this.#sockets, total, firstSlot, count, this.#dropped);
    let isAnyFull = false;
    for (let i = 0; i < total; i++) {
      const player = players[i]!;
      const dropped = this.#dropped[i]!;
      player.sentMessages += count - dropped;
      if (dropped === 0) continue;
      player.missedMessages += dropped;
      player.isHeld = true;
      this.#beginJoining(player);
      isAnyFull = true;
    }
    if (isAnyFull) this.#arrange();
  }

  /** Sorts the players by what they are given; after every change of a player's state, before the next message. */
  #arrange(): void {
    this.#playing = [];
    this.#joining = [];
    this.#held = [];
    this.#catchingUp = [];
    for (const player of this.players) {
      if (player.isHeld) this.#held.push(player);
      else if (player.state === 'playing') this.#playing.push(player);
      else if (player.state === 'joining')
        (Number.isNaN(player.catchUpAt) ? this.#joining : this.#catchingUp).push(player);
    }
    if (this.#joining.length === 0) this.#clean = undefined;
    if (this.#sockets.length < this.players.size) {
      this.#sockets = new Int32Array(this.players.size * 2);
      this.#dropped = new Float64Array(this.players.size * 2);
    }
  }
}
