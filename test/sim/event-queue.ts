/** What happens next, by time and, at the same time, by order of entry. A binary heap in typed arrays: no allocation per event. */
export class EventQueue {
  #times = new Float64Array(4_096);
  #orders = new Uint32Array(4_096);
  #kinds = new Uint8Array(4_096);
  #arguments = new Int32Array(4_096);
  #size = 0;
  #nextOrder = 0;
  /** Of the event that `pop` has taken. */
  time = 0;
  kind = 0;
  argument = 0;

  get size(): number {
    return this.#size;
  }

  /** Infinite where nothing is to come. */
  get nextMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!;
  }

  push(timeMs: number, kind: number, argument: number): void {
    if (this.#size === this.#times.length) this.#grow();
    const order = this.#nextOrder++;
    let at = this.#size++;
    const times = this.#times;
    // Entries of one time stay in order: a new one rises only past later ones.
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent]! <= timeMs) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, timeMs, order, kind, argument);
  }

  /** False where nothing is left. */
  pop(): boolean {
    if (this.#size === 0) return false;
    this.time = this.#times[0]!;
    this.kind = this.#kinds[0]!;
    this.argument = this.#arguments[0]!;
    const last = --this.#size;
    if (last > 0) this.#sink(last);
    return true;
  }

  /** The entry at `from`, behind the end, finds its place from the top down. */
  #sink(from: number): void {
    const times = this.#times;
    const orders = this.#orders;
    const time = times[from]!;
    const order = orders[from]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      const right = child + 1;
      if (right < this.#size && before(times[right]!, orders[right]!, times[child]!, orders[child]!)) child = right;
      if (!before(times[child]!, orders[child]!, time, order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, time, order, this.#kinds[from]!, this.#arguments[from]!);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from]!, this.#orders[from]!, this.#kinds[from]!, this.#arguments[from]!);
  }

  #put(at: number, time: number, order: number, kind: number, argument: number): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#kinds[at] = kind;
    this.#arguments[at] = argument;
  }

  #grow(): void {
    const grown = <T extends { set(from: T): void }>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    const size = this.#times.length * 2;
    this.#times = grown(new Float64Array(size), this.#times);
    this.#orders = grown(new Uint32Array(size), this.#orders);
    this.#kinds = grown(new Uint8Array(size), this.#kinds);
    this.#arguments = grown(new Int32Array(size), this.#arguments);
  }
}

const before = (time: number, order: number, otherTime: number, otherOrder: number): boolean =>
  time < otherTime || (time === otherTime && order < otherOrder);
