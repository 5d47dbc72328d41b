import type { Millis } from '../shared/clock.ts';
import { type Current, reading } from '../shared/current.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { DirectoryFile } from './directory-file.ts';

export interface DirectoryLifeOptions {
  store: Pick<DirectoryFile, 'directory' | 'endLeaving' | 'writeOverdue'>;
  /** The longest grace that there is: a wall clock that was set back does not make one longer. */
  graceMs: Current<Millis>;
  logger: Logger;
  /** Monotonic: a jump of the wall clock must not end a grace that is running. */
  clock: () => Millis;
  /** Unix ms. */
  unixNow: () => number;
}

const LOOK_EVERY_MS: Millis = 500;
const WRITE_AGAIN_EVERY_MS: Millis = 10_000;

/** Ends rows that were deleted while they were live, when their time is over; writes down what the disk has not taken. */
export class DirectoryLife {
  readonly #options: DirectoryLifeOptions;
  /** By player id: the grace that it was seen with, and when that is over on the monotonic clock. */
  readonly #ends = new Map<string, { until: number; atMs: Millis }>();
  #timer: NodeJS.Timeout | undefined;
  #triedMs: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: DirectoryLifeOptions) {
    this.#options = options;
  }

  start(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    const { store, logger, clock, unixNow } = this.#options;
    const due = this.#due(clock(), unixNow());
    const triesAgain = clock() - this.#triedMs >= WRITE_AGAIN_EVERY_MS;
    if (due.length === 0 && !triesAgain) return;
    if (due.length > 0) logger.info('deleted stream ids are over', { ids: due.length });
    this.#triedMs = clock();
    try {
      if (due.length > 0) await store.endLeaving(due);
      else await store.writeOverdue();
    } catch (error) {
      logger.error('stream ids were not stored', { error: messageOf(error) });
    }
  }

  #due(now: Millis, unixNow: number): readonly string[] {
    const graceMs = reading(this.#options.graceMs)();
    const leaving = this.#options.store.directory.leaving();
    const present = new Set(leaving.map(({ row }) => row.player));
    for (const player of this.#ends.keys()) if (!present.has(player)) this.#ends.delete(player);
    return leaving
      .filter(({ row: { player }, until }) => {
        let end = this.#ends.get(player);
        if (end?.until !== until) {
          end = { until, atMs: now + Math.min(graceMs, Math.max(0, until - unixNow)) };
          this.#ends.set(player, end);
        }
        return end.atMs <= now;
      })
      .map(({ row }) => row.player);
  }
}
