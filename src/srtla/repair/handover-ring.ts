import type { Millis } from '../../shared/clock.ts';
import { MAX_DATAGRAM_BYTES } from '../constants.ts';

/** Half a second at 12 Mbit/s. */
const FIRST_SLOTS = 512;
const MOST_SLOTS = 4_096;
/** What is handed over stays at hand for at least this long: libsrt asks again within a few hundred milliseconds. */
const KEEP_MS: Millis = 500;
const SLOT_BYTES = MAX_DATAGRAM_BYTES + 4;
const NOTHING = -1;

/** Room for so many packets. The bytes are the better part of a megabyte: what a session leaves behind serves the next. */
class Block {
  readonly slots: number;
  readonly bytes: Uint8Array;
  readonly sequences: Int32Array;
  readonly lengths: Int32Array;
  readonly handedMs: Float64Array;

  constructor(slots: number) {
    this.slots = slots;
    this.bytes = new Uint8Array(slots * SLOT_BYTES);
    this.sequences = new Int32Array(slots).fill(NOTHING);
    this.lengths = new Int32Array(slots);
    this.handedMs = new Float64Array(slots);
  }
}

/** Blocks that no session uses: making and dropping them costs the garbage collector more than all packets do. */
export class RingMemory {
  readonly #free: Block[] = [];
  readonly #mostFree: number;

  /** `mostFree`: blocks that are kept at most. */
  constructor(mostFree = 64) {
    this.#mostFree = mostFree;
  }

  take(slots: number): Block {
    const at = this.#free.findIndex((block) => block.slots === slots);
    if (at < 0) return new Block(slots);
    const [block] = this.#free.splice(at, 1);
    block!.sequences.fill(NOTHING);
    return block!;
  }

  giveBack(block: Block): void {
    if (block.slots === FIRST_SLOTS && this.#free.length < this.#mostFree) this.#free.push(block);
  }
}

/**
 * Copies of the packets that were handed to the SRT server, for the case that the way there loses one (kernel buffers of loopback are
 * finite). It grows until it holds half a second, up to 4,096 packets.
 */
export class HandoverRing {
  readonly #memory: RingMemory;
  #block: Block;

  constructor(memory: RingMemory) {
    this.#memory = memory;
    this.#block = memory.take(FIRST_SLOTS);
  }

  /** At most 1,500 bytes. */
  put(sequence: number, packet: Uint8Array, now: Millis): void {
    const { slots, sequences, handedMs } = this.#block;
    const at = sequence & (slots - 1);
    const held = sequences[at]!;
    const isInUse = held !== NOTHING && held !== sequence && now - handedMs[at]! < KEEP_MS;
    if (isInUse && slots < MOST_SLOTS) this.#grow();
    this.#write(sequence, packet, packet.length, now);
  }

  has(sequence: number): boolean {
    return this.#block.sequences[this.#at(sequence)] === sequence;
  }

  /** When `sequence`, which it has, was handed over last. */
  handedMsOf(sequence: number): Millis {
    return this.#block.handedMs[this.#at(sequence)]!;
  }

  /** It has, and it is handed over again now. */
  touch(sequence: number, now: Millis): void {
    this.#block.handedMs[this.#at(sequence)] = now;
  }

  /** The packet, which it has; a view that is valid until the next `put`. */
  packetOf(sequence: number): Uint8Array {
    const at = this.#at(sequence);
    return this.#block.bytes.subarray(at * SLOT_BYTES, at * SLOT_BYTES + this.#block.lengths[at]!);
  }

  get slots(): number {
    return this.#block.slots;
  }

  /** The session is over. */
  release(): void {
    this.#memory.giveBack(this.#block);
  }

  #at(sequence: number): number {
    return sequence & (this.#block.slots - 1);
  }

  #write(sequence: number, packet: Uint8Array, length: number, handedMs: Millis): void {
    const at = this.#at(sequence);
    const block = this.#block;
    block.sequences[at] = sequence;
    block.lengths[at] = length;
    block.handedMs[at] = handedMs;
    block.bytes.set(packet, at * SLOT_BYTES);
  }

  #grow(): void {
    const old = this.#block;
    this.#block = this.#memory.take(old.slots * 2);
    for (let i = 0; i < old.slots; i++) {
      const sequence = old.sequences[i]!;
      if (sequence === NOTHING) continue;
      const packet = old.bytes.subarray(i * SLOT_BYTES, i * SLOT_BYTES + old.lengths[i]!);
      this.#write(sequence, packet, packet.length, old.handedMs[i]!);
    }
    this.#memory.giveBack(old);
  }
}
