import { KeyFrameFinder } from './key-frame.ts';
import { isRandomAccess, PAT_PID, packetPid, payloadOffset, startsUnit } from './packet.ts';
import { pmtPidOf, videoStreamOf } from './psi.ts';

/** What one packet is, as bits. */
export const TS_PAT = 1;
export const TS_PMT = 2;
/** A PMT of a programme without video. */
export const TS_NO_VIDEO = 4;
export const TS_VIDEO = 8;
/** A packet of the video from which on it is known that decoding can begin with this unit. */
export const TS_KEY = 16;

const UNKNOWN = -1;

/** Reads the packets of one transport stream in order, as far as finding a place to begin needs it. Allocates nothing. */
export class TsScanner {
  #pmtPid = UNKNOWN;
  #videoPid = UNKNOWN;
  readonly #keyFrames = new KeyFrameFinder();

  /** The packet that begins at `at`. */
  packet(bytes: Uint8Array, at: number): number {
    const pid = packetPid(bytes, at);
    if (pid === this.#videoPid) return this.#video(bytes, at);
    if (pid === PAT_PID) {
      const pmtPid = pmtPidOf(bytes, at);
      if (pmtPid === UNKNOWN) return 0;
      this.#pmtPid = pmtPid;
      // A unit that has begun before it does not begin behind it.
      this.#keyFrames.giveUp();
      return TS_PAT;
    }
    if (pid !== this.#pmtPid) return 0;
    const video = videoStreamOf(bytes, at);
    if (video === UNKNOWN) return 0;
    const videoPid = video & 0x1fff;
    if (videoPid !== this.#videoPid) this.#videoPid = videoPid === 0 ? UNKNOWN : videoPid;
    this.#keyFrames.begin(video >> 13);
    return videoPid === 0 ? TS_PMT | TS_NO_VIDEO : TS_PMT;
  }

  #video(bytes: Uint8Array, at: number): number {
    if (isRandomAccess(bytes, at)) {
      this.#keyFrames.giveUp();
      return TS_VIDEO | TS_KEY;
    }
    const isKey = this.#keyFrames.offer(bytes, at, payloadOffset(bytes, at), startsUnit(bytes, at));
    return isKey ? TS_VIDEO | TS_KEY : TS_VIDEO;
  }
}
