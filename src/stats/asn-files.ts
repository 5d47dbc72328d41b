import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../shared/errors.ts';

/** Where databases are looked for. */
export interface AsnSearchPath {
  /** Every `.mmdb` file in it counts. */
  readonly folder: string;
  /** Of the system: only these files count, in this order, after those of `folder`. */
  readonly system: { readonly folder: string; readonly names: readonly string[] };
}

/** The names that the vendors give, in the order in which they are preferred; other names come after them, by the alphabet. */
const KNOWN_NAMES = ['ipinfo_lite.mmdb', 'GeoLite2-ASN.mmdb', 'GeoLite2-City.mmdb', 'GeoLite2-Country.mmdb'];

export const ASN_FOLDER = 'asn';

export const asnSearchPath = (dataDir: string): AsnSearchPath => ({
  folder: join(dataDir, ASN_FOLDER),
  system: { folder: '/usr/share/GeoIP', names: KNOWN_NAMES },
});

/** A file and what tells one content of it from another. */
export interface AsnFile {
  readonly path: string;
  readonly signature: string;
}

const rankOf = (name: string): number => {
  const at = KNOWN_NAMES.indexOf(name);
  return at === -1 ? KNOWN_NAMES.length : at;
};

/** Files that may be databases, the preferred one first. Folders that are not there, or not to be read, have none. */
export const asnFiles = async ({ folder, system }: AsnSearchPath): Promise<AsnFile[]> => {
  const own = (await namesIn(folder)).filter((name) => name.endsWith('.mmdb') && !name.startsWith('.'));
  own.sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1));
  const paths = [...own.map((name) => join(folder, name)), ...system.names.map((name) => join(system.folder, name))];
  const files = await Promise.all(paths.map(fileAt));
  return files.filter((file) => file !== undefined);
};

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '')) return [];
    throw error;
  }
};

export const fileAt = async (path: string): Promise<AsnFile | undefined> => {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    return { path, signature: `${ino} ${size} ${mtimeMs}` };
  } catch {
    return undefined;
  }
};
