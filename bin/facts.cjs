'use strict';
// What is really there: programs are asked, not package databases.

const { spawnSync } = require('node:child_process');
const { accessSync, constants, readdirSync, statSync } = require('node:fs');
const { delimiter, join } = require('node:path');

const DAY_MS = 86_400_000;
const APT_LISTS = '/var/lib/apt/lists';

/** The first line a program prints, or undefined where it is missing or fails. */
const ask = (program, args, env = process.env) => {
  const answer = spawnSync(program, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] });
  return answer.status === 0 ? answer.stdout.split('\n')[0].trim() : undefined;
};

const isInPath = (program) =>
  (process.env.PATH || '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return statSync(join(folder, program)).isFile();
    } catch {
      return false;
    }
  });

const inspectTools = (needs) => ({
  pkgConfig: !needs.addon || ask('pkg-config', ['--version']) !== undefined,
  srtVersion: needs.addon ? ask('pkg-config', ['--modversion', 'srt']) : undefined,
  compiler: !needs.addon || ask('g++', ['--version']) !== undefined,
  ffmpeg:
    !(needs.testTools || needs.ffmpeg) ||
    (ask('ffmpeg', ['-hide_banner', '-version']) !== undefined && isInPath('ffprobe')),
  srtTools: !needs.testTools || isInPath('srt-live-transmit'),
  chromium: !needs.browser || isInPath('chromium'),
});

/** Lists that are there and not older than a day; a fresh container has none. */
const areListsFresh = (now) => {
  try {
    if (!readdirSync(APT_LISTS).some((name) => name.includes('_Packages'))) return false;
    const changed = Math.max(statSync(APT_LISTS).mtimeMs, statSync(join(APT_LISTS, 'partial')).mtimeMs);
    return now - changed < DAY_MS;
  } catch {
    return false;
  }
};

const inspectSudo = () => {
  if (!isInPath('sudo')) return 'none';
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? 'free' : 'asks';
};

const inspectRights = () => {
  const root = typeof process.getuid === 'function' && process.getuid() === 0;
  return {
    forbidden: !['', '0', 'false', undefined].includes(process.env.TRIBUTARY_NO_APT),
    apt: isInPath('apt-get'),
    root,
    sudo: root ? 'none' : inspectSudo(),
    listsFresh: areListsFresh(Date.now()),
  };
};

module.exports = { ask, inspectRights, inspectTools, isInPath };
