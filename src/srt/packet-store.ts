import type { Millis } from '../shared/clock.ts';
import { SRT_HEADER_BYTES } from '../srtla/constants.ts';

/** Bytes from one slot to the next: a whole packet, its header included. */
export const SLOT_BYTES = 1_500;
const SLOT_BITS = 8;
const SLOTS = 1 << SLOT_BITS;
const NONE = -1;

/** 256 slots, allocated together. */
class Chunk {
  readonly bytes = new Uint8Array(SLOTS * SLOT_BYTES);
  readonly lengths = new Uint16Array(SLOTS);
  readonly holders = new Uint16Array(SLOTS);
  readonly sourceMs = new Float64Array(SLOTS);
  /** Payloads as they were looked at last: one is made anew only where the length of what lies there has changed. */
  readonly payloads: (Uint8Array | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);
  /** The free ones, as a stack. */
  readonly #free = Uint8Array.from({ length: SLOTS }, (_, i) => SLOTS - 1 - i);
  freeCount = SLOTS;

  take(): number {
    this.freeCount -= 1;
    return this.#free[this.freeCount]!;
  }

  giveBack(index: number): void {
    this.#free[this.freeCount] = index;
    this.freeCount += 1;
  }
}

/**
 * Where packets lie while somebody needs them: one copy each, however many players it goes to. A slot belongs to whoever has taken or
 * holds it, and is free again once all of them have released it. Grows by chunks of 375 KiB up to its limit, and shrinks with `trim`.
 */
export class PacketStore {
  readonly #chunks: Chunk[] = [];
  readonly #mostChunks: number;
  /** No chunk before it has a free slot. */
  #firstFree = 0;
  #usedCount = 0;

  /** @param mostPackets rounded up to whole chunks */
  constructor(mostPackets: number) {
    this.#mostChunks = Math.ceil(mostPackets / SLOTS);
  }

  /** Slots in use. */
  get usedCount(): number {
    return this.#usedCount;
  }

  get allocatedBytes(): number {
    return this.#chunks.length * SLOTS * SLOT_BYTES;
  }

  /** A free slot with this packet in it, or -1 where the store is full. `packet` is at most `SLOT_BYTES` long. */
  add(packet: Uint8Array, sourceMs: Millis): number {
    const slot = this.#take();
    if (slot < 0) return NONE;
    const chunk = this.#chunks[slot >> SLOT_BITS]!;
    const index = slot & (SLOTS - 1);
    chunk.bytes.set(packet, index * SLOT_BYTES);
    chunk.lengths[index] = packet.length;
    chunk.sourceMs[index] = sourceMs;
    return slot;
  }

  /** One more needs it. */
  hold(slot: number): void {
    this.#chunks[slot >> SLOT_BITS]!.holders[slot & (SLOTS - 1)]! += 1;
  }

  /** One needs it no longer. */
  release(slot: number): void {
    const at = slot >> SLOT_BITS;
    const chunk = this.#chunks[at]!;
    const index = slot & (SLOTS - 1);
    chunk.holders[index]! -= 1;
    if (chunk.holders[index] !== 0) return;
    chunk.giveBack(index);
    this.#usedCount -= 1;
    if (at < this.#firstFree) this.#firstFree = at;
  }

  /** The memory that the packet lies in, from `offsetOf` on. */
  bytesOf(slot: number): Uint8Array {
    return this.#chunks[slot >> SLOT_BITS]!.bytes;
  }

  offsetOf(slot: number): number {
    return (slot & (SLOTS - 1)) * SLOT_BYTES;
  }

  /** Header included. */
  lengthOf(slot: number): number {
    return this.#chunks[slot >> SLOT_BITS]!.lengths[slot & (SLOTS - 1)]!;
  }

  /** The packet without its header. Nothing is allocated where packets are of one length. */
  payloadOf(slot: number): Uint8Array {
    const chunk = this.#chunks[slot >> SLOT_BITS]!;
    const index = slot & (SLOTS - 1);
    const bytes = chunk.lengths[index]! - SRT_HEADER_BYTES;
    const known = chunk.payloads[index];
    if (known !== undefined && known.length === bytes) return known;
    const from = index * SLOT_BYTES + SRT_HEADER_BYTES;
    const made = chunk.bytes.subarray(from, from + bytes);
    chunk.payloads[index] = made;
    return made;
  }

  /** When its source sent it, on our clock. */
  sourceMsOf(slot: number): Millis {
    return this.#chunks[slot >> SLOT_BITS]!.sourceMs[slot & (SLOTS - 1)]!;
  }

  setSourceMs(slot: number, sourceMs: Millis): void {
    this.#chunks[slot >> SLOT_BITS]!.sourceMs[slot & (SLOTS - 1)] = sourceMs;
  }

  /** Gives memory back that nobody uses, but for one chunk. To be called every few seconds. */
  trim(): void {
    const chunks = this.#chunks;
    while (chunks.length > 1 && chunks.at(-1)!.freeCount === SLOTS && chunks.at(-2)!.freeCount === SLOTS) chunks.pop();
    this.#firstFree = Math.min(this.#firstFree, chunks.length);
  }

  #take(): number {
    const chunks = this.#chunks;
    // Low chunks first, so that the last ones empty.
    while (this.#firstFree < chunks.length && chunks[this.#firstFree]!.freeCount === 0) this.#firstFree += 1;
    if (this.#firstFree === chunks.length) {
      if (chunks.length === this.#mostChunks) return NONE;
      chunks.push(new Chunk());
    }
    const chunk = chunks[this.#firstFree]!;
    const index = chunk.take();
    chunk.holders[index] = 1;
    this.#usedCount += 1;
    return (this.#firstFree << SLOT_BITS) | index;
  }
}
