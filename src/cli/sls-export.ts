import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { codeOf, TributaryError } from '../shared/errors.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import { KeyStore } from '../stats/key-store.ts';
import { writePrivateFile } from './private-file.ts';
import { SLS_SCHEMA } from './sls-schema.ts';

/** What an export has written. */
export interface ExportCounts {
  streamIds: number;
  keys: number;
  /** Rows that were left out: their time is over, and SLS knows no such thing. */
  expired: number;
  /** Rows with a passphrase, a limit or an expiry: SLS takes them without. */
  simplified: number;
}

/** SQLite's CURRENT_TIMESTAMP. */
const timestamp = (iso: string): string => iso.slice(0, 19).replace('T', ' ');

/**
 * Writes ids and keys of a data folder as a database of SLS, mode 0600.
 * @param presetKey the admin key of the settings: it goes on to work as well
 * @throws TributaryError TRIBUTARY_NODE_NOT_RUNNING where the folder has no ids, TRIBUTARY_DATA_FILE_CORRUPT, TRIBUTARY_DATA_DIR_UNWRITABLE,
 * TRIBUTARY_FILE_EXISTS, TRIBUTARY_FILE_UNWRITABLE
 */
export const exportSls = async (
  dataDir: string,
  presetKey: string | undefined,
  path: string,
  force: boolean,
): Promise<ExportCounts> => {
  await needStreams(dataDir);
  const { directory } = await DirectoryFile.open(dataDir);
  const keys = (await KeyStore.openAsItIs(dataDir, presetKey)).stored();
  const rows = directory.rows().filter(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > Date.now());
  const now = timestamp(new Date().toISOString());
  await writePrivateFile(path, force, async (partial) => {
    const database = new DatabaseSync(partial);
    try {
      database.exec(`BEGIN; ${SLS_SCHEMA}`);
      const addRow = database.prepare(
        'INSERT INTO stream_ids (publisher, player, description, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
      );
      for (const { publisher, player, description } of rows) addRow.run(publisher, player, description ?? '', now, now);
      const addKey = database.prepare(
        'INSERT INTO api_keys (key_hash, name, permissions, created_at, active) VALUES (?, ?, ?, ?, 1)',
      );
      for (const { sha256, name, permissions, created } of keys)
        addKey.run(sha256, name, permissions, timestamp(created));
      database.exec('COMMIT');
    } finally {
      database.close();
    }
  });
  return {
    streamIds: rows.length,
    keys: keys.length,
    expired: directory.rows().length - rows.length,
    simplified: rows.filter(({ publisher: _a, player: _b, description: _c, label: _d, owner: _e, ...limits }) =>
      Object.values(limits).some((value) => value !== undefined),
    ).length,
  };
};

const needStreams = async (dataDir: string): Promise<void> => {
  try {
    await access(join(dataDir, 'streams.json'));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return;
    throw new TributaryError(
      'TRIBUTARY_NODE_NOT_RUNNING',
      `the data folder ${dataDir} has no stream ids yet`,
      'name the folder of the node with DATA_DIR or --data-dir',
      error,
    );
  }
};
