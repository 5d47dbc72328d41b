import type { Questions } from './loss-detector.ts';

const MOST = 8_192;
const DONE = -1;

/** What a session asks its encoder for, collected for the length of a call, then taken out one NAK's worth after the other. */
export class QuestionList implements Questions {
  readonly #sequences = new Int32Array(MOST);
  readonly #ranks = new Int16Array(MOST);
  #count = 0;
  #left = 0;

  get isEmpty(): boolean {
    return this.#left === 0;
  }

  ask(sequence: number, rank: number): void {
    if (this.#count === MOST) return;
    this.#sequences[this.#count] = sequence;
    this.#ranks[this.#count] = rank;
    this.#count += 1;
    this.#left += 1;
  }

  /** The rank of the first that is left. */
  get rank(): number {
    for (let i = 0; i < this.#count; i++) if (this.#ranks[i] !== DONE) return this.#ranks[i]!;
    return DONE;
  }

  /** Moves what has this rank to `into`, until that is full. */
  take(rank: number, into: { readonly isFull: boolean; add(sequence: number): void }): void {
    for (let i = 0; i < this.#count && !into.isFull; i++) {
      if (this.#ranks[i] !== rank) continue;
      into.add(this.#sequences[i]!);
      this.#ranks[i] = DONE;
      this.#left -= 1;
    }
    if (this.#left === 0) this.#count = 0;
  }
}
