'use strict';
// How far node_modules agrees with package-lock.json, by npm's own record of what it installed.

const { readFileSync, existsSync } = require('node:fs');
const { join } = require('node:path');

/**
 * Optional packages (those of other platforms) may be absent; anything else has to be there in this very version.
 * @param {object} wanted package-lock.json
 * @param {object|undefined} present node_modules/.package-lock.json
 * @returns {'nothing'|'production'|'all'}
 */
const compareLockfiles = (wanted, present) => {
  if (!present?.packages) return 'nothing';
  let dev = true;
  for (const path of Object.keys(wanted.packages || {})) {
    const entry = wanted.packages[path];
    if (path === '' || entry.optional) continue;
    const other = present.packages[path];
    if (other && other.version === entry.version && other.integrity === entry.integrity) continue;
    if (!entry.dev && !entry.devOptional) return 'nothing';
    dev = false;
  }
  return dev ? 'all' : 'production';
};

const readJson = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
};

/** @returns {{installed: 'nothing'|'production'|'all', hasDevPackages: boolean}} */
const inspectPackages = (root) => ({
  installed: compareLockfiles(
    readJson(join(root, 'package-lock.json')) || {},
    readJson(join(root, 'node_modules/.package-lock.json')),
  ),
  hasDevPackages: existsSync(join(root, 'node_modules/vitest')),
});

module.exports = { compareLockfiles, inspectPackages };
