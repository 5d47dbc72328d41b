import type { Millis } from '../shared/clock.ts';
import { readU32, writeU16, writeU32 } from '../srtla/bytes.ts';
import { KEEPALIVE_MAGIC, KEEPALIVE_VERSION } from '../srtla/constants.ts';
import type { KeepaliveRules } from './profile.ts';
import { TYPE } from './wire.ts';

/** What an extended keepalive tells the receiver. */
export interface KeepaliveFields {
  connectionId: number;
  /** Thousandths of a packet. */
  window: number;
  inFlightPackets: number;
  rttMs: number;
  nakCount: number;
  bytesPerSecond: number;
}

/** A keepalive of 2, 10, 38 or 42 bytes; the layouts are drawn at `parseTelemetry` (SRTLA specification §1.5). */
export const buildKeepalive = (bytes: KeepaliveRules['bytes'], now: Millis, fields: KeepaliveFields): Uint8Array => {
  const packet = new Uint8Array(bytes);
  writeU16(packet, 0, TYPE.keepalive);
  if (bytes === 2) return packet;
  const clock = Math.floor(now);
  writeU32(packet, 2, Math.floor(clock / 2 ** 32));
  writeU32(packet, 6, clock);
  if (bytes === 10) return packet;
  writeU16(packet, 10, KEEPALIVE_MAGIC);
  writeU16(packet, 12, KEEPALIVE_VERSION);
  writeU32(packet, 14, fields.connectionId);
  writeU32(packet, 18, fields.window);
  writeU32(packet, 22, fields.inFlightPackets);
  let at = 26;
  if (bytes === 42) {
    const us = Math.round(fields.rttMs * 1_000);
    writeU32(packet, 26, Math.floor(us / 2 ** 32));
    writeU32(packet, 30, us);
    at = 34;
  } else {
    writeU32(packet, 26, Math.round(fields.rttMs));
    at = 30;
  }
  writeU32(packet, at, fields.nakCount);
  writeU32(packet, at + 4, Math.round(fields.bytesPerSecond));
  return packet;
};

const LARGEST_RTT_MS = 10_000;

/** The round trip that the echo of a timestamped keepalive shows; -1 where it shows none. */
export const echoedRtt = (echo: Uint8Array, now: Millis): Millis => {
  if (echo.length < 10) return -1;
  const rtt = Math.floor(now) - (readU32(echo, 2) * 2 ** 32 + readU32(echo, 6));
  return rtt < 0 || rtt > LARGEST_RTT_MS ? -1 : rtt;
};
