import type { Millis } from '../shared/clock.ts';
import type { InsideServer } from '../shared/inside-server.ts';
import { LARGEST_PAYLOAD_BYTES } from '../srt/packet.ts';
import { SRT_HEADER_BYTES } from '../srtla/constants.ts';
import { SlotViews } from '../srtla/slot-views.ts';

/** A power of two. They are taken after each batch: a few ACKs for each stream. */
const SLOTS = 256;
const SLOT_BYTES = SRT_HEADER_BYTES + LARGEST_PAYLOAD_BYTES;
const ADDRESS_BYTES = 8;

/** Numbers of peers: whatever comes by UDP has one of 0 and above. */
export const insidePeer = (session: number): number => -1 - session;
const sessionOf = (peer: number): number => -1 - peer;

export interface InsideIntake {
  /** @param address of `peer`, as bytes */
  receive(packet: Uint8Array, peer: number, address: Uint8Array, now: Millis): void;
}

/** The engine's end of a way that has no socket. What it sends is copied into a ring; where that is full it is lost, as on any other way. */
export class InsideWay implements InsideServer {
  onWaiting: () => void = () => {};
  readonly #intake: InsideIntake;
  readonly #memory = new Uint8Array(SLOTS * SLOT_BYTES);
  readonly #views = new SlotViews(this.#memory, SLOTS, SLOT_BYTES);
  readonly #lengths = new Int32Array(SLOTS);
  readonly #sessions = new Float64Array(SLOTS);
  readonly #open = new Set<number>();
  readonly #address = new Uint8Array(ADDRESS_BYTES);
  readonly #addressNumber = new Float64Array(this.#address.buffer);
  #head = 0;
  #count = 0;

  constructor(intake: InsideIntake) {
    this.#intake = intake;
  }

  open(session: number): void {
    this.#open.add(session);
  }

  close(session: number): void {
    this.#open.delete(session);
  }

  receive(session: number, packet: Uint8Array, now: Millis): void {
    if (!this.#open.has(session)) return;
    this.#addressNumber[0] = session;
    this.#intake.receive(packet, insidePeer(session), this.#address, now);
  }

  /** A packet of the engine's to one of these peers. */
  put(peer: number, header: Uint8Array): void {
    if (this.#count === SLOTS || header.length > SLOT_BYTES) return;
    const slot = (this.#head + this.#count) & (SLOTS - 1);
    this.#memory.set(header, slot * SLOT_BYTES);
    this.#lengths[slot] = header.length;
    this.#sessions[slot] = sessionOf(peer);
    this.#count += 1;
  }

  /** Packets wait, and nobody is about to take them. */
  announce(): void {
    if (this.#count > 0) this.onWaiting();
  }

  take(out: (session: number, packet: Uint8Array) => void): void {
    while (this.#count > 0) {
      const slot = this.#head;
      const packet = this.#views.of(slot, this.#lengths[slot]!);
      const session = this.#sessions[slot]!;
      // Whoever takes it may cause others. The slot is written to again only once the ring has gone round.
      this.#head = (slot + 1) & (SLOTS - 1);
      this.#count -= 1;
      out(session, packet);
    }
  }
}
