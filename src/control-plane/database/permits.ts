import type { Millis } from '../../shared/clock.ts';

/** Lets so many of what is asked for be under way at once; the others wait, in their order. */
export class Permits {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** @param mostWaitMs whoever has waited for so long goes without a permit */
  async use<T>(work: () => Promise<T>, mostWaitMs?: Millis): Promise<T> {
    if (!(await this.#turn(mostWaitMs))) return work();
    try {
      return await work();
    } finally {
      // Whoever ends hands its permit on.
      const [next] = this.#waiting;
      if (next) next();
      else this.#free++;
    }
  }

  /** @returns false where it did not come in time */
  #turn(mostWaitMs: Millis | undefined): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    return new Promise((done) => {
      let late: NodeJS.Timeout | undefined;
      const go = (): void => {
        clearTimeout(late);
        this.#waiting.delete(go);
        done(true);
      };
      this.#waiting.add(go);
      if (mostWaitMs === undefined) return;
      late = setTimeout(() => {
        this.#waiting.delete(go);
        done(false);
      }, mostWaitMs);
    });
  }
}
