import { type ChildProcess, spawn } from 'node:child_process';
import { Backoff } from '../control-client/backoff.ts';
import { LOCAL_NODE_ENV, type PlaneReady } from '../control-plane/protocol.ts';
import { type Millis, monotonicNow } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';

export interface PlaneChildOptions {
  /** The program and its arguments, up to those of the plane. */
  command: readonly string[];
  /** Of the plane: `control-plane` and its settings. */
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  serverId: string;
  nodeKey: string;
  /** It listens, at `url`. */
  onReady: () => void;
  logger: Logger;
  /** 0 to 1. */
  random: () => number;
  retry?: { firstMs: Millis; mostMs: Millis };
}

/** One heap for all of its threads, and large blocks go back to the system. Twins: bin/launcher.cjs, docker/tributary. */
export const PLANE_MEMORY = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' } as const;

/** One that has run for so long has not died of how it was started. */
const SETTLED_MS: Millis = 60_000;
const END_LIMIT_MS: Millis = 5_000;

/**
 * A control plane beside the node, in a process of its own: what becomes of it does not touch the node. One that ends is started again, after
 * longer and longer pauses.
 */
export class PlaneChild {
  /** Where the plane takes the node's requests; undefined while there is none. */
  url: string | undefined;
  readonly #options: PlaneChildOptions;
  readonly #pauses: Backoff;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: PlaneChildOptions) {
    this.#options = options;
    this.#pauses = new Backoff({ ...(options.retry ?? { firstMs: 500, mostMs: 30_000 }), random: options.random });
  }

  start(): void {
    if (this.#isStopped) return;
    const { command, args, env, serverId, nodeKey, logger } = this.#options;
    const [program, ...rest] = command;
    const sinceMs = monotonicNow();
    const child = spawn(program!, [...rest, ...args], {
      env: { ...PLANE_MEMORY, ...env, [LOCAL_NODE_ENV]: `${serverId} ${nodeKey}` },
      // It prints what its operator is to know, the first sign-in among it.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Ctrl-C is for the node, which ends it; should the node die, the channel between the two tells it.
      detached: true,
    });
    this.#child = child;
    child.on('message', (message) => this.#heard(message));
    let hasEnded = false;
    const ended = (why: string): void => {
      if (hasEnded) return;
      hasEnded = true;
      this.#child = undefined;
      this.url = undefined;
      if (this.#isStopped) return;
      if (monotonicNow() - sinceMs > SETTLED_MS) this.#pauses.reset();
      const pauseMs = Math.round(this.#pauses.next());
      logger.error('the control plane has ended and is started anew: the node goes on', { why, pauseMs });
      this.#timer = setTimeout(() => this.start(), pauseMs);
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ?? `code ${code}`));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (!child) return;
    const ended = new Promise((done) => {
      child.once('exit', done);
      child.once('error', done);
    });
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
    await ended;
    clearTimeout(late);
  }

  #heard(message: unknown): void {
    const { type, url } = message as Partial<PlaneReady>;
    if (type !== 'plane-ready' || typeof url !== 'string') return;
    this.url = url.replace(/\/+$/, '');
    this.#options.onReady();
  }
}
