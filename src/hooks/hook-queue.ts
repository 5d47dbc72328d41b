import type { Millis } from '../shared/clock.ts';

export interface HookQueueOptions {
  /** Deliveries that wait or are under way; more are turned away. */
  maxWaiting: number;
  /** Under way at once, of different streams. */
  maxAtOnce: number;
  /** What is waited before the second try, the third, and so on: it is tried once more than there are pauses. */
  pausesMs: readonly Millis[];
}

export interface QueuedHook<T> {
  readonly stream: string;
  readonly content: T;
  /** Tries that have failed. */
  tries: number;
}

interface Lane<T> {
  readonly waiting: QueuedHook<T>[];
  isUnderWay: boolean;
  /** The first one is not tried before. */
  notBeforeMs: Millis;
}

/**
 * What is to be delivered: in order within a stream, where the one that fails holds up those behind it, and side by side otherwise. A
 * receiver that is slow or away costs a bounded queue, and then the newest events. Pure.
 */
export class HookQueue<T> {
  readonly #options: HookQueueOptions;
  /** Streams with something to deliver, the one that was served longest ago first. */
  readonly #lanes = new Map<string, Lane<T>>();
  #size = 0;
  #underWay = 0;
  /** Turned away since the start because the queue was full. */
  dropped = 0;
  /** Given up after the last try, since the start. */
  failed = 0;
  delivered = 0;

  constructor(options: HookQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns false where it is full */
  add(stream: string, content: T): boolean {
    if (this.#size >= this.#options.maxWaiting) {
      this.dropped++;
      return false;
    }
    let lane = this.#lanes.get(stream);
    if (!lane) {
      lane = { waiting: [], isUnderWay: false, notBeforeMs: Number.NEGATIVE_INFINITY };
      this.#lanes.set(stream, lane);
    }
    lane.waiting.push({ stream, content, tries: 0 });
    this.#size++;
    return true;
  }

  /** The next to try now; undefined where none is due. `ended` must follow. */
  next(now: Millis): QueuedHook<T> | undefined {
    if (this.#underWay >= this.#options.maxAtOnce) return undefined;
    for (const [stream, lane] of this.#lanes) {
      if (lane.isUnderWay || lane.notBeforeMs > now) continue;
      lane.isUnderWay = true;
      this.#underWay++;
      this.#lanes.delete(stream);
      this.#lanes.set(stream, lane);
      return lane.waiting[0];
    }
    return undefined;
  }

  /** When `next` has to be asked again although nothing was added or has ended; undefined = not before that. */
  wakeMs(): Millis | undefined {
    let wake: Millis | undefined;
    for (const { isUnderWay, notBeforeMs } of this.#lanes.values())
      if (!isUnderWay && (wake === undefined || notBeforeMs < wake)) wake = notBeforeMs;
    return wake;
  }

  /** @returns whether it was given up */
  ended(hook: QueuedHook<T>, isDelivered: boolean, now: Millis): boolean {
    const lane = this.#lanes.get(hook.stream);
    if (!lane?.isUnderWay || lane.waiting[0] !== hook) return false;
    lane.isUnderWay = false;
    this.#underWay--;
    const pauseMs = isDelivered ? undefined : this.#options.pausesMs[hook.tries];
    if (pauseMs !== undefined) {
      hook.tries++;
      lane.notBeforeMs = now + pauseMs;
      return false;
    }
    if (isDelivered) this.delivered++;
    else this.failed++;
    lane.waiting.shift();
    lane.notBeforeMs = Number.NEGATIVE_INFINITY;
    this.#size--;
    if (lane.waiting.length === 0) this.#lanes.delete(hook.stream);
    return !isDelivered;
  }
}
