import type { Millis } from '../shared/clock.ts';
import { SRT_HEADER_BYTES } from '../srtla/constants.ts';
import { timestampUs } from '../srtla/srt-header.ts';
import { KEY, keyOf } from './packet.ts';
import type { PacketStore } from './packet-store.ts';
import type { SourceClock } from './source-clock.ts';
import type { PayloadDecipher } from './types.ts';

/** Brings packets into the store: whole, decrypted, with the time of their source. */
export class PayloadIntake {
  readonly #store: PacketStore;
  /** Absent where the source has no clock for play times: a packet is from when it comes. */
  readonly #clock: SourceClock | undefined;
  readonly #decipher: PayloadDecipher | undefined;
  /** Data that could not be decrypted, clear packets where there is a key included. */
  undecryptable = 0;

  constructor(store: PacketStore, clock: SourceClock | undefined, decipher: PayloadDecipher | undefined) {
    this.#store = store;
    this.#clock = clock;
    this.#decipher = decipher;
  }

  /** Its slot, or -1 where it cannot be read or there is no room. */
  take(packet: Uint8Array, sequence: number, now: Millis): number {
    const store = this.#store;
    const slot = store.add(packet, this.#clock === undefined ? now : this.#clock.sourceMs(timestampUs(packet), now));
    if (slot < 0 || this.#isReadable(slot, keyOf(packet), packet.length - SRT_HEADER_BYTES, sequence)) return slot;
    store.release(slot);
    this.undecryptable += 1;
    return -1;
  }

  #isReadable(slot: number, key: number, bytes: number, sequence: number): boolean {
    const decipher = this.#decipher;
    if (decipher === undefined) return key === KEY.clear;
    if (key !== KEY.even && key !== KEY.odd) return false;
    const store = this.#store;
    return decipher.decrypt(store.bytesOf(slot), store.offsetOf(slot) + SRT_HEADER_BYTES, bytes, sequence, key);
  }
}
