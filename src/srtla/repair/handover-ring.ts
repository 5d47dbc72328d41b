import type { Millis } from '../../shared/clock.ts';
import { MAX_DATAGRAM_BYTES } from '../constants.ts';

const FIRST_SLOTS = 256;
const MOST_SLOTS = 4_096;
/** What is handed over stays at hand for at least this long: libsrt asks again within a few hundred milliseconds. */
const KEEP_MS: Millis = 500;
const SLOT_BYTES = MAX_DATAGRAM_BYTES + 4;

/**
 * Copies of the packets that were handed to the SRT server, for the case that the way there loses one (kernel buffers of loopback are
 * finite). It grows until it holds half a second, up to 4,096 packets.
 */
export class HandoverRing {
  #slots = FIRST_SLOTS;
  #bytes = new Uint8Array(FIRST_SLOTS * SLOT_BYTES);
  #sequences = new Int32Array(FIRST_SLOTS).fill(-1);
  #lengths = new Int32Array(FIRST_SLOTS);
  #handedMs = new Float64Array(FIRST_SLOTS);

  /** At most 1,500 bytes. */
  put(sequence: number, packet: Uint8Array, now: Millis): void {
    let at = sequence & (this.#slots - 1);
    if (
      this.#sequences[at] !== -1 &&
      this.#sequences[at] !== sequence &&
      now - this.#handedMs[at]! < KEEP_MS &&
      this.#slots < MOST_SLOTS
    ) {
      this.#grow();
      at = sequence & (this.#slots - 1);
    }
    this.#sequences[at] = sequence;
    this.#lengths[at] = packet.length;
    this.#handedMs[at] = now;
    this.#bytes.set(packet, at * SLOT_BYTES);
  }

  has(sequence: number): boolean {
    return this.#sequences[sequence & (this.#slots - 1)] === sequence;
  }

  /** When `sequence`, which it has, was handed over last. */
  handedMsOf(sequence: number): Millis {
    return this.#handedMs[sequence & (this.#slots - 1)]!;
  }

  /** The packet, which it has, to be handed over again; a view that is valid until the next `put`. */
  again(sequence: number, now: Millis): Uint8Array {
    const at = sequence & (this.#slots - 1);
    this.#handedMs[at] = now;
    return this.#bytes.subarray(at * SLOT_BYTES, at * SLOT_BYTES + this.#lengths[at]!);
  }

  get slots(): number {
    return this.#slots;
  }

  #grow(): void {
    const old = { slots: this.#slots, bytes: this.#bytes, sequences: this.#sequences };
    const lengths = this.#lengths;
    const handedMs = this.#handedMs;
    this.#slots = old.slots * 2;
    this.#bytes = new Uint8Array(this.#slots * SLOT_BYTES);
    this.#sequences = new Int32Array(this.#slots).fill(-1);
    this.#lengths = new Int32Array(this.#slots);
    this.#handedMs = new Float64Array(this.#slots);
    for (let i = 0; i < old.slots; i++) {
      const sequence = old.sequences[i]!;
      if (sequence === -1) continue;
      const at = sequence & (this.#slots - 1);
      this.#sequences[at] = sequence;
      this.#lengths[at] = lengths[i]!;
      this.#handedMs[at] = handedMs[i]!;
      this.#bytes.set(old.bytes.subarray(i * SLOT_BYTES, i * SLOT_BYTES + lengths[i]!), at * SLOT_BYTES);
    }
  }
}
