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
  hsExtension,
  INDUCTION,
  MASK,
  R_BIT,
  readU32,
  steps,
  streamIdExtension,
  writeHeader,
} from './srt-wire.ts';

const RING = 1 << 15;
const HANDSHAKE_MS = 250;
const KEEPALIVE_MS = 1_000;
const IDLE_MS = 5_000;
const RECONNECT_MS = 1_000;
const ACKACK_MS = 10;
const MESSAGE = 0xe0000000;

/**
 * An SRT caller that sends live, as libsrt 1.5 does (SRT specification §1, §4): handshakes repeated each 250 ms, a retransmission
 * for each NAK unless it went out within the last round trip less four variations (SRTO_RETRANSMITALGO 1), too-late drop.
 */
export class LibsrtEncoder implements SimEncoder {
  readonly totals: EncoderTotals = { sentPackets: 0, retransmittedPackets: 0, droppedPackets: 0, sessions: 0 };
  readonly #options: EncoderOptions;
  readonly #out: EncoderOutput;
  readonly #source: PayloadSource;
  readonly #pool = new PacketPool();
  readonly #timestamps = new Int32Array(RING);
  readonly #sentMs = new Float64Array(RING);
  readonly #repeatedMs = new Float64Array(RING);
  #state: 'idle' | 'induction' | 'conclusion' | 'connected' = 'idle';
  #finished = false;
  #socketId = 0;
  #peerId = 0;
  #cookie = 0;
  #isn = 0;
  /** The next new sequence number, and the first that is not acknowledged. */
  #next = 0;
  #acknowledged = 0;
  #messageNumber = 1;
  #startMs = 0;
  #rttMs = 100;
  #variationMs = 50;
  #window = 8_192;
  #nextBurstMs = 0;
  #nextHandshakeMs = 0;
  #lastSentMs = 0;
  #lastHeardMs = 0;
  #lastAckAckMs = Number.NEGATIVE_INFINITY;
  #lastAckNumber = -1;
  #connectAtMs = 0;

  constructor(options: EncoderOptions, out: EncoderOutput) {
    this.#options = options;
    this.#out = out;
    this.#source = new PayloadSource(options.kbps, options.random);
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  finish(): void {
    this.#finished = true;
  }

  nextMs(now: number): number {
    if (this.#state === 'connected') return this.#nextBurstMs;
    return this.#state === 'idle' ? Math.max(now, this.#connectAtMs) : this.#nextHandshakeMs;
  }

  tick(now: number): void {
    if (this.#state === 'idle') {
      if (now >= this.#connectAtMs && !this.#finished) this.#connect(now);
      else if (this.#finished) this.#connectAtMs = now + IDLE_MS;
      return;
    }
    if (this.#state !== 'connected') {
      if (now >= this.#nextHandshakeMs) this.#sayHello(now);
      return;
    }
    if (now - this.#lastHeardMs > IDLE_MS) {
      this.#state = 'idle';
      this.#connectAtMs = now + RECONNECT_MS;
      return;
    }
    if (now < this.#nextBurstMs) return;
    this.#nextBurstMs += PayloadSource.burstMs;
    if (!this.#finished) {
      this.#dropTooLate(now);
      for (let left = this.#source.next(); left > 0; left--) this.#sendNew(now);
    }
    if (now - this.#lastSentMs >= KEEPALIVE_MS) this.#control(CONTROL.keepalive, 0, now);
  }

  receive(bytes: Uint8Array, now: number): void {
    if (bytes.length < 16 || bytes[0]! < 0x80 || this.#state === 'idle') return;
    if (readU32(bytes, 12) !== this.#socketId) return;
    this.#lastHeardMs = now;
    const type = controlOf(bytes);
    if (type === CONTROL.handshake) this.#onHandshake(bytes, now);
    else if (this.#state !== 'connected') return;
    else if (type === CONTROL.ack) this.#onAck(bytes, now);
    else if (type === CONTROL.nak) this.#onNak(bytes, now);
    else if (type === CONTROL.shutdown) {
      this.#state = 'idle';
      this.#connectAtMs = now + RECONNECT_MS;
    }
  }

  #connect(now: number): void {
    this.totals.sessions++;
    this.#state = 'induction';
    this.#socketId = (1 + Math.floor(this.#options.random() * 0x3ffffffe)) >>> 0;
    this.#isn = this.totals.sessions === 1 ? this.#options.isn : Math.floor(this.#options.random() * MASK);
    this.#next = this.#isn;
    this.#acknowledged = this.#isn;
    this.#messageNumber = 1;
    this.#startMs = now;
    this.#lastHeardMs = now;
    this.#repeatedMs.fill(Number.NEGATIVE_INFINITY);
    this.#out.begin(this.#isn);
    this.#sayHello(now);
  }

  #sayHello(now: number): void {
    this.#nextHandshakeMs = now + HANDSHAKE_MS;
    this.#lastSentMs = now;
    const common = { isn: this.#isn, socketId: this.#socketId, to: 0, timestampUs: this.#clock(now) };
    const { latencyMs, streamId } = this.#options;
    this.#out.send(
      this.#state === 'induction'
        ? handshake({ ...common, version: 4, fields: 2, type: INDUCTION, cookie: 0 })
        : handshake({
            ...common,
            version: 5,
            fields: 5,
            type: CONCLUSION,
            cookie: this.#cookie,
            extensions: [...hsExtension(1, latencyMs), ...streamIdExtension(streamId)],
          }),
    );
  }

  #onHandshake(bytes: Uint8Array, now: number): void {
    const type = readU32(bytes, 36);
    if (type === INDUCTION && this.#state === 'induction') {
      this.#cookie = readU32(bytes, 44);
      this.#state = 'conclusion';
      this.#sayHello(now);
    } else if (type === CONCLUSION && this.#state === 'conclusion') {
      this.#peerId = readU32(bytes, 40);
      this.#state = 'connected';
      this.#nextBurstMs = now;
      this.#out.accepted(this.#isn);
    } else if (type >= 1_000 && type !== CONCLUSION) {
      this.#state = 'idle';
      this.#connectAtMs = now + RECONNECT_MS;
    }
  }

  #sendNew(now: number): void {
    if (steps(this.#acknowledged, this.#next) >= this.#window) return;
    const sequence = this.#next;
    const slot = sequence & (RING - 1);
    const timestamp = this.#clock(now) | 0;
    this.#timestamps[slot] = timestamp;
    this.#sentMs[slot] = now;
    this.#repeatedMs[slot] = Number.NEGATIVE_INFINITY;
    this.#next = (sequence + 1) & MASK;
    const bytes = this.#pool.take();
    writeHeader(bytes, sequence, (MESSAGE | this.#messageNumber) >>> 0, timestamp, this.#peerId);
    this.#messageNumber = this.#messageNumber === 0x03ffffff ? 1 : this.#messageNumber + 1;
    this.totals.sentPackets++;
    this.#lastSentMs = now;
    this.#out.first(sequence);
    this.#out.send(bytes);
  }

  #onAck(bytes: Uint8Array, now: number): void {
    if (bytes.length < 20) return;
    const acknowledged = readU32(bytes, 16) & MASK;
    const ahead = steps(this.#acknowledged, acknowledged);
    if (ahead > 0 && steps(acknowledged, this.#next) >= 0) this.#acknowledged = acknowledged;
    const number = readU32(bytes, 4);
    if (number === 0) return;
    if (bytes.length >= 32) {
      this.#rttMs = readU32(bytes, 20) / 1_000;
      this.#variationMs = readU32(bytes, 24) / 1_000;
      this.#window = readU32(bytes, 28);
    }
    if (now - this.#lastAckAckMs <= ACKACK_MS && number !== this.#lastAckNumber) return;
    this.#lastAckAckMs = now;
    this.#lastAckNumber = number;
    this.#control(CONTROL.ackAck, number, now);
  }

  #onNak(bytes: Uint8Array, now: number): void {
    eachLoss(bytes, (first, last) => {
      const count = steps(first, last) + 1;
      if (count < 1 || steps(last, this.#next) < 1) return;
      const discarded = Math.min(count, steps(first, this.#acknowledged));
      if (discarded > 0) {
        this.#control(CONTROL.dropRequest, 0, now, [first, (first + discarded - 1) & MASK]);
      }
      for (let i = Math.max(0, discarded); i < count; i++) this.#repeat((first + i) & MASK, now);
    });
  }

  #repeat(sequence: number, now: number): void {
    const slot = sequence & (RING - 1);
    if (this.#repeatedMs[slot]! >= now - (this.#rttMs - 4 * this.#variationMs)) return;
    this.#repeatedMs[slot] = now;
    const bytes = this.#pool.take();
    const message = 1 + (steps(this.#isn, sequence) % 0x03ffffff);
    writeHeader(bytes, sequence, (MESSAGE | R_BIT | message) >>> 0, this.#timestamps[slot]!, this.#peerId);
    this.totals.retransmittedPackets++;
    this.#lastSentMs = now;
    this.#out.send(bytes);
  }

  /** The sender's half of TLPKTDROP: what is older than the latency, at least a second, is forgotten. */
  #dropTooLate(now: number): void {
    const limitMs = Math.max(this.#options.latencyMs, 1_000) + 20;
    while (this.#acknowledged !== this.#next && now - this.#sentMs[this.#acknowledged & (RING - 1)]! > limitMs) {
      this.#acknowledged = (this.#acknowledged + 1) & MASK;
      this.totals.droppedPackets++;
    }
  }

  #control(type: number, word: number, now: number, body?: readonly number[]): void {
    this.#lastSentMs = now;
    this.#out.send(control(type, word, this.#clock(now), this.#peerId, body));
  }

  /** µs; written modulo 2³². */
  #clock(now: number): number {
    const { timestampUs, skewPpm } = this.#options;
    return Math.floor((now - this.#startMs) * 1_000 * (1 + skewPpm / 1e6)) + timestampUs;
  }
}
