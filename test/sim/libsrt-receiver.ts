import { FreshLosses } from './fresh-losses.ts';
import { LossList } from './loss-list.ts';
import { RoundTrip } from './round-trip.ts';
import { CONTROL, control, controlOf, eachLoss, MASK, R_BIT, readU32, steps } from './srt-wire.ts';

const RING = 1 << 16;
const LIGHT_ACK_PACKETS = 64;
const KEEPALIVE_MS = 1_000;
const IDLE_MS = 5_000;
/** What fits into one loss report of a 1500-byte packet. */
const MAX_NAK_WORDS = 364;
const FREE_PACKETS = 8_192;

export interface LibsrtReceiverOptions {
  /** The encoder's initial sequence number. */
  readonly isn: number;
  readonly peerId: number;
  readonly latencyMs: number;
  /** SRTO_LOSSMAXTTL of the listener. */
  readonly maxReorderTolerance: number;
  /** False: no loss report ever leaves (somebody else asks). */
  readonly reportsLosses: boolean;
  /** When the conclusion arrived, and what its header said. */
  readonly conclusionMs: number;
  readonly conclusionUs: number;
}

export interface LibsrtReceiverOutput {
  /** A datagram for the encoder; kept by nobody here. */
  send(bytes: Uint8Array): void;
  /** The payload with this sequence number is played. */
  play(sequence: number): void;
  /** These payloads come too late or never. */
  giveUp(firstSequence: number, count: number, now: number): void;
}

/** Steps of an SRT live receiver as libsrt 1.5 takes them (SRT specification §3, SLS specification §5.1), on a fake clock. */
export class LibsrtReceiver {
  readonly #options: LibsrtReceiverOptions;
  readonly #out: LibsrtReceiverOutput;
  readonly #losses = new LossList();
  readonly #fresh: FreshLosses;
  readonly #rtt = new RoundTrip();
  readonly #stored = new Uint8Array(RING);
  readonly #playMs = new Float64Array(RING);
  readonly #startMs: number;
  /** Index of the next packet to play. Indexes count from the initial sequence number. */
  #base = 0;
  /** The highest that has arrived. */
  #current = -1;
  /** Encoder's clock, unwrapped, against the clock here. */
  #lastUs: number;
  #elapsedUs = 0;
  #timeBaseMs: number;
  #driftMs = 0;
  #driftSum = 0;
  #driftSamples = 0;
  #ackNumber = 0;
  #lastAck = 0;
  #lastAckAcked = 0;
  #lastAckMs = Number.NEGATIVE_INFINITY;
  readonly #ackTimes = new Float64Array(1_024).fill(Number.NaN);
  readonly #ackNumbers = new Int32Array(1_024);
  readonly #ackIndexes = new Float64Array(1_024);
  #sinceFullAck = 0;
  #lightAcks = 1;
  #nextNakMs: number;
  #nakIntervalMs = 150;
  #lastSentMs: number;
  #lastHeardMs: number;
  /** The first that is stored; when it plays, whoever is missing before it. */
  #dueIndex = Number.POSITIVE_INFINITY;
  #dueMs = Number.POSITIVE_INFINITY;
  /** Packets from before the head: too late, or copies. */
  belated = 0;
  duplicates = 0;
  receivedPackets = 0;
  lossReports = 0;
  closed = false;

  constructor(options: LibsrtReceiverOptions, out: LibsrtReceiverOutput) {
    this.#options = options;
    this.#out = out;
    this.#fresh = new FreshLosses(options.maxReorderTolerance);
    this.#startMs = options.conclusionMs;
    this.#timeBaseMs = options.conclusionMs;
    this.#lastUs = options.conclusionUs | 0;
    this.#nextNakMs = options.conclusionMs + this.#nakIntervalMs;
    this.#lastSentMs = options.conclusionMs;
    this.#lastHeardMs = options.conclusionMs;
  }

  get smoothedRttMs(): number {
    return this.#rtt.smoothedMs;
  }

  get peerId(): number {
    return this.#options.peerId;
  }

  /** It is played or given up. */
  hasPassed(sequence: number): boolean {
    return steps((this.#options.isn + this.#base) & MASK, sequence) < 0;
  }

  /** Packets that are stored or awaited. */
  get spanPackets(): number {
    return this.#current - this.#base + 1;
  }

  receive(bytes: Uint8Array, now: number): void {
    if (this.closed) return;
    this.#lastHeardMs = now;
    this.advance(now);
    if (bytes[0]! < 0x80) this.#data(bytes, now);
    else this.#control(bytes, now);
  }

  /** Every 10 ms, as libsrt's own timers. */
  tick(now: number): void {
    this.advance(now);
    if (this.closed) return;
    if (now - this.#lastHeardMs > IDLE_MS) {
      this.closed = true;
      return;
    }
    this.#fullAck(now);
    this.#periodicNak(now);
    if (now - this.#lastSentMs >= KEEPALIVE_MS)
      this.#send(control(CONTROL.keepalive, 0, this.#clock(now), this.#peer), now);
  }

  /** Plays what is due. The session's end does not stop it. */
  advance(now: number): void {
    while (now >= this.#dueMs) {
      const head = this.#dueIndex;
      if (head > this.#base) {
        this.#out.giveUp((this.#options.isn + this.#base) & MASK, head - this.#base, now);
        this.#losses.dropBefore(head);
        this.#fresh.dropBefore(head);
      }
      this.#out.play((this.#options.isn + head) & MASK);
      this.#stored[head & (RING - 1)] = 0;
      this.#base = head + 1;
      this.#findDue();
    }
  }

  get #peer(): number {
    return this.#options.peerId;
  }

  #findDue(): void {
    for (let index = this.#base; index <= this.#current; index++) {
      if (this.#stored[index & (RING - 1)] === 0) continue;
      this.#dueIndex = index;
      this.#dueMs = this.#playMs[index & (RING - 1)]!;
      return;
    }
    this.#dueIndex = Number.POSITIVE_INFINITY;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  #data(bytes: Uint8Array, now: number): void {
    this.receivedPackets++;
    const { isn } = this.#options;
    const word0 = readU32(bytes, 0);
    const index = this.#base + steps((isn + this.#base) & MASK, word0);
    const retransmitted = (readU32(bytes, 4) & R_BIT) !== 0;
    if (++this.#sinceFullAck >= LIGHT_ACK_PACKETS * this.#lightAcks) this.#lightAck(now);
    if (index < this.#base) {
      this.belated++;
      return;
    }
    if (index - this.#base >= FREE_PACKETS) return;
    const slot = index & (RING - 1);
    if (index <= this.#current && this.#stored[slot] === 1) {
      this.duplicates++;
      return;
    }
    this.#stored[slot] = 1;
    this.#playMs[slot] = this.#timeBaseMs + this.#sourceMs(bytes) + this.#options.latencyMs + this.#driftMs;
    if (index < this.#dueIndex) {
      this.#dueIndex = index;
      this.#dueMs = this.#playMs[slot]!;
    }
    this.#place(index, retransmitted, now);
    if (this.#fresh.review()) this.#report(this.#fresh.dueFirsts, this.#fresh.dueLasts, now);
  }

  #place(index: number, retransmitted: boolean, now: number): void {
    if (index === this.#current + 1) this.#fresh.inOrder();
    if (index > this.#current) {
      const first = this.#current + 1;
      this.#current = index;
      if (index === first) return;
      this.#losses.append(first, index - 1);
      if (this.#fresh.tolerance > 0) this.#fresh.add(first, index - 1);
      else this.#report([first], [index - 1], now);
      return;
    }
    this.#losses.remove(index);
    this.#fresh.arrived(index, this.#current - index, retransmitted);
  }

  /** Encoder's clock since the conclusion. */
  #sourceMs(bytes: Uint8Array): number {
    const us = readU32(bytes, 8) | 0;
    const difference = (us - this.#lastUs) | 0;
    const elapsedUs = this.#elapsedUs + difference;
    if (difference > 0) {
      this.#elapsedUs = elapsedUs;
      this.#lastUs = us;
    }
    return elapsedUs / 1_000;
  }

  #control(bytes: Uint8Array, now: number): void {
    const type = controlOf(bytes);
    if (type === CONTROL.ackAck) this.#ackAck(bytes, now);
    else if (type === CONTROL.shutdown) this.closed = true;
    else if (type === CONTROL.dropRequest && bytes.length >= 24) {
      const { isn } = this.#options;
      const first = this.#base + steps((isn + this.#base) & MASK, readU32(bytes, 16));
      const last = this.#base + steps((isn + this.#base) & MASK, readU32(bytes, 20));
      if (first > last || last - this.#base > FREE_PACKETS) return;
      for (let index = Math.max(first, this.#base); index <= Math.min(last, this.#current); index++) {
        this.#losses.remove(index);
        this.#fresh.forget(index);
      }
    }
  }

  #ackAck(bytes: Uint8Array, now: number): void {
    const number = readU32(bytes, 4) | 0;
    const slot = number & 1_023;
    if (this.#ackNumbers[slot] !== number || Number.isNaN(this.#ackTimes[slot]!)) return;
    const rttMs = now - this.#ackTimes[slot]!;
    this.#ackTimes[slot] = Number.NaN;
    if (this.#ackIndexes[slot]! > this.#lastAckAcked) this.#lastAckAcked = this.#ackIndexes[slot]!;
    this.#rtt.sample(rttMs);
    this.#drift(now - (this.#timeBaseMs + this.#sourceMs(bytes)) - (rttMs - this.#rtt.firstMs) / 2);
  }

  /** libsrt's drift tracer: the mean of 1000 samples; what exceeds ±5 ms moves the time base. */
  #drift(sampleMs: number): void {
    this.#driftSum += sampleMs;
    if (++this.#driftSamples < 1_000) return;
    this.#driftMs = this.#driftSum / this.#driftSamples;
    this.#driftSum = 0;
    this.#driftSamples = 0;
    if (Math.abs(this.#driftMs) <= 5) return;
    const overMs = this.#driftMs > 0 ? 5 : -5;
    this.#driftMs -= overMs;
    this.#timeBaseMs += overMs;
  }

  /** The first that is missing. */
  get #next(): number {
    const { firsts } = this.#losses;
    return firsts.length > 0 ? firsts[0]! : Math.max(this.#current + 1, this.#base);
  }

  #fullAck(now: number): void {
    const next = this.#next;
    if (next <= this.#lastAckAcked) return;
    const { smoothedMs, variationMs } = this.#rtt;
    if (next === this.#lastAck && now - this.#lastAckMs < smoothedMs + 4 * variationMs) return;
    this.#lastAck = next;
    this.#lastAckMs = now;
    this.#sinceFullAck = 0;
    this.#lightAcks = 1;
    const number = ++this.#ackNumber;
    const slot = number & 1_023;
    this.#ackNumbers[slot] = number;
    this.#ackTimes[slot] = now;
    this.#ackIndexes[slot] = next;
    const sequence = (this.#options.isn + next) & MASK;
    const body = [sequence, smoothedMs * 1_000, variationMs * 1_000, FREE_PACKETS, 570, 1_000, 750_000];
    this.#send(control(CONTROL.ack, number, this.#clock(now), this.#peer, body), now);
  }

  #lightAck(now: number): void {
    this.#lightAcks++;
    const sequence = (this.#options.isn + this.#next) & MASK;
    this.#send(control(CONTROL.ack, 0, this.#clock(now), this.#peer, [sequence]), now);
  }

  #periodicNak(now: number): void {
    if (this.#losses.length === 0) this.#nextNakMs = now + this.#nakIntervalMs;
    else if (now > this.#nextNakMs) {
      this.#report(this.#losses.firsts, this.#losses.lasts, now);
      this.#nextNakMs = now + this.#nakIntervalMs;
    }
  }

  #report(firsts: readonly number[], lasts: readonly number[], now: number): void {
    const { smoothedMs, variationMs } = this.#rtt;
    this.#nakIntervalMs = Math.max(20, (smoothedMs + 4 * variationMs) / 2);
    if (!this.#options.reportsLosses) return;
    const body: number[] = [];
    for (let i = 0; i < firsts.length && body.length + 2 <= MAX_NAK_WORDS; i++) {
      const first = (this.#options.isn + firsts[i]!) & MASK;
      if (firsts[i] === lasts[i]) body.push(first);
      else body.push((first | 0x80000000) >>> 0, (this.#options.isn + lasts[i]!) & MASK);
    }
    this.lossReports++;
    this.#send(control(CONTROL.nak, 0, this.#clock(now), this.#peer, body), now);
  }

  #clock(now: number): number {
    return (now - this.#startMs) * 1_000;
  }

  #send(bytes: Uint8Array, now: number): void {
    this.#lastSentMs = now;
    this.#out.send(bytes);
  }
}

/** Words of a loss report, for those who count. */
export const countLosses = (nak: Uint8Array): number => {
  let count = 0;
  eachLoss(nak, (first, last) => {
    count += steps(first, last) + 1;
  });
  return count;
};
