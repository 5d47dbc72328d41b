'use strict';
// start, test and every subcommand: set up what is missing, then run the program. See plan.cjs for what is done when.

const { existsSync } = require('node:fs');
const { delimiter, dirname, join } = require('node:path');
const { installDebianPackages } = require('./apt.cjs');
const { isCompiled } = require('./compile.cjs');
const { inspectTools } = require('./facts.cjs');
const { acquireLock } = require('./lock.cjs');
const { inspectPackages } = require('./lockfile.cjs');
const { chooseOwner, dataFolderOf, environmentFor, handOver, handOverData } = require('./owner.cjs');
const { arePagesBuilt, canBuildPages } = require('./pages.cjs');
const {
  LEAST_SRT,
  chooseNode,
  compareVersions,
  missingDebianPackages,
  needsOf,
  needsRuntime,
  npmArguments,
} = require('./plan.cjs');
const { withProgress } = require('./progress.cjs');
const { SetupError, runInForeground, runQuietly, stopQuietChildren } = require('./run.cjs');
const { installRuntime, runtimeNode, runtimeNpm, runtimeVersion } = require('./runtime.cjs');

const ROOT = dirname(__dirname);
/** Little garbage is made, and little is compiled: a small young generation and one thread beside are enough, and save 11 MiB. */
const NODE_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=1'];
/** Commands that run for long: for these it is said why they run as root. */
const LASTING = new Set(['start', 'relay', 'demo', 'control-plane']);

const say = (text) => process.stderr.write(`tributary: ${text}\n`);

const setUpDebian = async (needs) => {
  const missing = missingDebianPackages(needs, inspectTools(needs));
  if (missing.length === 0) return;
  await installDebianPackages(missing, say);
  const tools = inspectTools(needs);
  const still = missingDebianPackages(needs, tools);
  if (still.length === 0) return;
  if (tools.srtVersion && compareVersions(tools.srtVersion, LEAST_SRT) < 0) {
    throw new SetupError(
      `libsrt ${tools.srtVersion} of this system is too old: ${LEAST_SRT} is needed (Debian 12 or newer)`,
    );
  }
  throw new SetupError(`still not usable after the installation: ${still.join(', ')}`);
};

const setUpPackages = async (needs, node, spawnOptions) => {
  const lacksPageTools = needs.pages && !arePagesBuilt(ROOT) && !canBuildPages(ROOT);
  const args = npmArguments(needs, { ...inspectPackages(ROOT), lacksPageTools });
  if (args === undefined) return;
  const ownNpm = node === process.execPath;
  if (!ownNpm && !existsSync(runtimeNpm(ROOT))) await installRuntime(ROOT, spawnOptions);
  const [program, first] = ownNpm ? ['npm', []] : [node, [runtimeNpm(ROOT)]];
  // The distribution's Node trusts the system's certificates and has fetched ours; ours trusts them only when told.
  const env = { NODE_USE_SYSTEM_CA: '1', ...spawnOptions.env };
  await withProgress('npm packages', () =>
    runQuietly('npm ci', program, [...first, ...args, '--loglevel=error'], { ...spawnOptions, env, cwd: ROOT }),
  );
};

const buildAddon = (node, spawnOptions) =>
  withProgress('native addon', () =>
    runQuietly('building the native addon', node, [join(ROOT, 'native/build.cjs')], { ...spawnOptions, cwd: ROOT }),
  );

const compileSources = (node, spawnOptions) =>
  withProgress('JavaScript', () =>
    runQuietly('compiling the sources', node, [join(ROOT, 'bin/compile.cjs')], { ...spawnOptions, cwd: ROOT }),
  );

/** A node does its work without them, too. @param isNeeded by what is about to be run, if it can be built at all */
const buildDashboard = async (node, spawnOptions, isNeeded) => {
  if (!canBuildPages(ROOT)) {
    say('the packages that build the dashboard cannot be had here (optional dependencies): going on without it');
    return;
  }
  try {
    await withProgress('dashboard', () =>
      runQuietly('building the dashboard', node, [join(ROOT, 'bin/pages.cjs')], { ...spawnOptions, cwd: ROOT }),
    );
  } catch (error) {
    if (!(error instanceof SetupError) || isNeeded) throw error;
    say(`${error.message}: going on without it`);
  }
};

/** A clone that this user may not write to can be used all the same, if nothing is missing in it. */
const lockClone = () =>
  acquireLock(join(ROOT, '.runtime/launcher.lock'), {
    onWait: () => say('another launcher is setting this clone up; waiting for it'),
  }).catch((error) => {
    if (error.code === 'EACCES' || error.code === 'EROFS') return () => {};
    throw error;
  });

/** Everything before the program; gives the Node to run it with. */
const setUp = async (command, owner) => {
  const needs = needsOf(command);
  const spawnOptions = spawnOptionsFor(owner);
  const release = await lockClone();
  try {
    await setUpDebian(needs);
    if (owner) handOver(ROOT, owner);
    if (needsRuntime(process.version, chooseNode(process.version) === 'own' ? undefined : runtimeVersion(ROOT))) {
      await withProgress(`Node 24 (this one is ${process.version})`, () => installRuntime(ROOT, spawnOptions));
    }
    const node = chooseNode(process.version) === 'own' ? process.execPath : runtimeNode(ROOT);
    const options = spawnOptionsFor(owner, node);
    await setUpPackages(needs, node, options);
    if (needs.addon) await buildAddon(node, options);
    if (needs.compiled && !isCompiled(ROOT)) await compileSources(node, options);
    if (needs.pages && !arePagesBuilt(ROOT)) await buildDashboard(node, options, !LASTING.has(command));
    return node;
  } finally {
    release();
  }
};

const spawnOptionsFor = (owner, node) => {
  const env = owner ? environmentFor(owner, process.env) : { ...process.env };
  // What the program starts as `node` is the Node that it runs on.
  if (node) env.PATH = `${dirname(node)}${delimiter}${env.PATH || ''}`;
  return owner ? { env, uid: owner.uid, gid: owner.gid } : { env };
};

const programArguments = (command, rest) => {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  if (command === 'test') return [vitest, 'run', ...rest];
  if (command === 'test-pages') return [vitest, 'run', '--config', join(ROOT, 'vitest.pages.config.ts'), ...rest];
  if (command === 'pictures') return [join(ROOT, 'test/pages/pictures.ts'), ...rest];
  if (command === 'tool') return [join(ROOT, 'node_modules/.bin', rest[0] || ''), ...rest.slice(1)];
  if (command === 'bench') return [join(ROOT, 'bench/main.ts'), ...rest];
  if (command === 'fuzz') return [join(ROOT, 'test/fuzz/main.ts'), ...rest];
  if (command === 'sim') return [join(ROOT, 'test/sim/run.ts'), ...rest];
  if (command === 'quality') return [join(ROOT, 'test/quality/table.ts'), ...rest];
  if (command === 'soak') return [join(ROOT, 'test/soak/main.ts'), ...rest];
  if (command === 'scale') return [join(ROOT, 'test/scale/fleet.ts'), ...rest];
  const own = command === 'start' ? ['relay', '--interactive'] : command === undefined ? [] : [command];
  return [...NODE_FLAGS, join(ROOT, 'dist/main.js'), ...own, ...rest];
};

/**
 * A control plane is small and seldom in a hurry: one heap for all of its threads, and large blocks go back to the system. Whoever has set
 * these keeps what was set. Twins: docker/tributary, src/cli/plane-child.ts.
 */
const PLANE_MEMORY = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' };

const run = async (argv) => {
  const [command, ...rest] = argv;
  const { drop: owner, why } = chooseOwner(ROOT, process.execPath);
  if (why && LASTING.has(command)) say(`running as root: ${why}`);
  const node = await setUp(command, owner);
  if (command === 'build') return 0;
  if (owner) handOverData(dataFolderOf(rest, process.env, process.cwd()), owner);
  const inRoot = [
    'test',
    'test-pages',
    'pictures',
    'tool',
    'bench',
    'sim',
    'fuzz',
    'quality',
    'scale',
    'soak',
  ].includes(command)
    ? { cwd: ROOT }
    : {};
  const options = spawnOptionsFor(owner, node);
  if (command === 'control-plane') options.env = { ...PLANE_MEMORY, ...options.env };
  return runInForeground(node, programArguments(command, rest), { ...options, ...inRoot });
};

const main = async (argv) => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ]) {
    process.on(signal, () => {
      stopQuietChildren(signal);
      process.exit(code);
    });
  }
  try {
    process.exitCode = await run(argv);
  } catch (error) {
    const known = error instanceof SetupError;
    say(known ? error.message : `the set-up failed: ${error.message}`);
    for (const line of known ? error.details : []) process.stderr.write(`  ${line}\n`);
    process.exitCode = 1;
  }
};

module.exports = { NODE_FLAGS, main, programArguments };
