import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingRows, settingsExample, settingsMarkdown, settingsReference } from './reference.ts';
import { loadSettings } from './resolve.ts';
import { SETTING_PATHS } from './schema.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Made anew by `npx vitest run --update=all src/config/reference.test.ts`. */
const matchesFile = (name: string, text: string): Promise<void> =>
  expect(text).toMatchFileSnapshot(resolve(ROOT, name));

describe('the committed reference', () => {
  it('docs/configuration.md is what the schema says', () => matchesFile('docs/configuration.md', settingsMarkdown()));
  it('tributary.example.yml is what the schema says', () => matchesFile('tributary.example.yml', settingsExample()));
  it('names every setting in --help', () => {
    for (const { env } of settingRows()) expect(settingsReference()).toContain(env);
  });
  it('has a different environment name and different flags for each setting', () => {
    const rows = settingRows();
    expect(new Set(rows.map((row) => row.env)).size).toBe(SETTING_PATHS.length);
    const flags = rows.flatMap((row) => row.flags);
    expect(new Set(flags).size).toBe(flags.length);
  });
});

describe('tributary.example.yml', () => {
  const load = (text: string) =>
    loadSettings({
      argv: [],
      env: {},
      cwd: '/c',
      readFile: (path) => (path === '/c/tributary.yml' ? text : undefined),
    });

  it('sets every setting that has a default, to that default', () => {
    const loaded = load(readFileSync(resolve(ROOT, 'tributary.example.yml'), 'utf8'));
    const usual = load('');
    if ('problems' in loaded || 'problems' in usual) throw new Error(JSON.stringify([loaded, usual]));
    expect(loaded.settings).toEqual(usual.settings);
    const given = Object.values(loaded.sources).filter((source) => source.startsWith('/c/tributary.yml')).length;
    expect(given).toBe(settingRows().filter((row) => row.byDefault !== '').length);
  });

  it('may have its other settings switched on', () => {
    const on = settingsExample().replace(/^( *)# ([a-zA-Z]+):$/gm, '$1$2:');
    expect(on).toContain('\npublicHost:\n');
    expect(load(on)).toMatchObject({ warnings: [] });
  });
});
