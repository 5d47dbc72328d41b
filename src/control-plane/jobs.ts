import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { type Database, DatabaseAwayError } from './database/database.ts';

/**
 * Takes a lock that outlives no holder: it lapses by itself.
 * @param holdMs by the wall clocks of the processes, so that it should be long beside their skew
 */
export const tryJobLock = async (
  db: Database,
  name: string,
  holdMs: Millis,
  unixMs: Millis,
  holder: string,
): Promise<boolean> => {
  const row = await db.first(
    `INSERT INTO job_locks (name, holder, until_ms) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms
     WHERE job_locks.until_ms <= ? OR job_locks.holder = excluded.holder
     RETURNING name`,
    [name, holder, unixMs + holdMs, unixMs],
  );
  return row !== undefined;
};

export const releaseJobLock = async (db: Database, name: string, holder: string): Promise<void> => {
  await db.run('DELETE FROM job_locks WHERE name = ? AND holder = ?', [name, holder]);
};

const LOCK_RETRY_MS: Millis = 20;

/** `work` while no other call, of whatever process, is at the same name; waits for it. */
export const underLock = async <T>(
  db: Database,
  name: string,
  holdMs: Millis,
  unixNow: () => Millis,
  work: () => Promise<T>,
): Promise<T> => {
  const holder = randomUUID();
  while (!(await tryJobLock(db, name, holdMs, unixNow(), holder))) await sleep(LOCK_RETRY_MS);
  try {
    return await work();
  } finally {
    await releaseJobLock(db, name, holder).catch(() => {});
  }
};

export interface Job {
  readonly name: string;
  readonly everyMs: Millis;
  /** On one process at a time; otherwise on each. */
  readonly isShared: boolean;
  run(): Promise<void>;
}

/** Runs jobs again and again. One that fails is told once, and tried again at its next time. */
export class JobRunner {
  readonly #db: Database;
  readonly #logger: Logger;
  readonly #unixNow: () => Millis;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  readonly #failing = new Set<string>();
  /** This process among those that share the database. */
  readonly #self = randomUUID();
  #isStopped = false;

  constructor(db: Database, logger: Logger, unixNow: () => Millis) {
    this.#db = db;
    this.#logger = logger;
    this.#unixNow = unixNow;
  }

  start(jobs: readonly Job[]): void {
    for (const job of jobs) this.#plan(job, job.everyMs * (0.1 + 0.9 * Math.random()));
  }

  /** One run now, as its timer would do it. */
  async runOnce(job: Job): Promise<void> {
    try {
      // Held a little longer than until the next run: the process that has it goes on with it.
      const holdMs = job.everyMs * 1.5 + 5_000;
      if (job.isShared && !(await tryJobLock(this.#db, job.name, holdMs, this.#unixNow(), this.#self))) return;
      await job.run();
      if (this.#failing.delete(job.name)) this.#logger.info('the job runs again', { job: job.name });
    } catch (error) {
      if (this.#failing.has(job.name)) return;
      this.#failing.add(job.name);
      const isAway = error instanceof DatabaseAwayError;
      const text = isAway || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message);
      this.#logger.warn('a job failed', { job: job.name, error: text });
    }
  }

  /** Waits for what is running. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #plan(job: Job, afterMs: Millis): void {
    if (this.#isStopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const running = this.runOnce(job).finally(() => {
        this.#running.delete(running);
        this.#plan(job, job.everyMs * (0.95 + 0.1 * Math.random()));
      });
      this.#running.add(running);
    }, afterMs);
    this.#timers.add(timer);
  }
}
