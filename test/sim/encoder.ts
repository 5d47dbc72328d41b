/** An SRT encoder on a fake clock: takes what comes from the bond, sends into it. */
export interface SimEncoder {
  /** A datagram from the bonded sender. */
  receive(bytes: Uint8Array, now: number): void;
  /** Does what is due. */
  tick(now: number): void;
  /** When `tick` is to be called next. */
  nextMs(now: number): number;
  /** No further payloads; what was sent is still repaired. */
  finish(): void;
  readonly connected: boolean;
  readonly totals: EncoderTotals;
}

export interface EncoderTotals {
  /** First copies. */
  sentPackets: number;
  /** With the R bit. */
  retransmittedPackets: number;
  /** Given up by the encoder itself: too old. */
  droppedPackets: number;
  /** SRT sessions begun. */
  sessions: number;
}

export interface EncoderOutput {
  /** The bytes stay as they are for as long as a sender holds them. */
  send(bytes: Uint8Array): void;
  /** A session begins with this initial sequence number. */
  begin(isn: number): void;
  /** It is up. */
  accepted(isn: number): void;
  /** A payload goes out for the first time. */
  first(sequence: number): void;
}

export interface EncoderOptions {
  readonly kbps: number;
  readonly latencyMs: number;
  readonly streamId: string;
  readonly isn: number;
  /** What the header of the first packet says: the clock's start, µs, modulo 2³². */
  readonly timestampUs: number;
  /** The encoder's clock runs this much too fast. */
  readonly skewPpm: number;
  readonly random: () => number;
}

/** Payloads come from the multiplexer every so often, as many as the rate asks for, give or take. */
export class PayloadSource {
  static readonly burstMs = 15;
  readonly #perBurst: number;
  readonly #random: () => number;
  #due = 0;

  constructor(kbps: number, random: () => number) {
    this.#perBurst = (kbps * PayloadSource.burstMs) / 8 / 1_316;
    this.#random = random;
  }

  /** Packets of the burst that is due. */
  next(): number {
    this.#due += this.#perBurst * (0.7 + 0.6 * this.#random());
    const count = Math.floor(this.#due);
    this.#due -= count;
    return count;
  }
}
