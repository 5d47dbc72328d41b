import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { codeOf, messageOf, TributaryError } from '../../shared/errors.ts';
import { CommitUnknownError, type DriverDatabase, type Queries, type SqlValue, type Transaction } from './database.ts';
import { Permits } from './permits.ts';

/**
 * Connections of one process; PostgreSQL allows 100 in all unless told otherwise. As many statements and transactions are under way at
 * once; more wait in order, and not in the library's queue, where the wait counts as one for the server.
 */
const MAX_CONNECTIONS = 8;
const CONNECT_TIMEOUT_MS = 2_000;

const UNIQUE_VIOLATION = '23505';
const HEAR_AGAIN_MS = 1_000;

const INT8 = 20;
const NUMERIC = 1_700;

/** Of the system. */
const AWAY = new Set([
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
/** The client library's own, which have no code. */
const AWAY_TEXT =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|timeout e(?:xceeded|xpired)|Cannot use a pool after)/;
/** SQLSTATE classes: connection exceptions; operator intervention such as a shutdown; too many connections; system errors; disk full. */
const isAwayState = (code: string): boolean => /^(?:08|57P|53|58)/.test(code);
/** Serialization failure, deadlock. */
const TRANSIENT = new Set(['40001', '40P01']);

interface Statement {
  /** The server prepares it once a connection under this name. */
  name: string;
  text: string;
}

const statements = new Map<string, Statement>();
/** `?` of the common dialect as PostgreSQL's `$1`. */
const prepared = (sql: string): Statement => {
  let statement = statements.get(sql);
  if (statement === undefined) {
    let count = 0;
    statement = { name: `s${statements.size}`, text: sql.replace(/\?/g, () => `$${++count}`) };
    statements.set(sql, statement);
  }
  return statement;
};

type Ask = (sql: string, params: readonly SqlValue[]) => Promise<pg.QueryResult>;

const queriesOf = (ask: Ask): Queries => ({
  all: async <T extends object>(sql: string, params: readonly SqlValue[] = []) => (await ask(sql, params)).rows as T[],
  first: async <T extends object>(sql: string, params: readonly SqlValue[] = []) =>
    (await ask(sql, params)).rows[0] as T | undefined,
  run: async (sql, params = []) => (await ask(sql, params)).rowCount ?? 0,
});

/** One statement after the other, however many are asked at once. */
const askOn = (client: pg.ClientBase): Ask => {
  const inTurn = new Permits(1);
  return (sql, params) => inTurn.use(() => client.query({ ...prepared(sql), values: [...params] }));
};

const isAway = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === undefined ? AWAY_TEXT.test(messageOf(error)) : AWAY.has(code) || isAwayState(code);
};

/** PostgreSQL, that several processes may share. */
class PostgresDatabase implements DriverDatabase {
  readonly driver = 'postgres';
  readonly #pool: pg.Pool;
  readonly #listener: () => pg.Client;
  readonly #channel: string;
  readonly #self = randomUUID();
  readonly #listeners = new Set<(message: string) => void>();
  readonly #permits = new Permits(MAX_CONNECTIONS);
  readonly #closing = new AbortController();
  #hearing: pg.Client | undefined;
  readonly all: Queries['all'];
  readonly first: Queries['first'];
  readonly run: Queries['run'];

  /** @param listener makes the connection that hears, outside of the pool */
  constructor(pool: pg.Pool, listener: () => pg.Client, channel: string) {
    this.#pool = pool;
    this.#listener = listener;
    this.#channel = channel;
    const queries = queriesOf((sql, params) => this.#withClient((client) => askOn(client)(sql, params)));
    this.all = queries.all;
    this.first = queries.first;
    this.run = queries.run;
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#withClient((client) => this.#transaction(client, work));
  }

  publish(message: string): void {
    for (const listener of this.#listeners) listener(message);
    // Lost where the database is away: those who wait look by themselves.
    this.run('SELECT pg_notify(?, ?)', [this.#channel, `${this.#self} ${message}`]).catch(() => {});
  }

  subscribe(listener: (message: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hears what other processes publish, from the moment that the server answers, and again after a break, until it is closed. */
  async hear(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const client = this.#listener();
      this.#hearing = client;
      const over = new Promise<void>((resolve) => client.once('end', () => resolve()));
      client.on('error', () => {});
      client.on('notification', ({ payload = '' }) => this.#heard(payload));
      try {
        await client.connect();
        await client.query(`LISTEN "${this.#channel}"`);
        await over;
      } catch {
        client.end().catch(() => {});
      }
      await sleep(HEAR_AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const limit = new AbortController();
    await Promise.race([
      Promise.all([this.#hearing?.end(), this.#pool.end()]).catch(() => {}),
      sleep(1_000, undefined, { signal: limit.signal, ref: false }).catch(() => {}),
    ]);
    limit.abort();
  }

  isAway(error: unknown): boolean {
    return isAway(error);
  }

  isTransient(error: unknown): boolean {
    return TRANSIENT.has(codeOf(error) ?? '');
  }

  #heard(payload: string): void {
    const at = payload.indexOf(' ');
    if (payload.slice(0, at) === this.#self) return;
    for (const listener of this.#listeners) listener(payload.slice(at + 1));
  }

  /** Whatever breaks the connection takes it out of the pool. */
  #withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.#permits.use(async () => {
      const client = await this.#pool.connect();
      let isBroken = false;
      try {
        return await work(client);
      } catch (error) {
        isBroken = isAway(error);
        throw error;
      } finally {
        client.release(isBroken);
      }
    });
  }

  async #transaction<T>(client: pg.PoolClient, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const ask = askOn(client);
    const queries = queriesOf(ask);
    let result: T;
    await client.query('BEGIN');
    try {
      result = await work({
        ...queries,
        lock: async (name) => void (await queries.run('SELECT pg_advisory_xact_lock(hashtextextended(?, 0))', [name])),
      });
    } catch (error) {
      // Where even this fails the connection is gone, and the server has rolled back by itself.
      await ask('ROLLBACK', []).catch((failure) => {
        if (!isAway(error)) throw failure;
      });
      throw error;
    }
    try {
      await client.query('COMMIT');
    } catch (error) {
      throw isAway(error) ? new CommitUnknownError(error) : error;
    }
    return result;
  }
}

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; `?host=/run/postgresql` for a socket, `?sslmode=require` and the like. */
  url: string;
  /** Schema of the tables, made where it is missing; otherwise that of the connection. */
  schema?: string;
}

/** @throws TributaryError TRIBUTARY_DATABASE_UNUSABLE for an address that is none; a server that is away is no error here */
export const openPostgres = async ({ url, schema }: PostgresOptions): Promise<DriverDatabase> => {
  // Loaded only where it is used: the embedded database does without.
  const { default: pg } = await import('pg');
  try {
    const address = new URL(url);
    if (!/^postgres(?:ql)?:$/.test(address.protocol)) throw new Error('it does not begin with postgres://');
    // `sslmode` means what it means to PostgreSQL's own programs.
    if (address.searchParams.has('sslmode')) address.searchParams.set('uselibpqcompat', 'true');
    const config: pg.ClientConfig = {
      connectionString: address.href,
      application_name: 'tributary-control-plane',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: 25_000,
      lock_timeout: 25_000,
      idle_in_transaction_session_timeout: 25_000,
      keepAlive: true,
      ...(schema === undefined ? {} : { options: `-c search_path=${schema}` }),
      types: {
        getTypeParser: ((oid: number, format?: 'text') =>
          oid === INT8 || oid === NUMERIC
            ? Number
            : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
      },
    };
    const pool = new pg.Pool({ ...config, max: MAX_CONNECTIONS, idleTimeoutMillis: 60_000 });
    // A connection that breaks fails what it is asked; between two questions there is nobody to tell.
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    if (schema !== undefined)
      await pool.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`).catch((error) => {
        // Another process has just made it: PostgreSQL looks before it makes, and not under a lock.
        if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
      });
    const db = new PostgresDatabase(pool, () => new pg.Client(config), `tributary_${schema ?? 'control_plane'}`);
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
