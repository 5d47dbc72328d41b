import { sequenceBefore } from './wire.ts';

/** What of a link's packets is in flight (SRTLA specification §6.1). */
export interface InFlight {
  readonly inFlight: number;
  add(sequence: number): void;
  /** An SRTLA ACK names it. False where it is not known. */
  acknowledge(sequence: number): boolean;
  /** An SRT NAK names it. False where it is not known. */
  remove(sequence: number): boolean;
  /** An SRT ACK: everything before `nextExpected` has arrived. */
  dropBefore(nextExpected: number): void;
  clear(): void;
}

/** No NAK and no ACK comes for so many: the receiver is gone, and the oldest are forgotten. */
const MAX_ENTRIES = 16_384;

/** Every number that is in flight; one that is acknowledged or reported lost leaves at once. */
export class SequenceSet implements InFlight {
  readonly #numbers = new Set<number>();

  get inFlight(): number {
    return this.#numbers.size;
  }

  add(sequence: number): void {
    if (this.#numbers.size >= MAX_ENTRIES) for (const oldest of this.#numbers) if (this.#numbers.delete(oldest)) break;
    this.#numbers.add(sequence);
  }

  acknowledge(sequence: number): boolean {
    return this.#numbers.delete(sequence);
  }

  remove(sequence: number): boolean {
    return this.#numbers.delete(sequence);
  }

  dropBefore(nextExpected: number): void {
    for (const sequence of this.#numbers) if (sequenceBefore(sequence, nextExpected)) this.#numbers.delete(sequence);
  }

  clear(): void {
    this.#numbers.clear();
  }
}
