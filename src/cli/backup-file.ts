import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lockDataDir } from '../shared/data-dir-lock.ts';
import { prepareDataDir, readDataFile, removeDataFile, writeDataFile } from '../shared/data-file.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import { checkSalt, SALT_FILE } from '../shared/node-salt.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import { KeyStore } from '../stats/key-store.ts';
import { writePrivateFile } from './private-file.ts';

const FORMAT = 'tributary-backup';
const VERSION = 1;
/** Whether a text is such a file. @throws TributaryError where it is not */
type Check = (path: string, text: string) => void;
/** What a node would lose with its data folder. */
const FILES: Readonly<Record<string, Check>> = { 'streams.json': DirectoryFile.check, 'keys.json': KeyStore.check };
/**
 * What goes with it, where there is something to keep: the public names of streams, which logs and stored metrics go by, are made with the salt.
 * A node makes itself a new one.
 */
const EXTRAS: Readonly<Record<string, Check>> = { [SALT_FILE]: checkSalt };
/** What a restore with --force has replaced. */
export const REPLACED_FILE = 'before-restore.backup';
const MAX_BYTES = 64 * 2 ** 20;

interface Backup {
  format: typeof FORMAT;
  version: typeof VERSION;
  /** ISO 8601. */
  created: string;
  files: Readonly<Record<string, { text: string; sha256: string }>>;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const invalid = (path: string, what: string, cause?: unknown): TributaryError =>
  new TributaryError(
    'TRIBUTARY_BACKUP_INVALID',
    `${path} is no whole backup (${what})`,
    'give a file that `tributary backup` has written; nothing was changed',
    cause,
  );

const isGood = (check: Check, name: string, text: string): boolean => {
  try {
    check(name, text);
    return true;
  } catch {
    return false;
  }
};

const checkOf = (name: string): Check | undefined =>
  Object.hasOwn(FILES, name) ? FILES[name] : Object.hasOwn(EXTRAS, name) ? EXTRAS[name] : undefined;

/** @returns undefined where there is nothing to keep. @param checks a damaged file is an error. Errors as `backupDataFolder` */
const gather = async (dataDir: string, checks: boolean): Promise<Backup | undefined> => {
  const files: Record<string, { text: string; sha256: string }> = {};
  for (const [name, check] of Object.entries(FILES)) {
    const path = join(dataDir, name);
    const text = await readDataFile(path);
    if (text === undefined) continue;
    if (checks) check(path, text);
    files[name] = { text, sha256: sha256(text) };
  }
  if (Object.keys(files).length === 0) return undefined;
  for (const [name, check] of Object.entries(EXTRAS)) {
    const text = await readDataFile(join(dataDir, name));
    if (text !== undefined && isGood(check, name, text)) files[name] = { text, sha256: sha256(text) };
  }
  return { format: FORMAT, version: VERSION, created: new Date().toISOString(), files };
};

const serialise = (backup: Backup): string => `${JSON.stringify(backup, undefined, 2)}\n`;

/**
 * Writes stream ids, keys and the salt of names into one file, mode 0600. The node may be running.
 * @returns the names of the files in it
 * @throws TributaryError TRIBUTARY_NODE_NOT_RUNNING where the folder has nothing, TRIBUTARY_DATA_FILE_CORRUPT, TRIBUTARY_DATA_DIR_UNWRITABLE,
 * TRIBUTARY_FILE_EXISTS, TRIBUTARY_FILE_UNWRITABLE
 */
export const backupDataFolder = async (dataDir: string, path: string, force: boolean): Promise<readonly string[]> => {
  const backup = await gather(dataDir, true);
  if (!backup)
    throw new TributaryError(
      'TRIBUTARY_NODE_NOT_RUNNING',
      `the data folder ${dataDir} has nothing to back up`,
      'name the folder of the node with DATA_DIR or --data-dir',
    );
  await writePrivateFile(path, force, (partial) => writeFile(partial, serialise(backup)));
  return Object.keys(backup.files);
};

const readBackup = async (path: string): Promise<Backup> => {
  let text: string;
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    text = bytes.toString('utf8');
  } catch (error) {
    throw invalid(path, codeOf(error) ?? messageOf(error), error);
  }
  let backup: Partial<Backup> | null;
  try {
    backup = JSON.parse(text) as Partial<Backup> | null;
  } catch (error) {
    throw invalid(path, 'not JSON', error);
  }
  if (backup?.format !== FORMAT) throw invalid(path, 'it is something else');
  if (backup.version !== VERSION) throw invalid(path, `"version" is not ${VERSION}`);
  const files = Object.entries(backup.files ?? {});
  if (files.length === 0) throw invalid(path, 'it is empty');
  for (const [name, file] of files) {
    const check = checkOf(name);
    if (!check) throw invalid(path, `it holds ${JSON.stringify(name.slice(0, 40))}, which no node has`);
    if (typeof file?.text !== 'string' || sha256(file.text) !== file.sha256) throw invalid(path, `${name} is damaged`);
    try {
      check(name, file.text);
    } catch (error) {
      throw invalid(path, messageOf(error), error);
    }
  }
  return backup as Backup;
};

/**
 * Puts stream ids and keys of a backup in their place. No node may be running on the folder. With `force` what is there is replaced, and
 * kept as `before-restore.backup`.
 * @returns the names of the files
 * @throws TributaryError TRIBUTARY_BACKUP_INVALID, TRIBUTARY_FILE_EXISTS, TRIBUTARY_DATA_DIR_IN_USE, TRIBUTARY_DATA_DIR_UNWRITABLE
 */
export const restoreDataFolder = async (path: string, dataDir: string, force: boolean): Promise<readonly string[]> => {
  const { files } = await readBackup(path);
  await prepareDataDir(dataDir);
  const lock = await lockDataDir(dataDir);
  try {
    // A damaged file is what many a restore is for.
    const present = await gather(dataDir, false);
    if (present && !force)
      throw new TributaryError(
        'TRIBUTARY_FILE_EXISTS',
        `the data folder ${dataDir} has stream ids or keys already`,
        `give --force: they are kept as ${REPLACED_FILE}`,
      );
    if (present) await writeDataFile(join(dataDir, REPLACED_FILE), serialise(present));
    for (const name of Object.keys(FILES)) if (!files[name]) await removeDataFile(join(dataDir, name));
    for (const [name, { text }] of Object.entries(files)) await writeDataFile(join(dataDir, name), text);
    return Object.keys(files);
  } finally {
    lock.release();
  }
};
