import type { Millis } from '../shared/clock.ts';

export interface BackoffOptions {
  firstMs: Millis;
  mostMs: Millis;
  /** 0 to 1. */
  random: () => number;
}

/** Pauses that double. Each is drawn between a half and the whole of it: nodes that lost their plane together do not come back together. */
export class Backoff {
  readonly #options: BackoffOptions;
  #tries = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  next(): Millis {
    const { firstMs, mostMs, random } = this.#options;
    const wholeMs = Math.min(mostMs, firstMs * 2 ** Math.min(this.#tries, 30));
    this.#tries++;
    return wholeMs * (0.5 + random() / 2);
  }

  reset(): void {
    this.#tries = 0;
  }
}
