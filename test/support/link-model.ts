/** What a link does to datagrams. Every field may change while it runs. */
export interface LinkConditions {
  /** One way. */
  delayMs: number;
  /** Added on top, evenly from 0 to this; the link stays in order. */
  jitterMs: number;
  /** 0 … 1, each datagram by itself. */
  lossRate: number;
  /** 0 … 1: the datagram arrives twice. */
  duplicateRate: number;
  /** 0 = no limit. */
  rateKbps: number;
  /** What may wait for its turn at `rateKbps`; more is dropped at the tail. */
  queueBytes: number;
  /** False = an unplugged cable, also for what is on its way. */
  up: boolean;
}

export const PERFECT_LINK: LinkConditions = {
  delayMs: 0,
  jitterMs: 0,
  lossRate: 0,
  duplicateRate: 0,
  rateKbps: 0,
  queueBytes: 256 * 1024,
  up: true,
};

/** Reproducible randomness, 0 ≤ x < 1 (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

interface Flight {
  bytes: Uint8Array;
  dueMs: number;
}

export interface LinkTotals {
  offered: number;
  delivered: number;
  lost: number;
  overflowed: number;
  unplugged: number;
}

/** One direction of an impaired link, without sockets or clocks: time comes with each call. In order whatever the jitter. */
export class LinkModel {
  readonly conditions: LinkConditions;
  readonly totals: LinkTotals = { offered: 0, delivered: 0, lost: 0, overflowed: 0, unplugged: 0 };
  readonly #random: () => number;
  readonly #flights: Flight[] = [];
  #wireFreeMs = 0;
  #lastDueMs = 0;

  constructor(conditions: Partial<LinkConditions>, seed: number) {
    this.conditions = { ...PERFECT_LINK, ...conditions };
    this.#random = seededRandom(seed);
  }

  /** A datagram enters. It is kept, not copied. */
  offer(bytes: Uint8Array, nowMs: number): void {
    const { up, lossRate, duplicateRate } = this.conditions;
    this.totals.offered++;
    if (!up) this.totals.unplugged++;
    else if (lossRate > 0 && this.#random() < lossRate) this.totals.lost++;
    else {
      this.#enqueue(bytes, nowMs);
      if (duplicateRate > 0 && this.#random() < duplicateRate) this.#enqueue(bytes, nowMs);
    }
  }

  /** When the next datagram comes out; undefined where there is none. */
  nextMs(): number | undefined {
    return this.#flights[0]?.dueMs;
  }

  /** Calls `deliver` with each datagram that is due, in order. */
  advance(nowMs: number, deliver: (bytes: Uint8Array) => void): void {
    while (this.#flights.length > 0 && this.#flights[0]!.dueMs <= nowMs) {
      const { bytes } = this.#flights.shift()!;
      if (!this.conditions.up) {
        this.totals.unplugged++;
        continue;
      }
      this.totals.delivered++;
      deliver(bytes);
    }
  }

  #enqueue(bytes: Uint8Array, nowMs: number): void {
    const { delayMs, jitterMs, rateKbps, queueBytes } = this.conditions;
    let leavesMs = nowMs;
    if (rateKbps > 0) {
      const startMs = Math.max(nowMs, this.#wireFreeMs);
      if (((startMs - nowMs) * rateKbps) / 8 + bytes.length > queueBytes) {
        this.totals.overflowed++;
        return;
      }
      leavesMs = startMs + (bytes.length * 8) / rateKbps;
      this.#wireFreeMs = leavesMs;
    }
    const jitter = jitterMs > 0 ? this.#random() * jitterMs : 0;
    this.#lastDueMs = Math.max(this.#lastDueMs, leavesMs + delayMs + jitter);
    this.#flights.push({ bytes, dueMs: this.#lastDueMs });
  }
}
