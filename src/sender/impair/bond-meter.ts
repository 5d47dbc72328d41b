import type { Millis } from '../../shared/clock.ts';
import { readU32 } from '../../srtla/bytes.ts';
import { SRT_HEADER_BYTES } from '../../srtla/constants.ts';
import { isRetransmission, sequenceNumber } from '../../srtla/srt-header.ts';
import { readType, SEQUENCE_MASK, sequenceBefore, TYPE } from '../wire.ts';

/** Two minutes at 6 Mbit/s. */
const SLOTS = 1 << 16;
/** A range in a NAK that names more than libsrt's flow window is nonsense. */
const LONGEST_RANGE = 8_192;
/** libsrt's light ACK has nothing but the next expected number. */
const LIGHT_ACK_BYTES = SRT_HEADER_BYTES + 4;
const EMPTY = -1;

const STATE = { lost: 0, arrived: 1, repaired: 2 } as const;

/** One sequence number whose first copy did not reach the receiver. */
export interface BondLoss {
  /** From the encoder to when it would have arrived. */
  delayMs: Millis;
  /** From when it would have arrived to when the first NAK that names it left the receiver; below 0 = it was asked for too early. */
  nakMs: Millis | undefined;
}

export interface BondReport {
  /** Since the first data packet. */
  forMs: Millis;
  /** Sequence numbers. `lost`: no first copy reached the receiver. */
  firstCopies: { sent: number; lost: number };
  /** Data packets with the R bit that the encoder sent, and those of them that did not reach the receiver. */
  retransmissions: { sent: number; lost: number };
  /** retransmissions.sent ÷ (firstCopies.lost + retransmissions.lost); undefined where nothing was lost. */
  ratio: number | undefined;
  nak: {
    /** NAK packets that the receiver sent, copies on several links counted each. */
    packets: number;
    /** Sequence numbers in them. */
    numbers: number;
    /** Those of them of which a copy had arrived already … */
    arrived: number;
    /** … or was on its way and would arrive. */
    onTheWay: number;
  };
  /** SRT ACKs that the receiver sent, copies on several links counted each. */
  ack: { full: number; light: number };
  /** Those of the last 65,536 sequence numbers that a link had taken. */
  losses: BondLoss[];
}

/**
 * Watches one bonded SRT stream between encoder and links, where what gets lost is known: how much was sent again for how much that
 * was lost, and how long after a loss the receiver asked. Sans-IO; the owner tells it of each datagram in turn.
 */
export class BondMeter {
  readonly #sequence = new Int32Array(SLOTS).fill(EMPTY);
  readonly #state = new Uint8Array(SLOTS);
  readonly #sentMs = new Float64Array(SLOTS);
  /** When the first copy arrives or would have arrived; NaN where no link took it. */
  readonly #dueMs = new Float64Array(SLOTS);
  /** When the first retransmission that gets through arrives. */
  readonly #repairMs = new Float64Array(SLOTS);
  /** When the first NAK that names it left the receiver. */
  readonly #nakMs = new Float64Array(SLOTS);
  #firstMs: Millis = Number.NaN;
  #sent = 0;
  #lost = 0;
  #again = 0;
  #againArrived = 0;
  readonly #nak = { packets: 0, numbers: 0, arrived: 0, onTheWay: 0 };
  readonly #ack = { full: 0, light: 0 };

  /** A datagram of the encoder, before it is given to a link. */
  fromEncoder(datagram: Uint8Array, now: Millis): void {
    if (!isData(datagram)) return;
    if (Number.isNaN(this.#firstMs)) this.#firstMs = now;
    if (isRetransmission(datagram)) {
      this.#again++;
      return;
    }
    const sequence = sequenceNumber(datagram);
    const slot = sequence % SLOTS;
    if (this.#sequence[slot] === sequence) return;
    this.#sequence[slot] = sequence;
    this.#state[slot] = STATE.lost;
    this.#sentMs[slot] = now;
    this.#dueMs[slot] = Number.NaN;
    this.#nakMs[slot] = Number.NaN;
    this.#sent++;
    // Until a link delivers it.
    this.#lost++;
  }

  /** A link has taken a datagram, which arrives, or would have arrived, at `dueMs`. */
  onLink(datagram: Uint8Array, arrives: boolean, dueMs: Millis): void {
    if (!isData(datagram)) return;
    const again = isRetransmission(datagram);
    if (again && arrives) this.#againArrived++;
    const slot = this.#slotOf(sequenceNumber(datagram));
    if (slot < 0) return;
    if (again) {
      if (!arrives || this.#state[slot] !== STATE.lost) return;
      this.#state[slot] = STATE.repaired;
      this.#repairMs[slot] = dueMs;
    } else if (arrives && this.#state[slot] !== STATE.arrived) {
      this.#state[slot] = STATE.arrived;
      this.#dueMs[slot] = dueMs;
      this.#lost--;
    } else if (!arrives && Number.isNaN(this.#dueMs[slot]!)) this.#dueMs[slot] = dueMs;
  }

  /** A datagram that has left the receiver just now, whether it reaches the sender or not. */
  fromReceiver(datagram: Uint8Array, now: Millis): void {
    const type = readType(datagram);
    if (type === TYPE.srtAck) {
      if (datagram.length > LIGHT_ACK_BYTES) this.#ack.full++;
      else this.#ack.light++;
    } else if (type === TYPE.srtNak) this.#onNak(datagram, now);
  }

  report(now: Millis): BondReport {
    const againLost = this.#again - this.#againArrived;
    const due = this.#lost + againLost;
    return {
      forMs: Number.isNaN(this.#firstMs) ? 0 : now - this.#firstMs,
      firstCopies: { sent: this.#sent, lost: this.#lost },
      retransmissions: { sent: this.#again, lost: againLost },
      ratio: due === 0 ? undefined : this.#again / due,
      nak: { ...this.#nak },
      ack: { ...this.#ack },
      losses: this.#losses(),
    };
  }

  #onNak(datagram: Uint8Array, now: Millis): void {
    this.#nak.packets++;
    for (let at = SRT_HEADER_BYTES; at + 4 <= datagram.length; at += 4) {
      const word = readU32(datagram, at);
      if (word <= SEQUENCE_MASK) {
        this.#asked(word, now);
        continue;
      }
      at += 4;
      if (at + 4 > datagram.length) return;
      const last = readU32(datagram, at) & SEQUENCE_MASK;
      let sequence = word & SEQUENCE_MASK;
      for (let i = 0; i < LONGEST_RANGE && !sequenceBefore(last, sequence); i++) {
        this.#asked(sequence, now);
        sequence = (sequence + 1) & SEQUENCE_MASK;
      }
    }
  }

  #asked(sequence: number, now: Millis): void {
    this.#nak.numbers++;
    const slot = this.#slotOf(sequence);
    if (slot < 0) return;
    if (this.#state[slot] !== STATE.lost) {
      const arrivalMs = this.#state[slot] === STATE.arrived ? this.#dueMs[slot]! : this.#repairMs[slot]!;
      if (arrivalMs <= now) this.#nak.arrived++;
      else this.#nak.onTheWay++;
    }
    if (Number.isNaN(this.#nakMs[slot]!)) this.#nakMs[slot] = now;
  }

  #losses(): BondLoss[] {
    const losses: BondLoss[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#sequence[slot] === EMPTY || this.#state[slot] === STATE.arrived) continue;
      const dueMs = this.#dueMs[slot]!;
      const nakMs = this.#nakMs[slot]!;
      if (Number.isNaN(dueMs)) continue;
      losses.push({ delayMs: dueMs - this.#sentMs[slot]!, nakMs: Number.isNaN(nakMs) ? undefined : nakMs - dueMs });
    }
    return losses;
  }

  #slotOf(sequence: number): number {
    const slot = sequence % SLOTS;
    return this.#sequence[slot] === sequence ? slot : -1;
  }
}

const isData = (datagram: Uint8Array): boolean => datagram.length >= SRT_HEADER_BYTES && datagram[0]! < 0x80;
