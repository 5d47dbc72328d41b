import type { InFlight } from './sequence-set.ts';
import { sequenceBefore } from './wire.ts';

const SLOTS = 256;
const EMPTY = -1;

/**
 * The sequence numbers that a link sent last, and how many of its packets count as in flight. A ring of 256: an entry that is pushed
 * out still counts as in flight until the next SRT ACK recounts (SRTLA specification §6.1).
 */
export class SequenceLog implements InFlight {
  readonly #slots = new Int32Array(SLOTS).fill(EMPTY);
  #next = 0;
  #inFlight = 0;

  get inFlight(): number {
    return this.#inFlight;
  }

  add(sequence: number): void {
    this.#slots[this.#next] = sequence;
    this.#next = (this.#next + 1) % SLOTS;
    this.#inFlight++;
  }

  /** An SRTLA ACK names it: out of the log and out of flight. False where it is not in the log. */
  acknowledge(sequence: number): boolean {
    if (!this.remove(sequence)) return false;
    if (this.#inFlight > 0) this.#inFlight--;
    return true;
  }

  /** An SRT NAK names it: out of the log, but in flight until the next SRT ACK. False where it is not in the log. */
  remove(sequence: number): boolean {
    // Newest first: what is named has usually been sent within the last round trip.
    for (let step = 1; step <= SLOTS; step++) {
      const slot = (this.#next - step + SLOTS) % SLOTS;
      if (this.#slots[slot] !== sequence) continue;
      this.#slots[slot] = EMPTY;
      return true;
    }
    return false;
  }

  /** An SRT ACK: everything before `nextExpected` has arrived, what is left is in flight. */
  dropBefore(nextExpected: number): void {
    let left = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      const sequence = this.#slots[slot]!;
      if (sequence === EMPTY) continue;
      if (sequenceBefore(sequence, nextExpected)) this.#slots[slot] = EMPTY;
      else left++;
    }
    this.#inFlight = left;
  }

  clear(): void {
    this.#slots.fill(EMPTY);
    this.#inFlight = 0;
  }
}
