// Loaded into the node with --import: once a second, each of its threads appends one line of JSON about its garbage collector, its event
// loop and its heap to a file of its own in TRIBUTARY_BENCH_PROBE_DIR.
import { appendFile } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { threadId } from 'node:worker_threads';

const folder = process.env.TRIBUTARY_BENCH_PROBE_DIR;

if (folder) {
  const path = join(folder, `thread-${threadId}.jsonl`);
  const gc = { count: 0, totalMs: 0, maxMs: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      gc.count++;
      gc.totalMs += duration;
      gc.maxMs = Math.max(gc.maxMs, duration);
    }
  }).observe({ entryTypes: ['gc'] });
  // Its timer wakes the thread: seldom enough to cost next to nothing.
  const resolutionMs = 20;
  const lag = monitorEventLoopDelay({ resolution: resolutionMs });
  lag.enable();
  let used = performance.eventLoopUtilization();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const above = (ns) => Math.max(0, ns / 1e6 - resolutionMs);
    const line = {
      atMs: Date.now(),
      gcCount: gc.count,
      gcTotalMs: gc.totalMs,
      gcMaxMs: gc.maxMs,
      lagP99Ms: above(lag.percentile(99)),
      lagMaxMs: above(lag.max),
      utilization: performance.eventLoopUtilization(now, used).utilization,
      heapMiB: process.memoryUsage().heapUsed / 2 ** 20,
    };
    used = now;
    gc.count = gc.totalMs = gc.maxMs = 0;
    lag.reset();
    appendFile(path, `${JSON.stringify(line)}\n`, () => {});
  }, 1_000).unref();
}
