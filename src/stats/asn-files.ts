import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../shared/errors.ts';

/** A folder in which databases are looked for. */
export interface AsnPlace {
  readonly folder: string;
  /** Only these files count, in this order; undefined: every `.mmdb` file. */
  readonly names?: readonly string[];
}

/** The first place first. */
export type AsnSearchPath = readonly AsnPlace[];

/** The names that the vendors give, in the order in which they are preferred; other names come after them, by the alphabet. */
const KNOWN_NAMES = ['ipinfo_lite.mmdb', 'GeoLite2-ASN.mmdb', 'GeoLite2-City.mmdb', 'GeoLite2-Country.mmdb'];

const ASN_FOLDER = 'asn';

export const asnFolder = (dataDir: string): string => join(dataDir, ASN_FOLDER);

export const asnSearchPath = (dataDir: string): AsnSearchPath => [
  { folder: asnFolder(dataDir) },
  { folder: '/usr/share/GeoIP', names: KNOWN_NAMES },
];

/** That file and no other. */
export const onlyFile = (path: string): AsnSearchPath => [{ folder: dirname(path), names: [basename(path)] }];

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
export const asnFiles = async (search: AsnSearchPath): Promise<AsnFile[]> => {
  const paths: string[] = [];
  for (const { folder, names } of search)
    paths.push(...(names ?? (await databasesIn(folder))).map((name) => join(folder, name)));
  const files = await Promise.all(paths.map(fileAt));
  return files.filter((file) => file !== undefined);
};

const databasesIn = async (folder: string): Promise<string[]> => {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.mmdb') && !name.startsWith('.'));
  return names.sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1));
};

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '')) return [];
    throw error;
  }
};

const fileAt = async (path: string): Promise<AsnFile | undefined> => {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    return { path, signature: `${ino} ${size} ${mtimeMs}` };
  } catch {
    return undefined;
  }
};
