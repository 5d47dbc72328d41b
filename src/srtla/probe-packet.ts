import { writeU16, writeU32 } from './bytes.ts';
import { HANDSHAKE, HANDSHAKE_BYTES, SRT_TYPE } from './constants.ts';
import { controlType, destinationId, isWholeHandshake } from './srt-header.ts';

/** As libsrt's callers begin: handshake version 4, datagram mode, MTU, flow window. */
const HANDSHAKE_VERSION = 4;
const DATAGRAM_MODE = 2;
const MTU_BYTES = 1500;
const FLOW_WINDOW_PACKETS = 8_192;

/** The induction of an SRT caller, 64 bytes. A server answers it and remembers nothing. */
export const buildInduction = (socketId: number): Uint8Array => {
  const bytes = new Uint8Array(HANDSHAKE_BYTES);
  writeU16(bytes, 0, SRT_TYPE.handshake);
  writeU32(bytes, 16, HANDSHAKE_VERSION);
  writeU16(bytes, 22, DATAGRAM_MODE);
  writeU32(bytes, 24, socketId & 0x7fffffff);
  writeU32(bytes, 28, MTU_BYTES);
  writeU32(bytes, 32, FLOW_WINDOW_PACKETS);
  writeU32(bytes, 36, HANDSHAKE.induction);
  writeU32(bytes, 40, socketId);
  return bytes;
};

/** Whether an SRT server says this to the caller with that socket id, int32. */
export const answersInduction = (bytes: Uint8Array, socketId: number): boolean =>
  isWholeHandshake(bytes) && controlType(bytes) === SRT_TYPE.handshake && destinationId(bytes) === socketId;
