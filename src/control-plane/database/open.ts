import { chmodSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from './database.ts';
import { patient } from './patience.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

export const DATABASE_FILE = 'control-plane.db';

/** Tokens of streams are in it. SQLite gives the files beside it, where changes go first, the mode that it has by then. */
const keepPrivate = (path: string): void => {
  try {
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  } catch {
    // What cannot be opened is told by who opens it.
  }
};

/**
 * PostgreSQL where there is an address of one, otherwise a file in the data folder.
 * @throws TributaryError TRIBUTARY_DATABASE_UNUSABLE
 */
export const openDatabase = async (dataDir: string, url: string | undefined): Promise<Database> => {
  if (url !== undefined) return patient(await openPostgres({ url }));
  const path = join(dataDir, DATABASE_FILE);
  keepPrivate(path);
  return patient(openSqlite(path));
};
