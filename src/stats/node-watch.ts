import { availableParallelism, loadavg, totalmem } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { StatsDeps } from './deps.ts';
import { healthScore, type Load, LossWindow } from './health-score.ts';
import { RecentlyLive } from './recently-live.ts';

const LOOK_EVERY_MS = 1_000;
const LOOKS_PER_LOSS = 5;

/** What can only be known by looking again and again: who was live lately, and how the node is doing. */
export class NodeWatch {
  readonly recentlyLive = new RecentlyLive();
  readonly #deps: Pick<StatsDeps, 'snapshot' | 'clock' | 'settings' | 'control'>;
  readonly #loss = new LossWindow();
  readonly #lag = monitorEventLoopDelay({ resolution: 20 });
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #draining = false;

  constructor(deps: Pick<StatsDeps, 'snapshot' | 'clock' | 'settings' | 'control'>) {
    this.#deps = deps;
  }

  start(): void {
    this.#lag.enable();
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#lag.disable();
  }

  look(): void {
    const snapshot = this.#deps.snapshot();
    this.recentlyLive.observe(snapshot, this.#deps.clock());
    if (this.#looks++ % LOOKS_PER_LOSS === 0) this.#loss.look(snapshot);
    // Of the last minute or so.
    if (this.#looks % 60 === 0) this.#lag.reset();
  }

  get draining(): boolean {
    return this.#draining;
  }

  drain(on: boolean): void {
    this.#draining = on;
    this.#deps.control.drain(on);
  }

  /** Why no encoder should be sent here; empty: one may. */
  get notReady(): readonly string[] {
    const reasons: string[] = [];
    if (this.#deps.snapshot().counters.dataPlaneUp === 0) reasons.push('data plane restarting');
    if (this.#draining) reasons.push('draining');
    return reasons;
  }

  /** 0 to 100. */
  get score(): number {
    return healthScore(this.#deps.snapshot(), this.#deps.settings.srtla.maxGroups, this.#loss.loss, this.#load());
  }

  #load(): Load {
    const limit = process.constrainedMemory();
    const memory = limit > 0 && limit < totalmem() ? limit : totalmem();
    return {
      // The histogram holds the whole delay between two ticks of its timer, in ns.
      lagMs: Math.max(0, this.#lag.percentile(99) / 1e6 - 20),
      perCore: loadavg()[0]! / availableParallelism(),
      memory: process.memoryUsage.rss() / memory,
    };
  }
}
