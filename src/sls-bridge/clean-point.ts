import type { Millis } from '../shared/clock.ts';
import { isTransportStream, TS_PACKET_BYTES } from './mpegts/packet.ts';
import { TS_KEY, TS_NO_VIDEO, TS_PAT, TS_PMT, TS_VIDEO, TsScanner } from './mpegts/scanner.ts';

/** Messages held at the most while a clean point is looked for. */
export const HOLD_MESSAGES = 256;
/** So long a player waits for a key frame; then a PAT alone is good enough, and failing that a message boundary. */
export const CLEAN_POINT_WAIT_MS: Millis = 2_000;

const SLOT_BYTES = 1500;
const UNKNOWN = -1;

/**
 * Finds the place where a player can begin (or begin anew) to read a stream: the message with the PAT that precedes a random access
 * point of the video. Messages since that PAT are held, so that nothing between the tables and the key frame is missing.
 *
 * What is no transport stream, and a programme without video, has no key frames: there it is the first message, or the first PAT.
 */
export class CleanPoint {
  readonly #bytes = new Uint8Array(HOLD_MESSAGES * SLOT_BYTES);
  readonly #lengths = new Int32Array(HOLD_MESSAGES);
  #held = 0;
  /** Index in the hold of the newest message with a PAT. */
  #latestPat = UNKNOWN;
  /** Index in the hold of the newest message with a PMT. */
  #latestPmt = 0;
  #videoHeld = false;
  readonly #scanner = new TsScanner();
  #sinceMs: Millis = Number.NaN;

  get heldMessages(): number {
    return this.#held;
  }

  /** The i-th held message: a view that is valid until the next `offer`. */
  heldMessage(index: number): Uint8Array {
    const start = index * SLOT_BYTES;
    return this.#bytes.subarray(start, start + this.#lengths[index]!);
  }

  /**
   * The next message of the stream.
   * @returns true when players can begin: they get the held messages, this one included, and then whatever follows.
   */
  offer(arena: Uint8Array, start: number, length: number, now: Millis): boolean {
    if (Number.isNaN(this.#sinceMs)) this.#sinceMs = now;
    if (!isTransportStream(arena, start, length)) return this.#beginHere(arena, start, length);
    const found = this.#scan(arena, start, length);
    if (this.#latestPat !== UNKNOWN) this.#hold(arena, start, length);
    if (found) return true;
    if (now - this.#sinceMs < CLEAN_POINT_WAIT_MS) return false;
    if (this.#latestPat === UNKNOWN) return this.#beginHere(arena, start, length);
    this.#forgetBefore(this.#latestPat);
    return true;
  }

  #beginHere(arena: Uint8Array, start: number, length: number): boolean {
    this.#held = 0;
    this.#hold(arena, start, length);
    return true;
  }

  /** Reads the packets of one message. A key frame counts only behind the tables that describe it. */
  #scan(arena: Uint8Array, start: number, length: number): boolean {
    for (let at = start; at < start + length; at += TS_PACKET_BYTES) {
      const found = this.#scanner.packet(arena, at);
      if (found === 0) continue;
      if (found & TS_PAT) this.#rememberPat();
      if (found & TS_PMT) this.#latestPmt = this.#held;
      if (found & (TS_KEY | TS_NO_VIDEO)) return true;
      if (found & TS_VIDEO) this.#videoHeld = true;
    }
    return false;
  }

  /** A newer PAT makes what was held before it useless once that holds pictures which cannot be decoded. */
  #rememberPat(): void {
    if (this.#videoHeld) {
      this.#held = 0;
      this.#videoHeld = false;
    }
    this.#latestPat = this.#held;
  }

  #hold(arena: Uint8Array, start: number, length: number): void {
    if (this.#held === HOLD_MESSAGES) this.#makeRoom();
    this.#bytes.set(arena.subarray(start, start + length), this.#held * SLOT_BYTES);
    this.#lengths[this.#held] = length;
    this.#held++;
  }

  /** The hold is full: go on from the newest PAT, or, where that is the oldest message already, keep the messages with tables alone. */
  #makeRoom(): void {
    if (this.#latestPat > 0) {
      this.#forgetBefore(this.#latestPat);
      return;
    }
    const pmtIsComing = this.#latestPmt === HOLD_MESSAGES;
    let kept = 1;
    if (this.#latestPmt > 0 && !pmtIsComing) this.#move(this.#latestPmt, kept++);
    this.#latestPmt = pmtIsComing ? kept : kept - 1;
    this.#held = kept;
  }

  #move(from: number, to: number): void {
    this.#bytes.copyWithin(to * SLOT_BYTES, from * SLOT_BYTES, (from + 1) * SLOT_BYTES);
    this.#lengths[to] = this.#lengths[from]!;
  }

  #forgetBefore(index: number): void {
    if (index <= 0) return;
    this.#bytes.copyWithin(0, index * SLOT_BYTES, this.#held * SLOT_BYTES);
    this.#lengths.copyWithin(0, index, this.#held);
    this.#held -= index;
    this.#latestPat = 0;
    this.#latestPmt = Math.max(0, this.#latestPmt - index);
  }
}
