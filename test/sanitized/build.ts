import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

export const setup = (): void => {
  execFileSync(process.execPath, [resolve(ROOT, 'native/build.cjs'), '--sanitize'], { stdio: 'inherit' });
};
