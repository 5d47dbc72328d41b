import type { Millis } from '../../shared/clock.ts';
import { FOREVER, NEVER } from '../constants.ts';
import { LinkDelay, type TimestampClock } from '../skew.ts';
import { sequenceDistance } from './sequence-window.ts';

const RECENT = 128;
/** A link that puts packets out of order is waited for, but not longer than this. */
const MAX_REORDER_MS: Millis = 60;
/** Depths are remembered for between one and two of these. */
const REORDER_PERIOD_MS: Millis = 30_000;
const SMOOTHING = 1 / 16;

const MEAN = 0;
const JITTER = 1;
const LAST = 2;
const NEWEST_SENT = 3;
const REORDER = 4;
const REORDER_BEFORE = 5;
const REORDER_SINCE = 6;
const LATEST = 7;
const ACKED = 8;

/**
 * What one link has carried of the current session: how far it has come, how long its packets take, and how much it mixes them up.
 * A link is first in, first out, so that what it delivers proves that nothing older is still on it.
 */
export class LinkFlow {
  readonly delay = new LinkDelay();
  /** The newest sequence number that it has carried as an original; -1 before the first. */
  newest = -1;
  readonly #values = new Float64Array(9);
  /** Its last originals that came in order, oldest overwritten first. */
  readonly #recent = new Int32Array(RECENT);
  readonly #recentMs = new Float64Array(RECENT);
  #count = 0;

  constructor() {
    this.clear();
  }

  /** Another session begins, with another clock. */
  clear(): void {
    this.delay.clear();
    this.newest = -1;
    this.#count = 0;
    this.#values.fill(0);
    this.#values[NEWEST_SENT] = NEVER;
    this.#values[REORDER_SINCE] = NEVER;
    this.#values[LATEST] = FOREVER;
    this.#values[ACKED] = NEVER;
  }

  get isKnown(): boolean {
    return this.newest >= 0;
  }

  /** On the encoder's clock; `NEVER` before the first. */
  get newestSentMs(): Millis {
    return this.#values[NEWEST_SENT]!;
  }

  /** Mean time from the encoder's stamp to arrival. Means something only against another link's. */
  get meanDelayMs(): Millis {
    return this.#values[MEAN]!;
  }

  /** Mean difference between the delays of neighbours (RFC 3550 §6.4.1). */
  get jitterMs(): Millis {
    return this.#values[JITTER]!;
  }

  /** An ACK goes to this link, unless it has had one within `pauseMs`. */
  takesAck(pauseMs: Millis, now: Millis): boolean {
    if (now - this.#values[ACKED]! < pauseMs) return false;
    this.#values[ACKED] = now;
    return true;
  }

  /** From a stamp to the moment by which this link would have delivered; `NEVER` where it carries no data. Set by the detector's tick. */
  get latestDelayMs(): Millis {
    return this.#values[LATEST]!;
  }

  set latestDelayMs(delayMs: Millis) {
    this.#values[LATEST] = delayMs;
  }

  /** How long after a later packet an earlier one has still come; 0 for a link that keeps its order. */
  get reorderMs(): Millis {
    return Math.max(this.#values[REORDER]!, this.#values[REORDER_BEFORE]!);
  }

  /**
   * An original has arrived; `clock` has just read its stamp.
   * @param isFirstCopy it has not come by another link before: what comes twice says nothing of delay or order unless it is news here
   */
  original(sequence: number, isFirstCopy: boolean, clock: TimestampClock, now: Millis): void {
    const isNews = this.newest < 0 || sequenceDistance(sequence, this.newest) > 0;
    if (isNews) {
      this.newest = sequence;
      if (clock.millis > this.#values[NEWEST_SENT]!) this.#values[NEWEST_SENT] = clock.millis;
      const at = this.#count++ & (RECENT - 1);
      this.#recent[at] = sequence;
      this.#recentMs[at] = now;
    } else if (isFirstCopy) this.#reordered(sequence, now);
    else return;
    this.#sample(clock, now);
  }

  /** Since when is it proven that this link carries nothing up to `sequence` any more? Call only with an older one than `newest`. */
  passedMs(sequence: number): Millis {
    let passed = NEVER;
    const oldest = Math.max(0, this.#count - RECENT);
    for (let i = this.#count - 1; i >= oldest; i--) {
      const at = i & (RECENT - 1);
      if (sequenceDistance(this.#recent[at]!, sequence) <= 0) return passed;
      passed = this.#recentMs[at]!;
    }
    // Longer ago than is remembered.
    return oldest === 0 ? passed : NEVER;
  }

  #sample(clock: TimestampClock, now: Millis): void {
    this.delay.add(clock, now);
    const values = this.#values;
    const delayMs = now - clock.millis;
    if (this.#count <= 1) {
      values[MEAN] = delayMs;
      values[LAST] = delayMs;
      return;
    }
    values[MEAN]! += (delayMs - values[MEAN]!) * SMOOTHING;
    values[JITTER]! += (Math.abs(delayMs - values[LAST]!) - values[JITTER]!) * SMOOTHING;
    values[LAST] = delayMs;
  }

  #reordered(sequence: number, now: Millis): void {
    const passedMs = this.passedMs(sequence);
    if (passedMs === NEVER) return;
    const values = this.#values;
    const depthMs = Math.min(MAX_REORDER_MS, now - passedMs);
    if (now - values[REORDER_SINCE]! > REORDER_PERIOD_MS) {
      values[REORDER_BEFORE] = now - values[REORDER_SINCE]! > 2 * REORDER_PERIOD_MS ? 0 : values[REORDER]!;
      values[REORDER] = 0;
      values[REORDER_SINCE] = now;
    }
    if (depthMs > values[REORDER]!) values[REORDER] = depthMs;
  }

  /** Time has passed: depths that were seen long ago are forgotten. */
  tick(now: Millis): void {
    const values = this.#values;
    if (now - values[REORDER_SINCE]! <= REORDER_PERIOD_MS || this.reorderMs === 0) return;
    values[REORDER_BEFORE] = values[REORDER]!;
    values[REORDER] = 0;
    values[REORDER_SINCE] = now;
  }
}
