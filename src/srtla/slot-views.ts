/** Lengths that are told apart in each slot; two that fall together take turns. Those of SRT and SRTLA packets do not. */
const LENGTHS = 64;

/**
 * The datagram in a slot as a `Uint8Array`, made once for each slot and length and used again: after a while receiving allocates nothing.
 * At most `slots × 64` of them are kept, whatever lengths arrive.
 */
export class SlotViews {
  readonly #arena: Uint8Array;
  readonly #slotBytes: number;
  readonly #views: (Uint8Array | undefined)[];

  constructor(arena: Uint8Array, slots: number, slotBytes: number) {
    this.#arena = arena;
    this.#slotBytes = slotBytes;
    this.#views = new Array<Uint8Array | undefined>(slots * LENGTHS).fill(undefined);
  }

  of(slot: number, length: number): Uint8Array {
    const at = slot * LENGTHS + ((length ^ (length >> 6)) & (LENGTHS - 1));
    const view = this.#views[at];
    if (view !== undefined && view.length === length) return view;
    const start = slot * this.#slotBytes;
    const made = this.#arena.subarray(start, start + length);
    this.#views[at] = made;
    return made;
  }
}
