import { readI32, writeU32 } from '../srtla/bytes.ts';
import { SRT_HEADER_BYTES, SRT_TYPE } from '../srtla/constants.ts';
import { sequenceDistance } from './sequence.ts';

/** libsrt up to 1.4 wants a word of body, whatever the type. */
const SMALLEST_BYTES = SRT_HEADER_BYTES + 4;
const FULL_ACK_BYTES = SRT_HEADER_BYTES + 28;
const DROP_REQUEST_BYTES = SRT_HEADER_BYTES + 8;

/** From here on an ACK tells a round trip. */
export const ACK_WITH_RTT_BYTES = SRT_HEADER_BYTES + 16;
/** 1,456 bytes of list. */
const MOST_NAK_WORDS = 364;
export const MOST_NAK_RANGES = MOST_NAK_WORDS;
const RANGE_BIT = 0x80000000 | 0;

const packet = (type: number, bytes: number): Uint8Array => {
  const made = new Uint8Array(bytes);
  writeU32(made, 0, type << 16);
  return made;
};

/**
 * Writes control packets to one peer (SRT specification §3, layouts in SRTLA specification §1.7). What a method returns is valid until
 * the next call of the same method. Times are those of our end, µs since its start, as int32; sequence and ACK numbers have 31 bits.
 */
export class ControlWriter {
  readonly #keepalive = packet(SRT_TYPE.keepalive, SMALLEST_BYTES);
  readonly #shutdown = packet(SRT_TYPE.shutdown, SMALLEST_BYTES);
  readonly #ackAck = packet(SRT_TYPE.ackAck, SMALLEST_BYTES);
  readonly #lightAck = packet(SRT_TYPE.ack, SMALLEST_BYTES);
  readonly #fullAck = packet(SRT_TYPE.ack, FULL_ACK_BYTES);
  readonly #dropRequest = packet(SRT_TYPE.dropRequest, DROP_REQUEST_BYTES);

  /** @param peerId the peer's socket id */
  constructor(peerId: number) {
    for (const each of [
      this.#keepalive,
      this.#shutdown,
      this.#ackAck,
      this.#lightAck,
      this.#fullAck,
      this.#dropRequest,
    ])
      writeU32(each, 12, peerId);
  }

  keepalive(stampUs: number): Uint8Array {
    return stamped(this.#keepalive, stampUs);
  }

  shutdown(stampUs: number): Uint8Array {
    return stamped(this.#shutdown, stampUs);
  }

  /** Confirms full ACK `number`. */
  ackAck(number: number, stampUs: number): Uint8Array {
    writeU32(this.#ackAck, 4, number);
    return stamped(this.#ackAck, stampUs);
  }

  /** `next`: the first sequence number that has not come. It has no number, and no ACKACK comes for it. */
  lightAck(next: number, stampUs: number): Uint8Array {
    writeU32(this.#lightAck, 16, next);
    return stamped(this.#lightAck, stampUs);
  }

  /** `bufferPackets`: what the peer may have in flight. */
  fullAck(
    number: number,
    next: number,
    rttUs: number,
    rttVariationUs: number,
    bufferPackets: number,
    packetsPerSecond: number,
    linkPacketsPerSecond: number,
    bytesPerSecond: number,
    stampUs: number,
  ): Uint8Array {
    const bytes = this.#fullAck;
    writeU32(bytes, 4, number);
    writeU32(bytes, 16, next);
    writeU32(bytes, 20, rttUs);
    writeU32(bytes, 24, rttVariationUs);
    writeU32(bytes, 28, bufferPackets);
    writeU32(bytes, 32, packetsPerSecond);
    writeU32(bytes, 36, linkPacketsPerSecond);
    writeU32(bytes, 40, bytesPerSecond);
    return stamped(bytes, stampUs);
  }

  /** `first` to `last` will not be sent any more. */
  dropRequest(first: number, last: number, stampUs: number): Uint8Array {
    writeU32(this.#dropRequest, 16, first);
    writeU32(this.#dropRequest, 20, last);
    return stamped(this.#dropRequest, stampUs);
  }
}

const stamped = (bytes: Uint8Array, stampUs: number): Uint8Array => {
  writeU32(bytes, 8, stampUs);
  return bytes;
};

/** Writes NAKs from ranges. */
export class NakRangeWriter {
  readonly #bytes = packet(SRT_TYPE.nak, SRT_HEADER_BYTES + 4 * MOST_NAK_WORDS);
  /** By words; made once each. */
  readonly #views: (Uint8Array | undefined)[] = [];
  #words = 0;

  constructor(peerId: number) {
    writeU32(this.#bytes, 12, peerId);
  }

  get isEmpty(): boolean {
    return this.#words === 0;
  }

  get isFull(): boolean {
    return this.#words > MOST_NAK_WORDS - 2;
  }

  /** `first` to `last`, both included. There must be room. */
  add(first: number, last: number): void {
    if (first === last) {
      this.#word(first);
      return;
    }
    this.#word(first | RANGE_BIT);
    this.#word(last);
  }

  /** What has been added, valid until the next `add`; the writer is empty again. */
  end(stampUs: number): Uint8Array {
    const words = this.#words;
    this.#words = 0;
    writeU32(this.#bytes, 8, stampUs);
    this.#views[words] ??= this.#bytes.subarray(0, SRT_HEADER_BYTES + 4 * words);
    return this.#views[words];
  }

  #word(value: number): void {
    writeU32(this.#bytes, SRT_HEADER_BYTES + 4 * this.#words, value);
    this.#words += 1;
  }
}

/**
 * Reads a NAK into pairs (first, last) and returns how many there are, at most `MOST_NAK_RANGES`. What is malformed is passed over: a
 * range without an end, or one that runs backwards. The numbers are the peer's: clamp them before you loop over them. Never throws.
 *
 * @param ranges room for `2 × MOST_NAK_RANGES` numbers
 */
export const readNak = (nak: Uint8Array, ranges: Int32Array): number => {
  const end = Math.min(SRT_HEADER_BYTES + 4 * MOST_NAK_WORDS, nak.length) - 3;
  let count = 0;
  for (let at = SRT_HEADER_BYTES; at < end; at += 4) {
    const word = readI32(nak, at);
    const first = word & ~RANGE_BIT;
    let last = first;
    if (word < 0) {
      if (at + 4 >= end) break;
      const next = readI32(nak, at + 4);
      // No end, but the next entry.
      if (next < 0) continue;
      at += 4;
      last = next;
    }
    if (sequenceDistance(last, first) < 0) continue;
    ranges[2 * count] = first;
    ranges[2 * count + 1] = last;
    count += 1;
  }
  return count;
};

/** Of a full ACK. The caller has checked for `ACK_WITH_RTT_BYTES`. All as int32: what is negative is no value. */
export const ackRttUs = (ack: Uint8Array): number => readI32(ack, 20);
export const ackRttVariationUs = (ack: Uint8Array): number => readI32(ack, 24);
export const ackBufferPackets = (ack: Uint8Array): number => readI32(ack, 28);
