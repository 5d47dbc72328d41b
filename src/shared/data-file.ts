import { constants } from 'node:fs';
import { access, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, TributaryError } from './errors.ts';

const MEND = 'make the folder writable for the user that runs the node, or set DATA_DIR to another one';
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** The error for a data folder that nothing can be written to. */
export const unwritable = (path: string, error: unknown): TributaryError => {
  const code = codeOf(error) ?? 'unknown reason';
  const [what, mend] = FULL.has(code)
    ? [`there is no room left for the data folder ${path} (${code})`, 'make room on its disk']
    : [`the data folder ${path} cannot be written (${code})`, MEND];
  return new TributaryError('TRIBUTARY_DATA_DIR_UNWRITABLE', what, mend, error);
};

export const isFull = (error: unknown): boolean => FULL.has(codeOf(error) ?? '');

/**
 * Makes the data folder where it is missing.
 * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE
 */
export const prepareDataDir = async (path: string): Promise<void> => {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (!(await stat(path)).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
};

/**
 * The text of a file, or undefined where there is none.
 * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE when it is there and cannot be read
 */
export const readDataFile = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new TributaryError(
      'TRIBUTARY_DATA_DIR_UNWRITABLE',
      `${path} cannot be read (${codeOf(error) ?? 'unknown reason'})`,
      'make it readable for the user that runs the node',
      error,
    );
  }
};

/**
 * Replaces a file as a whole: after a crash or a power cut there is the old text or the new one, never a part. Mode 0600. There must be
 * one writer a file at a time.
 * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE
 */
export const writeDataFile = async (path: string, text: string): Promise<void> => {
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, 'w', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw unwritable(dirname(path), error);
  }
};

/** The error for a data file whose content is not what was written. It is left as it is: it may be mended by hand. */
export const corruptDataFile = (path: string, what: string): TributaryError =>
  new TributaryError(
    'TRIBUTARY_DATA_FILE_CORRUPT',
    `${path} is damaged (${what})`,
    'put a backup in its place, or move it away to start with a new one',
  );

/** Takes a file away; one that is not there is no error. */
export const removeDataFile = async (path: string): Promise<void> => {
  await rm(path, { force: true }).catch(() => {});
};
