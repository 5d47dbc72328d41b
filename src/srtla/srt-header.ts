import { readI32, readU16, readU32 } from './bytes.ts';
import { HANDSHAKE, HANDSHAKE_BYTES, SRT_HEADER_BYTES } from './constants.ts';

/**
 * The few fields of SRT packets that a relay looks at (SRTLA specification §1.7). The caller has checked for 16 bytes.
 *
 * ```
 * data     0 u32 0 | sequence number (31)      4 u32 PP O KK R message number (26)
 * control  0 u16 1 | type (15)   2 u16 subtype   4 u32 type-specific
 * both     8 u32 timestamp, µs                12 u32 destination socket id
 * ```
 */
export const sequenceNumber = (bytes: Uint8Array): number => readI32(bytes, 0) & 0x7fffffff;
export const isRetransmission = (bytes: Uint8Array): boolean => (bytes[4]! & 0x04) !== 0;
/** A packet of a packet filter (forward error correction): message number 0, and the sequence number of a packet of its group. */
export const isFilterControl = (bytes: Uint8Array): boolean => (readI32(bytes, 4) & 0x3ffffff) === 0;
export const controlType = (bytes: Uint8Array): number => readU16(bytes, 0);
/** As int32; the difference of two, `| 0`, is right across the wrap after 71.6 minutes. */
export const timestampUs = (bytes: Uint8Array): number => readI32(bytes, 8);
/** As int32. */
export const destinationId = (bytes: Uint8Array): number => readI32(bytes, 12);

/**
 * ```
 * 16 u32 version    20 u16 encryption   22 u16 extension flags   24 u32 initial sequence number
 * 28 u32 MTU        32 u32 flow window  36 u32 handshake type    40 u32 socket id   44 u32 SYN cookie
 * 48 16 bytes address                   64 extensions
 * ```
 */
export const isWholeHandshake = (bytes: Uint8Array): boolean => bytes.length >= HANDSHAKE_BYTES;
/** As int32: -1 is a conclusion. */
export const handshakeType = (bytes: Uint8Array): number => readI32(bytes, 36);
/** As int32. */
export const handshakeSocketId = (bytes: Uint8Array): number => readI32(bytes, 40);

/** 1000 and above: the server has turned the handshake down, with libsrt's reason + 1000, or a number of its own from 2000 on. */
export const isRejection = (type: number): boolean => type >= HANDSHAKE.firstRejection;

/** The first sequence number that the sender of this handshake will use. */
export const initialSequence = (bytes: Uint8Array): number => readI32(bytes, 24) & 0x7fffffff;

/** Of an ACK (0 = a light one) or of an answer to one. */
export const ackNumber = (bytes: Uint8Array): number => readI32(bytes, 4);

/** The first sequence number that an ACK leaves open. The caller has checked for 20 bytes. */
export const ACK_BYTES = 20;
export const acknowledgedSequence = (bytes: Uint8Array): number => readI32(bytes, 16) & 0x7fffffff;

/** DROPREQ: the first and the last sequence number that the encoder will not send any more. The caller has checked for 24 bytes. */
export const DROP_REQUEST_BYTES = 24;
export const firstDropped = (bytes: Uint8Array): number => readI32(bytes, 16) & 0x7fffffff;
export const lastDropped = (bytes: Uint8Array): number => readI32(bytes, 20) & 0x7fffffff;

const HSRSP_EXTENSION = 2;
const HSRSP_BYTES = 12;

/**
 * The latency at which the server will play, in ms, from its answer (SRT specification §1.3); -1 where it names none. Never throws.
 *
 * ```
 * HSRSP: u32 version   4 u32 flags   8 u16 the server's own latency   10 u16 the encoder's
 * ```
 */
export const agreedLatencyMs = (handshake: Uint8Array): number => {
  let at = HANDSHAKE_BYTES;
  while (at + 4 <= handshake.length) {
    const bytes = readU16(handshake, at + 2) * 4;
    const content = at + 4;
    if (content + bytes > handshake.length) return -1;
    if (readU16(handshake, at) === HSRSP_EXTENSION) return bytes < HSRSP_BYTES ? -1 : readU16(handshake, content + 8);
    at = content + bytes;
  }
  return -1;
};

const STREAM_ID_EXTENSION = 5;
const MAX_STREAM_ID_BYTES = 512;
const decoder = new TextDecoder();

/**
 * The stream id in a conclusion, or undefined where it carries none that can be read. Never throws.
 *
 * ```
 * from 64: u16 extension type, u16 length in words, content; again
 * type 5:  UTF-8 text, zero padded to words, the four bytes of each word reversed
 * ```
 */
export const streamIdOf = (handshake: Uint8Array): string | undefined => {
  let at = HANDSHAKE_BYTES;
  while (at + 4 <= handshake.length) {
    const bytes = readU16(handshake, at + 2) * 4;
    const content = at + 4;
    if (content + bytes > handshake.length) return undefined;
    if (readU16(handshake, at) === STREAM_ID_EXTENSION) {
      if (bytes === 0 || bytes > MAX_STREAM_ID_BYTES) return undefined;
      const text = new Uint8Array(bytes);
      for (let i = 0; i < bytes; i++) text[i] = handshake[content + (i ^ 3)]!;
      const end = text.indexOf(0);
      return decoder.decode(end < 0 ? text : text.subarray(0, end));
    }
    at = content + bytes;
  }
  return undefined;
};

/** First sequence number that a NAK reports lost, or -1 where it lists none: u32 from 16 on, top bit set = first of a range. */
export const firstLost = (nak: Uint8Array): number =>
  nak.length < SRT_HEADER_BYTES + 4 ? -1 : readU32(nak, SRT_HEADER_BYTES) & 0x7fffffff;

/** The last one, or -1. */
export const lastLost = (nak: Uint8Array): number => {
  const words = (nak.length - SRT_HEADER_BYTES) >> 2;
  return words < 1 ? -1 : readU32(nak, SRT_HEADER_BYTES + 4 * (words - 1)) & 0x7fffffff;
};

/** `a` after `b` on the circle of 31-bit sequence numbers. */
export const sequenceAfter = (a: number, b: number): boolean => ((a - b) << 1) >> 1 > 0;
