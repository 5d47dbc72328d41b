import type { Millis } from '../shared/clock.ts';

/** Tries of one delivery in all. */
export const HOOK_TRIES = 3;
/** Before the second and the third one. */
export const HOOK_BACKOFF_MS: readonly Millis[] = [1_000, 4_000];
/** Requests to one receiver at once, of different streams. */
export const HOOKS_IN_FLIGHT = 4;

export interface Delivery {
  readonly publisherId: string;
  readonly id: string;
  readonly body: string;
}

/** `again`: worth another try. `refused`: the receiver has answered that it does not want it. */
export type DeliveryOutcome = 'done' | 'again' | 'refused';

interface Lane {
  readonly waiting: Delivery[];
  tries: number;
  /** When its first delivery is due; in flight: never. */
  dueMs: Millis;
}

/**
 * What waits for one receiver, pure. Each stream is a lane: its next delivery leaves when the one before was delivered or given up, so that
 * order is kept. All lanes together hold `limit` deliveries; what comes on top is dropped and counted.
 */
export class HookQueue {
  readonly counts = { delivered: 0, failed: 0, dropped: 0 };
  readonly #lanes = new Map<string, Lane>();
  #size = 0;
  #inFlight = 0;

  /** Deliveries that wait or are in flight. */
  get size(): number {
    return this.#size;
  }

  /** @returns false where there was no room */
  push(delivery: Delivery, limit: number, now: Millis): boolean {
    if (this.#size >= limit) {
      this.counts.dropped++;
      return false;
    }
    this.#size++;
    const lane = this.#lanes.get(delivery.publisherId);
    if (lane) lane.waiting.push(delivery);
    else this.#lanes.set(delivery.publisherId, { waiting: [delivery], tries: 0, dueMs: now });
    return true;
  }

  /** The delivery that is to be sent now, or undefined. Each one that is taken is to be settled. */
  take(now: Millis): Delivery | undefined {
    if (this.#inFlight >= HOOKS_IN_FLIGHT) return undefined;
    for (const [publisherId, lane] of this.#lanes) {
      if (lane.dueMs > now) continue;
      lane.dueMs = Number.POSITIVE_INFINITY;
      lane.tries++;
      this.#inFlight++;
      // Behind the others: a stream with many events must not keep them waiting.
      this.#lanes.delete(publisherId);
      this.#lanes.set(publisherId, lane);
      return lane.waiting[0];
    }
    return undefined;
  }

  /** @returns true where it was given up */
  settle({ publisherId }: Delivery, outcome: DeliveryOutcome, now: Millis): boolean {
    const lane = this.#lanes.get(publisherId);
    if (!lane) return false;
    this.#inFlight--;
    if (outcome === 'again' && lane.tries < HOOK_TRIES) {
      lane.dueMs = now + HOOK_BACKOFF_MS[lane.tries - 1]!;
      return false;
    }
    if (outcome === 'done') this.counts.delivered++;
    else this.counts.failed++;
    lane.waiting.shift();
    this.#size--;
    lane.tries = 0;
    lane.dueMs = now;
    if (lane.waiting.length === 0) this.#lanes.delete(publisherId);
    return outcome !== 'done';
  }

  /** When `take` may have something next; infinity where only a settled delivery, or a new one, can change that. */
  dueMs(): Millis {
    let due = Number.POSITIVE_INFINITY;
    if (this.#inFlight < HOOKS_IN_FLIGHT) for (const lane of this.#lanes.values()) due = Math.min(due, lane.dueMs);
    return due;
  }
}
