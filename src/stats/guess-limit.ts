import type { Millis } from '../shared/clock.ts';
import type { Current } from '../shared/current.ts';
import { RequestBudget, sourceOf } from './request-budget.ts';

/** Pairs of a source and an id that it has been answered. */
const MAX_ANSWERED = 10_000;

/**
 * Stops the guessing of ids without stopping anybody who knows one. A source that has asked for too many unknown ids in this minute
 * gets answers only for ids that it was answered before: a right guess then looks like a wrong one, while a scene switcher behind the same
 * address as a misconfigured one goes on.
 */
export class GuessLimit {
  readonly #unknown: RequestBudget;
  readonly #answered = new Set<string>();

  constructor(unknownPerMinute: Current<number>) {
    this.#unknown = new RequestBudget(unknownPerMinute);
  }

  /** @param isKnown whether there is such an id. False: the answer is 429, whether there is or not. */
  admits(address: string, id: string, isKnown: boolean, now: Millis): boolean {
    if (!isKnown) return this.#unknown.take(address, now);
    const pair = `${sourceOf(address)} ${id}`;
    if (!this.#answered.has(pair) && this.#unknown.isSpent(address, now)) return false;
    // The one that was asked for longest ago goes first.
    this.#answered.delete(pair);
    this.#answered.add(pair);
    if (this.#answered.size > MAX_ANSWERED) this.#answered.delete(this.#answered.keys().next().value!);
    return true;
  }
}
