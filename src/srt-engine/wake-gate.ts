import type { Millis } from '../shared/clock.ts';

/** Tells its owner that there is something to take: once, until it is opened again, and not more often than once in a tick. */
export class WakeGate {
  readonly #tickMs: Millis;
  readonly #clock: () => Millis;
  readonly #hasSomething: () => boolean;
  readonly #wake: () => void;
  #isOpen = true;
  #isClosed = false;
  #wokenMs: Millis = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(tickMs: Millis, clock: () => Millis, hasSomething: () => boolean, wake: () => void) {
    this.#tickMs = tickMs;
    this.#clock = clock;
    this.#hasSomething = hasSomething;
    this.#wake = wake;
  }

  open(): void {
    this.#isOpen = true;
    this.consider();
  }

  /** Something may have come. Never wakes within the call of somebody who has just opened it: a tick has to pass. */
  consider(): void {
    if (!this.#isOpen || this.#isClosed || this.#timer !== undefined || !this.#hasSomething()) return;
    const restMs = this.#wokenMs + this.#tickMs - this.#clock();
    if (restMs > 0) {
      this.#timer = setTimeout(() => this.#lapsed(), restMs);
      return;
    }
    this.#isOpen = false;
    this.#wokenMs = this.#clock();
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #lapsed(): void {
    this.#timer = undefined;
    this.consider();
  }
}
