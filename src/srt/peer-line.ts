import type { Millis } from '../shared/clock.ts';
import { ControlWriter } from './control-packet.ts';
import type { ControlOutlet } from './types.ts';

const KEEPALIVE_MS: Millis = 1_000;

const START = 0;
const SENT = 1;
const HEARD = 2;

/** The way to one peer, and when it was used last. */
export class PeerLine {
  readonly write: ControlWriter;
  readonly #out: ControlOutlet;
  readonly #times: Float64Array;

  /** @param startMs when our clock, which stamps what we send, was 0: the moment of our conclusion response */
  constructor(peerId: number, startMs: Millis, out: ControlOutlet, now: Millis) {
    this.write = new ControlWriter(peerId);
    this.#out = out;
    this.#times = Float64Array.of(startMs, now, now);
  }

  /** Our clock: µs, as int32; it wraps after 71.6 minutes. */
  stampUs(now: Millis): number {
    return ((now - this.#times[START]!) * 1_000) | 0;
  }

  send(packet: Uint8Array, now: Millis): void {
    this.#times[SENT] = now;
    this.#out.control(packet);
  }

  /** Something else was sent. */
  sent(now: Millis): void {
    this.#times[SENT] = now;
  }

  /** Something has come from the peer, whatever it is. */
  heard(now: Millis): void {
    this.#times[HEARD] = now;
  }

  silentMs(now: Millis): Millis {
    return now - this.#times[HEARD]!;
  }

  /** Shows that we live. Never in answer to a keepalive: there are peers that answer each. */
  tick(now: Millis): void {
    if (now - this.#times[SENT]! >= KEEPALIVE_MS) this.send(this.write.keepalive(this.stampUs(now)), now);
  }
}
