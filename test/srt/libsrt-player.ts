import { NAKS_SENT } from '../../src/srt/statistics.ts';
import { readU32 } from '../../src/srtla/bytes.ts';
import { LibsrtReceiver } from '../sim/libsrt-receiver.ts';
import type { HopOptions } from './chain.ts';

/** A player on libsrt, as `test/sim` models it, which does not look at payloads: what each number carried is remembered here. */
export class LibsrtPlayer {
  readonly #receiver: LibsrtReceiver;
  readonly #payloads = new Map<number, number>();

  constructor(hop: HopOptions, now: number, send: (packet: Uint8Array) => void, play: (payload: number) => void) {
    this.#receiver = new LibsrtReceiver(
      {
        isn: 77,
        peerId: 3,
        latencyMs: hop.latencyMs,
        maxReorderTolerance: 0,
        reportsLosses: true,
        conclusionMs: now + hop.rttMs / 2,
        conclusionUs: 0,
      },
      {
        send,
        play: (sequence) => {
          play(this.#payloads.get(sequence)!);
          this.#payloads.delete(sequence);
        },
        giveUp: () => {},
      },
    );
  }

  get rtt(): { readonly ms: number } {
    return { ms: this.#receiver.smoothedRttMs };
  }

  data(packet: Uint8Array, now: number): void {
    this.#payloads.set(readU32(packet, 0), readU32(packet, 16));
    this.#receiver.receive(packet, now);
  }

  control(packet: Uint8Array, now: number): void {
    this.#receiver.receive(packet, now);
  }

  tick(now: number): void {
    this.#receiver.tick(now);
  }

  finish(): void {
    this.#receiver.closed = true;
  }

  stats(out: Float64Array): void {
    out[NAKS_SENT] = this.#receiver.lossReports;
  }
}
