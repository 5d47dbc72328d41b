import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { type DataDirLock, lockDataDir } from './data-dir-lock.ts';

const held: DataDirLock[] = [];
afterEach(() => {
  for (const lock of held.splice(0)) lock.release();
});
const hold = async (path: string, who?: 'node' | 'control plane'): Promise<void> => {
  held.push(await lockDataDir(path, who));
};
const IN_USE = { code: 'TRIBUTARY_DATA_DIR_IN_USE' };

it('is one lock a folder, by whatever path, and another one for a control plane', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'data'));
  symlinkSync('data', join(folder, 'link'));
  await hold(join(folder, 'data'));
  await expect(lockDataDir(join(folder, 'link'))).rejects.toMatchObject(IN_USE);
  await hold(join(folder, 'link'), 'control plane');
  await expect(lockDataDir(join(folder, 'data'), 'control plane')).rejects.toMatchObject(IN_USE);
  held.shift()!.release();
  await hold(join(folder, 'link'));
});

it('is of the folder, not of its path: two containers call theirs the same', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'data');
  mkdirSync(path);
  await hold(path);
  renameSync(path, join(folder, 'another'));
  mkdirSync(path);
  await hold(path);
  await expect(lockDataDir(join(folder, 'another'))).rejects.toMatchObject(IN_USE);
});
