import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { corruptDataFile, readDataFile, writeDataFile } from './data-file.ts';

/** In the data folder. */
export const SALT_FILE = 'salt';

const saltIn = (text: string | undefined): string | undefined => /^([0-9a-f]{64})\s*$/.exec(text ?? '')?.[1];

/**
 * The salt in the public names of a node's streams, 64 hex digits, from the data folder; made where there is none. What is no salt is
 * replaced: nothing but the names depends on it.
 * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE
 */
export const nodeSalt = async (dataDir: string): Promise<string> => {
  const path = join(dataDir, SALT_FILE);
  const kept = saltIn(await readDataFile(path));
  if (kept !== undefined) return kept;
  const made = randomBytes(32).toString('hex');
  await writeDataFile(path, `${made}\n`);
  return made;
};

/** @throws TributaryError TRIBUTARY_DATA_FILE_CORRUPT where the text is no salt */
export const checkSalt = (path: string, text: string): void => {
  if (saltIn(text) === undefined) throw corruptDataFile(path, 'it is no salt of 64 hex digits');
};
