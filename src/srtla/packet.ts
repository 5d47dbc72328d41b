import { readI32, readU16, readU32, readU64 } from './bytes.ts';
import {
  KEEPALIVE_MAGIC,
  KEEPALIVE_VERSION,
  MAX_DATAGRAM_BYTES,
  REG_BYTES,
  SRT_HEADER_BYTES,
  SRT_TYPE,
  SRTLA_TYPE,
} from './constants.ts';

/** What a datagram is, by its first 16 bits and its length. */
export const KIND = {
  tooLong: 0,
  tooShort: 1,
  reg1: 2,
  reg2: 3,
  registrationLength: 4,
  keepalive: 5,
  srtlaUnknown: 6,
  controlUnknown: 7,
  srtData: 8,
  srtControl: 9,
} as const;

/**
 * Total: every byte string has one kind.
 *
 * ```
 * 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
 * |0|        SRT data ...         |
 * |1| control type                |   0x9xxx: SRTLA, which took its range from SRT's control types
 * ```
 */
export const classify = (bytes: Uint8Array): number => {
  const length = bytes.length;
  if (length > MAX_DATAGRAM_BYTES) return KIND.tooLong;
  if (length < 2) return KIND.tooShort;
  const type = readU16(bytes, 0);
  if (type < 0x8000) return length < SRT_HEADER_BYTES ? KIND.tooShort : KIND.srtData;
  if (type <= SRT_TYPE.peerError || type === SRT_TYPE.userDefined) {
    return length < SRT_HEADER_BYTES ? KIND.tooShort : KIND.srtControl;
  }
  if (type === SRTLA_TYPE.keepalive) return KIND.keepalive;
  if (type === SRTLA_TYPE.reg1) return length === REG_BYTES ? KIND.reg1 : KIND.registrationLength;
  if (type === SRTLA_TYPE.reg2) return length === REG_BYTES ? KIND.reg2 : KIND.registrationLength;
  if ((type >= 0x9000 && type <= 0x9fff) || type === 0xa000 || type === 0xa001) return KIND.srtlaUnknown;
  return length < SRT_HEADER_BYTES ? KIND.tooShort : KIND.controlUnknown;
};

/** What an extended keepalive carries, in the units of `LinkTelemetry`; filled in place. */
export interface TelemetryFields {
  connectionId: number;
  windowPackets: number;
  inFlightPackets: number;
  rttMs: number;
  nakCount: number;
  bitrateKbps: number;
  inMicroseconds: boolean;
}

export const TELEMETRY = { none: 0, read: 1, unknown: 2 } as const;

/**
 * Reads an extended keepalive (§1.5) into `into`. Returns a value of `TELEMETRY`: `none` for the short forms, `unknown` for a
 * magic or version that is not ours; `into` is untouched then.
 *
 * ```
 *  0 u16 0x9000    2 u64 sender's clock, ms   10 u16 0xC01F   12 u16 version 1   14 u32 connection id
 * 18 i32 window, 1/1000 packet               22 i32 packets in flight
 *      38 bytes                                   42 bytes
 * 26 u32 RTT, ms                              u64 RTT, µs
 * 30 u32 NAKs                                 -
 * 34 u32 bytes per second                     u32 NAKs
 * 38 -                                        u32 bytes per second
 * ```
 */
export const parseTelemetry = (bytes: Uint8Array, into: TelemetryFields): number => {
  if (bytes.length < 38) return TELEMETRY.none;
  if (readU16(bytes, 10) !== KEEPALIVE_MAGIC || readU16(bytes, 12) !== KEEPALIVE_VERSION) return TELEMETRY.unknown;
  // Both layouts carry the same version, so the length decides, the longer one first.
  const microseconds = bytes.length === 42;
  into.inMicroseconds = microseconds;
  into.connectionId = readU32(bytes, 14);
  into.windowPackets = readI32(bytes, 18) / 1000;
  into.inFlightPackets = readI32(bytes, 22);
  into.rttMs = microseconds ? readU64(bytes, 26) / 1000 : readU32(bytes, 26);
  into.nakCount = readU32(bytes, microseconds ? 34 : 30);
  into.bitrateKbps = (readU32(bytes, microseconds ? 38 : 34) * 8) / 1000;
  return TELEMETRY.read;
};

/**
 * Number of sequence numbers in an SRTLA ACK (§1.4), or -1 where the bytes are none.
 *
 * ```
 * 0 u32 0x91000000    4 u32 sequence number    8 u32 sequence number ...
 * ```
 */
export const srtlaAckCount = (bytes: Uint8Array): number =>
  bytes.length >= 8 && bytes.length % 4 === 0 && readU32(bytes, 0) === 0x91000000 ? bytes.length / 4 - 1 : -1;

export const srtlaAckEntry = (bytes: Uint8Array, index: number): number => readU32(bytes, 4 + 4 * index);

/** The 256-byte id of a REG1 or REG2 of the right length (§1.3): offset 2 to the end. A view, not a copy. */
export const registrationId = (bytes: Uint8Array): Uint8Array => bytes.subarray(2, REG_BYTES);
