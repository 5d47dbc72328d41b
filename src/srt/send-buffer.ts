import { sequenceDistance, sequencePlus } from './sequence.ts';

const FIRST_PACKETS = 512;

/** What is noted of an entry, as bits. */
const QUEUED = 1;
const RESENT = 2;
const RESENT_TWICE = 4;
const KEY_SHIFT = 3;

/**
 * What one player has not acknowledged: first what is in flight, which has sequence numbers, then what waits to be sent, which has none
 * yet. Entries refer to slots of the stream's store. Grows by doubling up to its limit.
 */
export class SendBuffer {
  readonly #most: number;
  #slots = new Int32Array(FIRST_PACKETS);
  #stampsUs = new Int32Array(FIRST_PACKETS);
  /** ms of the sender's clock, modulo 2³². */
  #resentMs = new Int32Array(FIRST_PACKETS);
  #notes = new Uint8Array(FIRST_PACKETS);
  #mask = FIRST_PACKETS - 1;
  #head = 0;
  /** Of the oldest in flight, or where nothing is of the next that will be sent. */
  first: number;
  inFlight = 0;
  count = 0;
  /** Sequence numbers that are to be sent again, in the order in which they were asked for. */
  #queue = new Int32Array(FIRST_PACKETS);
  #queueHead = 0;
  #queued = 0;

  /** @param most what it holds */
  constructor(most: number, firstSequence: number) {
    this.#most = most;
    this.first = firstSequence;
  }

  /** The sequence number of what is sent next. */
  get next(): number {
    return sequencePlus(this.first, this.inFlight);
  }

  get pending(): number {
    return this.count - this.inFlight;
  }

  get hasQueued(): boolean {
    return this.#queued > 0;
  }

  /** It waits to be sent. False where there is no room. `key` is one of `KEY`. */
  push(slot: number, stampUs: number, key: number): boolean {
    if (this.count >= this.#most) return false;
    if (this.count === this.#slots.length) this.#grow();
    const at = (this.#head + this.count) & this.#mask;
    this.#slots[at] = slot;
    this.#stampsUs[at] = stampUs;
    this.#notes[at] = key << KEY_SHIFT;
    this.count += 1;
    return true;
  }

  /** The next that waits is in flight; returns its sequence number. */
  launch(): number {
    const sequence = this.next;
    this.inFlight += 1;
    return sequence;
  }

  /** Takes the oldest out; returns its slot. */
  shift(): number {
    const slot = this.#slots[this.#head]!;
    this.#head = (this.#head + 1) & this.#mask;
    this.count -= 1;
    if (this.inFlight > 0) {
      this.inFlight -= 1;
      this.first = sequencePlus(this.first, 1);
    }
    return slot;
  }

  /** From the oldest to the newest, µs. */
  get spanUs(): number {
    if (this.count === 0) return 0;
    return (this.#stampsUs[(this.#head + this.count - 1) & this.#mask]! - this.#stampsUs[this.#head]!) | 0;
  }

  /** In flight, as all that follow. */
  has(sequence: number): boolean {
    const age = sequenceDistance(sequence, this.first);
    return age >= 0 && age < this.inFlight;
  }

  slotOf(sequence: number): number {
    return this.#slots[this.#at(sequence)]!;
  }

  stampUsOf(sequence: number): number {
    return this.#stampsUs[this.#at(sequence)]!;
  }

  keyOf(sequence: number): number {
    return this.#notes[this.#at(sequence)]! >> KEY_SHIFT;
  }

  /**
   * It is asked for: it is to be sent again unless that was done less than `throttlesMs[0]` ago. Where it is stamped before `urgentUs`,
   * `throttlesMs[1]`, or [2] where that was done twice. False where it was, or already is to be. `nowMs` as int32, as for `resent`.
   */
  ask(sequence: number, nowMs: number, throttlesMs: Int32Array, urgentUs: number): boolean {
    const at = this.#at(sequence);
    const notes = this.#notes[at]!;
    if ((notes & RESENT) !== 0) {
      const isUrgent = ((this.#stampsUs[at]! - urgentUs) | 0) <= 0;
      const throttleMs = throttlesMs[isUrgent ? ((notes & RESENT_TWICE) !== 0 ? 2 : 1) : 0]!;
      if (((nowMs - this.#resentMs[at]!) | 0) < throttleMs) return false;
    }
    return this.queue(sequence);
  }

  /** It is sent again now. */
  resent(sequence: number, nowMs: number): void {
    const at = this.#at(sequence);
    const notes = this.#notes[at]!;
    this.#resentMs[at] = nowMs;
    this.#notes[at] = notes | ((notes & RESENT) === 0 ? RESENT : RESENT_TWICE);
  }

  /** It is to be sent again. False where it already is, or too much else. */
  queue(sequence: number): boolean {
    const at = this.#at(sequence);
    if ((this.#notes[at]! & QUEUED) !== 0 || this.#queued === this.#queue.length) return false;
    this.#notes[at]! |= QUEUED;
    this.#queue[(this.#queueHead + this.#queued) & this.#mask] = sequence;
    this.#queued += 1;
    return true;
  }

  /** The next that is to be sent again, or -1 where it is no longer in flight. There must be one. */
  unqueue(): number {
    const sequence = this.#queue[this.#queueHead]!;
    this.#queueHead = (this.#queueHead + 1) & this.#mask;
    this.#queued -= 1;
    if (!this.has(sequence)) return -1;
    this.#notes[this.#at(sequence)]! &= ~QUEUED;
    return sequence;
  }

  #at(sequence: number): number {
    return (this.#head + sequenceDistance(sequence, this.first)) & this.#mask;
  }

  #grow(): void {
    const old = this.#slots.length;
    const size = old * 2;
    this.#slots = unrolled(this.#slots, this.#head, new Int32Array(size));
    this.#stampsUs = unrolled(this.#stampsUs, this.#head, new Int32Array(size));
    this.#resentMs = unrolled(this.#resentMs, this.#head, new Int32Array(size));
    this.#notes = unrolled(this.#notes, this.#head, new Uint8Array(size));
    this.#queue = unrolled(this.#queue, this.#queueHead, new Int32Array(size));
    this.#mask = size - 1;
    this.#head = 0;
    this.#queueHead = 0;
  }
}

/** A ring's content, from its head on. */
const unrolled = <T extends Int32Array | Uint8Array>(ring: T, head: number, into: T): T => {
  into.set(ring.subarray(head));
  into.set(ring.subarray(0, head), ring.length - head);
  return into;
};
