import { randomUUID } from 'node:crypto';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';
import { type HookEvent, type HookEventName, hookEventOf } from './hook-event.ts';
import { HookQueue, type QueuedHook } from './hook-queue.ts';
import { postHook } from './hook-request.ts';
import { signHook } from './hook-signature.ts';

export interface HooksOptions {
  url: string;
  /** Signs what is sent. */
  secret: string;
  events: readonly HookEventName[];
  allowPrivate: boolean;
  version: string;
  mask: (address: string) => string;
  clock: () => Millis;
  unixNow: () => number;
  logger: Logger;
  limitMs?: Millis;
  pausesMs?: readonly Millis[];
}

export const HOOK_LIMIT_MS: Millis = 3_000;
export const HOOK_QUEUE = { maxWaiting: 1_000, maxAtOnce: 4, pausesMs: [1_000, 5_000] } as const;
/** Failures within this are one line of the log. */
const LOG_PAUSE_MS: Millis = 60_000;

interface Delivery {
  /** The same at each try: a receiver that has it already ignores it. */
  readonly id: string;
  readonly event: HookEvent;
}

/** Tells a receiver what happens to streams. It waits for nobody, and nobody waits for it. */
export class Hooks {
  readonly #options: HooksOptions;
  readonly #url: URL;
  readonly #queue: HookQueue<Delivery>;
  readonly #told: ReadonlySet<HookEventName>;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #onEmpty: () => void = () => {};
  #loggedMs: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: HooksOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    this.#told = new Set(options.events);
    this.#queue = new HookQueue({ ...HOOK_QUEUE, pausesMs: options.pausesMs ?? HOOK_QUEUE.pausesMs });
  }

  /** Since the start, but `waiting`, which is now. */
  get counts(): { delivered: number; failed: number; dropped: number; waiting: number } {
    const { delivered, failed, dropped, size } = this.#queue;
    return { delivered, failed, dropped, waiting: size };
  }

  /** A listener of the history of streams. */
  readonly take = (happened: StreamEvent): void => {
    if (this.#isStopped) return;
    const event = hookEventOf(happened, this.#options.mask);
    if (event === undefined || !this.#told.has(event.event)) return;
    if (!this.#queue.add(event.stream, { id: randomUUID(), event }))
      this.#warn('the queue is full: events are left out');
    this.#go();
  };

  /** Goes on until everything is told, for so long at most. */
  async stop(limitMs: Millis): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    const isOver = new Promise<void>((resolve) => {
      late = setTimeout(resolve, limitMs);
      this.#onEmpty = resolve;
    });
    if (this.#queue.size > 0) await isOver;
    clearTimeout(late);
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #go(): void {
    if (this.#isStopped) return;
    const now = this.#options.clock();
    for (let hook = this.#queue.next(now); hook !== undefined; hook = this.#queue.next(now)) void this.#deliver(hook);
    const wakeMs = this.#queue.wakeMs();
    clearTimeout(this.#timer);
    if (wakeMs !== undefined && wakeMs > now) {
      this.#timer = setTimeout(() => this.#go(), wakeMs - now);
      this.#timer.unref();
    }
  }

  async #deliver(hook: QueuedHook<Delivery>): Promise<void> {
    const { secret, version, allowPrivate, limitMs = HOOK_LIMIT_MS, unixNow, clock } = this.#options;
    const { id, event } = hook.content;
    const body = JSON.stringify({ id, ...event, missed: this.#queue.dropped });
    const unixSeconds = Math.floor(unixNow() / 1_000);
    let failure: string | undefined;
    try {
      const target = { url: this.#url, allowPrivate, limitMs };
      const headers = {
        'content-type': 'application/json',
        'user-agent': `Tributary/${version}`,
        'tributary-event': event.event,
        'tributary-delivery': id,
        'tributary-timestamp': String(unixSeconds),
        'tributary-signature': signHook(secret, unixSeconds, body),
      };
      await postHook(target, headers, body);
    } catch (error) {
      failure = messageOf(error);
    }
    if (this.#queue.ended(hook, failure === undefined, clock())) this.#warn(`not delivered: ${failure}`);
    if (this.#queue.size === 0) this.#onEmpty();
    this.#go();
  }

  #warn(why: string): void {
    const now = this.#options.clock();
    if (now - this.#loggedMs < LOG_PAUSE_MS) return;
    this.#loggedMs = now;
    // Host only: paths and queries of such receivers hold their keys.
    this.#options.logger.warn('a hook has failed', { host: this.#url.host, why, ...this.counts });
  }
}
