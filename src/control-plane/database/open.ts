import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from './database.ts';
import { patient } from './patience.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

export const DATABASE_FILE = 'control-plane.db';

/**
 * PostgreSQL where there is an address of one, otherwise a file in the data folder.
 * @throws TributaryError TRIBUTARY_DATABASE_UNUSABLE
 */
export const openDatabase = async (dataDir: string, url: string | undefined): Promise<Database> => {
  if (url !== undefined) return patient(await openPostgres({ url }));
  const path = join(dataDir, DATABASE_FILE);
  const db = openSqlite(path);
  // Tokens of streams are in it.
  chmodSync(path, 0o600);
  return patient(db);
};
