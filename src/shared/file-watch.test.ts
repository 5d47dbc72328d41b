import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../test/support/processes.ts';
import { FileWatch } from './file-watch.ts';

const watched = (files: (folder: string) => string[]): { folder: string; told: () => number; watch: FileWatch } => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-watch-'));
  let count = 0;
  const paths = files(folder);
  const watch = new FileWatch(paths, () => count++);
  onTestFinished(() => {
    watch.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, told: () => count, watch };
};

describe('a watch of files', () => {
  it('tells of a file that comes, changes, is replaced and goes', async () => {
    const { folder, told } = watched((at) => [join(at, 'a.yml')]);
    const path = join(folder, 'a.yml');
    writeFileSync(path, 'one');
    await until('a file that has come', () => told() === 1);
    writeFileSync(path, 'two');
    await until('a file that has changed', () => told() === 2);
    writeFileSync(join(folder, 'new'), 'three');
    renameSync(join(folder, 'new'), path);
    await until('a file that was replaced', () => told() === 3);
    rmSync(path);
    await until('a file that has gone', () => told() === 4);
  });

  it('sees through the link that Kubernetes swaps', async () => {
    const { folder, told } = watched((at) => {
      mkdirSync(join(at, 'v1'));
      writeFileSync(join(at, 'v1', 'a.yml'), 'one');
      symlinkSync('v1', join(at, '..data'));
      symlinkSync('..data/a.yml', join(at, 'a.yml'));
      return [join(at, 'a.yml')];
    });
    mkdirSync(join(folder, 'v2'));
    writeFileSync(join(folder, 'v2', 'a.yml'), 'two');
    symlinkSync('v2', join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    await until('the swap', () => told() === 1);
  });

  it('says nothing where the content stays what it was, and then of the next change', async () => {
    const { folder, told } = watched((at) => {
      writeFileSync(join(at, 'a.yml'), 'one');
      return [join(at, 'a.yml')];
    });
    writeFileSync(join(folder, 'b.yml'), 'a neighbour');
    writeFileSync(join(folder, 'a.yml'), 'one');
    writeFileSync(join(folder, 'c.yml'), 'another');
    writeFileSync(join(folder, 'a.yml'), 'two');
    await until('the change', () => told() > 0);
    expect(told()).toBe(1);
  });

  it('follows other files once it is told to', async () => {
    const { folder, told, watch } = watched((at) => [join(at, 'a.yml')]);
    mkdirSync(join(folder, 'other'));
    const path = join(folder, 'other', 'secret');
    watch.follow([path], watch.mark());
    writeFileSync(path, 's');
    await until('the change', () => told() === 1);
  });

  it('tells of what has changed while files were loaded', async () => {
    const { folder, told, watch } = watched((at) => {
      writeFileSync(join(at, 'a.yml'), 'one');
      return [join(at, 'a.yml')];
    });
    const path = join(folder, 'a.yml');
    const mark = watch.mark();
    // Somebody loads "one" here.
    writeFileSync(path, 'two');
    watch.follow([path], mark);
    await until('the change', () => told() === 1);
  });
});
