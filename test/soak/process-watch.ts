import { readdirSync, readFileSync } from 'node:fs';
import { setInterval } from 'node:timers';
import type { Millis } from '../../src/shared/clock.ts';

export interface ProcessSample {
  readonly atMs: Millis;
  readonly rssMiB: number;
  readonly descriptors: number;
  readonly threads: number;
}

export interface ProcessReport {
  samples: readonly ProcessSample[];
  /** Of the straight line through the samples after the warm-up. */
  rssMiBPerMinute: number;
  /** The most in the first and in the last quarter after it. */
  descriptors: { early: number; late: number };
  threads: { early: number; late: number };
  rssMiB: { early: number; late: number; most: number };
}

const statusOf = (pid: number, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

const look = (pid: number): ProcessSample => ({
  atMs: performance.now(),
  rssMiB: statusOf(pid, 'VmRSS') / 1_024,
  descriptors: readdirSync(`/proc/${pid}/fd`).length,
  threads: statusOf(pid, 'Threads'),
});

/** Of least squares: what `y` grows by for each `x`. */
export const slope = (points: readonly (readonly [x: number, y: number])[]): number => {
  const mean = (index: 0 | 1): number => points.reduce((sum, point) => sum + point[index], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  const below = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return below === 0 ? 0 : above / below;
};

/** Looks at a process once a second, from outside. */
export class ProcessWatch {
  readonly #samples: ProcessSample[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #startMs = performance.now();

  constructor(pid: number) {
    this.#timer = setInterval(() => this.#samples.push(look(pid)), 1_000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  report(warmUpMs: Millis): ProcessReport {
    const settled = this.#samples.filter(({ atMs }) => atMs - this.#startMs >= warmUpMs);
    const quarter = Math.max(1, settled.length >> 2);
    const [early, late] = [settled.slice(0, quarter), settled.slice(-quarter)];
    const most = (samples: readonly ProcessSample[], name: 'rssMiB' | 'descriptors' | 'threads'): number =>
      Math.max(...samples.map((sample) => sample[name]));
    const both = (name: 'rssMiB' | 'descriptors' | 'threads') => ({ early: most(early, name), late: most(late, name) });
    return {
      samples: this.#samples,
      rssMiBPerMinute: slope(settled.map(({ atMs, rssMiB }) => [atMs / 60_000, rssMiB])),
      descriptors: both('descriptors'),
      threads: both('threads'),
      rssMiB: { ...both('rssMiB'), most: most(this.#samples, 'rssMiB') },
    };
  }
}
