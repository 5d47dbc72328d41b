import type { Millis } from '../shared/clock.ts';
import { readI32 } from '../srtla/bytes.ts';

/** A slot of time; a cookie is good in its own and the next. */
const SLOT_MS: Millis = 60_000;
const MAC_AT_LEAST_BYTES = 4;

/** A keyed hash under a key that nobody knows; the result is valid until the next call. */
export type CookieMac = (message: Uint8Array) => Uint8Array;

/**
 * What a caller has to bring back before it costs anything: made of its address and the time, and kept nowhere (spec: srt.md §1.1). Pure.
 */
export class Cookies {
  readonly #mac: CookieMac;

  constructor(mac: CookieMac) {
    this.#mac = mac;
  }

  /** @param peer what tells one caller from another: address and port, and the port it calls @returns int32, never 0 */
  make(peer: Uint8Array, now: Millis): number {
    return this.#of(peer, Math.floor(now / SLOT_MS));
  }

  isGood(cookie: number, peer: Uint8Array, now: Millis): boolean {
    const slot = Math.floor(now / SLOT_MS);
    return cookie !== 0 && (cookie === this.#of(peer, slot) || cookie === this.#of(peer, slot - 1));
  }

  #of(peer: Uint8Array, slot: number): number {
    const message = new Uint8Array(peer.length + 8);
    message.set(peer);
    new DataView(message.buffer).setFloat64(peer.length, slot);
    const mac = this.#mac(message);
    return mac.length < MAC_AT_LEAST_BYTES ? 1 : readI32(mac, 0) || 1;
  }
}
