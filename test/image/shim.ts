import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
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
