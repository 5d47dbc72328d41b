import type { Millis } from '../shared/clock.ts';

/** Totals of packets. All but `lost` only grow while a session lasts. */
export interface PacketTotals {
  readonly received: number;
  /** Lost on the way, whether repaired or not; less again where one was only late. */
  readonly lost: number;
  /** Lost for good. */
  readonly dropped: number;
  readonly resent: number;
}

export interface PacketRates {
  lossPct: number;
  resentPct: number;
  /** Packets. */
  dropped: number;
}

const WINDOW_MS: Millis = 10_000;
const NOTHING: PacketRates = { lossPct: 0, resentPct: 0, dropped: 0 };

/** What was lost over the last 10 s, from totals that are looked at now and then. */
export class PacketMeter {
  #looks: { atMs: Millis; totals: PacketTotals }[] = [];

  /** Where fewer have been received, it is another session. */
  look(totals: PacketTotals, now: Millis): void {
    const last = this.#looks.at(-1);
    if (last && totals.received < last.totals.received) this.#looks = [];
    if (last && now <= last.atMs) return;
    this.#looks.push({ atMs: now, totals });
    while (this.#looks.length > 2 && now - this.#looks[1]!.atMs >= WINDOW_MS) this.#looks.shift();
  }

  get rates(): PacketRates {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    if (!first || !last || first === last) return NOTHING;
    const received = last.totals.received - first.totals.received;
    const lost = Math.max(0, last.totals.lost - first.totals.lost);
    const resent = Math.max(0, last.totals.resent - first.totals.resent);
    return {
      lossPct: received + lost > 0 ? (lost / (received + lost)) * 100 : 0,
      resentPct: received > 0 ? Math.min(100, (resent / received) * 100) : 0,
      dropped: Math.max(0, last.totals.dropped - first.totals.dropped),
    };
  }
}
