'use strict';
// What has to be done, as a pure function of what was found: no process, file or clock here.

/** The first that runs TypeScript as it stands: tests and bench do. */
const LEAST_NODE = '22.18.0';
const LEAST_SRT = '1.5.1';

/** -1, 0 or 1 as dotted version `a` is older than, equal to or newer than `b`; a leading `v` and a trailing `-…` are ignored. */
const compareVersions = (a, b) => {
  const parts = (text) =>
    text
      .replace(/^v/, '')
      .split('-')[0]
      .split('.')
      .map((part) => Number.parseInt(part, 10) || 0);
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] || 0) - (right[i] || 0);
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  return 0;
};

const isEnough = (version, least) => version !== undefined && compareVersions(version, least) >= 0;

/** What each command needs. Whatever is not listed is handed to the program, which needs all but the test tools. */
const NEEDS = {
  start: { addon: true, compiled: true, pages: true, testTools: false, devPackages: false },
  // Everything but the run: for an image, in which nothing is to be built any more.
  build: { addon: true, compiled: true, pages: true, testTools: false, devPackages: false },
  relay: { addon: true, compiled: true, pages: true, testTools: false, devPackages: false },
  demo: { addon: true, compiled: true, pages: true, ffmpeg: true, testTools: false, devPackages: false },
  test: { addon: true, compiled: true, pages: true, testTools: true, devPackages: true },
  'test-pages': { addon: true, compiled: true, pages: true, testTools: true, devPackages: true, browser: true },
  pictures: { addon: false, compiled: false, pages: true, testTools: false, devPackages: true, browser: true },
  bench: { addon: true, compiled: true, pages: false, testTools: true, devPackages: true },
  soak: { addon: true, compiled: true, pages: false, testTools: true, devPackages: true },
  sim: { addon: false, compiled: false, pages: false, testTools: false, devPackages: true },
  fuzz: { addon: true, compiled: false, pages: false, testTools: false, devPackages: true },
  tool: { addon: false, compiled: false, pages: false, testTools: false, devPackages: true },
};
const WITHOUT_ADDON = new Set([
  undefined,
  'help',
  '--help',
  '-h',
  '--version',
  'urls',
  'doctor',
  'drain',
  'config',
  'control-plane',
  'import-sls',
  'export-sls',
  'backup',
  'restore',
]);

const needsOf = (command) => {
  if (Object.hasOwn(NEEDS, command)) return NEEDS[command];
  return { addon: !WITHOUT_ADDON.has(command), compiled: true, pages: false, testTools: false, devPackages: false };
};

/**
 * Debian packages that are missing.
 * @param {{addon: boolean, ffmpeg?: boolean, testTools: boolean, browser?: boolean}} needs
 * @param {{pkgConfig: boolean, srtVersion?: string, compiler: boolean, ffmpeg: boolean, srtTools: boolean, chromium?: boolean}} tools
 * @returns {string[]}
 */
const missingDebianPackages = (needs, tools) => {
  const missing = [];
  if (needs.addon) {
    if (!isEnough(tools.srtVersion, LEAST_SRT)) missing.push('libsrt-openssl-dev');
    if (!tools.pkgConfig) missing.push('pkg-config');
    if (!tools.compiler) missing.push('g++');
  }
  if ((needs.testTools || needs.ffmpeg) && !tools.ffmpeg) missing.push('ffmpeg');
  if (needs.testTools && !tools.srtTools) missing.push('srt-tools');
  if (needs.browser && !tools.chromium) missing.push('chromium');
  return missing;
};

/** Whether the launcher's own Node will not do, and the one in `.runtime` has to be fetched first. */
const needsRuntime = (ownVersion, runtimeVersion) =>
  !isEnough(ownVersion, LEAST_NODE) && !isEnough(runtimeVersion, LEAST_NODE);

/** Which Node runs the program: `own` (the launcher's) or `runtime`. */
const chooseNode = (ownVersion) => (isEnough(ownVersion, LEAST_NODE) ? 'own' : 'runtime');

/**
 * The npm work to do. `installed` says how far node_modules agrees with package-lock.json; development packages that are
 * there already are kept, so an update of a developer's clone installs them too. What builds the pages is optional: it is fetched with the
 * rest, and where it is missing only for pages that have to be built.
 * @param {{devPackages: boolean}} needs
 * @param {{installed: 'nothing'|'production'|'all', hasDevPackages: boolean, lacksPageTools?: boolean}} found
 * @returns {string[]|undefined} arguments of npm, or undefined where nothing is to do
 */
const npmArguments = (needs, found) => {
  if (!found.lacksPageTools) {
    if (found.installed === 'all') return undefined;
    if (found.installed === 'production' && !needs.devPackages) return undefined;
  }
  const all = needs.devPackages || found.hasDevPackages;
  return ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...(all ? ['--include=dev'] : ['--omit=dev'])];
};

/**
 * How Debian packages may be installed here.
 * @param {string[]} missing
 * @param {{forbidden: boolean, apt: boolean, root: boolean, sudo: 'free'|'asks'|'none', listsFresh: boolean}} rights
 * @returns {{kind: 'nothing'} | {kind: 'install', update: boolean, prefix: string[], command: string}
 *   | {kind: 'refuse', why: string, command?: string}}
 */
const aptPlan = (missing, rights) => {
  if (missing.length === 0) return { kind: 'nothing' };
  const names = missing.join(', ');
  if (!rights.apt) return { kind: 'refuse', why: `missing on this system, which has no apt-get: ${names}` };
  const sudo = !rights.root && rights.sudo !== 'none' ? 'sudo ' : '';
  const install = `${sudo}apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  const command = rights.listsFresh ? install : `${sudo}apt-get update && ${install}`;
  if (rights.forbidden)
    return { kind: 'refuse', why: `missing, and TRIBUTARY_NO_APT forbids to install: ${names}`, command };
  if (rights.root) return { kind: 'install', update: !rights.listsFresh, prefix: [], command };
  if (rights.sudo === 'free') return { kind: 'install', update: !rights.listsFresh, prefix: ['sudo', '-n'], command };
  return { kind: 'refuse', why: `missing, and this user may not install without a password: ${names}`, command };
};

module.exports = {
  LEAST_NODE,
  LEAST_SRT,
  aptPlan,
  chooseNode,
  compareVersions,
  missingDebianPackages,
  needsOf,
  needsRuntime,
  npmArguments,
};
