import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { LibsrtPackage } from './libsrt-fixes.ts';

const LIBRARY = /\s(\/\S*\/libsrt[^/\s]*\.so[^/\s]*)$/m;

/** Undefined where there is none, or it cannot be read: then nothing is known. */
const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** Where the kernel has mapped libsrt from, after the addon was loaded. */
const loadedFrom = (root: string): string | undefined => LIBRARY.exec(textOf(join(root, 'proc/self/maps')) ?? '')?.[1];

const listsOf = (folder: string): string[] => {
  try {
    return readdirSync(folder).filter((name) => name.startsWith('libsrt') && name.endsWith('.list'));
  } catch {
    return [];
  }
};

/** /lib is a link to /usr/lib, and either may be in a list. */
const sameFile = (path: string): string => path.replace(/^\/usr(?=\/lib)/, '');

/** The version of an installed package in dpkg's status file. */
const installedVersion = (status: string, name: string, architecture: string | undefined): string | undefined => {
  for (const paragraph of status.split('\n\n')) {
    const field = (key: string): string | undefined => new RegExp(`^${key}: (.*)$`, 'm').exec(paragraph)?.[1];
    if (!paragraph.startsWith(`Package: ${name}\n`) || !field('Status')?.endsWith(' installed')) continue;
    if (architecture === undefined || field('Architecture') === architecture) return field('Version');
  }
  return undefined;
};

const changelogOf = (root: string, name: string): string => {
  try {
    return gunzipSync(readFileSync(join(root, 'usr/share/doc', name, 'changelog.Debian.gz'))).toString('utf8');
  } catch {
    // Container images leave it out.
    return '';
  }
};

/**
 * The Debian package of the libsrt that this process has loaded: the one whose file list has the mapped file. Undefined where the library
 * is not loaded, or from no package.
 * @param root of the file system, for tests
 */
export const loadedLibsrtPackage = (root = '/'): LibsrtPackage | undefined => {
  const library = loadedFrom(root);
  if (library === undefined) return undefined;
  const info = join(root, 'var/lib/dpkg/info');
  const owner = listsOf(info).find((list) =>
    textOf(join(info, list))
      ?.split('\n')
      .some((path) => sameFile(path) === sameFile(library)),
  );
  if (owner === undefined) return undefined;
  const [name, architecture] = owner.slice(0, -'.list'.length).split(':');
  const status = textOf(join(root, 'var/lib/dpkg/status'));
  const version = status === undefined ? undefined : installedVersion(status, name!, architecture);
  return version === undefined ? undefined : { name: name!, version, changelog: changelogOf(root, name!) };
};
