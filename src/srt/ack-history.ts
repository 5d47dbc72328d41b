import type { Millis } from '../shared/clock.ts';
import { LARGEST_SEQUENCE, sequenceDistance } from './sequence.ts';

const ACKS = 1_024;
const MASK = ACKS - 1;

/** The last 1,024 full ACKs: what each acknowledged, and when. */
export class AckHistory {
  readonly #numbers = new Int32Array(ACKS);
  readonly #nexts = new Int32Array(ACKS);
  readonly #sentMs = new Float64Array(ACKS);
  #newest = 0;
  #answered = 0;

  /** A full ACK goes out; returns its number, 31 bits, never 0. */
  add(next: number, now: Millis): number {
    const number = this.#newest === LARGEST_SEQUENCE ? 1 : this.#newest + 1;
    this.#newest = number;
    this.#numbers[number & MASK] = number;
    this.#nexts[number & MASK] = next;
    this.#sentMs[number & MASK] = now;
    return number;
  }

  /** An ACKACK has come. False where it answers nothing: an unknown number, one before the newest that was answered, or that again. */
  answer(number: number): boolean {
    if (number <= 0 || this.#numbers[number & MASK] !== number) return false;
    if (this.#answered !== 0 && sequenceDistance(number, this.#answered) <= 0) return false;
    this.#answered = number;
    return true;
  }

  /** Of the ACK that `answer` was true for last. */
  get answeredNext(): number {
    return this.#nexts[this.#answered & MASK]!;
  }

  get answeredSentMs(): Millis {
    return this.#sentMs[this.#answered & MASK]!;
  }
}
