import { AsyncLocalStorage } from 'node:async_hooks';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { codeOf, messageOf, TributaryError } from '../../shared/errors.ts';
import type { DriverDatabase, Queries, SqlValue, Transaction } from './database.ts';

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const AWAY = new Set([SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN]);

const errcodeOf = (error: unknown): number | undefined => {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
};

/**
 * The embedded database: `node:sqlite`, one file, one connection, in this process. Statements run at once and block for as long as they
 * take, which is tens of microseconds, and a few milliseconds where something is committed.
 */
class SqliteDatabase implements DriverDatabase {
  readonly driver = 'sqlite';
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Set in the work of a transaction: a statement beside it would wait for its end for ever. */
  readonly #inside = new AsyncLocalStorage<true>();
  readonly #listeners = new Set<(message: string) => void>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  all<T extends object>(sql: string, params: readonly SqlValue[] = []): Promise<T[]> {
    return this.#inTurn(async () => this.#statement(sql).all(...params) as T[]);
  }

  first<T extends object>(sql: string, params: readonly SqlValue[] = []): Promise<T | undefined> {
    return this.#inTurn(async () => this.#statement(sql).get(...params) as T | undefined);
  }

  run(sql: string, params: readonly SqlValue[] = []): Promise<number> {
    return this.#inTurn(async () => Number(this.#statement(sql).run(...params).changes));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      this.#connection.exec('BEGIN IMMEDIATE');
      try {
        const result = await this.#inside.run(true, () => work(this.#transaction()));
        this.#connection.exec('COMMIT');
        return result;
      } catch (error) {
        if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
        throw error;
      }
    });
  }

  publish(message: string): void {
    for (const listener of this.#listeners) listener(message);
  }

  subscribe(listener: (message: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.#last;
    if (this.#connection.isOpen) this.#connection.close();
  }

  isAway(error: unknown): boolean {
    const code = errcodeOf(error);
    return code !== undefined && AWAY.has(code);
  }

  isTransient(): boolean {
    return false;
  }

  #transaction(): Transaction {
    const direct: Queries = {
      all: async <T extends object>(sql: string, params: readonly SqlValue[] = []) =>
        this.#statement(sql).all(...params) as T[],
      first: async <T extends object>(sql: string, params: readonly SqlValue[] = []) =>
        this.#statement(sql).get(...params) as T | undefined,
      run: async (sql, params = []) => Number(this.#statement(sql).run(...params).changes),
    };
    return { ...direct, lock: async () => {} };
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside.getStore())
      return Promise.reject(new Error('a statement beside the transaction that it is part of: use the transaction'));
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

/**
 * @param path of the file, made where it is missing, readable for its owner alone; `:memory:` for tests
 * @throws TributaryError TRIBUTARY_DATABASE_UNUSABLE
 */
export const openSqlite = (path: string): DriverDatabase => {
  try {
    const connection = new DatabaseSync(path, { timeout: 0 });
    // FULL: a power cut must not bring an older state back, since nodes would know a newer one.
    connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    // Small machines: pages beyond this are read again.
    connection.exec('PRAGMA cache_size = -2048; PRAGMA journal_size_limit = 4194304;');
    return new SqliteDatabase(connection);
  } catch (error) {
    throw new TributaryError(
      'TRIBUTARY_DATABASE_UNUSABLE',
      `the database ${path} cannot be opened (${codeOf(error) ?? ''} ${messageOf(error)})`,
      'put a backup in its place, or move it away to start with an empty one',
      error,
    );
  }
};
