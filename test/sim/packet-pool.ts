import { DATA_BYTES } from './srt-wire.ts';

/** Longer than any sender holds a packet back, at any rate that is simulated. */
const BUFFERS = 4_096;

/** Buffers for data packets, used again in turn: what a sender batches must stay as it is for a while, not for ever. */
export class PacketPool {
  readonly #buffers = Array.from({ length: BUFFERS }, () => new Uint8Array(DATA_BYTES));
  #next = 0;

  take(): Uint8Array {
    const buffer = this.#buffers[this.#next]!;
    this.#next = (this.#next + 1) % BUFFERS;
    return buffer;
  }
}
