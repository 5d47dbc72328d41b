'use strict';
// Started as root, everything but apt-get runs as the owner of the clone.

const { spawnSync } = require('node:child_process');
const { existsSync, lchownSync, mkdirSync, readFileSync, readdirSync, statSync } = require('node:fs');
const { join, resolve } = require('node:path');

/** Files that a node keeps in its data folder: they tell one from any other folder. */
const DATA_FILES = new Set([
  'streams.json',
  'keys.json',
  'runtime.json',
  'control.json',
  'control-plane.db',
  'tributary.yml',
]);

/** @returns {{name: string, gid: number, home: string}|undefined} the passwd entry of `uid` */
const parsePasswd = (text, uid) => {
  for (const line of text.split('\n')) {
    const [name, , id, gid, , home] = line.split(':');
    if (id === String(uid)) return { name, gid: Number(gid), home };
  }
  return undefined;
};

/**
 * Who runs the program.
 * @returns {{drop: undefined, why?: string} | {drop: {uid: number, gid: number, name: string, home: string}}}
 *   `why` says why root stays root; it is absent where nobody is root.
 */
const chooseOwner = (root, nodePath) => {
  if (typeof process.getuid !== 'function' || process.getuid() !== 0) return { drop: undefined };
  const { uid, gid } = statSync(root);
  if (uid === 0) return { drop: undefined, why: 'the clone belongs to root' };
  const entry = parsePasswd(readFileSync('/etc/passwd', 'utf8'), uid);
  const owner = {
    uid,
    gid: entry ? entry.gid : gid,
    name: entry ? entry.name : String(uid),
    home: entry ? entry.home : join(root, '.runtime'),
  };
  const probe = spawnSync('/bin/sh', ['-c', 'test -w "$1" && test -x "$2"', 'sh', root, nodePath], {
    uid: owner.uid,
    gid: owner.gid,
    cwd: '/',
  });
  if (probe.error)
    return { drop: undefined, why: `changing to ${owner.name} is not allowed here (${probe.error.code})` };
  if (probe.status !== 0)
    return { drop: undefined, why: `${owner.name}, who owns the clone, cannot use it or ${nodePath}` };
  return { drop: owner };
};

/** The environment for another user: root's home, and npm's folders in it, are not theirs. */
const environmentFor = (owner, env) => {
  const kept = {};
  for (const key of Object.keys(env)) {
    if (/^(npm_config_(cache|userconfig|globalconfig|prefix|global_prefix|local_prefix)|SUDO_|XDG_)/.test(key))
      continue;
    kept[key] = env[key];
  }
  return { ...kept, HOME: owner.home, USER: owner.name, LOGNAME: owner.name };
};

/** What an earlier run as root has left in the clone is handed to the owner. */
const handOver = (root, owner) => {
  for (const name of ['.runtime', 'node_modules', 'native/build', 'dist']) {
    const folder = join(root, name);
    if (!existsSync(folder) || statSync(folder).uid === owner.uid) continue;
    spawnSync('chown', ['-Rh', `${owner.uid}:${owner.gid}`, folder]);
  }
};

/** The data folder as the program will find it; only the places where root would have left it are looked at. */
const dataFolderOf = (args, env, cwd) => {
  const index = args.indexOf('--data-dir');
  const joined = args.find((arg) => arg.startsWith('--data-dir='));
  const flag = index >= 0 ? args[index + 1] : joined?.slice('--data-dir='.length);
  return resolve(cwd, flag || env.DATA_DIR || 'data');
};

/** Makes the data folder, or hands an existing one over; a folder that is not a node's is left alone. */
const handOverData = (folder, owner) => {
  try {
    mkdirSync(folder, { recursive: true });
    const names = readdirSync(folder);
    const ours = names.filter((name) => DATA_FILES.has(name));
    if (names.length > 0 && ours.length === 0) return;
    if (statSync(folder).uid !== 0) return;
    lchownSync(folder, owner.uid, owner.gid);
    for (const name of ours) lchownSync(join(folder, name), owner.uid, owner.gid);
  } catch {
    // The program says what is wrong with its data folder better than this could.
  }
};

module.exports = { chooseOwner, dataFolderOf, environmentFor, handOver, handOverData, parsePasswd };
