import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One second of one thread, as bench/node-probe.mjs writes it. */
export interface ProbeLine {
  atMs: number;
  gcCount: number;
  gcTotalMs: number;
  gcMaxMs: number;
  lagP99Ms: number;
  lagMaxMs: number;
  utilization: number;
  heapMiB: number;
}

export interface ThreadFacts {
  /** 0 is the main thread. */
  thread: number;
  gcPerSecond: number;
  gcMeanMs: number;
  gcMaxMs: number;
  /** How late timers were, the worst second's 99th percentile and the worst of all. */
  lagP99Ms: number;
  lagMaxMs: number;
  /** Share of the time in which its event loop was not waiting. */
  utilization: number;
  heapMiB: number;
}

/** What the lines of one thread between two moments come to; undefined where there are none. */
export const summarize = (thread: number, lines: readonly ProbeLine[]): ThreadFacts | undefined => {
  if (lines.length === 0) return undefined;
  const sum = (of: (line: ProbeLine) => number): number => lines.reduce((total, line) => total + of(line), 0);
  const max = (of: (line: ProbeLine) => number): number => Math.max(...lines.map(of));
  const collections = sum((line) => line.gcCount);
  return {
    thread,
    gcPerSecond: collections / lines.length,
    gcMeanMs: collections === 0 ? 0 : sum((line) => line.gcTotalMs) / collections,
    gcMaxMs: max((line) => line.gcMaxMs),
    lagP99Ms: max((line) => line.lagP99Ms),
    lagMaxMs: max((line) => line.lagMaxMs),
    utilization: sum((line) => line.utilization) / lines.length,
    heapMiB: lines.at(-1)!.heapMiB,
  };
};

/** Every thread that has written to `folder`, over the seconds that lie within the two wall-clock times. */
export const readProbe = (folder: string, fromMs: number, toMs: number): ThreadFacts[] => {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((file) => {
      const thread = /^thread-(\d+)\.jsonl$/.exec(file)?.[1];
      if (thread === undefined) return [];
      const lines = readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line) as ProbeLine)
        .filter(({ atMs }) => atMs - 1_000 >= fromMs - 300 && atMs <= toMs + 300);
      return summarize(Number(thread), lines) ?? [];
    })
    .sort((a, b) => a.thread - b.thread);
};
