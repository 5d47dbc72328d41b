import type { Millis } from '../shared/clock.ts';

/** The same object, as far as the rounding of `now - (now - sinceMs)` goes. */
const SAME_MOMENT_MS: Millis = 0.5;

/** The place of one object in a counter table. */
export interface Slot {
  readonly index: number;
  /** Odd. */
  readonly generation: number;
  readonly sinceMs: Millis;
  /** What was last put into the record. */
  readonly values: Float64Array;
  /** Of the texts that go by message, the one that may change; null before the first message. */
  text: string | undefined | null;
  /** The pass in which it was claimed last. */
  pass: number;
}

/**
 * Gives each object a slot for as long as it is claimed in every pass. Objects are told apart by a key and the moment they began, so
 * that two of one name, at once or in turn, never share a slot of one generation.
 */
export class SlotTable<K> {
  /** Objects that found no room in the present pass. */
  turnedAway = 0;
  readonly #records: number;
  readonly #fields: number;
  readonly #byKey = new Map<K, Slot[]>();
  readonly #free: number[] = [];
  readonly #generations: Int32Array;
  #used = 0;
  #pass = 0;

  constructor({ records, fields }: { records: number; fields: number }) {
    this.#records = records;
    this.#fields = fields;
    this.#generations = new Int32Array(records);
  }

  beginPass(): void {
    this.#pass++;
    this.turnedAway = 0;
  }

  /** The slot of this object, a new one where it had none; undefined when all are taken. */
  claim(key: K, sinceMs: Millis): Slot | undefined {
    const known = this.#byKey.get(key);
    if (known) {
      for (const slot of known) {
        if (slot.pass === this.#pass || Math.abs(slot.sinceMs - sinceMs) > SAME_MOMENT_MS) continue;
        slot.pass = this.#pass;
        return slot;
      }
    }
    const slot = this.#take(sinceMs);
    if (!slot) this.turnedAway++;
    else if (known) known.push(slot);
    else this.#byKey.set(key, [slot]);
    return slot;
  }

  /** Frees what was not claimed in this pass. `release` gets the slot and the even generation under which it now is nobody's. */
  endPass(release: (slot: Slot, freeGeneration: number) => void): void {
    for (const [key, slots] of this.#byKey) {
      for (let i = slots.length - 1; i >= 0; i--) {
        const slot = slots[i]!;
        if (slot.pass === this.#pass) continue;
        slots.splice(i, 1);
        this.#free.push(slot.index);
        this.#generations[slot.index]!++;
        release(slot, this.#generations[slot.index]!);
      }
      if (slots.length === 0) this.#byKey.delete(key);
    }
  }

  /** Freed slots first: what is touched of the memory stays together. */
  #take(sinceMs: Millis): Slot | undefined {
    const index = this.#free.pop() ?? (this.#used < this.#records ? this.#used++ : undefined);
    if (index === undefined) return undefined;
    this.#generations[index]!++;
    return {
      index,
      generation: this.#generations[index]!,
      sinceMs,
      values: new Float64Array(this.#fields),
      text: null,
      pass: this.#pass,
    };
  }
}
