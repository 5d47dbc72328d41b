import { execFile } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Beside the launcher's own tools: not in git, kept from run to run. */
const CACHE = resolve(import.meta.dirname, '../../.runtime/debian');
const MOST_BYTES = 64 * 2 ** 20;

const aptGet = (args: readonly string[], cwd: string): Promise<{ stdout: string }> =>
  run('apt-get', [...args], { cwd, maxBuffer: MOST_BYTES, env: { ...process.env, LC_ALL: 'C' } });

/** Lists of our own, for a machine that has none or old ones: what is the machine's stays as it is, and nobody needs to be root. */
const ownLists = async (): Promise<string[]> => {
  const state = join(CACHE, 'apt');
  await mkdir(join(state, 'lists/partial'), { recursive: true });
  await mkdir(join(state, 'archives/partial'), { recursive: true });
  const options = [
    ...['-o', `Dir::State::lists=${join(state, 'lists')}`],
    ...['-o', `Dir::Cache=${state}`],
    // Else root hands the work to a user who may not write here.
    ...['-o', 'APT::Sandbox::User='],
  ];
  await aptGet([...options, 'update'], CACHE);
  return options;
};

/** Downloads the packages into `folder`, by the machine's lists, else by fresh ones. */
const download = async (names: readonly string[], folder: string): Promise<void> => {
  const sandbox = ['-o', 'APT::Sandbox::User='];
  try {
    await aptGet([...sandbox, 'download', ...names], folder);
  } catch {
    await aptGet([...(await ownLists()), 'download', ...names], folder);
  }
};

/**
 * Unpacks packages of the distribution, without their dependencies, into one folder: `usr/bin/…` below it. Nothing is installed, no script of
 * a package runs, and no service of the machine is started. What was unpacked once is used again.
 * @returns the folder
 * @throws where there is no apt-get, or no package of that name
 */
export const debianPackages = async (...names: readonly string[]): Promise<string> => {
  await mkdir(CACHE, { recursive: true });
  const folder = join(CACHE, names.join('+'));
  if (existsSync(folder)) return folder;
  const work = await mkdtemp(join(CACHE, 'unpacking-'));
  try {
    await download(names, work);
    const archives = readdirSync(work).filter((name) => name.endsWith('.deb'));
    const root = join(work, 'root');
    for (const archive of archives) await run('dpkg-deb', ['--extract', join(work, archive), root]);
    renameSync(root, folder);
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};
