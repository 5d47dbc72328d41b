import { setTimeout as sleep } from 'node:timers/promises';
import { type Millis, monotonicNow } from '../../shared/clock.ts';
import {
  CommitUnknownError,
  type Database,
  DatabaseAwayError,
  type DriverDatabase,
  type SqlValue,
  type Transaction,
  type TransactionOptions,
} from './database.ts';

/** What a request waits for a database that is away before it fails. */
export const AWAY_WAIT_MS: Millis = 2_000;
/** What one waits for a database that answers others: it is only busy. */
const BUSY_WAIT_MS: Millis = 25_000;
const RETRY_MS: Millis = 100;

class GivenUp extends Error {}

/**
 * A driver made patient: what fails because the database is away is tried again for two seconds, then a DatabaseAwayError. A database
 * that hangs is away too, but one that is merely busy is not: while it answers anybody, there is more time.
 */
class PatientDatabase implements Database {
  readonly driver: Database['driver'];
  readonly #inner: DriverDatabase;
  readonly #awayWaitMs: Millis;
  #lastAnswerMs: Millis = Number.NEGATIVE_INFINITY;

  constructor(inner: DriverDatabase, awayWaitMs: Millis) {
    this.driver = inner.driver;
    this.#inner = inner;
    this.#awayWaitMs = awayWaitMs;
  }

  all<T extends object>(sql: string, params?: readonly SqlValue[]): Promise<T[]> {
    return this.#patiently(() => this.#inner.all<T>(sql, params));
  }

  first<T extends object>(sql: string, params?: readonly SqlValue[]): Promise<T | undefined> {
    return this.#patiently(() => this.#inner.first<T>(sql, params));
  }

  run(sql: string, params?: readonly SqlValue[]): Promise<number> {
    return this.#patiently(() => this.#inner.run(sql, params));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#patiently(
      (isGivenUp) => this.#inner.transaction((tx) => work(this.#watched(tx, isGivenUp))),
      options.repeatable,
    );
  }

  publish(message: string): void {
    this.#inner.publish(message);
  }

  subscribe(listener: (message: string) => void): () => void {
    return this.#inner.subscribe(listener);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** A transaction nobody waits for any more goes no further: its caller has been told that it failed. */
  #watched(tx: Transaction, isGivenUp: () => boolean): Transaction {
    const answered = async <T>(work: () => Promise<T>): Promise<T> => {
      if (isGivenUp()) throw new GivenUp('nobody waits for this transaction any more');
      const result = await work();
      this.#lastAnswerMs = monotonicNow();
      if (isGivenUp()) throw new GivenUp('nobody waits for this transaction any more');
      return result;
    };
    return {
      all: <R extends object>(sql: string, params?: readonly SqlValue[]) => answered(() => tx.all<R>(sql, params)),
      first: <R extends object>(sql: string, params?: readonly SqlValue[]) => answered(() => tx.first<R>(sql, params)),
      run: (sql, params) => answered(() => tx.run(sql, params)),
      lock: (name) => answered(() => tx.lock(name)),
    };
  }

  async #patiently<T>(work: (isGivenUp: () => boolean) => Promise<T>, repeatable = false): Promise<T> {
    const beganMs = monotonicNow();
    for (;;) {
      try {
        const result = await this.#inTime(work, beganMs);
        this.#lastAnswerMs = monotonicNow();
        return result;
      } catch (error) {
        const isUnknown = error instanceof CommitUnknownError;
        const isAway = isUnknown || this.#inner.isAway(error);
        if (!isAway && !this.#inner.isTransient(error)) throw error;
        if ((isUnknown && !repeatable) || monotonicNow() - beganMs >= this.#awayWaitMs)
          throw new DatabaseAwayError(error);
        await sleep(isAway ? RETRY_MS : 1 + Math.random() * 10);
      }
    }
  }

  #inTime<T>(work: (isGivenUp: () => boolean) => Promise<T>, beganMs: Millis): Promise<T> {
    return new Promise((done, failed) => {
      let isGivenUp = false;
      let isOver = false;
      let timer: NodeJS.Timeout | undefined;
      const judge = (): void => {
        if (isOver) return;
        const now = monotonicNow();
        const silentMs = now - Math.max(beganMs, this.#lastAnswerMs);
        if (silentMs >= this.#awayWaitMs || now - beganMs >= BUSY_WAIT_MS) {
          isGivenUp = true;
          failed(new DatabaseAwayError(undefined));
        } else timer = setTimeout(look, Math.max(1, this.#awayWaitMs - silentMs));
      };
      // Answers that have come in while this thread was busy are heard first.
      const look = (): void => void setImmediate(judge);
      timer = setTimeout(look, Math.max(1, this.#awayWaitMs - (monotonicNow() - beganMs)));
      work(() => isGivenUp)
        .then(done, failed)
        .finally(() => {
          isOver = true;
          clearTimeout(timer);
        });
    });
  }
}

export const patient = (inner: DriverDatabase, awayWaitMs: Millis = AWAY_WAIT_MS): Database =>
  new PatientDatabase(inner, awayWaitMs);
