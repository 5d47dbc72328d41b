import type { Millis } from '../../shared/clock.ts';

/** A datagram on its way. `route` is its owner's. */
export interface Flight {
  readonly dueMs: Millis;
  readonly route: number;
  readonly bytes: Uint8Array;
  readonly order: number;
}

const before = (a: Flight, b: Flight): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

/** Datagrams by the time at which they are due; of the same time in the order in which they came (a binary heap). */
export class FlightQueue {
  readonly #heap: Flight[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the next one is due; infinity where there is none. */
  get nextMs(): Millis {
    return this.#heap.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0]!.dueMs;
  }

  /** Keeps `bytes`, which must not be written to afterwards. */
  add(dueMs: Millis, route: number, bytes: Uint8Array): void {
    const heap = this.#heap;
    const flight: Flight = { dueMs, route, bytes, order: this.#order++ };
    let at = heap.length;
    heap.push(flight);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent]!, flight)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = flight;
  }

  /** The next one, if it is due by `nowMs`. */
  take(nowMs: Millis): Flight | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #sink(flight: Flight): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(flight, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = flight;
  }
}
