import type { Millis } from '../shared/clock.ts';
import { readI32 } from '../srtla/bytes.ts';
import { NEVER, SRT_HEADER_BYTES, SRT_TYPE } from '../srtla/constants.ts';
import { ACK_BYTES, ackNumber, controlType } from '../srtla/srt-header.ts';
import {
  ACK_WITH_RTT_BYTES,
  ackBufferPackets,
  ackRttUs,
  ackRttVariationUs,
  MOST_NAK_RANGES,
  readNak,
} from './control-packet.ts';
import { isPacket, KEY, LARGEST_MESSAGE_NUMBER, messageWord, writeDataHeader } from './packet.ts';
import type { PacketStore } from './packet-store.ts';
import { PeerLine } from './peer-line.ts';
import { RateMeter } from './rate-meter.ts';
import { SendBudget } from './send-budget.ts';
import { SendBuffer } from './send-buffer.ts';
import { earlierSequence, LARGEST_SEQUENCE, laterSequence, sequenceDistance, sequencePlus } from './sequence.ts';
import { SmoothedRtt } from './smoothed-rtt.ts';
import * as figure from './statistics.ts';
import type { SenderOutbox } from './types.ts';

/** What is older than the player's latency, but at least so old, is given up. */
const LEAST_KEPT_MS: Millis = 1_000;
const KEPT_MARGIN_MS: Millis = 20;
/** A source time that runs back or ahead by more is none: a player would wait for it, or throw it away. */
const MOST_STEP_MS: Millis = 1_000;
const ACK_ACK_EVERY_MS: Millis = 10;
/** What an ACK tells of the round trip before its sender has measured it, µs. */
const FIRST_RTT_US = 100_000;
const FIRST_VARIATION_US = 50_000;
/** On top of the round trip, before all is sent again to a peer that does not repeat its NAKs. */
const SILENCE_MARGIN_MS: Millis = 20;

/**
 * With so many round trips left until it is played, another copy costs less than waiting for the last one's fate for certain: it is sent
 * after one round trip, if those are steady, and where two were lost already after this share of one.
 */
const URGENT_ROUND_TRIPS = 3;
const LAST_SHARE = 0.5;

const NEWEST_SOURCE = 0;
const ACK_ACK = 1;
const PROGRESS = 2;

export interface SenderOptions {
  /** The player's socket id, as int32 or uint32. */
  readonly peerId: number;
  /** Of the handshake. */
  readonly firstSequence: number;
  /** When our conclusion response, whose stamp was 0, went out. */
  readonly startMs: Millis;
  /** As agreed on. */
  readonly latencyMs: Millis;
  /** As the player's conclusion says. */
  readonly flowWindowPackets: number;
  /** What may lie unacknowledged. */
  readonly bufferPackets: number;
  /** TLPKTDROP: what is too late for the player is given up. Otherwise it is kept until there is no more room. */
  readonly dropsTooLate: boolean;
  /** NAKREPORT: the player repeats its NAKs. Otherwise silence makes us send again. */
  readonly peerRepeatsNaks: boolean;
}

/**
 * What brings a stream to one player (SRT specification §4). Payloads stay in the stream's store, one copy for all players; a sender knows
 * which it has sent, and under which number. Bytes from the network never make it throw, nor loop for longer than its buffer.
 */
export class SrtSender {
  readonly line: PeerLine;
  readonly rtt = new SmoothedRtt();
  /** The key that new packets are encrypted with: one of `KEY`. */
  key: number = KEY.clear;
  readonly #options: SenderOptions;
  readonly #store: PacketStore;
  readonly #out: SenderOutbox;
  readonly #buffer: SendBuffer;
  readonly #budget = new SendBudget();
  readonly #rates: RateMeter;
  readonly #header = new Uint8Array(SRT_HEADER_BYTES);
  readonly #ranges = new Int32Array(2 * MOST_NAK_RANGES);
  readonly #throttlesMs = new Int32Array(3);
  readonly #times: Float64Array;
  #keptUs = 0;
  #delayUs = 0;
  readonly #figures = figure.newFigures();
  #flowWindow: number;
  #confirmedAck = 0;
  /** Rounds of sending everything again since the last progress. */
  #rounds = 1;

  constructor(options: SenderOptions, store: PacketStore, out: SenderOutbox, now: Millis) {
    this.#options = options;
    this.#store = store;
    this.#out = out;
    this.line = new PeerLine(options.peerId, options.startMs, out, now);
    this.#buffer = new SendBuffer(options.bufferPackets, options.firstSequence);
    this.#rates = new RateMeter(now);
    this.#times = Float64Array.of(NEVER, NEVER, now);
    this.#keepFor(options.latencyMs);
    this.#flowWindow = options.flowWindowPackets;
  }

  /** So much later than its source time and the latency say is played what is offered from now on. */
  set delayMs(delayMs: Millis) {
    this.#delayUs = Math.round(delayMs * 1_000);
    this.#keepFor(this.#options.latencyMs + delayMs);
  }

  /** A packet of the stream, in its order. It is held until it is acknowledged or given up. False where there is no room for it. */
  offer(slot: number, now: Millis): boolean {
    if (!this.#buffer.push(slot, this.#stampUs(this.#store.sourceMsOf(slot), now), this.key)) {
      this.#figures[figure.SEND_DROPPED]! += 1;
      return false;
    }
    this.#store.hold(slot);
    if (this.#options.dropsTooLate) this.#dropTooLate();
    this.#flush(now);
    return true;
  }

  /** A control packet of the player's. Returns false for those that are not a sender's concern: handshakes, keys, the end. */
  control(packet: Uint8Array, now: Millis): boolean {
    if (!isPacket(packet)) return true;
    this.line.heard(now);
    const type = controlType(packet);
    if (type === SRT_TYPE.ack) {
      if (packet.length >= ACK_BYTES) this.#acknowledged(packet, now);
      return true;
    }
    if (type === SRT_TYPE.nak) {
      this.#asked(packet, now);
      return true;
    }
    return type === SRT_TYPE.keepalive;
  }

  /** To be called every 10 ms at least, while the connection lasts. */
  tick(now: Millis): void {
    if (!this.#options.peerRepeatsNaks) this.#repeatAfterSilence(now);
    this.#flush(now);
    this.#rates.tick(this.#figures[figure.SENT]!, this.#figures[figure.SENT_BYTES]!, now);
    this.line.tick(now);
  }

  /** Lets go of everything. */
  close(): void {
    while (this.#buffer.count > 0) this.#store.release(this.#buffer.shift());
  }

  /** Writes `SRT_STATS_FIELDS` in order. */
  stats(out: Float64Array, now: Millis): void {
    const figures = this.#figures;
    figures[figure.RTT_MS] = this.rtt.ms;
    figures[figure.SEND_RATE_MBPS] = figure.mbpsOf(this.#rates.packetsPerSecond, this.#rates.bytesPerSecond);
    figures[figure.SEND_BUFFER_MS] = Math.max(0, this.#buffer.spanUs / 1_000);
    figures[figure.SEND_BUFFER_PACKETS] = this.#buffer.count;
    figures[figure.SEND_LATENCY_MS] = this.#options.latencyMs;
    figures[figure.FLIGHT_PACKETS] = this.#buffer.inFlight;
    figures[figure.UPTIME_MS] = now - this.#options.startMs;
    figure.writeSent(figures, out);
  }

  /** Packets that are neither acknowledged nor given up. */
  get unacknowledgedPackets(): number {
    return this.#buffer.count;
  }

  /** Of the source, on the clock that the player was told; a source that jumps is replaced by now. */
  #stampUs(sourceMs: Millis, now: Millis): number {
    const times = this.#times;
    const { startMs } = this.#options;
    const isPlausible = sourceMs <= now + MOST_STEP_MS && sourceMs >= times[NEWEST_SOURCE]! - MOST_STEP_MS;
    // Before the start it would be 71 minutes ahead.
    const usedMs = Math.max(startMs, isPlausible ? sourceMs : now);
    times[NEWEST_SOURCE] = Math.max(times[NEWEST_SOURCE]!, usedMs);
    return ((usedMs - startMs) * 1_000 + this.#delayUs) | 0;
  }

  #keepFor(playedAfterMs: Millis): void {
    this.#keptUs = (Math.max(playedAfterMs, LEAST_KEPT_MS) + KEPT_MARGIN_MS) * 1_000;
  }

  #dropTooLate(): void {
    const buffer = this.#buffer;
    while (buffer.spanUs > this.#keptUs) {
      this.#store.release(buffer.shift());
      this.#figures[figure.SEND_DROPPED]! += 1;
    }
  }

  #acknowledged(ack: Uint8Array, now: Millis): void {
    const buffer = this.#buffer;
    const next = readI32(ack, SRT_HEADER_BYTES);
    // Of what was never sent it cannot know.
    if (next < 0 || sequenceDistance(next, buffer.next) > 0) return;
    const number = ackNumber(ack);
    if (number !== 0) this.#confirm(number, now);
    const newly = sequenceDistance(next, buffer.first);
    if (newly < 0) return;
    for (let i = 0; i < newly; i++) this.#store.release(buffer.shift());
    if (newly > 0) {
      this.#times[PROGRESS] = now;
      this.#rounds = 1;
    }
    if (number === 0) this.#flowWindow = Math.max(0, this.#flowWindow - newly);
    else if (ack.length >= ACK_WITH_RTT_BYTES) this.#learn(ack);
    this.#flush(now);
  }

  #learn(ack: Uint8Array): void {
    this.#flowWindow = Math.max(0, ackBufferPackets(ack));
    const rttUs = ackRttUs(ack);
    const variationUs = ackRttVariationUs(ack);
    if (rttUs <= 0 || variationUs < 0 || (rttUs === FIRST_RTT_US && variationUs === FIRST_VARIATION_US)) return;
    this.rtt.take(rttUs / 1_000, variationUs / 1_000);
  }

  #confirm(number: number, now: Millis): void {
    const times = this.#times;
    if (number !== this.#confirmedAck && now - times[ACK_ACK]! < ACK_ACK_EVERY_MS - 1) return;
    this.#confirmedAck = number;
    times[ACK_ACK] = now;
    this.line.send(this.line.write.ackAck(number, this.line.stampUs(now)), now);
  }

  #asked(nak: Uint8Array, now: Millis): void {
    const buffer = this.#buffer;
    const ranges = this.#ranges;
    const { bufferPackets } = this.#options;
    const count = readNak(nak, ranges);
    this.#figures[figure.NAKS_RECEIVED]! += 1;
    const before = sequencePlus(buffer.first, -1);
    const newest = sequencePlus(buffer.next, -1);
    const nowMs = now | 0;
    const rttMs = this.rtt.ms;
    const throttlesMs = this.#throttlesMs;
    // What was sent less than a round trip ago, or a little more, is on its way.
    throttlesMs[0] = Math.ceil(rttMs + this.rtt.variationMs);
    throttlesMs[1] = this.rtt.isSteady ? rttMs : throttlesMs[0];
    throttlesMs[2] = rttMs * LAST_SHARE;
    const urgentUs = (this.line.stampUs(now) - (this.#options.latencyMs - URGENT_ROUND_TRIPS * rttMs) * 1_000) | 0;
    let left = buffer.inFlight;
    let asked = 0;
    let firstGone = -1;
    let lastGone = -1;
    for (let i = 0; i < count; i++) {
      const first = ranges[2 * i]!;
      // Never sent, or longer ago than anything that may be asked for.
      const age = sequenceDistance(newest, first);
      if (age < 0 || age > 2 * bufferPackets) continue;
      const last = earlierSequence(ranges[2 * i + 1]!, newest);
      if (sequenceDistance(first, before) <= 0) {
        const gone = earlierSequence(last, before);
        firstGone = firstGone < 0 ? first : earlierSequence(first, firstGone);
        lastGone = lastGone < 0 ? gone : laterSequence(gone, lastGone);
      }
      // Ranges that overlap, as no receiver's do, are not gone through again and again.
      for (let each = laterSequence(first, buffer.first); left > 0 && sequenceDistance(last, each) >= 0; left--) {
        if (buffer.ask(each, nowMs, throttlesMs, urgentUs)) asked += 1;
        each = sequencePlus(each, 1);
      }
    }
    this.#figures[figure.SEND_LOST]! += asked;
    // All in between is gone as well.
    if (firstGone >= 0) this.line.send(this.line.write.dropRequest(firstGone, lastGone, this.line.stampUs(now)), now);
    this.#flush(now);
  }

  /** The peer may have lost something without saying so, as it promises to do only once. */
  #repeatAfterSilence(now: Millis): void {
    const buffer = this.#buffer;
    if (buffer.inFlight === 0) {
      this.#times[PROGRESS] = now;
      return;
    }
    const patienceMs = this.#rounds * (this.rtt.patienceMs + SILENCE_MARGIN_MS) + ACK_ACK_EVERY_MS;
    if (now - this.#times[PROGRESS]! <= patienceMs) return;
    this.#times[PROGRESS] = now;
    this.#rounds += 1;
    for (let i = 0; i < buffer.inFlight; i++) buffer.queue(sequencePlus(buffer.first, i));
  }

  /** Sends what is asked for, then what waits, as far as it may. */
  #flush(now: Millis): void {
    const buffer = this.#buffer;
    if (!buffer.hasQueued && buffer.pending === 0) return;
    const budget = this.#budget;
    budget.refill(now);
    while (buffer.hasQueued && !budget.isEmpty) {
      const sequence = buffer.unqueue();
      if (sequence < 0) continue;
      buffer.resent(sequence, now | 0);
      this.#figures[figure.SENT_AGAIN]! += 1;
      this.#send(sequence, true, now);
    }
    while (buffer.pending > 0 && buffer.inFlight < this.#flowWindow && !budget.isEmpty) {
      this.#send(buffer.launch(), false, now);
    }
  }

  #send(sequence: number, again: boolean, now: Millis): void {
    const buffer = this.#buffer;
    const { firstSequence, peerId } = this.#options;
    const slot = buffer.slotOf(sequence);
    const message = (((sequence - firstSequence) & LARGEST_SEQUENCE) % LARGEST_MESSAGE_NUMBER) + 1;
    const word = messageWord(message, buffer.keyOf(sequence), again);
    writeDataHeader(this.#header, sequence, word, buffer.stampUsOf(sequence), peerId);
    this.#budget.take();
    this.#figures[figure.SENT]! += 1;
    this.#figures[figure.SENT_BYTES]! += this.#store.lengthOf(slot) - SRT_HEADER_BYTES;
    this.line.sent(now);
    this.#out.data(this.#header, slot);
  }
}
