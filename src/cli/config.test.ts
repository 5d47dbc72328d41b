import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-config-'));
const written = { out: '', err: '' };

beforeEach(() => {
  vi.spyOn(process, 'cwd').mockReturnValue(folder);
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.err += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const name of ['tributary.yml', 'other.yml']) rmSync(join(folder, name), { force: true });
  written.out = '';
  written.err = '';
});

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

describe('config check', () => {
  it('says that the settings file is right, and how much of it there is', async () => {
    write('tributary.yml', 'srtla: {maxGroups: 7}\nhttp: {statsPort: 8091}\n');
    expect(await runConfig(['check'])).toBe(0);
    expect(written.out).toMatch(/^The settings are right: 2 given, file: .*tributary\.yml\n$/);
  });
  it('says everything that is wrong with the file that is named, with what is probably meant', async () => {
    write('other.yml', 'srtla: {maxGruops: 7}\nhttp: {statsPort: 99999}\n');
    expect(await runConfig(['check', 'other.yml'])).toBe(2);
    expect(written.err).toContain('other.yml line 1: srtla.maxGruops is not a setting (did you mean srtla.maxGroups?)');
    expect(written.err).toContain('http.statsPort = 99999: give a port');
    expect(written.out).toBe('');
  });
  it('is not content with a file that is not there', async () => {
    expect(await runConfig(['check', 'nowhere.yml'])).toBe(2);
    expect(written.err).toContain('nowhere.yml is not there');
  });
});

describe('config print', () => {
  it('is what `config` alone does, and shows no secret', async () => {
    write('tributary.yml', 'api: {key: 0123456789abcdef0123}\n');
    expect(await runConfig([])).toBe(0);
    const alone = written.out;
    written.out = '';
    expect(await runConfig(['print'])).toBe(0);
    expect(written.out).toBe(alone);
    expect(alone).toMatch(/^api\.key +\(not shown\) +.*line 1: api\.key$/m);
    expect(alone).toMatch(/^api\.keyFile +\(not set\) +default$/m);
    expect(alone).not.toContain('0123456789');
  });
  it('does not take a word for a setting', async () => {
    await expect(runConfig(['show'])).rejects.toThrow('there is no `config show`');
    await expect(runConfig(['print', 'other.yml'])).rejects.toThrow('is not understood');
  });
});
