'use strict';
// The dashboard as static files in dist/dashboard, built from src/dashboard by Vite.
//
//   node bin/pages.cjs          builds them where they are missing or belong to other sources (Node 22.18 or newer)

const { createHash } = require('node:crypto');
const { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { brotliCompressSync, constants, gzipSync } = require('node:zlib');

const ROOT = dirname(__dirname);
const OUT = 'dist/dashboard';
const STAMP = '.sources';
/** Further sources of the pages, and what decides how they are built. */
const ALSO = ['bin/pages.cjs', 'package-lock.json'];
const COMPRESSED = /\.(?:html|js|css|svg|json)$/;

const filesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });

/** A digest of everything that the pages are made of. */
const digestOf = (root) => {
  const hash = createHash('sha256');
  for (const file of [...filesIn(join(root, 'src/dashboard')).sort(), ...ALSO.map((name) => join(root, name))])
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
};

/** In an image there are the pages and no sources of them. */
const arePagesBuilt = (root) => {
  try {
    return (
      !existsSync(join(root, 'src/dashboard')) || readFileSync(join(root, OUT, STAMP), 'utf8').trim() === digestOf(root)
    );
  } catch {
    return false;
  }
};

/** Whether what builds the pages is installed. */
const canBuildPages = (root) =>
  existsSync(join(root, 'node_modules/vite')) && existsSync(join(root, 'node_modules/preact'));

/** Replaces the folder as a whole. */
const buildPages = async (root) => {
  const digest = digestOf(root);
  const fresh = join(root, `${OUT}.${process.pid}`);
  const { build } = await import('vite');
  await build({
    root: join(root, 'src/dashboard'),
    configFile: false,
    logLevel: 'error',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    // No map: the sources are at hand, and files under /assets are kept by browsers for good.
    build: {
      outDir: fresh,
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
  for (const file of filesIn(fresh)) {
    if (!COMPRESSED.test(file)) continue;
    const text = readFileSync(file);
    writeFileSync(`${file}.gz`, gzipSync(text, { level: 9 }));
    const hint = { [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
    writeFileSync(`${file}.br`, brotliCompressSync(text, { params: hint }));
  }
  writeFileSync(join(fresh, STAMP), `${digest}\n`);
  rmSync(join(root, OUT), { recursive: true, force: true });
  renameSync(fresh, join(root, OUT));
};

module.exports = { arePagesBuilt, buildPages, canBuildPages };

if (require.main === module && !arePagesBuilt(ROOT))
  buildPages(ROOT).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
