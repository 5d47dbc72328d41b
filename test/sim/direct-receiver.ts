import { PacketStore } from '../../src/srt/packet-store.ts';
import { SrtReceiver } from '../../src/srt/receiver.ts';
import type { LibsrtReceiverOptions, LibsrtReceiverOutput } from './libsrt-receiver.ts';
import { MASK, readU32, steps } from './srt-wire.ts';

/** No receiver of a run holds more: 17 s at 8,192 packets. */
const WINDOW_PACKETS = 16_384;

/** The receiver of `src/srt` in the place of libsrt's: the bond in front of it asks for what is lost. */
export class DirectReceiver {
  readonly #receiver: SrtReceiver;
  #next: number;
  #now: number;
  closed = false;

  constructor(options: LibsrtReceiverOptions, out: LibsrtReceiverOutput) {
    const store = new PacketStore(WINDOW_PACKETS);
    this.#next = options.isn;
    this.#now = options.conclusionMs;
    this.#receiver = new SrtReceiver(
      {
        peerId: options.peerId,
        firstSequence: options.isn,
        conclusionStampUs: options.conclusionUs,
        conclusionMs: options.conclusionMs,
        startMs: options.conclusionMs,
        latencyMs: options.latencyMs,
        hasPlayTimes: true,
        releaseAtArrival: false,
        lossReports: 'upstream',
        mostReorderPackets: 0,
        windowPackets: WINDOW_PACKETS,
      },
      store,
      {
        control: (packet) => out.send(packet),
        deliver: (slot) => {
          const sequence = readU32(store.bytesOf(slot), store.offsetOf(slot));
          store.release(slot);
          const missing = steps(this.#next, sequence);
          if (missing > 0) out.giveUp(this.#next, missing, this.#now);
          this.#next = (sequence + 1) & MASK;
          out.play(sequence);
        },
      },
      this.#now,
    );
  }

  receive(bytes: Uint8Array, now: number): void {
    if (this.closed) return;
    this.#now = now;
    if (bytes[0]! < 0x80) this.#receiver.data(bytes, now);
    else this.#receiver.control(bytes, now);
  }

  tick(now: number): void {
    this.#now = now;
    if (this.closed) this.#receiver.release(now);
    else this.#receiver.tick(now);
  }
}
