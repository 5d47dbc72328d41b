/** Open questions; those beyond are left to the SRT server's too-late rule. Room for so many at first, then twice as many. */
const MOST = 8_192;
const FIRST = 512;

const grown = (old: Float64Array, size: number): Float64Array<ArrayBuffer> => {
  const values = new Float64Array(size);
  values.set(old);
  return values;
};

/** What a session has asked for, oldest first, in columns: the packet path reads and writes times without allocating them. */
export class OpenQuestions {
  sequences = new Int32Array(FIRST);
  /** When it was asked for last. */
  askedMs = new Float64Array(FIRST);
  /** The encoder's clock as of the answer: what it sends from then on comes behind the retransmission. */
  answerMs = new Float64Array(FIRST);
  /** When it is to be played. */
  playMs = new Float64Array(FIRST);
  tries = new Uint8Array(FIRST);
  count = 0;

  /** A new row at the end; -1 = there is no room. */
  add(): number {
    if (this.count === this.sequences.length && !this.#grow()) return -1;
    return this.count++;
  }

  move(from: number, to: number): void {
    this.sequences[to] = this.sequences[from]!;
    this.askedMs[to] = this.askedMs[from]!;
    this.answerMs[to] = this.answerMs[from]!;
    this.playMs[to] = this.playMs[from]!;
    this.tries[to] = this.tries[from]!;
  }

  #grow(): boolean {
    const size = this.sequences.length * 2;
    if (size > MOST) return false;
    const sequences = new Int32Array(size);
    sequences.set(this.sequences);
    this.sequences = sequences;
    const tries = new Uint8Array(size);
    tries.set(this.tries);
    this.tries = tries;
    this.askedMs = grown(this.askedMs, size);
    this.answerMs = grown(this.answerMs, size);
    this.playMs = grown(this.playMs, size);
    return true;
  }
}
