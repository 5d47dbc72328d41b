import { readU32, writeU32 } from '../srtla/bytes.ts';
import { LARGEST_PAYLOAD_BYTES } from './packet.ts';

const BLOCK_BYTES = 16;
const BLOCK_WORDS = BLOCK_BYTES / 4;
const MOST_BLOCKS = Math.ceil(LARGEST_PAYLOAD_BYTES / BLOCK_BYTES);
const BATCH_BITS = 4;
const BATCH_PACKETS = 1 << BATCH_BITS;
/** Packets may come so many batches late, or be sent again. */
const BATCHES = 4;
/** What a batch's number has more in an int32. */
const SPARE_BITS = 32 - (31 - BATCH_BITS);
const NONE = -1;

/** AES of whole blocks under one key, each by itself. The result is the caller's. */
export type BlockCipher = (blocks: Uint8Array) => Uint8Array;

/** Between two calls it holds nothing. */
const counters = new Uint8Array(BATCH_PACKETS * MOST_BLOCKS * BLOCK_BYTES);
const counterWords = new Int32Array(counters.buffer);

/**
 * AES-CTR under one key and salt (spec: srt.md §1.4). A call into OpenSSL costs far more than what it does to one packet, and packets come
 * one after the other: the keystream of sixteen is made at once, and the last four such batches are kept for those that are late.
 */
export class Keystream {
  readonly #cipher: BlockCipher;
  readonly #salt: Uint8Array;
  readonly #batches: (Int32Array | undefined)[] = Array.from({ length: BATCHES });
  readonly #numbers = new Int32Array(BATCHES).fill(NONE);
  #newest = NONE;
  /** Of the last packet that was far behind. */
  #stray = NONE;
  /** Of the longest payload up to now. */
  #blocks = 1;
  /** Where the words that `of` has returned begin. */
  at = 0;

  constructor(cipher: BlockCipher, salt: Uint8Array) {
    this.#cipher = cipher;
    this.#salt = salt;
  }

  /** The keystream of a packet of `length` bytes at most `LARGEST_PAYLOAD_BYTES`: from `at` on in what is returned. */
  of(sequence: number, length: number): Int32Array {
    const blocks = Math.ceil(length / BLOCK_BYTES);
    if (blocks > this.#blocks) this.#lengthen(blocks);
    const number = sequence >>> BATCH_BITS;
    const slot = number & (BATCHES - 1);
    if (this.#numbers[slot] === number) {
      this.at = (sequence & (BATCH_PACKETS - 1)) * this.#blocks * BLOCK_WORDS;
      return this.#batches[slot]!;
    }
    const ahead = ((number - this.#newest) << SPARE_BITS) >> SPARE_BITS;
    // Two of one batch, and more will follow: a burst that is sent again, or a stream that goes on elsewhere.
    if (this.#newest !== NONE && ahead <= -BATCHES && number !== this.#stray) {
      this.#stray = number;
      this.at = 0;
      return this.#make(sequence, 1, blocks);
    }
    if (this.#newest === NONE || ahead > 0 || ahead <= -BATCHES) this.#newest = number;
    const words = this.#make(sequence & -BATCH_PACKETS, BATCH_PACKETS, this.#blocks);
    this.#batches[slot] = words;
    this.#numbers[slot] = number;
    this.at = (sequence & (BATCH_PACKETS - 1)) * this.#blocks * BLOCK_WORDS;
    return words;
  }

  #lengthen(blocks: number): void {
    this.#blocks = blocks;
    this.#numbers.fill(NONE);
  }

  /** Of packets one after the other, each of so many blocks. */
  #make(sequence: number, packets: number, blocks: number): Int32Array {
    let at = 0;
    for (let packet = 0; packet < packets; packet++) {
      const first = at;
      counters.set(this.#salt, first);
      // The sequence number goes into bytes 10 to 13; the last two count blocks.
      writeU32(counters, first + 10, readU32(counters, first + 10) ^ (sequence + packet));
      counters[first + 14] = counters[first + 15] = 0;
      const [from, to] = [first / 4, (first + blocks * BLOCK_BYTES) / 4];
      for (let word = from + BLOCK_WORDS; word < to; word++) counterWords[word] = counterWords[word - BLOCK_WORDS]!;
      for (let block = 1; block < blocks; block++) counters[first + block * BLOCK_BYTES + 15] = block;
      at += blocks * BLOCK_BYTES;
    }
    const made = this.#cipher(counters.subarray(0, at));
    return new Int32Array(made.buffer, made.byteOffset, made.byteLength / 4);
  }
}
