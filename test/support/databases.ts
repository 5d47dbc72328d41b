import { randomBytes } from 'node:crypto';
import { describe, onTestFinished } from 'vitest';
import type { Database } from '../../src/control-plane/database/database.ts';
import { patient } from '../../src/control-plane/database/patience.ts';
import { openPostgres } from '../../src/control-plane/database/postgres.ts';
import { openSqlite } from '../../src/control-plane/database/sqlite.ts';

/** Set by `npm run test:system`, which starts a server of its own. */
export const POSTGRES_URL = process.env.TRIBUTARY_TEST_DATABASE_URL;

/** Of tests that are not about it: a busy machine must not look like a database that is away. */
const PATIENCE_MS = 15_000;

/** A way to an empty database that several "processes" may open. */
export interface TestDatabase {
  readonly driver: Database['driver'];
  /** Another connection to the same data; SQLite has one in all, and gives it again. */
  open(): Promise<Database>;
}

const sqlite = (): TestDatabase => {
  const db = patient(openSqlite(':memory:'));
  onTestFinished(() => db.close());
  return { driver: 'sqlite', open: async () => db };
};

const postgres = (url: string): TestDatabase => {
  const schema = `test_${randomBytes(6).toString('hex')}`;
  const opened: Database[] = [];
  onTestFinished(async () => {
    await opened[0]?.run(`DROP SCHEMA "${schema}" CASCADE`);
    for (const db of opened) await db.close();
  });
  return {
    driver: 'postgres',
    open: async () => {
      const db = patient(await openPostgres({ url, schema }), PATIENCE_MS);
      opened.push(db);
      return db;
    },
  };
};

/**
 * The same tests on SQLite and, in `npm run test:system`, on PostgreSQL. `make` is called within a test, and gives it an empty database that
 * goes with it.
 */
export const onEachDatabase = (tests: (make: () => TestDatabase) => void): void => {
  describe('on SQLite', () => tests(sqlite));
  if (POSTGRES_URL !== undefined) describe('on PostgreSQL', () => tests(() => postgres(POSTGRES_URL as string)));
};
