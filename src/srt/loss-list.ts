import type { Millis } from '../shared/clock.ts';
import { NEVER } from '../srtla/constants.ts';
import { earlierSequence, laterSequence, sequenceDistance, sequencePlus } from './sequence.ts';

const FIRST_RANGES = 32;

/**
 * The sequence numbers that have not come, as ranges in order. It grows; a caller that lets nothing in from outside a window of so many
 * packets bounds it by half as many ranges.
 */
export class LossList {
  #first = new Int32Array(FIRST_RANGES);
  #last = new Int32Array(FIRST_RANGES);
  #askedMs = new Float64Array(FIRST_RANGES);
  #sinceMs = new Float64Array(FIRST_RANGES);
  #ripe = new Int32Array(FIRST_RANGES);
  #asks = new Uint8Array(FIRST_RANGES);
  /** Ranges lie from here on. */
  #head = 0;
  #count = 0;
  #packets = 0;

  /** Ranges. */
  get count(): number {
    return this.#count;
  }

  /** Sequence numbers. */
  get packets(): number {
    return this.#packets;
  }

  firstOf(range: number): number {
    return this.#first[this.#head + range]!;
  }

  lastOf(range: number): number {
    return this.#last[this.#head + range]!;
  }

  /** When it was asked for last; `NEVER` before. */
  askedMsOf(range: number): Millis {
    return this.#askedMs[this.#head + range]!;
  }

  /** How often it was asked for: 255 = so often or more. */
  asksOf(range: number): number {
    return this.#asks[this.#head + range]!;
  }

  asked(range: number, now: Millis): void {
    const at = this.#head + range;
    this.#askedMs[at] = now;
    this.#asks[at] = Math.min(255, this.#asks[at]! + 1);
  }

  /** When it was found missing. */
  sinceMsOf(range: number): Millis {
    return this.#sinceMs[this.#head + range]!;
  }

  /** Once this number has come it is no longer taken for late. */
  ripeOf(range: number): number {
    return this.#ripe[this.#head + range]!;
  }

  /** `first` to `last`, which lie after everything in the list. */
  append(first: number, last: number, ripe: number, now: Millis): void {
    this.#packets += sequenceDistance(last, first) + 1;
    this.#makeRoom();
    const at = this.#head + this.#count;
    this.#first[at] = first;
    this.#last[at] = last;
    this.#askedMs[at] = NEVER;
    this.#sinceMs[at] = now;
    this.#ripe[at] = ripe;
    this.#asks[at] = 0;
    this.#count += 1;
  }

  /** The range that it is in, or -1. */
  find(sequence: number): number {
    const at = this.#lowerBound(sequence);
    return at < this.#count && sequenceDistance(this.firstOf(at), sequence) <= 0 ? at : -1;
  }

  /** It has come. False where it was not missing. */
  remove(sequence: number): boolean {
    const at = this.find(sequence);
    if (at < 0) return false;
    this.#cut(at, sequence, sequence);
    return true;
  }

  /** Takes out `first` to `last`; returns how many of them were missing. */
  removeRange(first: number, last: number): number {
    const before = this.#packets;
    let at = this.#lowerBound(first);
    while (at < this.#count && sequenceDistance(this.firstOf(at), last) <= 0) {
      const rangeLast = this.lastOf(at);
      const whole = sequenceDistance(this.firstOf(at), first) >= 0 && sequenceDistance(rangeLast, last) <= 0;
      this.#cut(at, laterSequence(first, this.firstOf(at)), earlierSequence(last, rangeLast));
      if (!whole) at += 1;
    }
    return before - this.#packets;
  }

  clear(): void {
    this.#head = 0;
    this.#count = 0;
    this.#packets = 0;
  }

  /** The first range that does not end before `sequence`. */
  #lowerBound(sequence: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sequenceDistance(this.lastOf(middle), sequence) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** `first` to `last`, which lie in this range, leave it. */
  #cut(range: number, first: number, last: number): void {
    const at = this.#head + range;
    const leftStays = this.#first[at] !== first;
    const rightStays = this.#last[at] !== last;
    this.#packets -= sequenceDistance(last, first) + 1;
    if (leftStays && rightStays) this.#split(range, first, last);
    else if (leftStays) this.#last[at] = sequencePlus(first, -1);
    else if (rightStays) this.#first[at] = sequencePlus(last, 1);
    else this.#delete(range);
  }

  #split(range: number, first: number, last: number): void {
    this.#makeRoom();
    const at = this.#head + range;
    this.#shift(at, this.#head + this.#count, 1);
    this.#count += 1;
    this.#last[at] = sequencePlus(first, -1);
    this.#first[at + 1] = sequencePlus(last, 1);
  }

  #delete(range: number): void {
    if (range === 0) this.#head += 1;
    else this.#shift(this.#head + range + 1, this.#head + this.#count, -1);
    this.#count -= 1;
    if (this.#count === 0) this.#head = 0;
  }

  /** Room for one more at the end. */
  #makeRoom(): void {
    if (this.#head + this.#count < this.#first.length) return;
    if (this.#head > 0) {
      this.#shift(this.#head, this.#head + this.#count, -this.#head);
      this.#head = 0;
      return;
    }
    const size = this.#first.length * 2;
    const [first, last, ripe] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)];
    const asks = new Uint8Array(size);
    const [askedMs, sinceMs] = [new Float64Array(size), new Float64Array(size)];
    first.set(this.#first);
    last.set(this.#last);
    ripe.set(this.#ripe);
    asks.set(this.#asks);
    askedMs.set(this.#askedMs);
    sinceMs.set(this.#sinceMs);
    this.#first = first;
    this.#last = last;
    this.#ripe = ripe;
    this.#asks = asks;
    this.#askedMs = askedMs;
    this.#sinceMs = sinceMs;
  }

  #shift(from: number, to: number, by: number): void {
    this.#first.copyWithin(from + by, from, to);
    this.#last.copyWithin(from + by, from, to);
    this.#askedMs.copyWithin(from + by, from, to);
    this.#sinceMs.copyWithin(from + by, from, to);
    this.#ripe.copyWithin(from + by, from, to);
    this.#asks.copyWithin(from + by, from, to);
  }
}
