'use strict';
// src as JavaScript in dist: each file with its types replaced by blanks, so that lines and columns stay what they are. What runs for long
// runs from there: taking the types off while it runs costs a process some 40 MiB for good, and half a second at each start.
//
//   node bin/compile.cjs        writes what is missing or belongs to another version of its source (Node 22.18 or newer)

const {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} = require('node:fs');
const { dirname, join, sep } = require('node:path');

const ROOT = dirname(__dirname);

/** `from './a.ts'`, `import './a.ts'`, `import('./a.ts')` */
const SPECIFIER = /(\b(?:from|import)[\s(]*)(['"])(\.{1,2}\/[^'"\n]+)\.ts\2/g;

/** Pages are for the browser: bin/pages.cjs builds them. */
const isPage = (name) => name.startsWith(`dashboard${sep}`);

const compiledText = (source, strip) => strip(source).replace(SPECIFIER, '$1$2$3.js$2');

const filesIn = (folder, ending) => {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      if (entry.isDirectory()) return filesIn(join(folder, entry.name), ending).map((name) => join(entry.name, name));
      return entry.name.endsWith(ending) ? [entry.name] : [];
    });
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
};

const statOf = (file) => {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
};

/**
 * What is to be done in `root`: names without ending to compile, and those whose source is gone. A compiled file bears its source's time,
 * and counts only with that very time and no earlier than this file's: a clone may go back to older sources.
 */
const planCompilation = (root) => {
  const [sources, out] = [join(root, 'src'), join(root, 'dist')];
  const compilerMs = statSync(__filename).mtimeMs;
  const wanted = filesIn(sources, '.ts')
    .filter((name) => !name.endsWith('.test.ts') && !name.endsWith('.d.ts') && !isPage(name))
    .map((name) => name.slice(0, -3));
  const isCurrent = (name) => {
    const made = statOf(join(out, `${name}.js`));
    if (made === undefined || made.ctimeMs < compilerMs) return false;
    return Math.abs(made.mtimeMs - statSync(join(sources, `${name}.ts`)).mtimeMs) < 1;
  };
  const known = new Set(wanted);
  return {
    stale: wanted.filter((name) => !isCurrent(name)),
    gone: filesIn(out, '.js')
      .map((name) => name.slice(0, -3))
      .filter((name) => !known.has(name) && !isPage(name)),
  };
};

const isCompiled = (root) => {
  const { stale, gone } = planCompilation(root);
  return stale.length === 0 && gone.length === 0;
};

/** Several may do so at once: each file is replaced as a whole. */
const compile = (root) => {
  // Only here: the launcher runs on a Node that may not have it.
  const { stripTypeScriptTypes } = require('node:module');
  const { stale, gone } = planCompilation(root);
  for (const name of stale) {
    const source = join(root, 'src', `${name}.ts`);
    const target = join(root, 'dist', `${name}.js`);
    const { atime, mtime } = statSync(source);
    mkdirSync(dirname(target), { recursive: true });
    const fresh = `${target}.${process.pid}`;
    writeFileSync(fresh, compiledText(readFileSync(source, 'utf8'), stripTypeScriptTypes));
    utimesSync(fresh, atime, mtime);
    renameSync(fresh, target);
  }
  for (const name of gone) rmSync(join(root, 'dist', `${name}.js`), { force: true });
  return stale.length;
};

module.exports = { ROOT, compile, compiledText, isCompiled, planCompilation };

if (require.main === module) {
  // That it is experimental is known: the tests say when it changes.
  process.removeAllListeners('warning');
  compile(ROOT);
}
