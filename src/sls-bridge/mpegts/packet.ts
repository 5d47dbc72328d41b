/**
 * MPEG-TS packet fields (ISO/IEC 13818-1 §2.4.3), read in place; nothing is ever rewritten.
 *
 *   0  0x47   1  TEI PUSI prio PID(12..8)   2  PID(7..0)   3  scrambling(2) adaptation(1) payload(1) continuity(4)
 *   4  adaptation length   5  discontinuity random_access …
 */
export const TS_PACKET_BYTES = 188;
export const TS_SYNC = 0x47;
export const PAT_PID = 0;

/** True when the message is a whole number of TS packets, each with its sync byte. */
export const isTransportStream = (message: Uint8Array, start: number, length: number): boolean => {
  if (length === 0 || length % TS_PACKET_BYTES !== 0) return false;
  for (let at = start; at < start + length; at += TS_PACKET_BYTES) if (message[at] !== TS_SYNC) return false;
  return true;
};

export const packetPid = (bytes: Uint8Array, at: number): number => ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!;

export const startsUnit = (bytes: Uint8Array, at: number): boolean => (bytes[at + 1]! & 0x40) !== 0;

/** The adaptation field's random_access_indicator: decoding can begin with the unit that starts here. */
export const isRandomAccess = (bytes: Uint8Array, at: number): boolean =>
  (bytes[at + 3]! & 0x20) !== 0 && bytes[at + 4]! > 0 && (bytes[at + 5]! & 0x40) !== 0;

/** Offset of the payload, or -1 when the packet has none or its adaptation field is longer than the packet. */
export const payloadOffset = (bytes: Uint8Array, at: number): number => {
  const control = bytes[at + 3]!;
  if ((control & 0x10) === 0) return -1;
  if ((control & 0x20) === 0) return at + 4;
  const length = bytes[at + 4]!;
  return length > 182 ? -1 : at + 5 + length;
};
