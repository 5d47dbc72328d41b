import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { codeOf, messageOf, TributaryError } from '../../shared/errors.ts';
import { CommitUnknownError, type DriverDatabase, type Queries, type SqlValue, type Transaction } from './database.ts';
import { Permits } from './permits.ts';

/** Connections of one process; PostgreSQL allows 100 in all unless told otherwise. */
const MAX_CONNECTIONS = 8;
/**
 * Statements and transactions under way at once; more wait here, in order. The library sends up to 100 statements over one connection before the first is
 * answered, and a BEGIN that is the hundredth fails, with its connection left inside of a transaction that nobody ends.
 */
const MAX_UNDER_WAY = 64;

const UNIQUE_VIOLATION = '23505';
const HEAR_AGAIN_MS = 1_000;

const INT8 = 20;
const NUMERIC = 1_700;

/** Of the client library and the system. */
const AWAY = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** SQLSTATE classes: connection exceptions; operator intervention such as a shutdown; too many connections; system errors; disk full. */
const isAwayState = (code: string): boolean => /^(?:08|57P|53|58)/.test(code);
/** Serialization failure, deadlock. */
const TRANSIENT = new Set(['40001', '40P01']);

const texts = new Map<string, string>();
/** `?` of the common dialect as PostgreSQL's `$1`. */
const numbered = (sql: string): string => {
  let text = texts.get(sql);
  if (text === undefined) {
    let count = 0;
    text = sql.replace(/\?/g, () => `$${++count}`);
    texts.set(sql, text);
  }
  return text;
};

type Runner = Pick<postgres.Sql, 'unsafe'>;

const queriesOf = (runner: Runner): Queries => {
  const unsafe = (sql: string, params: readonly SqlValue[]) =>
    runner.unsafe(numbered(sql), params as (string | number | null)[], { prepare: true });
  return {
    all: async <T extends object>(sql: string, params: readonly SqlValue[] = []) => [
      ...((await unsafe(sql, params)) as unknown as T[]),
    ],
    first: async <T extends object>(sql: string, params: readonly SqlValue[] = []) =>
      (await unsafe(sql, params))[0] as T | undefined,
    run: async (sql, params = []) => (await unsafe(sql, params)).count,
  };
};

/** PostgreSQL, that several processes may share. */
class PostgresDatabase implements DriverDatabase {
  readonly driver = 'postgres';
  readonly #sql: postgres.Sql;
  readonly #channel: string;
  readonly #self = randomUUID();
  readonly #listeners = new Set<(message: string) => void>();
  readonly #permits = new Permits(MAX_UNDER_WAY);
  #isClosed = false;
  readonly all: Queries['all'];
  readonly first: Queries['first'];
  readonly run: Queries['run'];

  constructor(sql: postgres.Sql, channel: string) {
    this.#sql = sql;
    this.#channel = channel;
    const queries = queriesOf(sql);
    this.all = (text, params) => this.#permits.use(() => queries.all(text, params));
    this.first = (text, params) => this.#permits.use(() => queries.first(text, params));
    this.run = (text, params) => this.#permits.use(() => queries.run(text, params));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#permits.use(() => this.#transaction(work));
  }

  async #transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    let isWorkDone = false;
    try {
      return (await this.#sql.begin(async (connection) => {
        const queries = queriesOf(connection);
        const result = await work({
          ...queries,
          lock: async (name) =>
            void (await queries.run('SELECT pg_advisory_xact_lock(hashtextextended(?, 0))', [name])),
        });
        isWorkDone = true;
        return result;
      })) as T;
    } catch (error) {
      throw isWorkDone && this.isAway(error) ? new CommitUnknownError(error) : error;
    }
  }

  publish(message: string): void {
    for (const listener of this.#listeners) listener(message);
    // Lost where the database is away: those who wait look by themselves.
    this.#sql.notify(this.#channel, `${this.#self} ${message}`).catch(() => {});
  }

  subscribe(listener: (message: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hears what other processes publish, from the moment that the server answers; the library listens again after a break. */
  async hear(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#sql.listen(this.#channel, (payload) => {
          const at = payload.indexOf(' ');
          if (payload.slice(0, at) === this.#self) return;
          for (const listener of this.#listeners) listener(payload.slice(at + 1));
        });
        return;
      } catch {
        await sleep(HEAR_AGAIN_MS);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#sql.end({ timeout: 1 });
  }

  isAway(error: unknown): boolean {
    const code = codeOf(error);
    return code !== undefined && (AWAY.has(code) || isAwayState(code));
  }

  isTransient(error: unknown): boolean {
    return TRANSIENT.has(codeOf(error) ?? '');
  }
}

/** `?host=/run/postgresql`, as libpq has it: a socket in a folder. The library knows it only as an option. */
const withSocketFolder = (url: string): { url: string; host?: string } => {
  const parsed = new URL(url);
  const host = parsed.searchParams.get('host');
  if (host === null) return { url };
  parsed.searchParams.delete('host');
  return { url: parsed.href, host };
};

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; `?host=/run/postgresql` for a socket, `?sslmode=require` and the like. */
  url: string;
  /** Schema of the tables, made where it is missing; otherwise that of the connection. */
  schema?: string;
}

/** @throws TributaryError TRIBUTARY_DATABASE_UNUSABLE for an address that is none; a server that is away is no error here */
export const openPostgres = async ({ url, schema }: PostgresOptions): Promise<DriverDatabase> => {
  // Loaded only where it is used: the embedded database does without.
  const { default: connect } = await import('postgres');
  try {
    const { url: address, host } = withSocketFolder(url);
    if (!/^postgres(?:ql)?:/.test(address)) throw new Error('it does not begin with postgres://');
    const sql = connect(address, {
      ...(host === undefined ? {} : { host }),
      max: MAX_CONNECTIONS,
      connect_timeout: 2,
      // A server that was away is tried again soon: requests wait for it no longer than 2 s.
      backoff: () => 0.1,
      idle_timeout: 60,
      onnotice: () => {},
      fetch_types: false,
      connection: {
        application_name: 'tributary-control-plane',
        statement_timeout: 25_000,
        lock_timeout: 25_000,
        idle_in_transaction_session_timeout: 25_000,
        ...(schema === undefined ? {} : { search_path: schema }),
      },
      types: {
        int8: { to: INT8, from: [INT8], parse: Number, serialize: String },
        numeric: { to: NUMERIC, from: [NUMERIC], parse: Number, serialize: String },
      },
    });
    if (schema !== undefined)
      await sql.unsafe(`CREATE SCHEMA IF NOT EXISTS "${schema}"`).catch((error) => {
        // Another process has just made it: PostgreSQL looks before it makes, and not under a lock.
        if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
      });
    const db = new PostgresDatabase(sql as unknown as postgres.Sql, `tributary_${schema ?? 'control_plane'}`);
    void db.hear();
    return db;
  } catch (error) {
    throw new TributaryError(
      'TRIBUTARY_DATABASE_UNUSABLE',
      `the database of DATABASE_URL cannot be used (${messageOf(error)})`,
      'give DATABASE_URL as postgres://user:password@host:5432/database',
      error,
    );
  }
};
