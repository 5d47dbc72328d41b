import { execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = '/usr/lib/postgresql';
const USER = 'postgres';

/** A PostgreSQL server of the distribution, of a test's own: on a socket in a folder of its own, no port, no service of the machine. */
export interface PostgresServer {
  readonly url: string;
  /** As a crash or an upgrade would: connections break at once. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it for good and removes its folder. */
  remove(): Promise<void>;
}

/** The programs of the newest version that is installed. @throws Error that names the package where there is none */
const programs = (): string => {
  const versions = existsSync(ROOT) ? readdirSync(ROOT).sort((a, b) => Number(b) - Number(a)) : [];
  const bin = versions.map((version) => join(ROOT, version, 'bin')).find((path) => existsSync(join(path, 'initdb')));
  if (bin === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  return bin;
};

/** It refuses to run as root: then it runs as the user of its package. */
const identity = async (): Promise<{ uid: number; gid: number } | undefined> => {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, USER])).stdout)),
  );
  return { uid: uid!, gid: gid! };
};

export const startPostgres = async (): Promise<PostgresServer> => {
  const bin = programs();
  const who = await identity();
  const folder = mkdtempSync(join(tmpdir(), 'tributary-postgres-'));
  chmodSync(folder, 0o755);
  if (who) chownSync(folder, who.uid, who.gid);
  const data = join(folder, 'data');
  const options = { cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' }, ...who };
  await run(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-U', USER, '-E', 'UTF8', '--no-sync'], options);
  // fsync off: what is tested is not the disk.
  const settings = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${folder}`, '-c', 'fsync=off'];
  let server: ReturnType<typeof spawn> | undefined;
  const start = async (): Promise<void> => {
    server = spawn(join(bin, 'postgres'), ['-D', data, ...settings], { ...options, stdio: 'ignore' });
    for (let tries = 0; ; tries++) {
      const isReady = await run(join(bin, 'pg_isready'), ['-h', folder], options).then(
        () => true,
        () => false,
      );
      if (isReady) return;
      if (tries > 300 || server.exitCode !== null) throw new Error('PostgreSQL does not start');
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  const stop = async (): Promise<void> => {
    const running = server;
    server = undefined;
    if (!running || running.exitCode !== null) return;
    const ended = new Promise((done) => running.once('exit', done));
    // Fast shutdown.
    running.kill('SIGINT');
    await ended;
  };
  await start();
  return {
    url: `postgres://${USER}@localhost/postgres?host=${folder}`,
    start,
    stop,
    remove: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
