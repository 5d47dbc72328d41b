import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import { KeyStore } from '../stats/key-store.ts';
import { type StateContent, StateFile, type StateFormat } from './state-file.ts';

/** The same file as three versions of the program know it. */
const V1: StateFormat = { name: 'things.json', version: 1, steps: {} };
const V2: StateFormat = {
  ...V1,
  version: 2,
  steps: { 1: ({ names }) => ({ things: (names as string[]).map((name) => ({ name })) }) },
};
const V3: StateFormat = {
  ...V2,
  version: 3,
  steps: { ...V2.steps, 2: (content) => ({ ...content, madeBy: 'somebody' }) },
};

const at = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');
const opened = async (folder: string, format: StateFormat): Promise<StateContent | undefined> =>
  (await StateFile.open(folder, format)).content;
const OLD = '{"version":1,"names":["a","b"]}';

describe('a state file of an older version', () => {
  it('is understood through every step, and left as it is by who only reads', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'things.json'), OLD);
    expect(await opened(folder, V3)).toEqual({ things: [{ name: 'a' }, { name: 'b' }], madeBy: 'somebody' });
    expect(readdirSync(folder)).toEqual(['things.json']);
    expect(at(folder, 'things.json')).toBe(OLD);
    // The older program goes on with it.
    expect(await opened(folder, V1)).toEqual({ names: ['a', 'b'] });
  });

  it('is kept, byte for byte, when the first change replaces it', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'things.json'), OLD);
    const { file } = await StateFile.open(folder, V2);
    await file.write({ things: [{ name: 'c' }] });
    await file.write({ things: [{ name: 'd' }] });
    expect(at(folder, 'things.json.v1.bak')).toBe(OLD);
    expect(await opened(folder, V2)).toEqual({ things: [{ name: 'd' }] });
    expect(readdirSync(folder)).toEqual(['things.json', 'things.json.v1.bak']);
  });

  it('is not replaced where it cannot be kept', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'things.json'), OLD);
    mkdirSync(join(folder, 'things.json.v1.bak'));
    const { file } = await StateFile.open(folder, V2);
    await expect(file.write({ things: [] })).rejects.toMatchObject({ code: 'TRIBUTARY_DATA_DIR_UNWRITABLE' });
    expect(at(folder, 'things.json')).toBe(OLD);
  });

  it('comes back with the copy that was kept: the way back to the older program', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'things.json'), OLD);
    const { file } = await StateFile.open(folder, V2);
    await file.write({ things: [] });
    await expect(opened(folder, V1)).rejects.toMatchObject({ code: 'TRIBUTARY_DATA_FILE_NEWER' });
    writeFileSync(join(folder, 'things.json'), at(folder, 'things.json.v1.bak'));
    expect(await opened(folder, V1)).toEqual({ names: ['a', 'b'] });
    // And forth again, with what has been changed meanwhile.
    const back = await StateFile.open(folder, V1);
    await back.file.write({ names: ['e'] });
    const { file: forth, content } = await StateFile.open(folder, V2);
    expect(content).toEqual({ things: [{ name: 'e' }] });
    await forth.write(content!);
    expect(JSON.parse(at(folder, 'things.json.v1.bak'))).toEqual({ version: 1, names: ['e'] });
  });

  it('that nobody knows any more is named', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'things.json'), OLD);
    await expect(opened(folder, { ...V3, steps: { 2: V3.steps[2]! } })).rejects.toMatchObject({
      code: 'TRIBUTARY_DATA_FILE_CORRUPT',
    });
  });
});

describe('a state file of a newer version', () => {
  it.each([
    ['streams.json', (folder: string) => DirectoryFile.open(folder)],
    ['keys.json', (folder: string) => KeyStore.open(folder)],
  ] as const)('is refused with its mend and left as it is: %s', async (name, open) => {
    const folder = temporaryFolder();
    const text = '{"version":2,"anything":[]}';
    writeFileSync(join(folder, name), text);
    await expect(open(folder)).rejects.toMatchObject({
      code: 'TRIBUTARY_DATA_FILE_NEWER',
      message: expect.stringContaining(`${join(folder, name)} was written by a newer Tributary (version 2`),
      mend: expect.stringContaining(`${name}.v1.bak`),
    });
    expect(at(folder, name)).toBe(text);
    expect(readdirSync(folder)).toEqual([name]);
  });

  it.each(['[]', 'null', '{}', '{"version":"1"}', '{"version":0}', '{"version":1.5}'])(
    'is not what %s is',
    async (text) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'things.json'), text);
      await expect(opened(folder, V2)).rejects.toMatchObject({ code: 'TRIBUTARY_DATA_FILE_CORRUPT' });
    },
  );
});
