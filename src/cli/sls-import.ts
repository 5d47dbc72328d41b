import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareDataDir } from '../shared/data-file.ts';
import { messageOf } from '../shared/errors.ts';
import { type Row, StreamDirectory } from '../sls-bridge/directory.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import { firstRows } from '../sls-bridge/new-ids.ts';
import { KeyStore, MAX_KEYS, PERMISSIONS, type StoredKey } from '../stats/key-store.ts';
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
  /** What was left out, and why. */
  unusable: readonly string[];
}

/**
 * Adds ids and active keys of a database of SLS to a data folder. No node may be running on it. All is judged before anything is written,
 * and the ids are written last and at once: what a failure has cut off is done by another try.
 * @throws TributaryError TRIBUTARY_SLS_DATABASE_UNREADABLE, TRIBUTARY_SLS_DATABASE_NEWER, TRIBUTARY_DATA_FILE_CORRUPT,
 * TRIBUTARY_DATA_DIR_UNWRITABLE
 */
export const importSls = async (database: string, dataDir: string): Promise<ImportCounts> => {
  await prepareDataDir(dataDir);
  const { rows, keys, inactiveKeys, unusable } = await readSlsDatabase(database, dataDir);
  const isFirst = !(await exists(join(dataDir, STREAMS_FILE)));
  const store = isFirst ? undefined : await DirectoryFile.open(dataDir);
  const { fresh, known, conflicts, why } = judgeRows(rows, store?.directory.admitted() ?? []);
  const keyStore = await KeyStore.openAsItIs(dataDir);
  const adopted = freshKeys(keys, keyStore);
  const newKeys = await keyStore.adopt(adopted.fitting);
  if (store && fresh.length > 0) await store.load(fresh);
  // An empty table is no reason to start without ids.
  if (!store) await DirectoryFile.open(dataDir, Date.now, () => (fresh.length > 0 ? fresh : firstRows()));
  const tooMany = adopted.tooMany > 0 ? [`${adopted.tooMany} API keys: there is room for ${MAX_KEYS}`] : [];
  return {
    streamIds: fresh.length,
    keys: newKeys,
    known,
    conflicts,
    inactiveKeys,
    unusable: [...unusable, ...why, ...tooMany],
  };
};

/** What of the rows can be added to those that are there: each is tried. */
const judgeRows = (
  rows: readonly Row[],
  present: readonly Row[],
): { fresh: Row[]; known: number; conflicts: number; why: string[] } => {
  const trial = new StreamDirectory();
  for (const row of present) trial.load(row);
  const before = new Set(present.map(({ player }) => player));
  const found = { fresh: [] as Row[], known: 0, conflicts: 0, why: [] as string[] };
  for (const row of rows) {
    if (before.has(row.player)) {
      if (trial.publisherOfPlayer(row.player) === row.publisher) found.known++;
      else found.conflicts++;
      continue;
    }
    try {
      trial.load(row);
      found.fresh.push(row);
    } catch (error) {
      found.why.push(messageOf(error));
    }
  }
  return found;
};

/** Keys that are new, as many as there is room for; those that may do most come first. */
const freshKeys = (keys: readonly StoredKey[], store: KeyStore): { fitting: StoredKey[]; tooMany: number } => {
  const known = new Set(store.stored().map(({ sha256 }) => sha256));
  const room = Math.max(0, MAX_KEYS - known.size);
  const fresh = keys
    .filter(({ sha256 }) => !known.has(sha256) && known.add(sha256))
    .sort((a, b) => PERMISSIONS.indexOf(a.permissions) - PERMISSIONS.indexOf(b.permissions));
  return { fitting: fresh.slice(0, room), tooMany: Math.max(0, fresh.length - room) };
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
