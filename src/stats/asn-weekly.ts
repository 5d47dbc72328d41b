import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { AsnSource } from './asn-sources.ts';
import { updateAsnDatabase } from './asn-update.ts';

const HOUR_MS: Millis = 3_600_000;
const WEEK_MS: Millis = 7 * 24 * HOUR_MS;
const LONGEST_PAUSE_MS: Millis = 24 * HOUR_MS;

export interface WeeklyDeps {
  readonly folder: string;
  readonly sources: readonly AsnSource[];
  readonly logger: Logger;
  /** Unix ms. */
  readonly unixNow: () => number;
  readonly update?: typeof updateAsnDatabase;
}

/** After so many failures in a row, until the next try: an hour, doubled each time, a day at most. */
export const pauseAfter = (failures: number): Millis => Math.min(LONGEST_PAUSE_MS, HOUR_MS * 2 ** (failures - 1));

/** Fetches each source again that is older than a week. */
export class WeeklyUpdate {
  readonly #deps: WeeklyDeps;
  readonly #failures = new Map<string, { times: number; notBeforeMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  constructor(deps: WeeklyDeps) {
    this.#deps = deps;
  }

  start(): void {
    void this.check();
    this.#timer = setInterval(() => void this.check(), HOUR_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Never fails. What a failed try has left is the old file. */
  async check(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (const source of this.#deps.sources) if (await this.#isDue(source)) await this.#update(source);
    } finally {
      this.#running = false;
    }
  }

  async #isDue({ fileName }: AsnSource): Promise<boolean> {
    const { folder, unixNow } = this.#deps;
    if (unixNow() < (this.#failures.get(fileName)?.notBeforeMs ?? 0)) return false;
    const facts = await stat(join(folder, fileName)).catch(() => undefined);
    return facts === undefined || unixNow() - facts.mtimeMs >= WEEK_MS;
  }

  async #update(source: AsnSource): Promise<void> {
    const { folder, logger, unixNow, update = updateAsnDatabase } = this.#deps;
    try {
      const { path, type } = await update(folder, source);
      this.#failures.delete(source.fileName);
      logger.info('a carrier database was fetched', { path, type });
    } catch (error) {
      const times = (this.#failures.get(source.fileName)?.times ?? 0) + 1;
      const pauseMs = pauseAfter(times);
      this.#failures.set(source.fileName, { times, notBeforeMs: unixNow() + pauseMs });
      logger.warn('a carrier database was not fetched', { reason: messageOf(error), nextTryHours: pauseMs / HOUR_MS });
    }
  }
}
