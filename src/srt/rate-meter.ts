import type { Millis } from '../shared/clock.ts';

const SPAN_MS: Millis = 1_000;
const SINCE = 0;
const PACKETS = 1;
const BYTES = 2;
const PACKET_RATE = 3;
const BYTE_RATE = 4;

/** Rates over the last whole second, from totals that somebody else counts: packets cost it nothing. */
export class RateMeter {
  readonly #values: Float64Array;

  constructor(now: Millis) {
    this.#values = Float64Array.of(now, 0, 0, 0, 0);
  }

  get packetsPerSecond(): number {
    return this.#values[PACKET_RATE]!;
  }

  get bytesPerSecond(): number {
    return this.#values[BYTE_RATE]!;
  }

  /** To be called several times a second. */
  tick(packetTotal: number, byteTotal: number, now: Millis): void {
    const values = this.#values;
    const spanMs = now - values[SINCE]!;
    if (spanMs < SPAN_MS) return;
    values[PACKET_RATE] = ((packetTotal - values[PACKETS]!) * 1_000) / spanMs;
    values[BYTE_RATE] = ((byteTotal - values[BYTES]!) * 1_000) / spanMs;
    values[PACKETS] = packetTotal;
    values[BYTES] = byteTotal;
    values[SINCE] = now;
  }
}
