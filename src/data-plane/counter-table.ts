import { RECORD_HEAD_BYTES, strideBytes, type TableLayout } from './counter-layout.ts';

/** A writer that was descheduled in the middle of a record is not waited for longer than so many looks, some 100 µs. */
const LOOKS = 2_000;

/**
 * What became of a read: `busy` is a record that would not hold still (its writer has stopped in the middle), `gone` one that belongs
 * to another object or to none.
 */
export type ReadResult = 'ok' | 'busy' | 'gone';

/**
 * One table of counter records in shared memory, each a seqlock: one thread writes, any number read. All accesses to the sequence
 * word are atomic; the fields are plain doubles, which no access tears apart, and the sequence word tells whether they belong together.
 */
export class CounterTable {
  readonly records: number;
  readonly fields: number;
  readonly #words: Int32Array;
  readonly #values: Float64Array;
  readonly #firstWord: number;
  readonly #firstValue: number;
  readonly #strideWords: number;
  readonly #strideValues: number;

  constructor(memory: SharedArrayBuffer, layout: TableLayout) {
    this.records = layout.records;
    this.fields = layout.fields;
    this.#words = new Int32Array(memory);
    this.#values = new Float64Array(memory);
    this.#firstWord = layout.offsetBytes / 4;
    this.#firstValue = (layout.offsetBytes + RECORD_HEAD_BYTES) / 8;
    this.#strideWords = strideBytes(layout) / 4;
    this.#strideValues = strideBytes(layout) / 8;
  }

  /** Writer: the record is a whole again with `close`. Until then no reader takes what is in it. */
  open(slot: number, generation: number): void {
    const word = this.#firstWord + slot * this.#strideWords;
    Atomics.add(this.#words, word, 1);
    // On ARM a plain store may pass the store half of the addition; it cannot pass this load, which waits for it.
    Atomics.load(this.#words, word);
    this.#words[word + 1] = generation;
  }

  /** Writer, between `open` and `close`. */
  put(slot: number, values: Float64Array): void {
    const first = this.#firstValue + slot * this.#strideValues;
    for (let i = 0; i < this.fields; i++) this.#values[first + i] = values[i]!;
  }

  /** Writer. */
  close(slot: number): void {
    Atomics.add(this.#words, this.#firstWord + slot * this.#strideWords, 1);
  }

  /** Writer: a whole record. */
  write(slot: number, generation: number, values: Float64Array): void {
    this.open(slot, generation);
    this.put(slot, values);
    this.close(slot);
  }

  /**
   * Reader: the sequence word now; odd while the record is being written. A read-modify-write, because a mere load may be passed by
   * the loads of the fields before it.
   */
  sequence(slot: number): number {
    return Atomics.or(this.#words, this.#firstWord + slot * this.#strideWords, 0);
  }

  /** Reader: the fields as they are; true only while the slot has this generation. What it means, `sequence` before and after tells. */
  load(slot: number, generation: number, out: Float64Array): boolean {
    if (this.#words[this.#firstWord + slot * this.#strideWords + 1] !== generation) return false;
    const first = this.#firstValue + slot * this.#strideValues;
    for (let i = 0; i < this.fields; i++) out[i] = this.#values[first + i]!;
    return true;
  }

  /** Reader: the record of this generation into `out`, all of one writing. After anything but `ok`, `out` holds nothing of use. */
  read(slot: number, generation: number, out: Float64Array): ReadResult {
    for (let look = 0; look < LOOKS; look++) {
      const before = this.sequence(slot);
      if ((before & 1) === 1) continue;
      const isThere = this.load(slot, generation, out);
      if (this.sequence(slot) === before) return isThere ? 'ok' : 'gone';
    }
    return 'busy';
  }
}
