import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../test/support/processes.ts';
import { type LoadedSettings, loadProcessSettings, type SettingProblems } from '../config/load.ts';
import { SettingsReload } from './settings-reload.ts';

let folder: string;
let reload: SettingsReload;
let taken: (LoadedSettings | SettingProblems)[];
const write = (text: string): void => writeFileSync(join(folder, 'tributary.yml'), text);
const pagesTaken = (): unknown[] =>
  taken.map((one) => ('problems' in one ? one.problems : one.settings.dashboard.maxPages));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-settings-reload-'));
  taken = [];
  write('dashboard: {maxPages: 10}\n');
  const argv = ['--config', join(folder, 'tributary.yml')];
  reload = new SettingsReload(argv, loadProcessSettings(argv) as LoadedSettings);
});
afterEach(() => {
  reload.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('settings that change while a node starts', () => {
  it('are taken once it is up, where it was asked to read them', () => {
    write('dashboard: {maxPages: 20}\n');
    reload.reload();
    reload.reload();
    expect(taken).toEqual([]);
    reload.begin((loaded) => taken.push(loaded));
    expect(pagesTaken()).toEqual([20]);
  });

  it('are taken once it is up, where nobody said so', async () => {
    write('dashboard: {maxPages: 20}\n');
    reload.begin((loaded) => taken.push(loaded));
    await until('the file to be read', () => taken.length > 0);
    expect(pagesTaken()).toEqual([20]);
  });

  it('are not read again where they stayed as they were', () => {
    reload.begin((loaded) => taken.push(loaded));
    expect(taken).toEqual([]);
    reload.reload();
    expect(pagesTaken()).toEqual([10]);
  });
});
