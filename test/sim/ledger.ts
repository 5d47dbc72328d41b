import { Histogram } from './histogram.ts';
import { MASK, steps } from './srt-wire.ts';

const UNKNOWN = Number.NaN;
/** A receiver may need so long to get to know its links. */
const LEARNING_MS = 1_000;
/** What is at the node for longer than this before its time comes should have been played. */
const SWALLOWED_MS = 100;

/** What became of every sequence number of one SRT session. */
export class Ledger {
  readonly isn: number;
  /** SRT socket id of the server's side; 0 before it is known. */
  serverId = 0;
  /** First copies that the encoder has sent. */
  sent = 0;
  /** Of these numbers a first copy has reached the node. */
  reached = 0;
  /** R copies that the encoder has sent, and those of them that have reached the node. */
  repeats = 0;
  repeatsReached = 0;
  played = 0;
  playedTwice = 0;
  /** Played though never sent. */
  invented = 0;
  givenUp = 0;
  /** Given up by the server though they had been at the node for a while: the node, or the hop, has lost them. */
  swallowed = 0;
  /** Numbers that were asked for and whose first copy came all the same. */
  asked = 0;
  askedTooEarly = 0;
  /** Of these, asked for later than a second after the first packet had reached the node. */
  askedTooEarlyLater = 0;
  /** Handed to the server more than once. */
  handedTwice = 0;
  /** Node in → to libsrt, of each number's first way. */
  readonly hold = new Histogram();
  /** The lost packet would have arrived → the loss report leaves. */
  readonly toNak = new Histogram();

  #firstMs = 0;
  #newestArrived = -1;
  #firstReached = new Uint8Array(1 << 16);
  #plays = new Uint8Array(1 << 16);
  #arrivedMs = new Float64Array(1 << 16).fill(UNKNOWN);
  #dueMs = new Float64Array(1 << 16).fill(UNKNOWN);
  #askedMs = new Float64Array(1 << 16).fill(UNKNOWN);
  #handed = new Uint8Array(1 << 16);

  constructor(isn: number) {
    this.isn = isn;
  }

  indexOf(sequence: number): number {
    return steps(this.isn, sequence);
  }

  first(sequence: number): void {
    const index = this.indexOf(sequence);
    if (index >= this.#plays.length) this.#grow();
    this.sent = index + 1;
  }

  /** A first copy is lost on its way; it would have come at `dueMs`. */
  lost(sequence: number, dueMs: number): void {
    const index = this.indexOf(sequence);
    const known = this.#dueMs[index]!;
    this.#dueMs[index] = Number.isNaN(known) ? dueMs : Math.max(known, dueMs);
  }

  arrived(sequence: number, retransmitted: boolean, now: number): void {
    const index = this.indexOf(sequence);
    if (index < 0 || index >= this.sent) return;
    this.#newestArrived = Math.max(this.#newestArrived, index);
    if (this.#firstMs === 0) this.#firstMs = now;
    if (Number.isNaN(this.#arrivedMs[index]!)) this.#arrivedMs[index] = now;
    if (retransmitted || this.#firstReached[index] === 1) return;
    this.#firstReached[index] = 1;
    this.reached++;
    if (!Number.isNaN(this.#askedMs[index]!)) this.#tooEarly(index);
  }

  /** The number has come, in whatever copy. */
  hasArrived(sequence: number): boolean {
    return !Number.isNaN(this.#arrivedMs[this.indexOf(sequence)]!);
  }

  firstHasArrived(sequence: number): boolean {
    return this.#firstReached[this.indexOf(sequence)] === 1;
  }

  handedOver(sequence: number, now: number): void {
    const index = this.indexOf(sequence);
    if (index < 0 || index >= this.sent) return;
    if (this.#handed[index] === 1) this.handedTwice++;
    else {
      this.#handed[index] = 1;
      this.hold.add(now - this.#arrivedMs[index]!);
    }
  }

  /** The node has asked the encoder for this number. */
  reported(sequence: number, now: number): void {
    const index = this.indexOf(sequence);
    if (index < 0 || index >= this.sent || !Number.isNaN(this.#askedMs[index]!)) return;
    this.#askedMs[index] = now;
    this.asked++;
    if (this.#firstReached[index] === 1) this.#tooEarly(index);
    else if (!Number.isNaN(this.#dueMs[index]!)) this.toNak.add(now - this.#dueMs[index]!);
  }

  hasPlayed(index: number): boolean {
    return this.#plays[index]! > 0;
  }

  play(sequence: number): void {
    const index = this.indexOf(sequence);
    if (index < 0 || index >= this.sent) this.invented++;
    else if (this.#plays[index]! > 0) this.playedTwice++;
    else {
      this.#plays[index] = 1;
      this.played++;
    }
  }

  /** The server has played on without these numbers. */
  giveUp(firstSequence: number, count: number, now: number): void {
    this.givenUp += count;
    const first = this.indexOf(firstSequence);
    for (let index = first; index < first + count; index++) {
      if (now - this.#arrivedMs[index]! > SWALLOWED_MS) this.swallowed++;
    }
  }

  /** Never played, though something behind it has reached the node: of a lost end no receiver can know. */
  get lostAtPlayer(): number {
    return this.#newestArrived + 1 - this.played;
  }

  #tooEarly(index: number): void {
    this.askedTooEarly++;
    if (this.#askedMs[index]! - this.#firstMs > LEARNING_MS) this.askedTooEarlyLater++;
  }

  #grow(): void {
    const size = this.#plays.length * 2;
    const bytes = (from: Uint8Array): Uint8Array<ArrayBuffer> => {
      const to = new Uint8Array(size);
      to.set(from);
      return to;
    };
    const times = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(size).fill(UNKNOWN);
      to.set(from);
      return to;
    };
    this.#firstReached = bytes(this.#firstReached);
    this.#plays = bytes(this.#plays);
    this.#handed = bytes(this.#handed);
    this.#arrivedMs = times(this.#arrivedMs);
    this.#dueMs = times(this.#dueMs);
    this.#askedMs = times(this.#askedMs);
  }
}

/** `count` numbers from `first` on, round the circle. */
export const sequenceAt = (first: number, offset: number): number => (first + offset) & MASK;
