import { SRT_STATS_FIELDS, type SrtStatsField } from '../shared/addon.ts';
import { SLOT_BYTES } from './packet-store.ts';

const at = (field: SrtStatsField): number => SRT_STATS_FIELDS.indexOf(field);

/** Places in the row of figures that every SRT engine writes (`SRT_STATS_FIELDS`). */
export const RTT_MS = at('rttMs');
export const RECEIVE_RATE_MBPS = at('receiveRateMbps');
export const SEND_RATE_MBPS = at('sendRateMbps');
export const RECEIVED = at('pktRecvTotal');
export const RECEIVED_UNIQUE = at('pktRecvUniqueTotal');
export const RECEIVE_LOST = at('pktRcvLossTotal');
export const RECEIVE_DROPPED = at('pktRcvDropTotal');
export const RECEIVED_AGAIN = at('pktRcvRetransTotal');
export const RECEIVED_LATE = at('pktRcvBelatedTotal');
export const SENT = at('pktSentTotal');
export const SEND_LOST = at('pktSndLossTotal');
export const SEND_DROPPED = at('pktSndDropTotal');
export const SENT_AGAIN = at('pktRetransTotal');
export const NAKS_SENT = at('pktSentNakTotal');
export const NAKS_RECEIVED = at('pktRecvNakTotal');
export const RECEIVED_BYTES = at('byteRecvTotal');
export const RECEIVED_UNIQUE_BYTES = at('byteRecvUniqueTotal');
export const RECEIVE_LOST_BYTES = at('byteRcvLossTotal');
export const RECEIVE_DROPPED_BYTES = at('byteRcvDropTotal');
export const SENT_BYTES = at('byteSentTotal');
export const RECEIVE_BUFFER_MS = at('rcvBufMs');
export const RECEIVE_BUFFER_PACKETS = at('rcvBufPackets');
export const SEND_BUFFER_MS = at('sndBufMs');
export const SEND_BUFFER_PACKETS = at('sndBufPackets');
export const RECEIVE_LATENCY_MS = at('rcvLatencyMs');
export const SEND_LATENCY_MS = at('sndLatencyMs');
export const FLIGHT_PACKETS = at('flightPackets');
export const UPTIME_MS = at('uptimeMs');
export const REORDER_TOLERANCE_PACKETS = at('reorderTolerancePackets');
export const RECEIVE_BUFFER_FREE_BYTES = at('rcvBufAvailableBytes');
export const SEND_BUFFER_BYTES = at('sndBufBytes');

/** Totals that are counted where they are read, and figures that are filled in when somebody asks. */
export const newFigures = (): Float64Array => new Float64Array(SRT_STATS_FIELDS.length);

/** libsrt counts the headers of IP, UDP and SRT for each packet. */
const HEADER_BYTES = 44;
export const mbpsOf = (packetsPerSecond: number, payloadBytesPerSecond: number): number =>
  ((payloadBytesPerSecond + packetsPerSecond * HEADER_BYTES) * 8) / 1_000_000;

const RECEIVED_PAIRS = [
  [RECEIVED_BYTES, RECEIVED],
  [RECEIVED_UNIQUE_BYTES, RECEIVED_UNIQUE],
] as const;

/** Hands a receiver's figures out: bytes with headers, and those of lost packets from the mean, as libsrt does. */
export const writeReceived = (figures: Float64Array, out: Float64Array, freePackets: number): void => {
  out.set(figures);
  for (const [bytes, packets] of RECEIVED_PAIRS) out[bytes]! += out[packets]! * HEADER_BYTES;
  const meanBytes = out[RECEIVED] === 0 ? 0 : out[RECEIVED_BYTES]! / out[RECEIVED]!;
  out[RECEIVE_LOST_BYTES] = Math.round(out[RECEIVE_LOST]! * meanBytes);
  out[RECEIVE_DROPPED_BYTES] = Math.round(out[RECEIVE_DROPPED]! * meanBytes);
  out[RECEIVE_BUFFER_FREE_BYTES] = freePackets * SLOT_BYTES;
};

/** Hands a sender's figures out. */
export const writeSent = (figures: Float64Array, out: Float64Array): void => {
  out.set(figures);
  out[SENT_BYTES]! += out[SENT]! * HEADER_BYTES;
  out[SEND_BUFFER_BYTES] = out[SEND_BUFFER_PACKETS]! * SLOT_BYTES;
};
