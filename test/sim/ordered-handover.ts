import { MASK, readU32, steps } from './srt-wire.ts';

const HANDSHAKE_CONCLUSION = 0xffffffff;

/**
 * The other way to shield a server from packets that are only late: what has overtaken a missing one is held until that one has come or
 * the core has asked for it. Here to be compared with handing everything over at once.
 */
export class OrderedHandover {
  readonly #pass: (session: number, datagram: Uint8Array) => void;
  readonly #held = new Map<number, Uint8Array>();
  readonly #asked = new Set<number>();
  #next = -1;

  constructor(pass: (session: number, datagram: Uint8Array) => void) {
    this.#pass = pass;
  }

  toServer(session: number, datagram: Uint8Array): void {
    const isData = datagram[0]! < 0x80;
    if (!isData && datagram.length >= 64 && readU32(datagram, 36) === HANDSHAKE_CONCLUSION) {
      this.#next = readU32(datagram, 24) & MASK;
      this.#held.clear();
      this.#asked.clear();
    }
    const sequence = readU32(datagram, 0);
    if (!isData || this.#next < 0 || steps(this.#next, sequence) < 0) {
      this.#pass(session, datagram);
      return;
    }
    this.#held.set(sequence, Uint8Array.from(datagram));
    this.#release(session);
  }

  asked(session: number, first: number, last: number): void {
    for (let sequence = first; ; sequence = (sequence + 1) & MASK) {
      this.#asked.add(sequence);
      if (sequence === last) break;
    }
    this.#release(session);
  }

  #release(session: number): void {
    for (;;) {
      const held = this.#held.get(this.#next);
      if (held === undefined && !this.#asked.delete(this.#next)) return;
      this.#held.delete(this.#next);
      this.#asked.delete(this.#next);
      this.#next = (this.#next + 1) & MASK;
      if (held !== undefined) this.#pass(session, held);
    }
  }
}
