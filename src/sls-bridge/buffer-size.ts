import type { Millis } from '../shared/clock.ts';

/** What a stream without a ceiling is expected to bring. */
export const ASSUMED_KBPS = 25_000;
/** What arrives while the oldest message is being read and a lost one asked for again. */
const MARGIN_MS: Millis = 500;
const PAYLOAD_BYTES = 1_316;
/** libsrt counts a whole datagram for each message, however short it is. */
const PACKET_BYTES = 1_500;
/** libsrt's own default: short messages, and bursts, have room. */
const LEAST_PACKETS = 8_192;
const MOST_PACKETS = 1_000_000;

export interface SessionBuffers {
  bufferBytes: number;
  flowWindowPackets: number;
}

/**
 * Room for `latencyMs` of a stream of `kbps`, as SRTO_RCVBUF (or SRTO_SNDBUF) and SRTO_FC. libsrt takes the memory only as it is used, so
 * this bounds what one session can hold.
 */
export const sessionBuffers = (latencyMs: Millis, kbps: number): SessionBuffers => {
  const packets = Math.ceil(((latencyMs + MARGIN_MS) * kbps) / 8 / PAYLOAD_BYTES);
  const flowWindowPackets = Math.min(MOST_PACKETS, Math.max(LEAST_PACKETS, packets));
  return { flowWindowPackets, bufferBytes: flowWindowPackets * PACKET_BYTES };
};
