import type { Millis } from '../shared/clock.ts';
import { FOREVER, SRT_HEADER_BYTES, SRT_TYPE } from '../srtla/constants.ts';
import {
  ackNumber,
  controlType,
  DROP_REQUEST_BYTES,
  firstDropped,
  isFilterControl,
  isRetransmission,
  lastDropped,
  sequenceNumber,
  timestampUs,
} from '../srtla/srt-header.ts';
import { Acknowledger } from './acknowledger.ts';
import { LossList } from './loss-list.ts';
import { type Deadlines, LossReporter } from './loss-reporter.ts';
import { isPacket } from './packet.ts';
import type { PacketStore } from './packet-store.ts';
import { PayloadIntake } from './payload-intake.ts';
import { PeerLine } from './peer-line.ts';
import { RateMeter } from './rate-meter.ts';
import { ReceiveWindow } from './receive-window.ts';
import { ReorderTolerance } from './reorder-tolerance.ts';
import { sequenceDistance, sequencePlus } from './sequence.ts';
import { SmoothedRtt } from './smoothed-rtt.ts';
import { SourceClock } from './source-clock.ts';
import * as figure from './statistics.ts';
import type { PayloadDecipher, ReceiverOutbox } from './types.ts';

/** What a sender may always have in flight, however full the buffer: 0 stops libsrt's until another full ACK. */
const LEAST_FREE_PACKETS = 64;
/** So many packets in a row from outside the window, over so long, and the stream goes on there. */
const MOST_STRAYS = 32;
const STRAY_MS: Millis = 1_000;
/** Behind a gap there is a packet, but for those that could not be decrypted: it is not looked for without end. */
const NEAR_PACKETS = 64;

export interface ReceiverOptions {
  /** The publisher's socket id, as int32 or uint32. */
  readonly peerId: number;
  /** Of the handshake. */
  readonly firstSequence: number;
  /** The stamp in the header of the publisher's conclusion, µs, and when that came. */
  readonly conclusionStampUs: number;
  readonly conclusionMs: Millis;
  /** When our conclusion response went out. */
  readonly startMs: Millis;
  /** As agreed on. */
  readonly latencyMs: Millis;
  /** The publisher stamps for play times (TSBPDSND). Otherwise a packet is due when it comes. */
  readonly hasPlayTimes: boolean;
  /** Hands packets on as soon as all before them have come or are given up; otherwise at their play time. */
  readonly releaseAtArrival: boolean;
  /**
   * `own`: what is missing is asked for here. `upstream`: whoever hands the packets in does that, such as a bond, which knows what its
   * links can still bring.
   */
  readonly lossReports: 'own' | 'upstream';
  /** The most later packets that what is only late may be waited for; 0 = it is asked for at once. */
  readonly mostReorderPackets: number;
  /** A power of two. */
  readonly windowPackets: number;
  /** Absent = payloads are clear, and encrypted ones undecryptable. Present = clear ones are not accepted. */
  readonly decipher?: PayloadDecipher;
}

/**
 * What takes data from one publisher (SRT specification §3): puts packets in order, acknowledges them, asks for what is missing, gives up
 * what is too late and hands the rest on. Bytes from the network never make it throw, and never make it loop for longer than its window.
 */
export class SrtReceiver implements Deadlines {
  readonly line: PeerLine;
  readonly rtt = new SmoothedRtt();
  readonly #options: ReceiverOptions;
  readonly #store: PacketStore;
  readonly #out: ReceiverOutbox;
  readonly #clock: SourceClock;
  readonly #intake: PayloadIntake;
  readonly #window: ReceiveWindow;
  readonly #losses = new LossList();
  readonly #tolerance: ReorderTolerance;
  readonly #rates: RateMeter;
  readonly #acks: Acknowledger;
  readonly #reporter: LossReporter;
  readonly #atArrival: boolean;
  readonly #asks: boolean;
  #strays = 0;
  readonly #strayMs = new Float64Array(1);
  readonly #figures = figure.newFigures();

  constructor(options: ReceiverOptions, store: PacketStore, out: ReceiverOutbox, now: Millis) {
    const { peerId, firstSequence } = options;
    this.#options = options;
    this.#store = store;
    this.#out = out;
    this.line = new PeerLine(peerId, options.startMs, out, now);
    this.#clock = new SourceClock(options.conclusionStampUs, options.conclusionMs);
    this.#intake = new PayloadIntake(store, options.hasPlayTimes ? this.#clock : undefined, options.decipher);
    this.#window = new ReceiveWindow(options.windowPackets, firstSequence);
    this.#tolerance = new ReorderTolerance(options.mostReorderPackets);
    this.#rates = new RateMeter(now);
    this.#acks = new Acknowledger(this.line, this.rtt, this.#rates, firstSequence);
    this.#reporter = new LossReporter(
      peerId,
      this.#losses,
      this.line,
      this.rtt,
      this.#tolerance,
      this,
      options.latencyMs,
    );
    this.#atArrival = options.releaseAtArrival || !options.hasPlayTimes;
    this.#asks = options.lossReports === 'own';
  }

  /** A data packet of the publisher's, whole. */
  data(packet: Uint8Array, now: Millis): void {
    if (!isPacket(packet)) return;
    const figures = this.#figures;
    const bytes = packet.length - SRT_HEADER_BYTES;
    this.line.heard(now);
    figures[figure.RECEIVED]! += 1;
    figures[figure.RECEIVED_BYTES]! += bytes;
    // A packet filter's own: it has no sequence number of its own.
    if (isFilterControl(packet)) return;
    const again = isRetransmission(packet);
    if (again) figures[figure.RECEIVED_AGAIN]! += 1;
    const window = this.#window;
    const sequence = sequenceNumber(packet);
    const ahead = sequenceDistance(sequence, window.base);
    if (ahead < 0 && ahead > -window.capacity) {
      figures[figure.RECEIVED_LATE]! += 1;
      return;
    }
    if (ahead < 0 || ahead >= window.capacity) {
      if (!this.#isElsewhere(now)) return;
      this.#restart(sequence);
    }
    this.#strays = 0;
    if (!this.#note(sequence, again, now)) return;
    this.#keep(packet, sequence, bytes, now);
    if (this.#asks) this.#reporter.arrived(window.newest, now);
    if (this.#atArrival) this.#release(now);
    this.#acks.packet(this.#next(), now);
  }

  /** A control packet of the publisher's. Returns false for those that are not a receiver's concern: handshakes, keys, the end. */
  control(packet: Uint8Array, now: Millis): boolean {
    if (!isPacket(packet)) return true;
    this.line.heard(now);
    const type = controlType(packet);
    if (type === SRT_TYPE.ackAck) {
      if (!this.#acks.confirmed(ackNumber(packet), now)) return true;
      if (this.#options.hasPlayTimes) this.#clock.sample(timestampUs(packet), this.rtt.ms, now);
      return true;
    }
    if (type === SRT_TYPE.dropRequest) {
      if (packet.length >= DROP_REQUEST_BYTES) this.#dropped(firstDropped(packet), lastDropped(packet), now);
      return true;
    }
    return type === SRT_TYPE.keepalive;
  }

  /** To be called every 10 ms at least, while the connection lasts. */
  tick(now: Millis): void {
    this.#release(now);
    if (this.#asks) this.#reporter.tick(now);
    this.#acks.tick(this.#next(), Math.max(LEAST_FREE_PACKETS, this.#window.freePackets), now);
    this.#rates.tick(this.#figures[figure.RECEIVED]!, this.#figures[figure.RECEIVED_BYTES]!, now);
    this.line.tick(now);
  }

  /** Hands on what is due: all that goes on behind the end of the connection. Returns whether anything is left. */
  release(now: Millis): boolean {
    this.#release(now);
    return this.#window.count > 0;
  }

  /** Hands on what there is, without regard to its time, and gives up the rest. */
  finish(): void {
    const window = this.#window;
    while (window.count > 0) {
      const slot = window.shift();
      if (slot >= 0) this.#deliver(slot);
    }
    this.#figures[figure.RECEIVE_DROPPED]! += this.#losses.packets;
    this.#losses.clear();
  }

  /** Writes `SRT_STATS_FIELDS` in order. */
  stats(out: Float64Array, now: Millis): void {
    const figures = this.#figures;
    const window = this.#window;
    const first = window.nextSlot(sequencePlus(window.base, -1), window.capacity);
    const last = window.count === 0 ? -1 : this.#newestSlot();
    figures[figure.RTT_MS] = this.rtt.ms;
    figures[figure.RECEIVE_RATE_MBPS] = figure.mbpsOf(this.#rates.packetsPerSecond, this.#rates.bytesPerSecond);
    figures[figure.RECEIVE_LOST] = this.#asks ? this.#reporter.lostPackets : figures[figure.RECEIVE_LOST]!;
    figures[figure.NAKS_SENT] = this.#reporter.naksSent;
    figures[figure.RECEIVE_BUFFER_MS] =
      first < 0 ? 0 : Math.max(0, this.#store.sourceMsOf(last) - this.#store.sourceMsOf(first));
    figures[figure.RECEIVE_BUFFER_PACKETS] = window.count;
    figures[figure.RECEIVE_LATENCY_MS] = this.#options.latencyMs;
    figures[figure.UPTIME_MS] = now - this.#options.startMs;
    figures[figure.REORDER_TOLERANCE_PACKETS] = this.#tolerance.packets;
    figure.writeReceived(figures, out, window.freePackets);
  }

  get latencyMs(): Millis {
    return this.#options.latencyMs;
  }

  /** Data packets that have come, whatever became of them. */
  get receivedPackets(): number {
    return this.#figures[figure.RECEIVED]!;
  }

  /** Data that came and could not be decrypted, clear packets where there is a key included. */
  get undecryptablePackets(): number {
    return this.#intake.undecryptable;
  }

  /** The most later packets that an original was behind. */
  get reorderDistancePackets(): number {
    return this.#tolerance.largestDistance;
  }

  get driftMs(): Millis {
    return this.#clock.driftMs;
  }

  neededMs(sequence: number): Millis {
    return this.#dueMs(this.#window.nextSlot(sequence, NEAR_PACKETS));
  }

  #dueMs(slot: number): Millis {
    return slot < 0 ? FOREVER : this.#store.sourceMsOf(slot) + this.#options.latencyMs;
  }

  /** The first number that has neither come nor been given up. */
  #next(): number {
    return this.#losses.count > 0 ? this.#losses.firstOf(0) : sequencePlus(this.#window.newest, 1);
  }

  /** A packet of the window has come. False where it had before. */
  #note(sequence: number, again: boolean, now: Millis): boolean {
    const window = this.#window;
    const step = sequenceDistance(sequence, window.newest);
    if (step > 0) {
      if (step > 1) this.#gap(sequencePlus(window.newest, 1), sequencePlus(sequence, -1), sequence, now);
      window.newest = sequence;
      if (!again) this.#tolerance.inOrder();
      return true;
    }
    if (window.has(sequence)) return false;
    if (this.#losses.remove(sequence) && !again) this.#tolerance.late(-step);
    return true;
  }

  #gap(first: number, last: number, newest: number, now: Millis): void {
    if (this.#asks) {
      this.#reporter.gap(first, last, newest, now);
      return;
    }
    this.#losses.append(first, last, newest, now);
    this.#figures[figure.RECEIVE_LOST]! += sequenceDistance(last, first) + 1;
  }

  /** Into the store. What cannot be used has come all the same: it is acknowledged, and its place stays empty. */
  #keep(packet: Uint8Array, sequence: number, bytes: number, now: Millis): void {
    if (bytes === 0) return;
    const slot = this.#intake.take(packet, sequence, now);
    if (slot < 0) {
      this.#figures[figure.RECEIVE_DROPPED]! += 1;
      return;
    }
    this.#figures[figure.RECEIVED_UNIQUE]! += 1;
    this.#figures[figure.RECEIVED_UNIQUE_BYTES]! += bytes;
    this.#window.put(sequence, slot);
  }

  /** Hands on what is due. */
  #release(now: Millis): void {
    const window = this.#window;
    const losses = this.#losses;
    while (sequenceDistance(window.newest, window.base) >= 0) {
      const slot = window.slotOf(window.base);
      if (slot >= 0) {
        if (!this.#atArrival && this.#dueMs(slot) > now) return;
        window.shift();
        this.#deliver(slot);
      } else if (losses.count > 0 && losses.firstOf(0) === window.base) {
        const last = losses.lastOf(0);
        if (this.#dueMs(window.nextSlot(last, window.capacity)) > now) return;
        this.#giveUp(losses.firstOf(0), last);
      } else window.shift();
    }
  }

  #deliver(slot: number): void {
    // Whoever plays it on counts from the time when it was released.
    if (!this.#atArrival) this.#store.setSourceMs(slot, this.#dueMs(slot));
    this.#out.deliver(slot);
  }

  /** Nobody waits for these any more. */
  #giveUp(first: number, last: number): void {
    this.#figures[figure.RECEIVE_DROPPED]! += this.#losses.removeRange(first, last);
  }

  /** The publisher will not send these any more. It is believed as far as they are missing: what lies ahead may come yet. */
  #dropped(first: number, last: number, now: Millis): void {
    if (sequenceDistance(last, first) < 0) return;
    this.#giveUp(first, last);
    if (this.#atArrival) this.#release(now);
  }

  #newestSlot(): number {
    const window = this.#window;
    let sequence = window.newest;
    while (!window.has(sequence)) sequence = sequencePlus(sequence, -1);
    return window.slotOf(sequence);
  }

  /** One more packet from outside the window. True where there have been nothing but such ones for a while. */
  #isElsewhere(now: Millis): boolean {
    if (this.#strays === 0) this.#strayMs[0] = now;
    this.#strays += 1;
    return this.#strays >= MOST_STRAYS && now - this.#strayMs[0]! >= STRAY_MS;
  }

  /** What had come is still good. */
  #restart(sequence: number): void {
    this.finish();
    this.#window.restart(sequence);
    this.#acks.restart(sequence);
  }
}
