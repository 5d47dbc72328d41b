import { link, open, rename, rm } from 'node:fs/promises';
import { codeOf, TributaryError } from '../shared/errors.ts';

const failed = (path: string, error: unknown): TributaryError =>
  codeOf(error) === 'EEXIST'
    ? new TributaryError('TRIBUTARY_FILE_EXISTS', `${path} is there already`, 'give another name, or --force', error)
    : new TributaryError(
        'TRIBUTARY_FILE_UNWRITABLE',
        `${path} cannot be written (${codeOf(error) ?? 'unknown reason'})`,
        'check the folder and its rights',
        error,
      );

/**
 * Makes a file that only its owner can read, whole or not at all.
 * @param fill writes it under the path that it is given; the file is there, empty, mode 0600
 * @param replaces a file of this name may be there
 * @throws TributaryError TRIBUTARY_FILE_EXISTS, TRIBUTARY_FILE_UNWRITABLE, what `fill` throws
 */
export const writePrivateFile = async (
  path: string,
  replaces: boolean,
  fill: (partial: string) => Promise<void>,
): Promise<void> => {
  const partial = `${path}.${process.pid}.partial`;
  try {
    try {
      await (await open(partial, 'wx', 0o600)).close();
    } catch (error) {
      throw failed(path, error);
    }
    await fill(partial);
    try {
      const file = await open(partial, 'r+');
      await file.chmod(0o600);
      await file.sync();
      await file.close();
      // A link refuses to take a name that is in use; a rename would not.
      if (replaces) await rename(partial, path);
      else await link(partial, path);
    } catch (error) {
      throw failed(path, error);
    }
  } finally {
    await rm(partial, { force: true }).catch(() => {});
  }
};
