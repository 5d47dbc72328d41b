import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { DirectoryFile } from './directory-file.ts';

const ID = /^(live|play)_[0-9a-f]{32}$/;

describe('the first start', () => {
  it('makes one publisher id with a player id for the plugin and one to share', async () => {
    const folder = join(temporaryFolder(), 'data');
    const { directory, isNew } = await DirectoryFile.open(folder);
    expect(isNew).toBe(true);
    const [plugin, share, ...rest] = directory.rows();
    expect(rest).toEqual([]);
    expect(plugin?.publisher).toMatch(ID);
    expect(plugin?.player).toBe(plugin?.publisher.replace('live_', 'play_'));
    expect(plugin?.description).toBe('for the OBS plugin; gives away the publisher id');
    expect(share?.publisher).toBe(plugin?.publisher);
    expect(share?.player).toMatch(ID);
    expect(share?.player).not.toBe(plugin?.player);
    expect(share?.description).toBe('the one to share');
    expect(statSync(join(folder, 'streams.json')).mode & 0o777).toBe(0o600);
  });

  it('is not repeated: the next one finds the same rows', async () => {
    const folder = temporaryFolder();
    const first = await DirectoryFile.open(folder);
    const second = await DirectoryFile.open(folder);
    expect(second.isNew).toBe(false);
    expect(second.directory.rows()).toEqual(first.directory.rows());
  });

  it('is not repeated when every row was taken away', async () => {
    const folder = temporaryFolder();
    const first = await DirectoryFile.open(folder);
    await first.remove(first.directory.rows()[0]!.publisher);
    expect((await DirectoryFile.open(folder)).directory.rows()).toEqual([]);
  });
});

describe('changes', () => {
  it('are on disk when they are done, and leave no other file', async () => {
    const folder = temporaryFolder();
    const file = await DirectoryFile.open(folder);
    await file.add({ publisher: 'live_x', player: 'play_x', passphrase: '0123456789' });
    const made = await file.create({ forPlugin: false, description: 'd' });
    expect(made.publisher.slice(5)).not.toBe(made.player.slice(5));
    const forPlugin = await file.create({ forPlugin: true });
    expect(forPlugin.publisher.slice(5)).toBe(forPlugin.player.slice(5));
    expect(await file.remove('play_x')).toHaveLength(1);
    expect(await file.remove('play_x')).toEqual([]);
    const again = await DirectoryFile.open(folder);
    expect(again.directory.rows()).toEqual(file.directory.rows());
    expect(again.directory.rows().slice(2)).toEqual([made, forPlugin]);
    expect(readdirSync(folder)).toEqual(['streams.json']);
  });

  it('at the same time all take effect, and of two equal ones only the first', async () => {
    const folder = temporaryFolder();
    const file = await DirectoryFile.open(folder);
    const adds = Array.from({ length: 20 }, (_, n) => file.add({ publisher: 'live_x', player: `play_${n % 10}` }));
    const results = await Promise.allSettled(adds);
    expect(results.map((one) => one.status)).toEqual([
      ...Array.from({ length: 10 }, () => 'fulfilled'),
      ...Array.from({ length: 10 }, () => 'rejected'),
    ]);
    expect((await DirectoryFile.open(folder)).directory.playersOf('live_x')).toHaveLength(10);
  });

  it('that cannot be written do not happen', async () => {
    const folder = temporaryFolder();
    const file = await DirectoryFile.open(folder);
    const before = file.directory.rows();
    // A folder where the new text would be written first: fails for root as well.
    mkdirSync(join(folder, 'streams.json.partial'));
    const failure = { code: 'TRIBUTARY_DATA_DIR_UNWRITABLE', message: expect.stringContaining(folder) };
    await expect(file.add({ publisher: 'live_x', player: 'play_x' })).rejects.toMatchObject(failure);
    await expect(file.remove(before[0]!.player, () => undefined)).rejects.toMatchObject(failure);
    expect(file.directory.rows()).toEqual(before);
    expect((await DirectoryFile.open(folder)).directory.rows()).toEqual(before);
  });
});

describe('many changes of a control plane', () => {
  const a = { publisher: 'live_a', player: 'play_a', owner: 'plane-one' };
  const b = { publisher: 'live_b', player: 'play_b', owner: 'plane-one' };
  const opened = (folder: string) => DirectoryFile.open(folder, Date.now, () => [a]);

  it('take effect together, and are on disk once they are written', async () => {
    const folder = temporaryFolder();
    const file = await opened(folder);
    const wrong = { publisher: 'live_c', player: 'live_b' };
    const refused = await file.govern(['play_a', 'play_gone'], [b, wrong]);
    expect(refused.map(({ row }) => row)).toEqual([wrong]);
    expect(file.directory.rows()).toEqual([b]);
    expect((await opened(folder)).directory.rows()).toEqual([a]);
    await file.writeOverdue();
    expect((await opened(folder)).directory.rows()).toEqual([b]);
  });

  it('wait for their turn', async () => {
    const file = await opened(temporaryFolder());
    await Promise.all([file.update('play_a', { label: 'A' }), file.govern([], [{ ...a, label: 'B' }])]);
    expect(file.directory.rows()).toEqual([{ ...a, label: 'B' }]);
  });
});

describe('a damaged file', () => {
  it.each([
    ['', 'not JSON'],
    ['{"version":1,"streams":[{"publisher":"a","pla', 'not JSON'],
    ['null', '"version" is not a number'],
    ['{"version":"1","streams":[]}', '"version" is not a number'],
    ['{"version":1}', '"streams" is not a list'],
    ['{"version":1,"streams":[{"publisher":"a"}]}', 'row 1 is not a stream'],
    ['{"version":1,"streams":[{"publisher":"a","player":"b"},{"publisher":"c","player":"b"}]}', 'row 2: '],
  ])('%j is named, and left as it is', async (text, what) => {
    const folder = temporaryFolder();
    const path = join(folder, 'streams.json');
    writeFileSync(path, text);
    await expect(DirectoryFile.open(folder)).rejects.toMatchObject({
      code: 'TRIBUTARY_DATA_FILE_CORRUPT',
      message: expect.stringContaining(`${path} is damaged (${what}`),
      mend: expect.stringContaining('backup'),
    });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});

describe('a data folder', () => {
  it('that is a file is named', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '');
    await expect(DirectoryFile.open(path)).rejects.toMatchObject({
      code: 'TRIBUTARY_DATA_DIR_UNWRITABLE',
      message: expect.stringContaining(path),
    });
  });
});
