/** Lets so many of what is asked for be under way at once; the others wait, in their order. */
export class Permits {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    // Whoever ends hands its permit on.
    else await new Promise<void>((mayGo) => this.#waiting.push(mayGo));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
