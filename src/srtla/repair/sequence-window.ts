import type { Millis } from '../../shared/clock.ts';

/** Sequence numbers that are remembered: 4 s at 45 Mbit/s, half a minute at 6. */
export const WINDOW_PACKETS = 16_384;
const MASK = WINDOW_PACKETS - 1;

/**
 * What is known of a sequence number. `givenUp`: nobody waits for it any more. From `arrived` on it is there; `repaired`: as a
 * retransmission, and its original may still come.
 */
export const STATE = { missing: 0, asked: 1, givenUp: 2, arrived: 3, repaired: 4 } as const;

/** `a - b` on the circle of 31-bit sequence numbers: positive where `a` is the later one. */
export const sequenceDistance = (a: number, b: number): number => ((a - b) << 1) >> 1;
export const sequencePlus = (sequence: number, steps: number): number => (sequence + steps) & 0x7fffffff;

/**
 * The last 16,384 sequence numbers of a session up to the newest that has arrived: the state of each, who brought it, and when the
 * encoder stamped it.
 */
export class SequenceWindow {
  /** The newest that has arrived; before the first packet the one before it. */
  newest: number;
  /** Nothing before it is waited for: the first of the session, or of the window. */
  #first: number;
  readonly #states = new Uint8Array(WINDOW_PACKETS);
  /** `Link.number` of the link that brought it, or is blamed for its loss; 0 = unknown. */
  readonly #carriers = new Uint8Array(WINDOW_PACKETS);
  readonly #sentMs = new Float64Array(WINDOW_PACKETS);

  /** `first`: the sequence number of the first packet. */
  constructor(first: number) {
    this.#first = first;
    this.newest = sequencePlus(first, -1);
  }

  /** The oldest that is remembered. */
  get oldest(): number {
    const span = Math.min(sequenceDistance(this.newest, this.#first) + 1, WINDOW_PACKETS);
    return sequencePlus(this.newest, 1 - span);
  }

  /** Not newer than the newest, not older than the oldest. */
  has(sequence: number): boolean {
    const age = sequenceDistance(this.newest, sequence);
    return age >= 0 && age < WINDOW_PACKETS && sequenceDistance(sequence, this.#first) >= 0;
  }

  /** Moves on to `sequence`, which has arrived; what lies between is missing. It must be newer, by less than the window. */
  advance(sequence: number): void {
    const missing = sequenceDistance(sequence, this.newest) - 1;
    if (missing > 0) this.#clear(sequencePlus(this.newest, 1) & MASK, missing);
    this.newest = sequence;
    // The beginning moves along: half a circle away it would seem to lie ahead.
    if (sequenceDistance(sequence, this.#first) >= WINDOW_PACKETS)
      this.#first = sequencePlus(sequence, 1 - WINDOW_PACKETS);
  }

  #clear(from: number, count: number): void {
    const end = from + count;
    this.#states.fill(STATE.missing, from, end);
    this.#carriers.fill(0, from, end);
    if (end <= WINDOW_PACKETS) return;
    this.#states.fill(STATE.missing, 0, end - WINDOW_PACKETS);
    this.#carriers.fill(0, 0, end - WINDOW_PACKETS);
  }

  /** Forgets everything: the session goes on with `first`. */
  restart(first: number): void {
    this.#first = first;
    this.newest = sequencePlus(first, -1);
  }

  stateOf(sequence: number): number {
    return this.#states[sequence & MASK]!;
  }

  set(sequence: number, state: number): void {
    this.#states[sequence & MASK] = state;
  }

  carrierOf(sequence: number): number {
    return this.#carriers[sequence & MASK]!;
  }

  setCarrier(sequence: number, link: number): void {
    this.#carriers[sequence & MASK] = link;
  }

  /** Of one that has arrived, on the encoder's clock. */
  sentMsOf(sequence: number): Millis {
    return this.#sentMs[sequence & MASK]!;
  }

  setSentMs(sequence: number, sentMs: Millis): void {
    this.#sentMs[sequence & MASK] = sentMs;
  }

  /** The first after `sequence` that has arrived. There must be one. */
  nextArrived(sequence: number): number {
    let next = sequencePlus(sequence, 1);
    while (next !== this.newest && this.#states[next & MASK]! < STATE.arrived) next = sequencePlus(next, 1);
    return next;
  }
}
