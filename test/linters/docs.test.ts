import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingRows } from '../../src/config/reference.ts';
import { ROOT } from './source-files.ts';

const read = (path: string): string => readFileSync(resolve(ROOT, path), 'utf8');
/** The cells of every table row that begins with a name in backticks. */
const rowsOf = (path: string): string[][] =>
  read(path)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
const name = (cell: string): string => /^`([^`]+)`/.exec(cell)?.[1] ?? '';

describe('docs/errors.md', () => {
  const codes = [...read('src/shared/errors.ts').matchAll(/'(TRIBUTARY_[A-Z_]+)'/g)].map((match) => match[1]!);
  const rows = rowsOf('docs/errors.md');

  it('lists every error code once, and no other', () => {
    expect(codes.length).toBeGreaterThan(10);
    expect(rows.map((cells) => name(cells[0]!)).sort()).toEqual([...codes].sort());
  });
  it('says of each what it means and how it is mended', () => {
    for (const cells of rows) {
      expect(cells).toHaveLength(3);
      for (const cell of cells) expect(cell).not.toBe('');
    }
  });
});

describe('docs/limits.md', () => {
  const settings = new Map<string, string>(settingRows().map((row) => [row.path, row.byDefault]));
  const rows = rowsOf('docs/limits.md').filter((cells) => settings.has(name(cells[0]!)));

  it('has every limit that is a setting, with its default', () => {
    const limits = [...settings.keys()].filter((path) =>
      /(?:^|\.)(?:max[A-Z]|bufferMax)|PerMinute|Timeout|Ceiling|waitSeconds/.test(path),
    );
    expect(limits.length).toBeGreaterThan(10);
    expect(rows.map((cells) => name(cells[0]!))).toEqual(expect.arrayContaining(limits));
    for (const cells of rows) expect(name(cells[1]!), cells[0]).toBe(settings.get(name(cells[0]!)));
  });
  it('names no setting that does not exist', () => {
    for (const cells of rowsOf('docs/limits.md')) expect([...settings.keys()]).toContain(name(cells[0]!));
  });
  it('names with every limit the test that shows it', () => {
    const tables = read('docs/limits.md')
      .split('\n')
      .filter((line) => line.startsWith('|') && !/^\|(?:---|.*\| Shown by \|$)/.test(line));
    expect(tables.length).toBeGreaterThan(70);
    for (const row of tables) {
      const shown = / \| `([^`]+\.test\.ts)`: ([^|]+) \|$/.exec(row);
      expect(shown, `no test is named: ${row}`).not.toBeNull();
      const title = shown![2]!.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      const isThere = new RegExp(`['"\`][^\\n]*${title}`).test(read(shown![1]!));
      expect(isThere, `${shown![1]} has no test "${shown![2]}"`).toBe(true);
    }
  });
});
