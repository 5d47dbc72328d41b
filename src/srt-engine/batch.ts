import { SRT_SLOT_BYTES } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { LARGEST_PAYLOAD_BYTES } from '../srt/packet.ts';
import type { PacketStore } from '../srt/packet-store.ts';
import { SRT_HEADER_BYTES } from '../srtla/constants.ts';
import type { SlotQueue } from './slot-queue.ts';

const NONE = -1;

/** Whoever has packets to be read. */
export interface Readable {
  readonly socket: number;
  readonly waiting: SlotQueue;
}

/**
 * What was read last, laid out as `NativeSrtEngine` declares it: readers look at the arena, and what they pass on is taken from the store,
 * where it lies once for all players. A message that somebody else has written into the arena comes into the store when it is sent.
 */
export class Batch {
  readonly arena: Uint8Array;
  readonly lengths: Int32Array;
  readonly sourceTimesUs: Float64Array;
  readonly runs: Int32Array;
  readonly #store: PacketStore;
  /** Of each slot of the arena the store's, or NONE. */
  readonly #stored: Int32Array;
  /** Of each slot of the arena: whose it is, 0 where it is nobody's. */
  readonly #sources: Int32Array;
  readonly #packet = new Uint8Array(SRT_HEADER_BYTES + LARGEST_PAYLOAD_BYTES);
  readonly #message = this.#packet.subarray(SRT_HEADER_BYTES);
  #used = 0;
  #runCount = 0;
  /** No slot from here on holds anything of the store's. */
  #end = 0;

  constructor(slots: number, store: PacketStore) {
    this.arena = new Uint8Array(slots * SRT_SLOT_BYTES);
    this.lengths = new Int32Array(slots);
    this.sourceTimesUs = new Float64Array(slots);
    this.runs = new Int32Array(slots * 3);
    this.#store = store;
    this.#stored = new Int32Array(slots).fill(NONE);
    this.#sources = new Int32Array(slots);
  }

  get isFull(): boolean {
    return this.#used === this.lengths.length;
  }

  get runCount(): number {
    return this.#runCount;
  }

  /** The last batch is over: the store gets its packets back. */
  begin(): void {
    const stored = this.#stored;
    for (let slot = 0; slot < this.#end; slot++) {
      if (stored[slot] !== NONE) this.#store.release(stored[slot]!);
      stored[slot] = NONE;
      this.#sources[slot] = 0;
    }
    this.#used = 0;
    this.#runCount = 0;
    this.#end = 0;
  }

  /** A run of what waits there, as much as there is room for. */
  take(from: Readable): void {
    const { waiting, socket } = from;
    const count = Math.min(waiting.count, this.lengths.length - this.#used);
    if (count === 0) return;
    const at = this.#runCount * 3;
    this.runs[at] = socket;
    this.runs[at + 1] = this.#used;
    this.runs[at + 2] = count;
    this.#runCount += 1;
    for (let i = 0; i < count; i++) this.#put(waiting.shift(), socket);
  }

  /** The store's slot of a message of the arena; -1 where there is no such message, or no room. */
  storedAt(slot: number): number {
    const known = this.#stored[slot]!;
    if (known !== NONE) return known;
    const length = this.lengths[slot]!;
    if (length <= 0 || length > LARGEST_PAYLOAD_BYTES) return NONE;
    const start = slot * SRT_SLOT_BYTES;
    const stored = this.keep(this.arena.subarray(start, start + length), this.sourceTimesUs[slot]! / 1_000);
    this.#stored[slot] = stored;
    this.#end = Math.max(this.#end, slot + 1);
    return stored;
  }

  /** The socket that a message of the arena came from; 0 = none of ours. */
  sourceOf(slot: number): number {
    return this.#sources[slot]!;
  }

  /** A message into the store; whoever calls releases it. -1 where there is no room. */
  keep(message: Uint8Array, sourceMs: Millis): number {
    this.#message.set(message);
    return this.#store.add(this.#packet.subarray(0, SRT_HEADER_BYTES + message.length), sourceMs);
  }

  #put(stored: number, socket: number): void {
    const store = this.#store;
    const slot = this.#used;
    const payload = store.payloadOf(stored);
    this.arena.set(payload, slot * SRT_SLOT_BYTES);
    this.lengths[slot] = payload.length;
    this.sourceTimesUs[slot] = store.sourceMsOf(stored) * 1_000;
    this.#stored[slot] = stored;
    this.#sources[slot] = socket;
    this.#used += 1;
    this.#end = Math.max(this.#end, this.#used);
  }
}
