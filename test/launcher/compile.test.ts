import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const { compile, compiledText, isCompiled } = createRequire(import.meta.url)('../../bin/compile.cjs') as {
  compile(root: string): number;
  compiledText(source: string, strip: (source: string) => string): string;
  isCompiled(root: string): boolean;
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tributary-compile-'));
  write('src/main.ts', "import { twice } from './parts/twice.ts';\nconst n: number = 21;\nconsole.log(twice(n));\n");
  write('src/parts/twice.ts', 'export const twice = (n: number): number => 2 * n;\n');
  write('src/parts/twice.test.ts', 'throw new Error();\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (name: string, text: string): void => {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
};
const output = (): string => {
  write('package.json', '{"type":"module"}');
  return execFileSync(process.execPath, [join(root, 'dist/main.js')], { encoding: 'utf8' });
};

describe('compiling the sources', () => {
  it('makes JavaScript that runs, of everything but tests', () => {
    expect(isCompiled(root)).toBe(false);
    expect(compile(root)).toBe(2);
    expect(isCompiled(root)).toBe(true);
    expect(output()).toBe('42\n');
    expect(existsSync(join(root, 'dist/parts/twice.test.js'))).toBe(false);
  });

  it('keeps lines and columns', () => {
    compile(root);
    const [source, made] = ['src/parts/twice.ts', 'dist/parts/twice.js'].map((name) =>
      readFileSync(join(root, name), 'utf8'),
    );
    expect(made).toHaveLength(source!.length);
    expect(made!.indexOf('2 * n')).toBe(source!.indexOf('2 * n'));
  });

  it('compiles only what has changed, be it to something older', () => {
    compile(root);
    expect(compile(root)).toBe(0);
    write('src/parts/twice.ts', 'export const twice = (n: number): number => n + n + 1;\n');
    utimesSync(join(root, 'src/parts/twice.ts'), 1_000, 1_000);
    expect(isCompiled(root)).toBe(false);
    expect(compile(root)).toBe(1);
    expect(output()).toBe('43\n');
  });

  it('removes what has no source any more', () => {
    write('src/old.ts', 'export {};\n');
    compile(root);
    rmSync(join(root, 'src/old.ts'));
    expect(isCompiled(root)).toBe(false);
    compile(root);
    expect(existsSync(join(root, 'dist/old.js'))).toBe(false);
    expect(isCompiled(root)).toBe(true);
  });

  it.each([
    ["import { a } from './a.ts';", "import { a } from './a.js';"],
    ["import '../a/b.ts';", "import '../a/b.js';"],
    ['export * from "./a.ts";', 'export * from "./a.js";'],
    ["const a = await import('./a.ts');", "const a = await import('./a.js');"],
    ["import x from 'package.ts';", "import x from 'package.ts';"],
    ["import j from './a.json';", "import j from './a.json';"],
  ])('%s', (source, expected) => {
    expect(compiledText(source, (text) => text)).toBe(expected);
  });
});
