#!/usr/bin/env node
'use strict';
/**
 * Builds the native addon with nothing but g++, pkg-config and libsrt: the Node-API headers are npm packages, so neither node-gyp nor
 * Node's own headers are needed. Runs on Node >= 16.
 *
 *   node native/build.cjs [--out DIR] [--sanitize]
 *
 * DIR is native/build, or native/build/asan with --sanitize. Compiles the parts that changed; does nothing when all is up to date.
 */
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const NATIVE = __dirname;
const SOURCES = path.join(NATIVE, 'src');
const MODULES = path.join(NATIVE, '..', 'node_modules');
const HEADERS = [path.join(MODULES, 'node-api-headers', 'include'), path.join(MODULES, 'node-addon-api')];
/**
 * Sources that are compiled as one, by the beginning of their names: most of the time goes into the headers that all of them include. Three
 * parts keep two cores busy. A name in an unnamed namespace must be there once in a part.
 */
const PARTS = { udp: /^udp_/, srt: /^(srt_|socket_|listener|poll_|batch|caller|event_|stats|options)/, rest: /^/ };
const LEAST_LIBSRT = '1.5.1';

const COMPILE = [
  '-std=c++17',
  '-fPIC',
  '-fvisibility=hidden',
  '-pthread',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-DNAPI_VERSION=8',
  '-DNODE_ADDON_API_CPP_EXCEPTIONS',
  '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
];
// Once loaded it stays: libsrt's threads would not survive being unloaded with the last worker that used it.
const LINK = ['-shared', '-pthread', '-Wl,-z,nodelete', '-Wl,-z,now'];
const RELEASE = ['-O2'];
const SANITIZE = [
  // Not optimised: half the time to compile, and tests look for errors, not for speed.
  '-O0',
  '-g',
  '-fno-omit-frame-pointer',
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=undefined',
];

const say = (line) => process.stdout.write(`native: ${line}\n`);

const fail = (line) => {
  process.stderr.write(`native: ${line}\n`);
  process.exit(1);
};

const parseArguments = (args) => {
  const options = { out: undefined, sanitize: false };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--sanitize') options.sanitize = true;
    else if (args[i] === '--out' && args[i + 1]) options.out = path.resolve(args[++i]);
    else fail(`unknown argument ${args[i]}; usage: node native/build.cjs [--out DIR] [--sanitize]`);
  }
  options.out = options.out || path.join(NATIVE, 'build', options.sanitize ? 'asan' : '');
  return options;
};

const pkgConfig = (args) => {
  try {
    const words = execFileSync('pkg-config', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return words.trim().split(/\s+/).filter(Boolean);
  } catch (error) {
    if (error.code === 'ENOENT') fail('pkg-config is missing; install the Debian package pkg-config');
    return undefined;
  }
};

const libsrtFlags = () => {
  const flags = pkgConfig(['--cflags', '--libs', `srt >= ${LEAST_LIBSRT}`]);
  if (flags) return flags;
  const version = pkgConfig(['--modversion', 'srt']);
  if (!version) return fail('libsrt is missing (no srt.pc); install the Debian package libsrt-openssl-dev');
  return fail(`libsrt ${version[0]} is too old (at least ${LEAST_LIBSRT}); install a newer libsrt-openssl-dev`);
};

const modifiedMs = (file) => {
  try {
    return fs.statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
};

/** Files that an object was made of, from the compiler's own list. */
const dependenciesOf = (object) => {
  try {
    const text = fs.readFileSync(`${object}.d`, 'utf8').replace(/\\\n/g, ' ');
    return text
      .slice(text.indexOf(':') + 1)
      .trim()
      .split(/\s+/);
  } catch {
    return undefined;
  }
};

const isUpToDate = (target, inputs) => {
  const made = modifiedMs(target);
  if (made === undefined || inputs === undefined) return false;
  return inputs.every((input) => {
    const changed = modifiedMs(input);
    return changed !== undefined && changed <= made;
  });
};

const run = (command, args) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) =>
      fail(error.code === 'ENOENT' ? `${command} is missing; install the Debian package ${command}` : error.message),
    );
    child.on('exit', (code) => resolve(code));
  });

const compileAll = async (jobs, flags) => {
  let failed = false;
  const queue = [...jobs];
  const worker = async () => {
    for (let job = queue.shift(); job && !failed; job = queue.shift()) {
      say(`compile ${job.name}`);
      const code = await run('g++', [...flags, '-MMD', '-MF', `${job.object}.d`, '-c', job.source, '-o', job.object]);
      if (code !== 0) failed = true;
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, os.cpus().length) }, worker));
  if (failed) fail('a source file does not compile (see above)');
};

/** @returns {{name: string, source: string, object: string}[]} the parts, each a file that includes its sources; written only where that changes */
const writeParts = (folder) => {
  const names = fs.readdirSync(SOURCES).filter((name) => name.endsWith('.cc'));
  const partOf = (name) => Object.keys(PARTS).find((part) => PARTS[part].test(name));
  return Object.keys(PARTS).map((part) => {
    const source = path.join(folder, `${part}.part.cc`);
    const own = names.filter((name) => partOf(name) === part);
    const text = own.map((name) => `#include ${JSON.stringify(path.join(SOURCES, name))}\n`).join('');
    if (!fs.existsSync(source) || fs.readFileSync(source, 'utf8') !== text) fs.writeFileSync(source, text);
    return { name: part, source, object: path.join(folder, `${part}.part.o`) };
  });
};

const main = async () => {
  const options = parseArguments(process.argv.slice(2));
  const missing = HEADERS.find((folder) => !fs.existsSync(folder));
  if (missing) fail(`the npm package ${path.relative(MODULES, missing).split(path.sep)[0]} is missing; run \`npm ci\``);
  const srt = libsrtFlags();
  const isLink = (flag) => /^-(l|L|Wl,)/.test(flag);
  const variant = options.sanitize ? SANITIZE : RELEASE;
  // As system headers: their warnings are not ours.
  const includes = HEADERS.flatMap((folder) => ['-isystem', folder]);
  const compile = [...COMPILE, ...variant, ...srt.filter((flag) => !isLink(flag)), ...includes];
  const link = [...LINK, ...variant];
  const libraries = srt.filter(isLink);

  const target = path.join(options.out, 'tributary.node');
  const objects = path.join(options.out, 'obj');
  fs.mkdirSync(objects, { recursive: true });
  const stamp = path.join(objects, 'flags.txt');
  const command = JSON.stringify([compile, link, libraries]);
  const sameFlags = fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === command;

  const jobs = writeParts(objects);
  const stale = jobs.filter((job) => !sameFlags || !isUpToDate(job.object, dependenciesOf(job.object)));
  const all = jobs.map((job) => job.object);
  if (stale.length === 0 && isUpToDate(target, all)) return say('up to date');

  await compileAll(stale, compile);
  fs.writeFileSync(stamp, command);
  say(`link ${path.relative(process.cwd(), target)}`);
  // A running node may have the old file mapped: never write into it.
  const fresh = `${target}.${process.pid}`;
  if ((await run('g++', [...link, ...all, '-o', fresh, ...libraries])) !== 0)
    fail('the addon does not link (see above)');
  fs.renameSync(fresh, target);
  return undefined;
};

main().catch((error) => fail(error.message));
