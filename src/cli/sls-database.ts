import { chmod, copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isFull, unwritable } from '../shared/data-file.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import type { Row } from '../sls-bridge/directory.ts';
import { whyNoStreamId } from '../sls-bridge/directory-rules.ts';
import { PERMISSIONS, type StoredKey } from '../stats/key-store.ts';
import { SLS_COLUMNS } from './sls-schema.ts';

/** What a database of SLS holds. */
export interface SlsContent {
  rows: Row[];
  /** Active keys. */
  keys: StoredKey[];
  inactiveKeys: number;
  /** What cannot be an id here, one line each. */
  unusable: string[];
}

const unreadable = (path: string, what: string, mend: string, cause?: unknown): TributaryError =>
  new TributaryError('TRIBUTARY_SLS_DATABASE_UNREADABLE', `${path}: ${what}`, mend, cause);

const newer = (path: string, what: string): TributaryError =>
  new TributaryError(
    'TRIBUTARY_SLS_DATABASE_NEWER',
    `${path} is of another SLS than this program knows (${what})`,
    'add the ids by the API instead; nothing was imported',
  );

/** A write-ahead log belongs to its database: without it the latest changes are missing. */
const SUFFIXES = ['', '-wal', '-shm'] as const;
const COPY_TRIES = 5;
const SQLITE_FULL = 13;

const COPY_PREFIX = 'sls-copy-';

/**
 * Reads a database of SLS. It is copied to a private folder together with its write-ahead log, and only the copy is opened: opening alone
 * would change the original.
 * @param dataDir where the copy is made: what it holds are secrets, and there is no better place for them. It must exist and be locked:
 *   copies that a kill has left there are taken away
 * @throws TributaryError TRIBUTARY_SLS_DATABASE_UNREADABLE, TRIBUTARY_SLS_DATABASE_NEWER, TRIBUTARY_DATA_DIR_UNWRITABLE; the original is
 *   as it was in any case
 */
export const readSlsDatabase = async (path: string, dataDir: string): Promise<SlsContent> => {
  const folder = await copyFolder(dataDir);
  try {
    return readCopy(path, await copyQuiet(path, folder));
  } catch (error) {
    throw isFull(error) ? unwritable(dataDir, error) : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Mode 0700. */
const copyFolder = async (dataDir: string): Promise<string> => {
  try {
    for (const name of await readdir(dataDir))
      if (name.startsWith(COPY_PREFIX)) await rm(join(dataDir, name), { recursive: true, force: true });
    return await mkdtemp(join(dataDir, COPY_PREFIX));
  } catch (error) {
    throw unwritable(dataDir, error);
  }
};

/** Copies while nobody writes: files of two moments do not fit together. */
const copyQuiet = async (path: string, folder: string): Promise<string> => {
  const copy = join(folder, basename(path));
  for (let tries = 0; tries < COPY_TRIES; tries++) {
    const before = await stateOf(path);
    for (const suffix of SUFFIXES) {
      await rm(`${copy}${suffix}`, { force: true });
      try {
        await copyFile(`${path}${suffix}`, `${copy}${suffix}`);
        // A copy of a read-only file is one too, and could not take its log in.
        await chmod(`${copy}${suffix}`, 0o600);
      } catch (error) {
        if (suffix !== '' && codeOf(error) === 'ENOENT') continue;
        if (isFull(error)) throw error;
        throw unreadable(
          path,
          `cannot be read (${codeOf(error) ?? messageOf(error)})`,
          'check the path and its rights',
          error,
        );
      }
    }
    if ((await stateOf(path)) === before) return copy;
  }
  throw unreadable(path, 'changes while it is being copied', 'stop SLS first');
};

const stateOf = async (path: string): Promise<string> => {
  const parts: string[] = [];
  for (const suffix of SUFFIXES) {
    const facts = await stat(`${path}${suffix}`, { bigint: true }).catch(() => undefined);
    // Readers write to the shared-memory file.
    if (suffix !== '-shm') parts.push(facts ? `${facts.size} ${facts.mtimeNs} ${facts.ino}` : '-');
  }
  return parts.join(' | ');
};

const readCopy = (path: string, copy: string): SlsContent => {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(copy);
    checkWhole(path, database);
    checkSchema(path, database);
    return content(path, database);
  } catch (error) {
    if (error instanceof TributaryError) throw error;
    if ((error as { errcode?: unknown }).errcode === SQLITE_FULL)
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    throw unreadable(path, `is no readable SQLite database (${messageOf(error)})`, 'give the streams.db of SLS', error);
  } finally {
    database?.close();
  }
};

const checkWhole = (path: string, database: DatabaseSync): void => {
  const [first] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check?: unknown }[];
  if (first?.quick_check !== 'ok')
    throw unreadable(path, `is damaged (${String(first?.quick_check)})`, 'put a backup of it in its place');
};

const checkSchema = (path: string, database: DatabaseSync): void => {
  const version = (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
  if (version !== 0) throw newer(path, `schema version ${version}`);
  for (const [table, { needed, known }] of Object.entries(SLS_COLUMNS)) {
    const columns = (database.prepare('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]).map(
      ({ name }) => name,
    );
    if (columns.length === 0) throw unreadable(path, `has no table ${table}`, 'give the streams.db of SLS');
    const missing = needed.find((name) => !columns.includes(name));
    if (missing !== undefined) throw newer(path, `${table} has no column ${missing}`);
    const strange = columns.find((name) => !needed.includes(name) && !known.includes(name));
    if (strange !== undefined) throw newer(path, `${table} has a column ${strange}`);
  }
};

/** Texts as their bytes: an id counts byte for byte, and what is no UTF-8 must not become something else. */
const content = (path: string, database: DatabaseSync): SlsContent => {
  const found: SlsContent = { rows: [], keys: [], inactiveKeys: 0, unusable: [] };
  const has = (table: string, column: string): boolean =>
    database.prepare('SELECT 1 FROM pragma_table_info(?) WHERE name = ?').get(table, column) !== undefined;
  const optional = (table: string, column: string): string =>
    has(table, column) ? `CAST(${column} AS BLOB) AS ${column}` : `NULL AS ${column}`;
  const ids = database.prepare(
    `SELECT CAST(publisher AS BLOB) AS publisher, CAST(player AS BLOB) AS player, ${optional('stream_ids', 'description')}
     FROM stream_ids ORDER BY rowid`,
  );
  for (const row of ids.all()) {
    const [publisher, player] = [textOf(row.publisher), textOf(row.player)];
    const why = whyNot('publisher', publisher) ?? whyNot('player', player);
    if (why !== undefined) found.unusable.push(`row ${found.rows.length + found.unusable.length + 1}: ${why}`);
    else {
      const description = textOf(row.description)?.slice(0, 1_024);
      found.rows.push({ publisher: publisher!, player: player!, ...(description ? { description } : {}) });
    }
  }
  const active = has('api_keys', 'active') ? 'COALESCE(active, 1)' : '1';
  const keys = database.prepare(
    `SELECT CAST(key_hash AS TEXT) AS hash, CAST(permissions AS TEXT) AS permissions, ${optional('api_keys', 'name')},
     ${optional('api_keys', 'created_at')}, ${active} AS active FROM api_keys ORDER BY rowid`,
  );
  for (const key of keys.all()) {
    const sha256 = String(key.hash).toLowerCase();
    if (!Number(key.active)) found.inactiveKeys++;
    else if (!/^[0-9a-f]{64}$/.test(sha256))
      throw unreadable(path, 'has an API key without a SHA-256', 'see api_keys.key_hash');
    else
      found.keys.push({
        name: (textOf(key.name) ?? '').slice(0, 200),
        // To SLS every other word means this one.
        permissions: PERMISSIONS.find((known) => known === key.permissions) ?? 'read',
        created: isoOf(textOf(key.created_at)),
        sha256,
      });
  }
  return found;
};

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undefined: NULL, or no UTF-8. */
const textOf = (value: unknown): string | undefined => {
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    return strictUtf8.decode(value);
  } catch {
    return undefined;
  }
};

const whyNot = (name: string, id: string | undefined): string | undefined => {
  const why = id === undefined ? 'it is no UTF-8 text' : whyNoStreamId(id);
  return why === undefined ? undefined : `the ${name} id cannot be used: ${why}`;
};

/** SQLite's CURRENT_TIMESTAMP is UTC without saying so. */
const isoOf = (text: string | undefined): string => {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)/.exec(text ?? '');
  return match ? `${match[1]}T${match[2]}.000Z` : new Date(0).toISOString();
};
