import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Row } from '../sls-bridge/directory.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import { firstRows } from '../sls-bridge/new-ids.ts';
import { KeyStore } from '../stats/key-store.ts';
import { readSlsDatabase } from './sls-database.ts';

/** The file of SLS in its data folder. */
export const SLS_DATABASE = 'streams.db';
const STREAMS_FILE = 'streams.json';

/** What an import has done. */
export interface ImportCounts {
  /** Rows that are new. */
  streamIds: number;
  /** Keys that are new. */
  keys: number;
  /** Rows that were there already. */
  known: number;
  /** Rows whose player id is there with another publisher id: they were left out. */
  conflicts: number;
  /** Keys that SLS did not accept any more: they were left out. */
  inactiveKeys: number;
  /** Rows that were left out, and why. */
  unusable: readonly string[];
}

/**
 * Adds ids and active keys of a database of SLS to a data folder. No node may be running on it.
 * @throws TributaryError TRIBUTARY_SLS_DATABASE_UNREADABLE, TRIBUTARY_SLS_DATABASE_NEWER, TRIBUTARY_DATA_FILE_CORRUPT,
 * TRIBUTARY_DATA_DIR_UNWRITABLE, TRIBUTARY_KEY_LIMIT
 */
export const importSls = async (database: string, dataDir: string): Promise<ImportCounts> => {
  const { rows, keys, inactiveKeys, unusable } = await readSlsDatabase(database);
  // An empty table is no reason to start without ids.
  const store = await DirectoryFile.open(dataDir, Date.now, () => (rows.length > 0 ? [] : firstRows()));
  const { directory } = store;
  const fresh: Row[] = [];
  let known = 0;
  let conflicts = 0;
  for (const row of rows) {
    const owner = directory.publisherOfPlayer(row.player);
    if (owner === undefined) fresh.push(row);
    else if (owner === row.publisher) known++;
    else conflicts++;
  }
  if (fresh.length > 0) await store.load(fresh);
  const newKeys = await (await KeyStore.openAsItIs(dataDir)).adopt(keys);
  return { streamIds: fresh.length, keys: newKeys, known, conflicts, inactiveKeys, unusable };
};

/** What happened, one line each. */
export const importLines = (database: string, counts: ImportCounts): string[] => {
  const { streamIds, keys, known, conflicts, inactiveKeys, unusable } = counts;
  return [
    `Imported from ${database}: ${streamIds} stream ids, ${keys} API keys.`,
    ...(known > 0 ? [`${known} stream ids were here already.`] : []),
    ...(conflicts > 0 ? [`${conflicts} player ids are here with another publisher id and were left as they are.`] : []),
    ...(inactiveKeys > 0 ? [`${inactiveKeys} API keys are not active and were left out.`] : []),
    ...unusable.map((line) => `Left out: ${line}.`),
  ];
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * On the first start over a data folder of SLS: its ids and keys go on to work.
 * @returns undefined where there is nothing to import. Errors as `importSls`
 */
export const importOldDataFolder = async (
  dataDir: string,
): Promise<{ database: string; counts: ImportCounts } | undefined> => {
  const database = join(dataDir, SLS_DATABASE);
  if ((await exists(join(dataDir, STREAMS_FILE))) || !(await exists(database))) return undefined;
  return { database, counts: await importSls(database, dataDir) };
};
