import {
  type EncoderOptions,
  type EncoderOutput,
  type EncoderTotals,
  PayloadSource,
  type SimEncoder,
} from './encoder.ts';
import { PacketPool } from './packet-pool.ts';
import {
  CONCLUSION,
  CONTROL,
  control,
  controlOf,
  eachLoss,
  handshake,
  INDUCTION,
  MASK,
  R_BIT,
  readU32,
  steps,
  streamIdExtension,
  writeHeader,
} from './srt-wire.ts';

const RING = 1 << 15;
const TURN_MS = 2;
const CONNECT_MS = 5_000;
const SILENT_MS = 5_000;
const RECONNECT_MS = 5_000;
const LARGEST_ISN = 10_000;
const MAX_LOSSES = 1_000;
/** Solo, in order, and always the same number. */
const MESSAGE = 0xe0000001;
const IN_FLIGHT_LATENCIES = 1.5;
const QUEUED_LATENCIES = 1.25;

/**
 * Moblin's own SRT sender (SRTLA specification §6.3): handshakes are never repeated, payloads leave in small turns each 2 ms, a packet
 * is repeated at most once per round trip, SHUTDOWN and rejections mean nothing to it.
 */
export class MoblinEncoder implements SimEncoder {
  readonly totals: EncoderTotals = { sentPackets: 0, retransmittedPackets: 0, droppedPackets: 0, sessions: 0 };
  readonly #options: EncoderOptions;
  readonly #out: EncoderOutput;
  readonly #source: PayloadSource;
  readonly #pool = new PacketPool();
  readonly #socketId: number;
  readonly #timestamps = new Int32Array(RING);
  readonly #sentMs = new Float64Array(RING);
  readonly #repeatedMs = new Float64Array(RING);
  /** Payloads that wait for their turn: when the multiplexer gave them. */
  #queue: number[] = [];
  /** Lost packets that wait for theirs, in the order in which they were reported. */
  readonly #losses = new Set<number>();
  #state: 'idle' | 'induction' | 'conclusion' | 'connected' = 'idle';
  #finished = false;
  #peerId = 0;
  #isn = 0;
  #next = 0;
  /** The first that is in flight. */
  #oldest = 0;
  #startMs = 0;
  #rttMs = 100;
  #nextBurstMs = 0;
  #deadlineMs = 0;
  #lastHeardMs = 0;

  constructor(options: EncoderOptions, out: EncoderOutput) {
    this.#options = options;
    this.#out = out;
    this.#source = new PayloadSource(options.kbps, options.random);
    // The same for every stream of a run of the app.
    this.#socketId = 1 + Math.floor(options.random() * 0x3ffffffe);
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  finish(): void {
    this.#finished = true;
  }

  nextMs(now: number): number {
    if (this.#state !== 'connected') return Math.max(now, this.#deadlineMs);
    return this.#queue.length + this.#losses.size > 0 ? Math.min(now + TURN_MS, this.#nextBurstMs) : this.#nextBurstMs;
  }

  tick(now: number): void {
    if (this.#state !== 'connected') {
      if (now < this.#deadlineMs) return;
      if (this.#finished) this.#deadlineMs = now + RECONNECT_MS;
      else if (this.#state === 'idle') this.#connect(now);
      else this.#giveUp(now);
      return;
    }
    if (now - this.#lastHeardMs > SILENT_MS) {
      this.#giveUp(now);
      return;
    }
    if (now >= this.#nextBurstMs) {
      this.#nextBurstMs += PayloadSource.burstMs;
      if (!this.#finished) for (let left = this.#source.next(); left > 0; left--) this.#queue.push(now);
      this.#dropTooLate(now);
    }
    this.#turn(now);
  }

  receive(bytes: Uint8Array, now: number): void {
    if (bytes.length < 16 || bytes[0]! < 0x80 || this.#state === 'idle') return;
    if (readU32(bytes, 12) !== this.#socketId) return;
    this.#lastHeardMs = now;
    const type = controlOf(bytes);
    if (type === CONTROL.handshake) this.#onHandshake(bytes, now);
    else if (this.#state !== 'connected') return;
    else if (type === CONTROL.ack) this.#onAck(bytes, now);
    else if (type === CONTROL.nak) this.#onNak(bytes);
    else if (type === CONTROL.keepalive)
      this.#out.send(control(CONTROL.keepalive, 0, this.#clock(now), this.#peerId, []));
  }

  #connect(now: number): void {
    this.totals.sessions++;
    this.#state = 'induction';
    this.#deadlineMs = now + CONNECT_MS;
    // Its own are small; a simulation that starts elsewhere has its reasons.
    const again = Math.floor(this.#options.random() * LARGEST_ISN);
    this.#isn = this.totals.sessions === 1 ? this.#options.isn : again;
    this.#next = this.#isn;
    this.#oldest = this.#isn;
    this.#startMs = now;
    this.#lastHeardMs = now;
    this.#queue = [];
    this.#losses.clear();
    this.#out.begin(this.#isn);
    this.#out.send(this.#handshake(now, 4, 2, INDUCTION, this.#socketId, 0));
  }

  #giveUp(now: number): void {
    this.#state = 'idle';
    this.#deadlineMs = now + RECONNECT_MS;
  }

  #handshake(
    now: number,
    version: number,
    fields: number,
    type: number,
    socketId: number,
    cookie: number,
    extensions: readonly number[] = [],
  ): Uint8Array {
    const timestampUs = this.#clock(now);
    return handshake({ version, fields, type, socketId, cookie, isn: this.#isn, to: 0, timestampUs, extensions });
  }

  #onHandshake(bytes: Uint8Array, now: number): void {
    const type = readU32(bytes, 36);
    const { latencyMs, streamId } = this.#options;
    if (type === INDUCTION) {
      // Each copy of the answer gets a conclusion.
      if (this.#state === 'connected') return;
      this.#state = 'conclusion';
      const hsreq = [(1 << 16) | 3, 0x00010503, 0xbf, (latencyMs << 16) | latencyMs];
      const extensions = [...hsreq, ...streamIdExtension(streamId)];
      // The id is what the answer says, not what it had asked with.
      this.#out.send(this.#handshake(now, 5, 5, CONCLUSION, readU32(bytes, 40), readU32(bytes, 44), extensions));
    } else if (type === CONCLUSION && this.#state === 'conclusion') {
      this.#peerId = readU32(bytes, 40);
      this.#state = 'connected';
      this.#nextBurstMs = now;
      this.#out.accepted(this.#isn);
    }
  }

  /** Lost ones first; a tenth of what waits, at least ten if there are as many. */
  #turn(now: number): void {
    const total = this.#losses.size + this.#queue.length;
    let left = Math.max(Math.floor(total / 10), Math.min(total, 10));
    for (const sequence of this.#losses) {
      if (left === 0) return;
      this.#losses.delete(sequence);
      if (this.#repeat(sequence, now)) left--;
    }
    const count = Math.min(left, this.#queue.length);
    for (let i = 0; i < count; i++) this.#sendNew(this.#queue[i]!, now);
    this.#queue.splice(0, count);
  }

  #sendNew(originMs: number, now: number): void {
    const sequence = this.#next;
    const slot = sequence & (RING - 1);
    const timestamp = this.#clock(originMs) | 0;
    this.#timestamps[slot] = timestamp;
    this.#sentMs[slot] = now;
    this.#repeatedMs[slot] = Number.NEGATIVE_INFINITY;
    this.#next = (sequence + 1) & MASK;
    const bytes = this.#pool.take();
    writeHeader(bytes, sequence, MESSAGE, timestamp, this.#peerId);
    this.totals.sentPackets++;
    this.#out.first(sequence);
    this.#out.send(bytes);
  }

  /** False where it is no longer in flight, or was repeated within the round trip. */
  #repeat(sequence: number, now: number): boolean {
    if (steps(this.#oldest, sequence) < 0 || steps(sequence, this.#next) < 1) return false;
    const slot = sequence & (RING - 1);
    if (now - this.#repeatedMs[slot]! < this.#rttMs) return false;
    this.#repeatedMs[slot] = now;
    const bytes = this.#pool.take();
    writeHeader(bytes, sequence, (MESSAGE | R_BIT) >>> 0, this.#timestamps[slot]!, this.#peerId);
    this.totals.retransmittedPackets++;
    this.#out.send(bytes);
    return true;
  }

  #onAck(bytes: Uint8Array, now: number): void {
    if (bytes.length < 20) return;
    const acknowledged = readU32(bytes, 16) & MASK;
    if (steps(this.#oldest, acknowledged) > 0 && steps(acknowledged, this.#next) >= 0) this.#oldest = acknowledged;
    const number = readU32(bytes, 4);
    if (number === 0) return;
    if (bytes.length >= 24) this.#rttMs = readU32(bytes, 20) / 1_000;
    this.#out.send(control(CONTROL.ackAck, number, this.#clock(now), this.#peerId));
  }

  #onNak(bytes: Uint8Array): void {
    eachLoss(bytes, (first, last) => {
      const count = steps(first, last) + 1;
      for (let i = 0; i < count && this.#losses.size < MAX_LOSSES; i++) this.#losses.add((first + i) & MASK);
    });
  }

  #dropTooLate(now: number): void {
    const { latencyMs } = this.#options;
    const queuedMs = QUEUED_LATENCIES * latencyMs;
    while (this.#queue.length > 0 && now - this.#queue[0]! > queuedMs) {
      this.#queue.shift();
      this.totals.droppedPackets++;
    }
    const flightMs = IN_FLIGHT_LATENCIES * latencyMs;
    while (this.#oldest !== this.#next && now - this.#sentMs[this.#oldest & (RING - 1)]! > flightMs) {
      this.#oldest = (this.#oldest + 1) & MASK;
      this.totals.droppedPackets++;
    }
  }

  /** µs; written modulo 2³². */
  #clock(now: number): number {
    const { timestampUs, skewPpm } = this.#options;
    return Math.floor((now - this.#startMs) * 1_000 * (1 + skewPpm / 1e6)) + timestampUs;
  }
}
