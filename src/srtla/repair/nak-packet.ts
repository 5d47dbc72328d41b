import { readU32, writeU32 } from '../bytes.ts';
import { SRT_HEADER_BYTES, SRT_TYPE } from '../constants.ts';
import { sequencePlus } from './sequence-window.ts';

/** 1,456 bytes of list: what libsrt itself puts into one. */
const MOST_WORDS = 364;
const RANGE_BIT = 0x80000000;

/**
 * Writes NAKs (loss reports): runs of numbers that follow each other become ranges.
 *
 * ```
 * 0 u16 0x8003   4 u32 0   8 u32 timestamp, µs   12 u32 encoder's socket id
 * from 16: u32 one number · u32 with the top bit: first of a range, u32 its last
 * ```
 */
export class NakWriter {
  readonly #bytes = new Uint8Array(SRT_HEADER_BYTES + 4 * MOST_WORDS);
  readonly #views: Uint8Array[] = [];
  #words = 0;
  #first = -1;
  #last = -1;

  constructor() {
    writeU32(this.#bytes, 0, SRT_TYPE.nak << 16);
  }

  /** `timestampUs` on the server's clock and `encoderId`, as int32. */
  begin(timestampUs: number, encoderId: number): void {
    writeU32(this.#bytes, 8, timestampUs);
    writeU32(this.#bytes, 12, encoderId);
    this.#words = 0;
    this.#first = -1;
  }

  get isFull(): boolean {
    // The run that is open may take two more words, and the next one two.
    return this.#words > MOST_WORDS - 4;
  }

  add(sequence: number): void {
    if (this.#first >= 0 && sequence === sequencePlus(this.#last, 1)) {
      this.#last = sequence;
      return;
    }
    this.#closeRun();
    this.#first = sequence;
    this.#last = sequence;
  }

  /** The packet, or undefined where nothing was added. Valid until the next `begin`. */
  end(): Uint8Array | undefined {
    this.#closeRun();
    if (this.#words === 0) return undefined;
    this.#views[this.#words] ??= this.#bytes.subarray(0, SRT_HEADER_BYTES + 4 * this.#words);
    return this.#views[this.#words];
  }

  #closeRun(): void {
    if (this.#first < 0) return;
    if (this.#first === this.#last) this.#word(this.#first);
    else {
      this.#word(this.#first | RANGE_BIT);
      this.#word(this.#last);
    }
    this.#first = -1;
  }

  #word(value: number): void {
    writeU32(this.#bytes, SRT_HEADER_BYTES + 4 * this.#words, value);
    this.#words += 1;
  }
}

/** Words in a NAK's list. */
export const nakWords = (nak: Uint8Array): number => Math.max(0, (nak.length - SRT_HEADER_BYTES) >> 2);
/** One word of it, the bit of a range included. */
export const nakWord = (nak: Uint8Array, index: number): number => readU32(nak, SRT_HEADER_BYTES + 4 * index);
export const isRangeStart = (word: number): boolean => word >= RANGE_BIT;
