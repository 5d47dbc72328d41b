import { readI32, writeU32 } from '../srtla/bytes.ts';
import { MAX_DATAGRAM_BYTES, SRT_HEADER_BYTES } from '../srtla/constants.ts';

/** An IPv4 and a UDP header less. */
const LARGEST_PACKET_BYTES = MAX_DATAGRAM_BYTES - 28;
export const LARGEST_PAYLOAD_BYTES = LARGEST_PACKET_BYTES - SRT_HEADER_BYTES;

/** The key that a payload is encrypted with, as bits 28 and 27 of word 1 say. `control` is none that data may carry. */
export const KEY = { clear: 0, even: 1, odd: 2, control: 3 } as const;

/** One message in one packet, in order. */
const WHOLE_IN_ORDER = 0xe0000000 | 0;
const RETRANSMITTED = 0x04000000;
export const LARGEST_MESSAGE_NUMBER = 0x03ffffff;

/** Whole enough to be looked at, and no longer than the largest. */
export const isPacket = (bytes: Uint8Array): boolean =>
  bytes.length >= SRT_HEADER_BYTES && bytes.length <= MAX_DATAGRAM_BYTES;
/** The other kind is control. */
export const isData = (bytes: Uint8Array): boolean => bytes[0]! < 0x80;
/** A value of `KEY`. */
export const keyOf = (bytes: Uint8Array): number => (bytes[4]! >> 3) & 3;
/** Without the bit of a retransmission. */
export const messageNumber = (bytes: Uint8Array): number => readI32(bytes, 4) & LARGEST_MESSAGE_NUMBER;

/** Word 1 of a data packet, as int32: `key` is one of `KEY`. */
export const messageWord = (message: number, key: number, retransmitted: boolean): number =>
  WHOLE_IN_ORDER | (key << 27) | (retransmitted ? RETRANSMITTED : 0) | message;

/** @param word what `messageWord` gave; `timestampUs` and `destination` as int32 or uint32 */
export const writeDataHeader = (
  bytes: Uint8Array,
  sequence: number,
  word: number,
  timestampUs: number,
  destination: number,
): void => {
  writeU32(bytes, 0, sequence);
  writeU32(bytes, 4, word);
  writeU32(bytes, 8, timestampUs);
  writeU32(bytes, 12, destination);
};
