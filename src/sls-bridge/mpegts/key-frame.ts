import { TS_PACKET_BYTES } from './packet.ts';

/** PMT stream types whose key frames can be told by their NAL units. */
const H264 = 0x1b;
const HEVC = 0x24;

/** A key frame shows before the first slice; parameter sets and messages before that take so many packets at the most. */
const MOST_PACKETS = 32;
const PES_HEADER_BYTES = 9;
const START_CODE = 0x000001;

/**
 * Finds out whether an access unit is a key frame where the encoder does not set the random access indicator: by the types of its NAL units
 * up to the first slice (H.264: IDR slice or sequence parameter set; HEVC: an IRAP picture). A NAL unit's header may lie in another packet
 * than its start code.
 */
export class KeyFrameFinder {
  #streamType = 0;
  /** The last three bytes; a start code may be cut by the end of a packet. */
  #last = 0xffffff;
  #packetsLeft = 0;

  /** @param streamType as in the PMT */
  begin(streamType: number): void {
    this.#streamType = streamType;
    this.#packetsLeft = 0;
  }

  /** What comes is of no use any more, until the next unit starts. */
  giveUp(): void {
    this.#packetsLeft = 0;
  }

  /**
   * The next packet of the video.
   * @param payload offset of its payload; -1 = it has none
   * @returns true once for each unit that is a key frame
   */
  offer(bytes: Uint8Array, at: number, payload: number, startsUnit: boolean): boolean {
    if (payload < 0) return false;
    const end = at + TS_PACKET_BYTES;
    let from = payload;
    if (startsUnit) {
      if (this.#streamType !== H264 && this.#streamType !== HEVC) return false;
      this.#last = 0xffffff;
      this.#packetsLeft = MOST_PACKETS;
      from = payload + PES_HEADER_BYTES + (payload + PES_HEADER_BYTES <= end ? bytes[payload + 8]! : 0);
    }
    if (this.#packetsLeft === 0) return false;
    this.#packetsLeft--;
    for (let i = from; i < end; i++) {
      const byte = bytes[i]!;
      if (this.#last !== START_CODE) {
        this.#last = ((this.#last << 8) | byte) & 0xffffff;
        continue;
      }
      this.#last = 0xffff00 | byte;
      const kind = this.#streamType === H264 ? kindOfH264(byte & 0x1f) : kindOfHevc((byte >> 1) & 0x3f);
      if (kind === 'other') continue;
      this.#packetsLeft = 0;
      return kind === 'key';
    }
    return false;
  }
}

type Kind = 'key' | 'slice' | 'other';

/** ITU-T H.264 table 7-1. */
const kindOfH264 = (type: number): Kind => {
  if (type === 5 || type === 7) return 'key';
  return type >= 1 && type <= 4 ? 'slice' : 'other';
};

/** ITU-T H.265 table 7-1: 16–23 are IRAP, 0–31 slices. */
const kindOfHevc = (type: number): Kind => {
  if (type >= 16 && type <= 23) return 'key';
  return type <= 31 ? 'slice' : 'other';
};
