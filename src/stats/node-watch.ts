import { availableParallelism, loadavg, totalmem } from 'node:os';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import { LoopHealth } from '../shared/loop-health.ts';
import type { StatsDeps } from './deps.ts';
import { type HealthParts, healthParts, type Load, LossWindow, scoreOf } from './health-score.ts';
import { RecentlyLive } from './recently-live.ts';

const LOOK_EVERY_MS = 1_000;
const LOOKS_PER_LOSS = 5;
/** By then every encoder that was there before a start of the data plane, or of the node, has connected anew. */
const SETTLED_MS: Millis = 30_000;
/** Who was live so shortly before is about to come back. */
const LIVE_BEFORE_MS: Millis = SETTLED_MS + 30_000;

type WatchDeps = Pick<StatsDeps, 'snapshot' | 'clock' | 'settings' | 'control' | 'directory'>;

/** What can only be known by looking again and again: who was live lately, and how the node is doing. */
export class NodeWatch {
  readonly recentlyLive = new RecentlyLive();
  /** Of the main thread. */
  readonly loop = new LoopHealth();
  readonly #deps: WatchDeps;
  /** Publisher ids that the node has started with. */
  readonly #atStart: ReadonlySet<string>;
  readonly #loss = new LossWindow();
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #draining = false;
  #stopping = false;
  #restarts = 0;
  /** The last time that the data plane was seen to be new, or not there. */
  #planeNewMs = Number.NEGATIVE_INFINITY;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.#atStart = new Set(deps.directory.admitted().map((row) => row.publisher));
  }

  start(): void {
    this.loop.start();
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.loop.stop();
  }

  look(): void {
    const snapshot = this.#deps.snapshot();
    this.#notePlane(snapshot);
    this.recentlyLive.observe(snapshot, this.#deps.clock());
    if (this.#looks++ % LOOKS_PER_LOSS === 0) this.#loss.look(snapshot);
    if (this.#looks % 60 === 0) this.loop.turnOver();
  }

  /** A session of the publisher is open, or was a moment ago and is expected back: nobody knows before a new data plane has settled. */
  mayBeLive(publisherId: string): boolean {
    const snapshot = this.#deps.snapshot();
    this.#notePlane(snapshot);
    const now = this.#deps.clock();
    if (snapshot.counters.dataPlaneUp === 0) return true;
    if (snapshot.publishers.some((publisher) => publisher.publisherId === publisherId)) return true;
    if (snapshot.uptimeMs < SETTLED_MS && this.#atStart.has(publisherId)) return true;
    return now - this.#planeNewMs < SETTLED_MS && this.recentlyLive.has(publisherId, now, LIVE_BEFORE_MS);
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Readiness goes first: whoever sends encoders here is to know before they are refused. */
  drain(on: boolean): void {
    this.#draining = on;
    this.#deps.control.drain(on);
  }

  /** The node is about to end: nothing that follows makes it ready again. */
  noteStop(): void {
    this.#stopping = true;
  }

  /** Why no encoder should be sent here; empty: one may. */
  get notReady(): readonly string[] {
    const reasons: string[] = [];
    if (this.#deps.snapshot().counters.dataPlaneUp === 0) reasons.push('data plane restarting');
    if (this.#stopping) reasons.push('stopping');
    if (this.#draining) reasons.push('draining');
    return reasons;
  }

  get healthParts(): HealthParts {
    return healthParts(this.#deps.snapshot(), this.#deps.settings.srtla.maxGroups, this.#loss.loss, this.#load());
  }

  /** 0 to 100. */
  get score(): number {
    return scoreOf(this.healthParts);
  }

  #notePlane({ counters }: DataPlaneSnapshot): void {
    const restarts = counters.dataPlaneRestarts ?? 0;
    if (counters.dataPlaneUp !== 0 && restarts === this.#restarts) return;
    this.#restarts = restarts;
    this.#planeNewMs = this.#deps.clock();
  }

  #load(): Load {
    const limit = process.constrainedMemory();
    const memory = limit > 0 && limit < totalmem() ? limit : totalmem();
    return {
      lagMs: this.loop.lag.p99Ms,
      perCore: loadavg()[0]! / availableParallelism(),
      memory: process.memoryUsage.rss() / memory,
    };
  }
}
