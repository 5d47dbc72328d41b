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
const LAG = 9;
const LARGEST_LAG = 10;
const SPREAD = 11;
const NEWS = 12;
const PASSED = 13;
const VALUES = 14;
/** Stamps do not run further ahead of the time that has passed: what claims more proves nothing. */
const MOST_LEAP_MS: Millis = 2_000;

/**
 * What one link has carried of the current session: how far it has come, how long its packets take, and how much it mixes them up.
 * A link is first in, first out, so that what it delivers proves that nothing older is still on it.
 */
export class LinkFlow {
  readonly delay = new LinkDelay();
  /** The newest sequence number that it has carried as an original; -1 before the first. */
  newest = -1;
  readonly #values = new Float64Array(VALUES);
  /** Its last originals that came in order, oldest overwritten first. */
  readonly #recent = new Int32Array(RECENT);
  readonly #recentMs = new Float64Array(RECENT);
  #count = 0;
  /** The last answer of `passedMs` holds from here to before there, while nothing has been added. */
  #passedFrom = 0;
  #passedTo = 0;
  #passedCount = -1;

  constructor() {
    this.clear();
  }

  /** Another session begins, with another clock. */
  clear(): void {
    this.delay.clear();
    this.newest = -1;
    this.#count = 0;
    this.#passedCount = -1;
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

  /**
   * Mean delay beyond the smallest of all links, as of when the link last carried data; what follows likewise. Set by `relate`, for delays
   * themselves run away with the encoder's clock.
   */
  get lagMs(): Millis {
    return this.#values[LAG]!;
  }

  get largestLagMs(): Millis {
    return this.#values[LARGEST_LAG]!;
  }

  /** From its smallest to its largest delay. */
  get spreadMs(): Millis {
    return this.#values[SPREAD]!;
  }

  /** Compares its delays with the smallest of all links; a link that has carried nothing lately keeps what it had. */
  relate(smallestMs: Millis, now: Millis): void {
    const largestMs = this.delay.largestMs(now);
    if (largestMs === NEVER) return;
    const values = this.#values;
    values[LAG] = values[MEAN]! - smallestMs;
    values[LARGEST_LAG] = largestMs - smallestMs;
    values[SPREAD] = largestMs - this.delay.smallestMs(now);
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
      const values = this.#values;
      const sentMs = values[NEWEST_SENT]!;
      const isCredible = sentMs === NEVER || clock.millis - sentMs <= now - values[NEWS]! + MOST_LEAP_MS;
      if (isCredible && clock.millis > sentMs) {
        values[NEWEST_SENT] = clock.millis;
        values[NEWS] = now;
      }
      const at = this.#count++ & (RECENT - 1);
      this.#recent[at] = sequence;
      this.#recentMs[at] = now;
    } else if (isFirstCopy) this.#reordered(sequence, now);
    else return;
    this.#sample(clock, now);
  }

  /** Since when is it proven that this link carries nothing up to `sequence` any more? Call only with an older one than `newest`. */
  passedMs(sequence: number): Millis {
    // A gap is asked about number by number, and all of them have the same answer.
    if (
      this.#passedCount === this.#count &&
      sequenceDistance(sequence, this.#passedFrom) >= 0 &&
      sequenceDistance(this.#passedTo, sequence) > 0
    )
      return this.#values[PASSED]!;
    let passed = NEVER;
    const oldest = Math.max(0, this.#count - RECENT);
    for (let i = this.#count - 1; i >= oldest; i--) {
      const at = i & (RECENT - 1);
      const recent = this.#recent[at]!;
      if (sequenceDistance(recent, sequence) <= 0) {
        this.#passedFrom = recent;
        this.#passedCount = this.#count;
        this.#values[PASSED] = passed;
        return passed;
      }
      this.#passedTo = recent;
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
