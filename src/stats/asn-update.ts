import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Millis } from '../shared/clock.ts';
import { unwritable } from '../shared/data-file.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import { type AsnDatabase, invalidDatabase, MAX_DATABASE_BYTES, openAsnDatabase } from './asn-database.ts';
import { DOWNLOAD_LIMITS, type DownloadLimits, download } from './asn-download.ts';
import type { AsnSource } from './asn-sources.ts';
import { UnpackError, unpacked } from './asn-unpack.ts';

const PARTIAL = /^\..*\.partial$/;
/** What an update has left behind that was killed. */
const STALE_MS: Millis = 86_400_000;

/**
 * Fetches a database beside the one that is there, looks whether it is whole, and puts it in its place in one step. Where anything fails
 * the old one stays as it was.
 * @param folder made where it is missing
 * @throws TributaryError TRIBUTARY_ASN_DOWNLOAD_FAILED, TRIBUTARY_ASN_DATABASE_INVALID, TRIBUTARY_DATA_DIR_UNWRITABLE
 */
export const updateAsnDatabase = async (
  folder: string,
  source: AsnSource,
  limits: DownloadLimits = DOWNLOAD_LIMITS,
): Promise<AsnDatabase> => {
  await prepare(folder);
  const path = join(folder, source.fileName);
  const partial = join(folder, `.${source.fileName}.${randomBytes(6).toString('hex')}.partial`);
  try {
    await store(partial, source, limits);
    const database = await openAsnDatabase(partial).catch((error: unknown) => {
      throw invalidDatabase(`what came from ${source.name}`, reasonOf(error), error);
    });
    await rename(partial, path);
    await syncFolder(folder);
    return { ...database, path };
  } catch (error) {
    throw error instanceof TributaryError ? error : unwritable(folder, error);
  } finally {
    await rm(partial, { force: true }).catch(() => {});
  }
};

/** In brackets, at the end of an error of `openAsnDatabase`. */
const reasonOf = (error: unknown): string => /\((.*)\)$/s.exec(messageOf(error))?.[1] ?? messageOf(error);

const prepare = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of (await readdir(folder)).filter((one) => PARTIAL.test(one))) {
      const path = join(folder, name);
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > STALE_MS) await rm(path, { force: true });
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw unwritable(folder, error);
  }
};

const store = async (path: string, source: AsnSource, limits: DownloadLimits): Promise<void> => {
  const file = await open(path, 'wx', 0o600);
  // An archive may go on behind the database, and what comes may be refused in the middle.
  const enough = new AbortController();
  try {
    const packed = download(source, limits, enough.signal);
    for await (const chunk of unpacked(packed, MAX_DATABASE_BYTES)) await file.appendFile(chunk);
    await file.sync();
  } catch (error) {
    if (error instanceof UnpackError) throw invalidDatabase(`what came from ${source.name}`, error.message, error);
    throw error;
  } finally {
    enough.abort();
    await file.close();
  }
};

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
