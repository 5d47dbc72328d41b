import type { NativeUdpEngine } from '../shared/addon.ts';

/**
 * What is to be sent with the next `flush`, written into the addon's memory: a datagram that lies in a slot is named by its offset,
 * anything else is copied into the scratch behind the slots. Full, it flushes by itself.
 */
export class SendTable {
  readonly #udp: NativeUdpEngine;
  readonly #arena: Uint8Array;
  readonly #to: Int32Array;
  readonly #from: Int32Array;
  readonly #bytes: Int32Array;
  readonly #scratchAt: number;
  readonly #most: number;
  #entries = 0;
  #next: number;

  /** `scratchAt`: where the scratch begins in the arena. */
  constructor(udp: NativeUdpEngine, scratchAt: number) {
    this.#udp = udp;
    this.#arena = udp.arena;
    this.#to = udp.sendTo;
    this.#from = udp.sendFrom;
    this.#bytes = udp.sendBytes;
    this.#scratchAt = scratchAt;
    this.#most = udp.sendTo.length;
    this.#next = scratchAt;
  }

  /** `bytes` lie at `offset` of the arena, and stay until the flush. */
  putSlot(to: number, offset: number, bytes: number): void {
    if (this.#entries === this.#most) this.flush();
    const entry = this.#entries;
    this.#to[entry] = to;
    this.#from[entry] = offset;
    this.#bytes[entry] = bytes;
    this.#entries = entry + 1;
  }

  /** @param rest goes behind `bytes`, in the same datagram */
  putCopy(to: number, bytes: Uint8Array, rest?: Uint8Array): void {
    const total = bytes.length + (rest === undefined ? 0 : rest.length);
    if (this.#entries === this.#most || this.#next + total > this.#arena.length) this.flush();
    const at = this.#next;
    this.#arena.set(bytes, at);
    if (rest !== undefined) this.#arena.set(rest, at + bytes.length);
    this.putSlot(to, at, total);
    this.#next = at + total;
  }

  flush(): void {
    if (this.#entries > 0) this.#udp.flush(this.#entries);
    this.#entries = 0;
    this.#next = this.#scratchAt;
  }
}
