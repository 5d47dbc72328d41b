import { type EventLoopUtilization, monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import type { Millis } from './clock.ts';

const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** How late the timers of a thread were, ms. */
export interface LoopLag {
  p50Ms: Millis;
  p99Ms: Millis;
  maxMs: Millis;
}

const later = (a: LoopLag, b: LoopLag): LoopLag => ({
  p50Ms: Math.max(a.p50Ms, b.p50Ms),
  p99Ms: Math.max(a.p99Ms, b.p99Ms),
  maxMs: Math.max(a.maxMs, b.maxMs),
});

const NONE: LoopLag = { p50Ms: 0, p99Ms: 0, maxMs: 0 };

/** How the thread that makes this is doing: lag and load of its event loop, pauses for garbage. */
export class LoopHealth {
  /** Pauses of this thread to collect garbage, since the start. */
  gcPauses = 0;
  gcPausedMs: Millis = 0;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #gc = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      this.gcPauses++;
      this.gcPausedMs += duration;
    }
  });
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();
  #before = NONE;
  #isMeasured = false;

  start(): void {
    this.measureLag(true);
    this.#gc.observe({ entryTypes: ['gc'] });
    this.#utilization = performance.eventLoopUtilization();
  }

  stop(): void {
    this.measureLag(false);
    this.#gc.disconnect();
  }

  /**
   * Lag costs an idle thread 50 wake-ups a second: it need not be measured while nobody can suffer from it. What was measured before stays
   * until the next turn.
   */
  measureLag(isWanted: boolean): void {
    if (isWanted === this.#isMeasured) return;
    this.#isMeasured = isWanted;
    if (isWanted) this.#delay.enable();
    else {
      this.#before = this.lag;
      this.#delay.disable();
      this.#delay.reset();
    }
  }

  /** Begins a new window of the lag: to be called once a minute. */
  turnOver(): void {
    this.#before = this.#current();
    this.#delay.reset();
  }

  /** Of this window and of the one before, whichever is worse: the last one or two minutes. */
  get lag(): LoopLag {
    return later(this.#before, this.#current());
  }

  /** For how long the event loop has had something to do since the start. */
  get activeMs(): Millis {
    return performance.eventLoopUtilization(this.#utilization).active;
  }

  /** The histogram holds the whole delay between two ticks of its timer, in ns; without any it has no numbers. */
  #current(): LoopLag {
    const lateMs = (ns: number): Millis => (Number.isFinite(ns) ? Math.max(0, ns / NS_PER_MS - RESOLUTION_MS) : 0);
    if (this.#delay.count === 0) return NONE;
    return {
      p50Ms: lateMs(this.#delay.percentile(50)),
      p99Ms: lateMs(this.#delay.percentile(99)),
      maxMs: lateMs(this.#delay.max),
    };
  }
}
