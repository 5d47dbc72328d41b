/** Times in milliseconds with a resolution of 0.25 ms; those outside the reach count at its ends. */
export class Histogram {
  readonly #counts = new Uint32Array(16_384);
  static readonly #offset = 4_096;
  static readonly #perMs = 4;
  count = 0;

  add(ms: number): void {
    const index = Math.round(ms * Histogram.#perMs) + Histogram.#offset;
    this.#counts[Math.min(Math.max(index, 0), this.#counts.length - 1)]!++;
    this.count++;
  }

  merge(other: Histogram): void {
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i]! += other.#counts[i]!;
    this.count += other.count;
  }

  /** NaN where nothing was added. `part` 0 … 1. */
  quantile(part: number): number {
    if (this.count === 0) return Number.NaN;
    let left = Math.max(1, Math.ceil(this.count * part));
    for (let i = 0; i < this.#counts.length; i++) {
      left -= this.#counts[i]!;
      if (left <= 0) return (i - Histogram.#offset) / Histogram.#perMs;
    }
    return Number.NaN;
  }
}
