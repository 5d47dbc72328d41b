import type { Millis } from '../shared/clock.ts';
import { sequenceDistance, sequencePlus } from './sequence.ts';

const EMPTY = -1;

const LEAST_PACKETS = 8_192;
/** 50 Mbit/s in payloads of 1,316 bytes. */
const MOST_PACKETS_PER_MS = 5;

/** A window with room for this latency, whatever the rate: a power of two. 4 bytes each. */
export const windowPacketsFor = (latencyMs: Millis): number =>
  2 ** Math.ceil(Math.log2(Math.max(LEAST_PACKETS, latencyMs * MOST_PACKETS_PER_MS)));

/**
 * The packets that have come and are not handed on yet, by sequence number: from `base`, the oldest that was not handed on, up to
 * `newest`, the latest that has come.
 */
export class ReceiveWindow {
  readonly capacity: number;
  readonly #slots: Int32Array;
  readonly #mask: number;
  base: number;
  newest: number;
  /** Packets in it. */
  count = 0;

  /** @param capacity a power of two */
  constructor(capacity: number, firstSequence: number) {
    this.capacity = capacity;
    this.#mask = capacity - 1;
    this.#slots = new Int32Array(capacity).fill(EMPTY);
    this.base = firstSequence;
    this.newest = sequencePlus(firstSequence, -1);
  }

  /** `sequence` must lie in the window: so must those of all other methods. */
  has(sequence: number): boolean {
    return this.#slots[sequence & this.#mask] !== EMPTY;
  }

  /** -1 where it has not come. */
  slotOf(sequence: number): number {
    return this.#slots[sequence & this.#mask]!;
  }

  put(sequence: number, slot: number): void {
    this.#slots[sequence & this.#mask] = slot;
    this.count += 1;
  }

  /** Takes the packet at the base out; the base moves on. Returns its slot, or -1. */
  shift(): number {
    const at = this.base & this.#mask;
    const slot = this.#slots[at]!;
    this.base = sequencePlus(this.base, 1);
    if (slot === EMPTY) return EMPTY;
    this.#slots[at] = EMPTY;
    this.count -= 1;
    return slot;
  }

  /** The slot of the first packet after `sequence`, or -1: of the next `most`. */
  nextSlot(sequence: number, most: number): number {
    if (this.count === 0) return EMPTY;
    const steps = Math.min(most, sequenceDistance(this.newest, sequence));
    for (let step = 1; step <= steps; step++) {
      const slot = this.slotOf(sequencePlus(sequence, step));
      if (slot !== EMPTY) return slot;
    }
    return EMPTY;
  }

  /** Numbers after the newest that it has room for. */
  get freePackets(): number {
    return this.capacity - sequenceDistance(this.newest, this.base) - 1;
  }

  /** Begins anew with `firstSequence`. It must be empty. */
  restart(firstSequence: number): void {
    this.base = firstSequence;
    this.newest = sequencePlus(firstSequence, -1);
  }
}
