import { Worker } from 'node:worker_threads';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { AccessRow } from '../sls-bridge/access.ts';
import type { AccessQuestion } from '../sls-bridge/held-callers.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';
import { commonNow } from './common-clock.ts';
import { counterLayout, HEADER } from './counter-layout.ts';
import { revivedError, type ThreadCommand, type ThreadFacts, type ThreadReport } from './messages.ts';
import type { DataPlaneSettings } from './settings.ts';
import { type LiveSnapshot, SnapshotView } from './snapshot-view.ts';
import { writeThreadLine } from './thread-log.ts';

export interface ThreadOptions {
  settings: DataPlaneSettings;
  rows: readonly AccessRow[];
  draining: boolean;
  logger: Logger;
  testHooks: boolean;
  onEvents: (events: readonly StreamEvent[]) => void;
  onQuestion: (question: AccessQuestion) => void;
  /** What the thread runs; for tests. */
  entry?: URL;
  /** The thread hangs in native code: it cannot be ended, and its ports cannot be had. */
  onStuck: () => void;
}

/** JavaScript where it runs compiled (`dist`), and TypeScript in tests, which run the sources as they are. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

const CHECK_MS: Millis = 250;
/**
 * So many checks in a row without a heartbeat are a hang: 2 s. Counted in checks, not in time: when the whole process was stopped, or main
 * itself was, only one of them is late.
 */
const CHECKS_WITHOUT_BEAT = 8;
/** Loading the code, opening the ports. */
const START_LIMIT_MS: Millis = 30_000;
const END_LIMIT_MS: Millis = 3_000;

/** One data-plane thread, from its start to its end, seen from main. */
export class DataPlaneThread {
  /** Rejects with what `DataPlane.start` threw, or when the thread ends before. */
  readonly started: Promise<ThreadFacts>;
  /** Resolves with the reason once the thread has ended and its ports are free. */
  readonly ended: Promise<string>;
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #view: SnapshotView;
  readonly #header: Int32Array;
  readonly #watch: NodeJS.Timeout;
  readonly #starting = Promise.withResolvers<ThreadFacts>();
  readonly #ending = Promise.withResolvers<string>();
  /** By number: who waits for what was commanded before. */
  readonly #syncs = new Map<number, (inEffect: boolean) => void>();
  #lastSync = 0;
  #reason: string | undefined;
  #startError: Error | undefined;
  #isUp = false;
  #hasEnded = false;
  #beat = 0;
  #checks = 0;

  constructor(options: ThreadOptions) {
    this.#options = options;
    const { settings, rows, draining, testHooks } = options;
    const layout = counterLayout(settings.srtla);
    const memory = new SharedArrayBuffer(layout.byteLength);
    this.#view = new SnapshotView(memory, layout);
    this.#header = new Int32Array(memory);
    this.started = this.#starting.promise;
    this.ended = this.#ending.promise;
    this.#worker = new Worker(options.entry ?? ENTRY, {
      name: 'data-plane',
      workerData: { settings, rows, draining, memory, testHooks },
    });
    this.#worker.on('message', (report: ThreadReport) => this.#take(report));
    this.#worker.on('error', (error) => this.#threw(error));
    this.#worker.on('exit', (code) => this.#exited(code));
    this.#watch = setInterval(() => this.#check(), CHECK_MS);
  }

  post(command: ThreadCommand): void {
    this.#worker.postMessage(command);
  }

  /** Resolves once every command so far is in effect: true; or with false when the thread ends before. */
  synced(): Promise<boolean> {
    if (this.#hasEnded) return Promise.resolve(false);
    const id = ++this.#lastSync;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#syncs.set(id, resolve);
    this.post({ type: 'sync', id });
    return promise;
  }

  snapshot(): LiveSnapshot {
    return this.#view.snapshot(commonNow());
  }

  /** Ends the thread from outside, whatever it is doing; its ports are free when this resolves. `limitMs`: see `onStuck`. */
  async terminate(reason: string, limitMs: Millis = END_LIMIT_MS): Promise<void> {
    this.#reason ??= reason;
    const late = setTimeout(() => this.#options.onStuck(), limitMs);
    await this.#worker.terminate();
    await this.ended;
    clearTimeout(late);
  }

  #take(report: ThreadReport): void {
    switch (report.type) {
      case 'log':
        writeThreadLine(this.#options.logger, report, commonNow());
        Atomics.store(this.#header, HEADER.logSeen, report.sequence);
        break;
      case 'roster':
        this.#view.apply(report.changes);
        Atomics.store(this.#header, HEADER.rosterSeen, report.sequence);
        break;
      case 'events':
        this.#options.onEvents(report.events);
        Atomics.store(this.#header, HEADER.eventsSeen, report.sequence);
        break;
      case 'question':
        this.#options.onQuestion(report.question);
        break;
      case 'synced':
        this.#syncs.get(report.id)?.(true);
        this.#syncs.delete(report.id);
        break;
      case 'started':
        this.#isUp = true;
        this.#checks = 0;
        this.#starting.resolve(report.facts);
        break;
      case 'failed':
        // Told once the thread is gone, and its ports with it.
        this.#startError = revivedError(report.error);
        break;
    }
  }

  /** Something was thrown that nobody has caught: a defect. */
  #threw(error: Error): void {
    this.#reason ??= error.message;
    this.#startError ??= error;
    this.#options.logger.error('the data plane failed', { error: error.message, stack: error.stack });
  }

  #exited(code: number): void {
    clearInterval(this.#watch);
    this.#hasEnded = true;
    for (const tell of this.#syncs.values()) tell(false);
    this.#syncs.clear();
    this.#reason ??= `it ended with code ${code}`;
    this.#starting.reject(this.#startError ?? new Error(`the data plane did not start: ${this.#reason}`));
    this.#ending.resolve(this.#reason);
  }

  #check(): void {
    const beat = Atomics.load(this.#header, HEADER.heartbeat);
    if (beat === this.#beat) this.#checks++;
    else this.#checks = 0;
    this.#beat = beat;
    const limit = this.#isUp ? CHECKS_WITHOUT_BEAT : START_LIMIT_MS / CHECK_MS;
    if (this.#checks !== limit) return;
    this.#options.logger.error('the data plane hangs', { forMs: limit * CHECK_MS });
    void this.terminate(this.#isUp ? 'it hung' : 'it hung while it started');
  }
}
