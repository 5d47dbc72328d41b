import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { lockDataDir } from '../shared/data-dir-lock.ts';
import { nodeSalt } from '../shared/node-salt.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import { KeyStore } from '../stats/key-store.ts';
import { fileArguments } from './arguments.ts';
import { backupDataFolder, REPLACED_FILE, restoreDataFolder } from './backup-file.ts';

const node = async (): Promise<string> => {
  const dataDir = temporaryFolder();
  await DirectoryFile.open(dataDir);
  await KeyStore.open(dataDir);
  return dataDir;
};
const filesOf = (dataDir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dataDir)
      .sort()
      .map((name) => [name, readFileSync(join(dataDir, name), 'utf8')]),
  );
const backupOf = async (dataDir: string): Promise<string> => {
  const path = join(temporaryFolder(), 'b.json');
  await backupDataFolder(dataDir, path, false);
  return path;
};

describe('backup and restore', () => {
  it('give the same data folder again, in files for their owner alone', async () => {
    const from = await node();
    const path = await backupOf(from);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const to = join(temporaryFolder(), 'new');
    expect(await restoreDataFolder(path, to, false)).toEqual(['streams.json', 'keys.json']);
    expect(filesOf(to)).toEqual(filesOf(from));
    for (const name of readdirSync(to)) expect(statSync(join(to, name)).mode & 0o777).toBe(0o600);
  });

  it('do not replace anything unless they are told to, and keep what they replace', async () => {
    const [one, two] = [await node(), await node()];
    const path = await backupOf(one);
    await expect(backupDataFolder(two, path, false)).rejects.toMatchObject({ code: 'TRIBUTARY_FILE_EXISTS' });
    const before = filesOf(two);
    await expect(restoreDataFolder(path, two, false)).rejects.toMatchObject({ code: 'TRIBUTARY_FILE_EXISTS' });
    expect(filesOf(two)).toEqual(before);
    await restoreDataFolder(path, two, true);
    expect(filesOf(two)).toMatchObject(filesOf(one));
    const third = temporaryFolder();
    await restoreDataFolder(join(two, REPLACED_FILE), third, false);
    expect(filesOf(third)).toEqual(before);
  });

  it('keep the salt, so that streams have their public names again', async () => {
    const from = await node();
    const salt = await nodeSalt(from);
    const path = await backupOf(from);
    const to = temporaryFolder();
    // A node that has only been started has one of its own, and nothing to lose.
    await nodeSalt(to);
    expect(await restoreDataFolder(path, to, false)).toEqual(['streams.json', 'keys.json', 'salt']);
    expect(await nodeSalt(to)).toBe(salt);

    // A backup without one, as older ones are, leaves what is there.
    const { files, ...rest } = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...rest, files: { ...files, salt: undefined } }));
    const other = temporaryFolder();
    const own = await nodeSalt(other);
    await restoreDataFolder(path, other, false);
    expect(await nodeSalt(other)).toBe(own);

    // A damaged one keeps nobody from backing up the rest.
    writeFileSync(join(from, 'salt'), 'x');
    expect(await backupDataFolder(from, `${path}2`, false)).toEqual(['streams.json', 'keys.json']);
  });

  it('mend a damaged data folder', async () => {
    const dataDir = await node();
    const path = await backupOf(dataDir);
    const before = filesOf(dataDir);
    writeFileSync(join(dataDir, 'streams.json'), 'x');
    await expect(backupDataFolder(dataDir, `${path}2`, false)).rejects.toMatchObject({
      code: 'TRIBUTARY_DATA_FILE_CORRUPT',
    });
    expect(existsSync(`${path}2`)).toBe(false);
    await restoreDataFolder(path, dataDir, true);
    expect(filesOf(dataDir)).toMatchObject(before);
  });

  it('leave keys out where the backup has none', async () => {
    const from = temporaryFolder();
    await DirectoryFile.open(from);
    const to = await node();
    await restoreDataFolder(await backupOf(from), to, true);
    expect(existsSync(join(to, 'keys.json'))).toBe(false);
  });

  it('wait for nobody: a running node is named', async () => {
    const dataDir = await node();
    const path = await backupOf(dataDir);
    const lock = await lockDataDir(dataDir);
    try {
      await expect(restoreDataFolder(path, dataDir, true)).rejects.toMatchObject({ code: 'TRIBUTARY_DATA_DIR_IN_USE' });
    } finally {
      lock.release();
    }
  });

  it('take nothing that is no whole backup', async () => {
    const dataDir = await node();
    const text = readFileSync(await backupOf(dataDir), 'utf8');
    const bad = join(temporaryFolder(), 'bad');
    const target = join(temporaryFolder(), 'target');
    const backup = JSON.parse(text);
    const texts = [
      '',
      'null',
      '[]',
      '{"format":"other"}',
      JSON.stringify({
        ...backup,
        files: { salt: { text: 'x', sha256: createHash('sha256').update('x').digest('hex') } },
      }),
      JSON.stringify({ ...backup, version: 2 }),
      JSON.stringify({ ...backup, files: {} }),
      JSON.stringify({ ...backup, files: { '../../etc/passwd': backup.files['keys.json'] } }),
      JSON.stringify({ ...backup, files: { __proto__: null, constructor: backup.files['keys.json'] } }),
      JSON.stringify({ ...backup, files: { 'keys.json': { text: 'x', sha256: backup.files['keys.json'].sha256 } } }),
      text.replace('live_', 'love_'),
    ];
    for (const one of texts) {
      writeFileSync(bad, one);
      await expect(restoreDataFolder(bad, target, false), one.slice(0, 60)).rejects.toMatchObject({
        code: 'TRIBUTARY_BACKUP_INVALID',
      });
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 2), async (length) => {
        writeFileSync(bad, text.slice(0, length));
        await expect(restoreDataFolder(bad, target, false)).rejects.toMatchObject({ code: 'TRIBUTARY_BACKUP_INVALID' });
      }),
      { numRuns: 30 },
    );
    expect(existsSync(target)).toBe(false);
  });
});

describe('the command line', () => {
  it('takes a file, flags of its own and settings apart', () => {
    expect(fileArguments(['--data-dir', '/d', 'f.db', '--force', '--log.level=debug'], ['force'])).toEqual({
      file: 'f.db',
      flags: new Set(['force']),
      rest: ['--data-dir', '/d', '--log.level=debug'],
    });
    expect(() => fileArguments(['a', 'b'], [])).toThrow(expect.objectContaining({ code: 'TRIBUTARY_BAD_ARGUMENT' }));
  });
});
