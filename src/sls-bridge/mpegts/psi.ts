import { payloadOffset, startsUnit, TS_PACKET_BYTES } from './packet.ts';

/** PMT stream types that are video: MPEG-1/2, MPEG-4 part 2, H.264 and its layers, H.265, VVC, AV1 in private use, VC-1. */
const VIDEO_STREAM_TYPES: ReadonlySet<number> = new Set([
  0x01, 0x02, 0x10, 0x1b, 0x1f, 0x20, 0x21, 0x24, 0x25, 0x33, 0xea,
]);

/** What a PMT says about video: its PID and, from bit 13 on, its stream type; 0 when there is none, -1 when the packet holds no readable PMT. */
export type VideoStream = number;

/** Offset of the section in a packet that starts one, or -1. Sections that span packets are read as far as the first packet goes. */
const sectionOffset = (bytes: Uint8Array, at: number, tableId: number): number => {
  if (!startsUnit(bytes, at)) return -1;
  const payload = payloadOffset(bytes, at);
  if (payload < 0) return -1;
  const section = payload + 1 + bytes[payload]!;
  return section + 12 > at + TS_PACKET_BYTES || bytes[section] !== tableId ? -1 : section;
};

const sectionEnd = (bytes: Uint8Array, at: number, section: number): number => {
  const length = ((bytes[section + 1]! & 0x0f) << 8) | bytes[section + 2]!;
  return Math.min(section + 3 + length - 4, at + TS_PACKET_BYTES);
};

/** The PMT's PID of the first programme in a PAT packet, or -1 when the packet holds no readable PAT. */
export const pmtPidOf = (bytes: Uint8Array, at: number): number => {
  const section = sectionOffset(bytes, at, 0x00);
  if (section < 0) return -1;
  const end = sectionEnd(bytes, at, section);
  for (let entry = section + 8; entry + 4 <= end; entry += 4) {
    const programme = (bytes[entry]! << 8) | bytes[entry + 1]!;
    if (programme !== 0) return ((bytes[entry + 2]! & 0x1f) << 8) | bytes[entry + 3]!;
  }
  return -1;
};

/** The first video stream in a PMT packet. */
export const videoStreamOf = (bytes: Uint8Array, at: number): VideoStream => {
  const section = sectionOffset(bytes, at, 0x02);
  if (section < 0) return -1;
  const end = sectionEnd(bytes, at, section);
  const programmeInfo = ((bytes[section + 10]! & 0x0f) << 8) | bytes[section + 11]!;
  for (let entry = section + 12 + programmeInfo; entry + 5 <= end; ) {
    const type = bytes[entry]!;
    if (VIDEO_STREAM_TYPES.has(type)) return (type << 13) | ((bytes[entry + 1]! & 0x1f) << 8) | bytes[entry + 2]!;
    entry += 5 + (((bytes[entry + 3]! & 0x0f) << 8) | bytes[entry + 4]!);
  }
  return 0;
};
