import type { InFlight } from './sequence-set.ts';
import { sequenceBefore } from './wire.ts';

const SLOTS = 256;
const EMPTY = -1;
const FILTER = 4_096;

/**
 * The sequence numbers that a link sent last, and how many of its packets count as in flight. A ring of 256: an entry that is pushed
 * out still counts as in flight until the next SRT ACK recounts (SRTLA specification §6.1).
 */
export class SequenceLog implements InFlight {
  readonly #slots = new Int32Array(SLOTS).fill(EMPTY);
  /** How many numbers with these low bits the log holds: most that are asked for are on another link. */
  readonly #filter = new Uint16Array(FILTER);
  #next = 0;
  #inFlight = 0;
  /** Slots that hold a number. */
  #held = 0;
  /** Nothing in the log is before this; ACKs come once per link. Undefined where that is not sure. */
  #floor: number | undefined;

  get inFlight(): number {
    return this.#inFlight;
  }

  add(sequence: number): void {
    const pushed = this.#slots[this.#next]!;
    if (pushed === EMPTY) this.#held++;
    else this.#filter[pushed % FILTER]!--;
    this.#filter[sequence % FILTER]!++;
    if (this.#floor !== undefined && sequenceBefore(sequence, this.#floor)) this.#floor = undefined;
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
    if (this.#filter[sequence % FILTER] === 0) return false;
    // Newest first: what is named has usually been sent within the last round trip.
    for (let step = 1; step <= SLOTS; step++) {
      const slot = (this.#next - step + SLOTS) % SLOTS;
      if (this.#slots[slot] !== sequence) continue;
      this.#slots[slot] = EMPTY;
      this.#filter[sequence % FILTER]!--;
      this.#held--;
      return true;
    }
    return false;
  }

  /** An SRT ACK: everything before `nextExpected` has arrived, what is left is in flight. */
  dropBefore(nextExpected: number): void {
    if (this.#floor !== undefined && !sequenceBefore(this.#floor, nextExpected)) {
      this.#inFlight = this.#held;
      return;
    }
    let left = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      const sequence = this.#slots[slot]!;
      if (sequence === EMPTY) continue;
      if (sequenceBefore(sequence, nextExpected)) {
        this.#slots[slot] = EMPTY;
        this.#filter[sequence % FILTER]!--;
      } else left++;
    }
    this.#inFlight = left;
    this.#held = left;
    this.#floor = nextExpected;
  }

  clear(): void {
    this.#slots.fill(EMPTY);
    this.#filter.fill(0);
    this.#inFlight = 0;
    this.#held = 0;
  }
}
