/** What goes into a statement and comes out of a row. Moments are Unix ms, flags 0 or 1, structured values JSON text. */
export type SqlValue = string | number | null;

/**
 * Statements in the dialect that both drivers speak: `?` placeholders, `ON CONFLICT`, `RETURNING`, types TEXT, INTEGER, BIGINT and DOUBLE
 * PRECISION. No literal may hold a question mark. All throw DatabaseAwayError where the database does not answer (see patience.ts).
 */
export interface Queries {
  all<T extends object>(sql: string, params?: readonly SqlValue[]): Promise<T[]>;
  /** The first row, or undefined. */
  first<T extends object>(sql: string, params?: readonly SqlValue[]): Promise<T | undefined>;
  /** @returns how many rows were written */
  run(sql: string, params?: readonly SqlValue[]): Promise<number>;
}

export interface Transaction extends Queries {
  /**
   * Waits until no other transaction, of whatever process, holds this name, and holds it until its end. Under it, what was read stays
   * true. SQLite has one writer anyhow.
   */
  lock(name: string): Promise<void>;
}

export interface TransactionOptions {
  /**
   * The work may be done once more although the first time may have counted: the connection broke while it was being committed.
   * Otherwise such a break is a DatabaseAwayError, and nobody knows.
   */
  repeatable?: boolean;
}

/** One database, SQLite or PostgreSQL. */
export interface Database extends Queries {
  readonly driver: 'sqlite' | 'postgres';
  /**
   * All of it, or nothing. `work` uses only the transaction that it is given, and nothing but the database: it is done again after a
   * deadlock, or a break before the commit. Whatever it throws rolls back and is thrown on.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Tells every process that shares the database, this one first and at once. May be lost while the database is away: whoever waits for a
   * message looks by itself now and then. Under 8,000 bytes.
   */
  publish(message: string): void;
  /** @returns a function that ends it */
  subscribe(listener: (message: string) => void): () => void;
  /** Waits for what is under way, for a second at most. */
  close(): Promise<void>;
}

/** The database does not answer: the request gets 503, and may come again. */
export class DatabaseAwayError extends Error {
  constructor(cause: unknown) {
    super('the database does not answer', { cause });
    this.name = 'DatabaseAwayError';
  }
}

/** What a driver adds for patience.ts. */
export interface DriverDatabase extends Database {
  /** The error is of a database that is not there, not of the statement. */
  isAway(error: unknown): boolean;
  /** The transaction was undone for the sake of others: the same again may succeed. */
  isTransient(error: unknown): boolean;
}

/** Thrown by a driver when the connection broke while COMMIT was under way. */
export class CommitUnknownError extends Error {
  constructor(cause: unknown) {
    super('the connection broke during the commit', { cause });
    this.name = 'CommitUnknownError';
  }
}
