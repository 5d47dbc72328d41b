import type { SimLink } from './sim-link.ts';
import type { Simulation } from './simulation.ts';
import { CONTROL, control } from './srt-wire.ts';

const LOOK_MS = 1;

/**
 * The receiver that nobody can build: it knows of each loss at the moment the lost packet would have arrived, asks then on the fastest
 * link, and again each round trip until the packet comes. Nothing is held for it.
 */
export class IdealAsker {
  readonly #simulation: Simulation;
  /** Sequence number → when to ask next. */
  readonly #due = new Map<number, number>();
  #armed = false;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  lost(sequence: number, dueMs: number): void {
    const at = this.#due.get(sequence);
    if (at === undefined || dueMs < at) this.#due.set(sequence, dueMs);
    if (this.#armed) return;
    this.#armed = true;
    this.#look();
  }

  readonly #look = (): void => {
    const simulation = this.#simulation;
    const { now } = simulation;
    const ledger = simulation.ledgers.at(-1)!;
    for (const [sequence, dueMs] of this.#due) {
      if (dueMs > now) continue;
      if (ledger.hasArrived(sequence)) {
        this.#due.delete(sequence);
        continue;
      }
      const receiver = simulation.server.receivers.at(-1)!;
      if (receiver.hasPassed(sequence)) {
        this.#due.delete(sequence);
        continue;
      }
      const link = this.#fastest();
      if (link !== undefined) {
        simulation.ask(link, control(CONTROL.nak, 0, 0, receiver.peerId, [sequence]));
      }
      this.#due.set(sequence, now + receiver.smoothedRttMs);
    }
    this.#armed = this.#due.size > 0;
    if (this.#armed) simulation.at(simulation.elapsedMs + LOOK_MS, this.#look);
  };

  #fastest(): SimLink | undefined {
    const { links, now, node } = this.#simulation;
    let best: SimLink | undefined;
    for (const link of links) {
      if (!node.knows(link.peer) || link.down.isOut(now)) continue;
      if (best === undefined || link.down.conditions.delayMs < best.down.conditions.delayMs) best = link;
    }
    return best;
  }
}
