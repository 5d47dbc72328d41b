const FIRST_ROOM = 64;

/** Slots of a store, first in, first out. Grows by doubling, and gives nothing back but as a whole. */
export class SlotQueue {
  #slots = new Int32Array(FIRST_ROOM);
  #head = 0;
  count = 0;

  push(slot: number): void {
    if (this.count === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.count) & (this.#slots.length - 1)] = slot;
    this.count += 1;
  }

  /** There must be one. */
  shift(): number {
    const slot = this.#slots[this.#head]!;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.count -= 1;
    return slot;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    slots.set(this.#slots.subarray(this.#head));
    slots.set(this.#slots.subarray(0, this.#head), this.#slots.length - this.#head);
    this.#slots = slots;
    this.#head = 0;
  }
}
