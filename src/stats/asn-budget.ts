import { recordAt, SEPARATOR_BYTES, type TreeShape } from './asn-sample.ts';

/*
 * How much work the records of a MaxMind DB file are. A value may point to another one, so that a few dozen bytes can stand for billions of
 * values (arrays of pointers to arrays of pointers), and the reader follows all of them. Format: MaxMind DB 2.0, "Output Data Section".
 */

/** Of one record; those of GeoLite2-City with all their languages are below 300. A value is one, and so are 64 bytes of it. */
export const MOST_WORK = 2_000;
/** Of all records together, for each byte of the file; real files are below 1. */
const WORK_PER_BYTE = 16;
/** Between two turns of the event loop: some ms. */
const WORK_AT_ONCE = 200_000;

const TYPE = { pointer: 1, map: 7, array: 11, boolean: 14 } as const;
const BYTES_PER_WORK = 64;
const SIZE_FROM = [29, 285, 65_821] as const;
const POINTER_FROM = [0, 2_048, 526_336, 0] as const;

/** Walks one value as a reader would. */
class Walk {
  readonly #bytes: Buffer;
  /** Where pointers count from. */
  readonly #base: number;
  readonly #end: number;
  readonly #most: number;
  work = 0;

  constructor(bytes: Buffer, base: number, end: number, most: number) {
    this.#bytes = bytes;
    this.#base = base;
    this.#end = end;
    this.#most = most;
  }

  /** @returns where the next value begins; beyond the end once there is too much work, or the value leaves the file */
  value(at: number): number {
    if (++this.work > this.#most || at < 0 || at >= this.#end) return this.#give();
    const control = this.#bytes[at]!;
    let type = control >> 5;
    if (type === TYPE.pointer) return this.#pointer(at, control);
    let next = at + 1;
    if (type === 0) type = 7 + (this.#bytes[next++] ?? 0);
    let size = control & 31;
    if (size >= 29) {
      const extra = size - 28;
      if (next + extra > this.#end) return this.#give();
      size = SIZE_FROM[extra - 1]! + this.#bytes.readUIntBE(next, extra);
      next += extra;
    }
    if (type === TYPE.boolean) return next;
    if (type !== TYPE.map && type !== TYPE.array) {
      this.work += Math.floor(size / BYTES_PER_WORK);
      return next + size;
    }
    const values = type === TYPE.map ? 2 * size : size;
    for (let n = 0; n < values && this.work <= this.#most; n++) next = this.value(next);
    return next;
  }

  #pointer(at: number, control: number): number {
    const kind = (control >> 3) & 3;
    const length = kind + 1;
    if (at + 1 + length > this.#end) return this.#give();
    const high = kind === 3 ? 0 : (control & 7) * 256 ** length;
    this.value(this.#base + POINTER_FROM[kind]! + high + this.#bytes.readUIntBE(at + 1, length));
    return at + 1 + length;
  }

  #give(): number {
    // What leaves the file makes the reader fail: nothing more is to be counted.
    return this.#end;
  }
}

/** @returns the work of the value, more than `MOST_WORK` where it is too much */
export const workOf = (bytes: Buffer, base: number, at: number, end: number): number => {
  const walk = new Walk(bytes, base, end, MOST_WORK);
  walk.value(at);
  return walk.work;
};

/**
 * Goes through every record that the tree leads to, once.
 * @returns what is wrong, in words; undefined where each of them is cheap to read
 */
export const costlyRecord = async (bytes: Buffer, shape: TreeShape, dataEnd: number): Promise<string | undefined> => {
  const { nodeCount } = shape;
  const base = (nodeCount * shape.recordSize) / 4 + SEPARATOR_BYTES;
  const seen = new Uint8Array(Math.ceil((dataEnd - base) / 8));
  let total = 0;
  let sincePause = 0;
  for (let node = 0; node < nodeCount; node++) {
    for (const side of [0, 1] as const) {
      const offset = recordAt(bytes, shape, node, side) - nodeCount - SEPARATOR_BYTES;
      if (offset < 0) continue;
      const bit = 1 << (offset & 7);
      if ((seen[offset >> 3]! & bit) !== 0) continue;
      seen[offset >> 3]! |= bit;
      const work = workOf(bytes, base, base + offset, dataEnd);
      if (work > MOST_WORK) return `the record at ${base + offset} holds more than any that is real`;
      total += work;
      sincePause += work;
    }
    if (total > WORK_PER_BYTE * bytes.length) return 'its records hold more than the file can';
    if (++sincePause < WORK_AT_ONCE) continue;
    sincePause = 0;
    await new Promise((done) => setImmediate(done));
  }
  return undefined;
};
