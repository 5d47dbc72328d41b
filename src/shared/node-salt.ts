import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readDataFile, writeDataFile } from './data-file.ts';

const FILE_NAME = 'salt';

/**
 * The salt in the public names of a node's streams, 64 hex digits, from the data folder; made where there is none. What is no salt is
 * replaced: nothing but the names depends on it.
 * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE
 */
export const nodeSalt = async (dataDir: string): Promise<string> => {
  const path = join(dataDir, FILE_NAME);
  const kept = (await readDataFile(path))?.trim();
  if (kept !== undefined && /^[0-9a-f]{64}$/.test(kept)) return kept;
  const made = randomBytes(32).toString('hex');
  await writeDataFile(path, `${made}\n`);
  return made;
};
