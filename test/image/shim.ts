import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './podman.ts';

/** A folder for PATH in which `docker` is docker-shim.ts. */
export const shimFolder = (parent: string): string => {
  const folder = join(parent, 'bin');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'docker');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'test/image/docker-shim.ts')}' "$@"\n`);
  chmodSync(program, 0o755);
  return folder;
};

/** What an image is built from: the files as they are here, and no git, so that no test ever pulls into this clone. */
export const copyOfClone = (folder: string): string => {
  for (const name of [
    'package.json',
    'package-lock.json',
    '.npmrc',
    '.dockerignore',
    'bin',
    'docs',
    'docker',
    'native',
    'src',
  ])
    cpSync(join(ROOT, name), join(folder, name), {
      recursive: true,
      preserveTimestamps: true,
      filter: (path) => !path.startsWith(join(ROOT, 'native/build')),
    });
  return folder;
};
