import type { Millis } from '../shared/clock.ts';

/** So many at once: a receiver whose system grants it 208 KiB has room for some 140. */
const BURST_PACKETS = 64;
const PACKETS_PER_MS = 32;

/** How many packets may go to one peer at once: what was held back, or is asked for again, is spread a little. */
export class SendBudget {
  /** 0: packets that may go now. 1: when that was worked out. */
  readonly #values = Float64Array.of(BURST_PACKETS, 0);

  refill(now: Millis): void {
    const values = this.#values;
    values[0] = Math.min(BURST_PACKETS, values[0]! + Math.max(0, now - values[1]!) * PACKETS_PER_MS);
    values[1] = now;
  }

  get isEmpty(): boolean {
    return this.#values[0]! < 1;
  }

  take(): void {
    this.#values[0]! -= 1;
  }
}
