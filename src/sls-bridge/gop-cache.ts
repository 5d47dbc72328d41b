import type { Millis } from '../shared/clock.ts';
import { isTransportStream, TS_PACKET_BYTES } from './mpegts/packet.ts';
import { TS_KEY, TS_PAT, TS_PMT, TsScanner } from './mpegts/scanner.ts';

export interface GopCacheLimits {
  maxBytes: number;
  maxMs: Millis;
}

const FIRST_BYTES = 256 * 1024;
const FIRST_MESSAGES = 256;
const NONE = -1;

/**
 * The messages of one stream since the PAT before its latest key frame, so that a player that joins has a picture at once. While the next
 * key frame is awaited, messages since the newest PAT (with a PMT behind it) are where it will begin. A group of pictures that is larger or
 * longer than the limits is not kept: players wait for the next one then. What is no transport stream is not kept.
 */
export class GopCache {
  /** Of the newest message, µs of SRT's clock. */
  newestTimeUs = 0;
  /** Number of the first message that is held; every message that was ever held has one of its own. */
  first = 0;
  readonly #limits: GopCacheLimits;
  readonly #scanner = new TsScanner();
  #bytes = new Uint8Array(FIRST_BYTES);
  /** Where each message starts; one more is where the next one will. */
  #starts = new Int32Array(FIRST_MESSAGES);
  #timesMs = new Float64Array(FIRST_MESSAGES);
  #count = 0;
  /** Index of the message with the newest PAT that has, or waits for, a PMT. */
  #pat = NONE;
  #hasPmt = false;
  #hasKey = false;

  constructor(limits: GopCacheLimits) {
    this.#limits = limits;
  }

  /** Messages with which a player can begin; 0 = none, it has to wait. */
  get messages(): number {
    return this.#hasKey ? this.#count : 0;
  }

  /** Ready or not. */
  get heldBytes(): number {
    return this.#starts[this.#count]!;
  }

  /** `number` from `first` on, and so many of them as `messages` says: a view that is valid until the next `offer`. */
  message(number: number): Uint8Array {
    const index = number - this.first;
    return this.#bytes.subarray(this.#starts[index]!, this.#starts[index + 1]!);
  }

  /** The next message of the stream. */
  offer(arena: Uint8Array, start: number, length: number, timeUs: number, now: Millis): void {
    if (!isTransportStream(arena, start, length)) {
      this.clear();
      return;
    }
    this.#scan(arena, start, length);
    if (this.#pat === NONE && !this.#hasKey) return;
    const isTooLong = this.#count > 0 && now - this.#timesMs[0]! > this.#limits.maxMs;
    if (isTooLong || this.heldBytes + length > this.#limits.maxBytes) {
      this.clear();
      return;
    }
    this.#keep(arena, start, length, now);
    this.newestTimeUs = timeUs;
  }

  /** Forgets what is held, for instance because another publisher goes on. */
  clear(): void {
    this.first += this.#count;
    this.#count = 0;
    this.#pat = NONE;
    this.#hasPmt = false;
    this.#hasKey = false;
  }

  #scan(arena: Uint8Array, start: number, length: number): void {
    for (let at = start; at < start + length; at += TS_PACKET_BYTES) {
      const found = this.#scanner.packet(arena, at);
      if (found & TS_PAT) this.#beginAt();
      else if (found & TS_PMT) this.#hasPmt = this.#pat !== NONE;
      else if (found & TS_KEY && this.#hasPmt) this.#beginWithKey();
    }
  }

  /** A PAT in the message that comes: the next group may begin there. An older one without a PMT behind it goes on waiting for that. */
  #beginAt(): void {
    if (this.#pat !== NONE && !this.#hasPmt) return;
    this.#pat = this.#count;
    this.#hasPmt = false;
    if (!this.#hasKey) this.#forgetBefore(this.#pat);
  }

  #beginWithKey(): void {
    this.#forgetBefore(this.#pat);
    this.#hasKey = true;
  }

  #forgetBefore(index: number): void {
    if (index <= 0) return;
    const from = this.#starts[index]!;
    this.#bytes.copyWithin(0, from, this.heldBytes);
    for (let i = index; i <= this.#count; i++) this.#starts[i - index] = this.#starts[i]! - from;
    this.#timesMs.copyWithin(0, index, this.#count);
    this.first += index;
    this.#count -= index;
    this.#pat -= index;
  }

  #keep(arena: Uint8Array, start: number, length: number, now: Millis): void {
    const at = this.heldBytes;
    if (at + length > this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(this.#bytes.length * 2));
    if (this.#count + 2 > this.#starts.length) {
      this.#starts = grown(this.#starts, new Int32Array(this.#starts.length * 2));
      this.#timesMs = grown(this.#timesMs, new Float64Array(this.#timesMs.length * 2));
    }
    this.#bytes.set(arena.subarray(start, start + length), at);
    this.#timesMs[this.#count] = now;
    this.#count++;
    this.#starts[this.#count] = at + length;
  }
}

const grown = <T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T => {
  to.set(from);
  return to;
};
