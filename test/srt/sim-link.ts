import type { LinkConditions } from '../../src/sender/impair/link-conditions.ts';
import { LinkModel } from '../../src/sender/impair/link-model.ts';
import type { EventQueue } from '../sim/event-queue.ts';

const FIRST = 1_024;
const MOST_BYTES = 1_500;

/** One direction of an impaired link: what goes in comes out of the event queue, as its number. */
export class SimLink {
  readonly model: LinkModel;
  readonly #queue: EventQueue;
  readonly #kind: number;
  readonly #packets: Uint8Array[] = [];
  readonly #free: number[] = [];
  /** Data packets that the link lost, R copies included. */
  lostData = 0;
  lostControl = 0;

  /** @param kind of the events that bring its packets */
  constructor(conditions: Partial<LinkConditions>, seed: number, queue: EventQueue, kind: number) {
    this.model = new LinkModel(conditions, seed);
    this.#queue = queue;
    this.#kind = kind;
  }

  /** Takes a copy of header and payload. */
  send(now: number, header: Uint8Array, body?: Uint8Array, offset = 0, length = 0): void {
    const copies = this.model.send(header.length + length + 28, now);
    if (copies === 0) {
      if (header[0]! < 0x80) this.lostData += 1;
      else this.lostControl += 1;
    }
    for (let copy = 0; copy < copies; copy++) {
      const number = this.#free.pop() ?? this.#packets.length;
      const bytes = header.length + length;
      let packet = this.#packets[number];
      if (packet === undefined || packet.length !== bytes) packet = new Uint8Array(bytes);
      packet.set(header);
      if (body !== undefined) for (let i = 0; i < length; i++) packet[header.length + i] = body[offset + i]!;
      this.#packets[number] = packet;
      this.#queue.push(copy === 0 ? this.model.arrivalMs : this.model.secondArrivalMs, this.#kind, number);
    }
    if (this.#packets.length > FIRST * MOST_BYTES) throw new Error('the link holds too much');
  }

  /** The packet of an event. It is the link's again once the next one is sent. */
  take(number: number): Uint8Array {
    this.#free.push(number);
    return this.#packets[number]!;
  }
}
