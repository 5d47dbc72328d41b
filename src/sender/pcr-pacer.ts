import type { Millis } from '../shared/clock.ts';
import { MessageBuilder, TS_PACKET_BYTES } from './ts-framer.ts';

const PCR_PER_MS = 27_000;
/** 33 bits at 90 kHz, times 300. */
const PCR_MODULUS = 2 ** 33 * 300;
/** A larger step between two PCRs is a cut in the file, not a gap in time. */
const MAX_PCR_STEP_MS: Millis = 2_000;
/** So many packets without a PCR, and the fallback rate takes over. */
const MAX_UNTIMED_PACKETS = 20_000;

/** The program clock reference of a packet, in 27 MHz ticks, with its PID; undefined where it carries none (ISO 13818-1 §2.4.3.5). */
export const readPcr = (packet: Uint8Array): { pid: number; ticks: number; discontinuity: boolean } | undefined => {
  const hasAdaptation = (packet[3]! & 0x20) !== 0;
  if (!hasAdaptation || packet[4]! < 7 || (packet[5]! & 0x10) === 0) return undefined;
  const base = packet[6]! * 2 ** 25 + (packet[7]! << 17) + (packet[8]! << 9) + (packet[9]! << 1) + (packet[10]! >> 7);
  const extension = ((packet[10]! & 1) << 8) | packet[11]!;
  return {
    pid: ((packet[1]! & 0x1f) << 8) | packet[2]!,
    ticks: base * 300 + extension,
    discontinuity: (packet[5]! & 0x80) !== 0,
  };
};

export interface TimedMessage {
  readonly bytes: Uint8Array;
  /** From the start of the file; never decreasing. */
  readonly dueMs: Millis;
}

/**
 * Gives each message of an MPEG-TS file the time at which a live encoder would have sent it: packets are spread evenly between the
 * PCRs of the first PID that has them. Across a cut, and where there is no PCR, packets go at the rate last seen or the fallback.
 */
export class PcrPacer {
  readonly #builder = new MessageBuilder();
  #untimed: Uint8Array[] = [];
  #ready: TimedMessage[] = [];
  #pid: number | undefined;
  #lastTicks = 0;
  #dueMs: Millis = 0;
  #msPerPacket: Millis;

  constructor(fallbackKbps: number) {
    this.#msPerPacket = (TS_PACKET_BYTES * 8) / fallbackKbps;
  }

  push(packet: Uint8Array): void {
    this.#untimed.push(packet);
    const pcr = readPcr(packet);
    if (pcr !== undefined && (this.#pid === undefined || this.#pid === pcr.pid)) this.#onPcr(pcr);
    else if (this.#untimed.length >= MAX_UNTIMED_PACKETS) this.#spread(this.#untimed.length * this.#msPerPacket);
  }

  /** The file has ended: what is left gets its times too. */
  end(): void {
    this.#spread(this.#untimed.length * this.#msPerPacket);
    const last = this.#builder.flush();
    if (last !== undefined) this.#ready.push({ bytes: last, dueMs: this.#dueMs });
  }

  /** Messages whose time is known, in order; each is returned once. */
  take(): TimedMessage[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #onPcr(pcr: { pid: number; ticks: number; discontinuity: boolean }): void {
    const first = this.#pid === undefined;
    const stepMs = ((pcr.ticks - this.#lastTicks + PCR_MODULUS) % PCR_MODULUS) / PCR_PER_MS;
    this.#pid = pcr.pid;
    this.#lastTicks = pcr.ticks;
    // What precedes the first PCR (tables, mostly) goes at once.
    if (first) this.#spread(0);
    else if (pcr.discontinuity || stepMs > MAX_PCR_STEP_MS) this.#spread(this.#untimed.length * this.#msPerPacket);
    else {
      this.#msPerPacket = stepMs / this.#untimed.length;
      this.#spread(stepMs);
    }
  }

  #spread(spanMs: Millis): void {
    const start = this.#dueMs;
    const count = this.#untimed.length;
    for (let i = 0; i < count; i++) {
      this.#dueMs = start + (spanMs * (i + 1)) / count;
      const message = this.#builder.add(this.#untimed[i]!);
      if (message !== undefined) this.#ready.push({ bytes: message, dueMs: this.#dueMs });
    }
    this.#untimed = [];
  }
}
