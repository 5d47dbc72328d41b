import { describe, expect, it } from 'vitest';
import { brokenImportRules, brokenOwnership, RULES } from './import-rules.ts';
import { codeOnly, importsOf, productFiles } from './source-files.ts';

const files = productFiles();

describe('the product', () => {
  it('imports in the allowed directions only', () => {
    expect(files.flatMap(brokenImportRules)).toEqual([]);
  });
  it('has one owner for each outside thing', () => {
    expect(files.flatMap(brokenOwnership)).toEqual([]);
  });
  it('is what was looked at: every part of it, and the imports in it', () => {
    const parts = new Set(files.map((file) => file.path.split('/')[1]));
    for (const part of ['shared', 'config', 'sls-bridge', 'srtla', 'stats']) expect(parts).toContain(part);
    expect(files.flatMap(importsOf).length).toBeGreaterThan(files.length);
    expect(Object.keys(RULES)).toEqual(expect.arrayContaining([...parts]));
  });
});

describe('the import check', () => {
  it.each([
    ['src/srtla/a.ts', "import { x } from '../sls-bridge/b.ts';"],
    ['src/srtla/a.ts', "import type { x } from '../data-plane/b.ts';"],
    ['src/srtla/a.ts', "export { x } from '../stats/b.ts';"],
    ['src/srtla/a.ts', "export * from '../stats/b.ts';"],
    ['src/srtla/a.ts', "import '../stats/b.ts';"],
    ['src/srtla/a.ts', "const x = await import('../stats/b.ts');"],
    ['src/srtla/a.ts', "import {\n  x,\n  type y,\n} from '../stats/b.ts';"],
    ['src/stats/a.ts', "import { type x, y } from '../srtla/b.ts';"],
    ['src/stats/routes/a.ts', "import x, { type y } from '../../srtla/b.ts';"],
    ['src/shared/a.ts', "import { x } from '../config/b.ts';"],
    ['src/sender/a.ts', "import { x } from '../srtla/group.ts';"],
    ['src/sender/a.ts', "import { x } from '../sls-bridge/srt-engine.ts';"],
    ['src/cli/a.ts', "import { x } from '../../test/support/b.ts';"],
    ['src/main.ts', "import { x } from '../bench/b.ts';"],
    ['src/dashboard/a.tsx', "import { x } from '../stats/b.ts';"],
    ['src/nowhere/a.ts', ''],
  ])('%s: %s', (path, text) => {
    expect(brokenImportRules({ path, text })).toHaveLength(1);
  });
  it.each([
    ['src/stats/a.ts', "import type { x } from '../srtla/b.ts';"],
    ['src/stats/routes/a.ts', "import { type x, type y } from '../../config/b.ts';"],
    ['src/data-plane/a.ts', "import { x } from '../srtla/b.ts';\nimport { y } from '../shared/c.ts';"],
    ['src/sender/a.ts', "import { x } from '../srtla/packet.ts';"],
    ['src/srtla/a.ts', "import { x } from './b.ts';\nimport { z } from 'zod';"],
    ['src/srtla/a.ts', "// import { x } from '../stats/b.ts';"],
    ['src/dashboard/parts/a.tsx', "import type { x } from '../../stats/b.ts';"],
    ['src/main.ts', "import { x } from './cli/b.ts';"],
  ])('lets pass %s: %s', (path, text) => {
    expect(brokenImportRules({ path, text })).toEqual([]);
  });
});

describe('the ownership check', () => {
  it.each([
    ['src/stats/a.ts', 'const port = process.env.PORT;'],
    ['src/stats/a.ts', 'const port = process?.env?.PORT;'],
    ['src/stats/a.ts', 'const { env } = process;'],
    ['src/stats/a.ts', 'const text = `port $' + '{process.env.PORT}`;'],
    ['src/srtla/a.ts', "import dgram from 'node:dgram';"],
    ['src/srtla/a.ts', "import { createSocket } from 'dgram';"],
    ['src/sls-bridge/a.ts', "import { createRequire } from 'node:module';"],
    ['src/sls-bridge/a.ts', "load('./x.node');"],
  ])('%s: %s', (path, text) => {
    expect(brokenOwnership({ path, text })).toHaveLength(1);
  });
  it.each([
    ['src/config/load.ts', 'const port = process.env.PORT;'],
    ['src/srtla/udp-shell.ts', "import dgram from 'node:dgram';"],
    ['src/stats/a.ts', '// process.env is read elsewhere\nconst text = "process.env";'],
  ])('lets pass %s: %s', (path, text) => {
    expect(brokenOwnership({ path, text })).toEqual([]);
  });
});

/** A `$` that begins a placeholder in the checked text. */
const D = '$';

describe('codeOnly', () => {
  it.each([
    ['a // b', 'a '],
    ['a /* b\n */ c', 'a  c'],
    ['f(\'//\', "/*") // x', "f('', '') "],
    ["f('it\\'s') + x", "f('') + x"],
    [`f(\`a ${D}{b + \`c ${D}{d}\`} e\`)`, "f('' (b + '' (d) ) )"],
    ['const r = /["\'/*]/g; x', "const r = ''g; x"],
    ['a / b / c', 'a / b / c'],
    ['return /x/.test(y)', "return ''.test(y)"],
    [`\`${D}{{ a: 1 }.a}\` + z`, "'' ({ a: 1 }.a)  + z"],
  ])('%j → %j', (text, expected) => {
    expect(codeOnly(text)).toBe(expected);
  });
});
