const INLINE_BYTES = 64;
const HEADER_BYTES = 16;
const MAX_BYTES = 1_500;

/**
 * Datagrams on their way, by number. Of an SRT data packet only its header is kept, since nothing looks at the payload: what
 * comes out has the same header and the same length. `read` gives bytes that are valid until the next `read`.
 */
export class Flights {
  #arena = new Uint8Array(INLINE_BYTES * 1_024);
  #lengths = new Int32Array(1_024);
  /** Who it is for or from; the owner's business. */
  #tags = new Int32Array(1_024);
  readonly #big = new Map<number, Uint8Array>();
  readonly #free: number[] = [];
  #used = 0;
  readonly #scratch = new Uint8Array(MAX_BYTES);
  #data = this.#scratch.subarray(0, 1_332);
  /** One for each length that is kept whole in the arena. */
  readonly #small = Array.from({ length: INLINE_BYTES + 1 }, (_, length) => new Uint8Array(length));

  /** Of those that are on their way. */
  get count(): number {
    return this.#used - this.#free.length;
  }

  add(bytes: Uint8Array, tag: number): number {
    const slot = this.#free.pop() ?? this.#next();
    const { length } = bytes;
    const isData = length > INLINE_BYTES && bytes[0]! < 0x80;
    this.#lengths[slot] = length;
    this.#tags[slot] = tag;
    if (length > INLINE_BYTES && !isData) this.#big.set(slot, bytes.slice());
    else {
      const arena = this.#arena;
      const start = slot * INLINE_BYTES;
      const end = isData ? HEADER_BYTES : length;
      for (let i = 0; i < end; i++) arena[start + i] = bytes[i]!;
    }
    return slot;
  }

  tag(slot: number): number {
    return this.#tags[slot]!;
  }

  read(slot: number): Uint8Array {
    const length = this.#lengths[slot]!;
    const start = slot * INLINE_BYTES;
    const arena = this.#arena;
    if (length <= INLINE_BYTES) {
      const small = this.#small[length]!;
      for (let i = 0; i < length; i++) small[i] = arena[start + i]!;
      return small;
    }
    const big = this.#big.get(slot);
    if (big !== undefined) return big;
    if (this.#data.length !== length) this.#data = this.#scratch.subarray(0, length);
    const data = this.#data;
    for (let i = 0; i < HEADER_BYTES; i++) data[i] = arena[start + i]!;
    return data;
  }

  remove(slot: number): void {
    if (this.#lengths[slot]! > INLINE_BYTES) this.#big.delete(slot);
    this.#free.push(slot);
  }

  #next(): number {
    const slot = this.#used++;
    if (slot < this.#lengths.length) return slot;
    const size = this.#lengths.length * 2;
    const arena = new Uint8Array(size * INLINE_BYTES);
    arena.set(this.#arena);
    this.#arena = arena;
    const lengths = new Int32Array(size);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
    const tags = new Int32Array(size);
    tags.set(this.#tags);
    this.#tags = tags;
    return slot;
  }
}
