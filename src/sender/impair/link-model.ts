import { type Blackout, type LinkConditions, PERFECT_LINK } from './link-conditions.ts';
import { seededRandom, truncatedNormal } from './random.ts';

/** What became of a datagram. */
export type LinkFate = 'delivered' | 'lost' | 'overflowed' | 'blackout' | 'unplugged';

/** Datagrams; `duplicated` and `reordered` are part of `delivered`. */
export interface LinkTotals {
  offered: number;
  delivered: number;
  lost: number;
  overflowed: number;
  /** Swallowed by a blackout. */
  blackout: number;
  unplugged: number;
  duplicated: number;
  reordered: number;
}

const newTotals = (): LinkTotals => ({
  offered: 0,
  delivered: 0,
  lost: 0,
  overflowed: 0,
  blackout: 0,
  unplugged: 0,
  duplicated: 0,
  reordered: 0,
});

/**
 * One direction of an impaired link, without sockets, clocks or queues of its own: `send` says when a datagram comes out, whoever
 * owns the time keeps it until then. The same seed and the same calls give the same answers.
 */
export class LinkModel {
  readonly conditions: LinkConditions;
  readonly totals: LinkTotals = newTotals();
  /** Of the datagram of the last `send`. */
  fate: LinkFate = 'delivered';
  /** When it arrives, or would have arrived had it not been lost. */
  arrivalMs = 0;
  /** When its second copy arrives, where `send` returned 2. */
  secondArrivalMs = 0;

  readonly #random: () => number;
  #startMs = Number.NaN;
  /** The wire is busy until then. */
  #wireFreeMs = 0;
  /** Nothing that stays in order comes out before this. */
  #lastDueMs = 0;
  #bad = false;

  constructor(conditions: Partial<LinkConditions>, seed: number) {
    this.conditions = { ...PERFECT_LINK, ...conditions };
    this.#random = seededRandom(seed);
  }

  /**
   * A datagram of `bytes` enters at `nowMs`, which must not run backwards.
   * @returns how often it comes out: 0 (see `fate`), 1 (at `arrivalMs`) or 2 (again at `secondArrivalMs`)
   */
  send(bytes: number, nowMs: number): 0 | 1 | 2 {
    const { totals, conditions } = this;
    if (Number.isNaN(this.#startMs)) this.#startMs = nowMs;
    totals.offered++;
    if (!conditions.up || inBlackout(conditions.blackout, nowMs - this.#startMs)) {
      this.fate = conditions.up ? 'blackout' : 'unplugged';
      totals[this.fate]++;
      this.#pass(nowMs);
      return 0;
    }
    if (!this.#transmit(bytes, nowMs)) {
      this.fate = 'overflowed';
      totals.overflowed++;
      this.#pass(Math.max(nowMs, this.#wireFreeMs));
      return 0;
    }
    const leavesMs = conditions.rateKbps > 0 ? this.#wireFreeMs : nowMs;
    const lost = this.#isLost();
    this.#arrive(leavesMs);
    if (lost) {
      this.fate = 'lost';
      totals.lost++;
      return 0;
    }
    this.fate = 'delivered';
    totals.delivered++;
    if (conditions.duplicateRate === 0 || this.#random() >= conditions.duplicateRate) return 1;
    const first = this.arrivalMs;
    this.#pass(leavesMs);
    this.secondArrivalMs = this.arrivalMs;
    this.arrivalMs = first;
    totals.duplicated++;
    return 2;
  }

  /** True where what enters at `nowMs` is swallowed. */
  isOut(nowMs: number): boolean {
    return !this.conditions.up || inBlackout(this.conditions.blackout, nowMs - this.#startMs);
  }

  /** Takes the datagram onto the wire; false where the queue is full. */
  #transmit(bytes: number, nowMs: number): boolean {
    const { rateKbps, queueBytes, queueMs } = this.conditions;
    if (rateKbps <= 0) return true;
    const startMs = Math.max(nowMs, this.#wireFreeMs);
    const waitMs = startMs - nowMs;
    if ((waitMs * rateKbps) / 8 + bytes > queueBytes || (queueMs > 0 && waitMs > queueMs)) return false;
    this.#wireFreeMs = startMs + (bytes * 8) / rateKbps;
    return true;
  }

  #isLost(): boolean {
    const { lossRate, burst } = this.conditions;
    const lost = lossRate > 0 && this.#random() < lossRate;
    if (burst === undefined) return lost;
    this.#bad = this.#bad ? this.#random() >= burst.leaveRate : this.#random() < burst.enterRate;
    return (this.#bad && this.#random() < burst.lossRate) || lost;
  }

  #arrive(leavesMs: number): void {
    const { reorderRate, reorderMinMs, reorderMaxMs } = this.conditions;
    this.#pass(leavesMs);
    if (reorderRate === 0 || this.#random() >= reorderRate) return;
    this.totals.reordered++;
    this.arrivalMs += reorderMinMs + this.#random() * (reorderMaxMs - reorderMinMs);
  }

  #pass(leavesMs: number): void {
    const { delayMs, jitterMs } = this.conditions;
    const delay = jitterMs > 0 ? Math.max(0, delayMs + truncatedNormal(this.#random, jitterMs)) : delayMs;
    this.#lastDueMs = Math.max(this.#lastDueMs, leavesMs + delay);
    this.arrivalMs = this.#lastDueMs;
  }
}

const inBlackout = (blackout: Blackout | undefined, ageMs: number): boolean => {
  if (blackout === undefined) return false;
  const { everyMs, forMs, fromMs = everyMs - forMs } = blackout;
  return ageMs >= fromMs && (ageMs - fromMs) % everyMs < forMs;
};
