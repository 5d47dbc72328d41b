import type { Millis } from '../shared/clock.ts';
import type { Series } from './dashboard-types.ts';

/** One value for each so long … */
export const STEP_MS: Millis = 2_000;
/** … of the last 30 minutes. */
export const STEPS = 900;

/** The last 30 minutes of some numbers: 3.6 kB for each of them, whatever happens. */
export class Rings<Field extends string> {
  readonly #values: Readonly<Record<Field, Float32Array>>;
  #last = Number.NEGATIVE_INFINITY;

  constructor(fields: readonly Field[]) {
    const rings = fields.map((field) => [field, new Float32Array(STEPS).fill(Number.NaN)] as const);
    this.#values = Object.fromEntries(rings) as Record<Field, Float32Array>;
  }

  /** @param step counts up, one every `STEP_MS`; those that were left out have no values, and nothing is written into the past */
  write(step: number, values: Readonly<Record<Field, number>>): void {
    if (step <= this.#last) return;
    for (const [field, ring] of this.#entries()) {
      const from = Math.max(this.#last + 1, step - STEPS + 1);
      for (let skipped = from; skipped < step; skipped++) ring[skipped % STEPS] = Number.NaN;
      ring[step % STEPS] = values[field];
    }
    this.#last = step;
  }

  /** The last `steps` up to `step`, oldest first; one decimal. */
  read(field: Field, step: number, steps = STEPS): Series {
    const ring = this.#values[field];
    return Array.from({ length: steps }, (_, index) => {
      const at = step - steps + 1 + index;
      const value = at > this.#last || at <= this.#last - STEPS ? Number.NaN : ring[at % STEPS]!;
      return Number.isFinite(value) ? Math.round(value * 10) / 10 : null;
    });
  }

  /** Whether anything was written within the 30 minutes. */
  isCurrent(step: number): boolean {
    return this.#last > step - STEPS;
  }

  #entries(): [Field, Float32Array][] {
    return Object.entries(this.#values) as [Field, Float32Array][];
  }
}
