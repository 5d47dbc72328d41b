import { Histogram } from './histogram.ts';
import { MASK, steps } from './srt-wire.ts';

const UNKNOWN = Number.NaN;

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
  /** Numbers that were asked for and whose first copy came all the same. */
  asked = 0;
  askedTooEarly = 0;
  /** Handed to the server more than once. */
  handedTwice = 0;
  /** Node in → to libsrt, of each number's first way. */
  readonly hold = new Histogram();
  /** The lost packet would have arrived → the loss report leaves. */
  readonly toNak = new Histogram();

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
    if (Number.isNaN(this.#arrivedMs[index]!)) this.#arrivedMs[index] = now;
    if (retransmitted || this.#firstReached[index] === 1) return;
    this.#firstReached[index] = 1;
    this.reached++;
    if (!Number.isNaN(this.#askedMs[index]!)) this.askedTooEarly++;
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
    if (this.#firstReached[index] === 1) this.askedTooEarly++;
    else if (!Number.isNaN(this.#dueMs[index]!)) this.toNak.add(now - this.#dueMs[index]!);
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

  /** Sent and never played. */
  get lostAtPlayer(): number {
    return this.sent - this.played;
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
