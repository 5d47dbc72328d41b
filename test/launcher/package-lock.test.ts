import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Entry {
  optionalDependencies?: Record<string, string>;
}

/** The folder that `require(name)` from `path` would find, as npm lays packages out. */
const resolvePackage = (packages: Record<string, Entry>, path: string, name: string): string | undefined => {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const candidate = `${folder}${folder === '' ? '' : '/'}node_modules/${name}`;
    if (packages[candidate]) return candidate;
    if (folder === '') return undefined;
  }
};

it('package-lock.json holds the packages of every platform: npm ci refuses one that does not', () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
    packages: Record<string, Entry>;
  };
  const absent = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter((name) => !resolvePackage(lock.packages, path, name)),
  );
  // Mend: choose a version whose platform packages the registry has, and make the file anew (`rm package-lock.json; npm install`).
  expect(absent).toEqual([]);
});
