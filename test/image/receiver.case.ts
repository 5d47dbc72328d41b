import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { composeText } from './deployment.ts';
import { Machine, NODE_ADDRESS } from './machine.ts';
import { command, podman, ROOT } from './podman.ts';
import { copyOfClone, shimFolder } from './shim.ts';

const API = `http://${NODE_ADDRESS}:8090`;

let machine: Machine;
let folder: string;
let shim: string;
let clone: string;

beforeAll(() => {
  machine = new Machine();
  folder = mkdtempSync(join(tmpdir(), 'tributary-receiver-'));
  shim = shimFolder(folder);
  clone = copyOfClone(join(folder, 'tributary'));
  mkdirSync(join(folder, 'old'));
  // As the old stack's script has left it.
  writeFileSync(join(folder, 'old/docker-compose.yml'), composeText('test/image/old-compose.yml'));
  writeFileSync(
    join(folder, 'old/.env'),
    [
      '# mine',
      'APP_URL=http://198.51.100.1:8090',
      'SRTLA_PORT=5000',
      'SRT_SENDER_PORT=4001',
      'SRT_PLAYER_PORT=4000',
      'SLS_STATS_PORT=8090',
      'SLS_MGNT_PORT=3000',
      '',
    ].join('\n'),
  );
});

afterAll(async () => {
  await receiver('remove', { options: ['--yes'] }).catch(() => {});
  await machine.close();
  await podman(['rmi', '--force', 'localhost/tributary:local']).catch(() => {});
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  code: number;
  output: string;
}

const receiver = async (
  verb: string,
  {
    options = [],
    env = {},
    script = join(clone, 'docker/receiver.sh'),
    cwd = join(folder, 'old'),
  }: { options?: string[]; env?: Record<string, string>; script?: string; cwd?: string } = {},
): Promise<Run> => {
  const shell = 'cd "$1" && shift && exec bash "$@"';
  const program = machine.start('sh', ['-c', shell, 'sh', cwd, script, ...options, verb], {
    PATH: `${shim}:${process.env.PATH}`,
    ...env,
  });
  await until(`receiver.sh ${verb}`, () => program.exitCode !== undefined, 170_000);
  return { code: program.exitCode!, output: program.output };
};

const file = (name: string): string => readFileSync(join(folder, 'old', name), 'utf8');
const containerId = (): Promise<string> => machine.podman('inspect', '--format', '{{.Id}}', 'old-receiver-1');
let key = '';
const keyWorks = async (): Promise<void> => {
  expect((await machine.http(`${API}/api/stream-ids`, { key })).status).toBe(200);
};

describe('receiver.sh', () => {
  it('passes shellcheck, as the other scripts of the image do', async () => {
    const scripts = ['docker/receiver.sh', 'docker/tributary', 'docker/tributary-health'];
    await command('shellcheck', scripts).catch((error) => {
      if (error.code !== 'ENOENT') throw new Error(error.stdout);
    });
    for (const script of scripts) await command('bash', ['-n', script]);
  });

  it('helps, and knows what it does not know', async () => {
    expect(await receiver('help')).toMatchObject({ code: 0, output: expect.stringContaining('updateself') });
    expect((await receiver('explode')).code).toBe(1);
    expect((await receiver('status', { cwd: folder })).output).toContain(
      'there is no docker-compose.yml in this folder',
    );
  });

  it('installs over the old stack: ports stay, the old file is kept, the key is private', async () => {
    const run = await receiver('install', { options: ['--yes', `--address=${NODE_ADDRESS}`] });
    expect(run.code, run.output).toBe(0);
    const env = file('.env');
    for (const line of [
      '# mine',
      'SRTLA_PORT=5000',
      'SLS_STATS_PORT=8090',
      `APP_URL=http://${NODE_ADDRESS}:8090`,
      `TRIBUTARY_CONTEXT=${clone}`,
    ])
      expect(env.split('\n')).toContain(line);
    expect(file('docker-compose.yml')).toBe(composeText('docker/compose.yml'));
    expect(file('docker-compose.yml.backup')).toBe(composeText('test/image/old-compose.yml'));
    expect(statSync(join(folder, 'old/.apikey')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'old/data')).uid).toBe(3_001);
    key = file('.apikey').trim();
    await keyWorks();
    expect(run.output).toMatch(new RegExp(`srtla://${NODE_ADDRESS}:5000\\?streamid=`));
    expect(run.output).toMatch(/publisher live_\S+ {3}player play_\S+/);
    expect(run.output).not.toContain(key);
  });

  it('installs again without changing anything', async () => {
    const [env, id] = [file('.env'), await containerId()];
    const run = await receiver('install', { options: ['--yes', `--address=${NODE_ADDRESS}`] });
    expect(run.code, run.output).toBe(0);
    expect(file('.env')).toBe(env);
    expect(await containerId()).toBe(id);
  });

  it('tells how things are', async () => {
    const run = await receiver('status');
    expect(run.code, run.output).toBe(0);
    expect(run.output).toContain('the node answers');
    expect(run.output).toContain(key);
  });

  it('stops and starts', async () => {
    expect((await receiver('stop')).code).toBe(0);
    expect((await receiver('status')).code).toBe(1);
    const run = await receiver('start');
    expect(run.code, run.output).toBe(0);
    await keyWorks();
    expect(file('.apikey').trim()).toBe(key);
  });

  it('updates with a backup first, and goes back where the new version does not come up', async () => {
    const id = await containerId();
    const run = await receiver('update', { options: ['--yes'], env: { SHIM_VERSION: '2' } });
    expect(run.code, run.output).toBe(0);
    expect(await containerId()).not.toBe(id);
    await keyWorks();
    const backups = readdirSync(join(folder, 'old/backups'));
    expect(backups).toHaveLength(1);
    expect(await command('tar', ['-tf', join(folder, 'old/backups', backups[0]!)])).toContain('data/streams.json');

    const broken = await receiver('update', {
      options: ['--yes'],
      env: { SHIM_BROKEN_BUILD: '1', RECEIVER_WAIT_SECONDS: '8' },
    });
    expect(broken.code, broken.output).toBe(1);
    expect(broken.output).toContain('the old version runs again');
    await keyWorks();
  });

  it('replaces itself by what an address has, and never by an error page', async () => {
    const script = join(folder, 'copy.sh');
    copyFileSync(join(ROOT, 'docker/receiver.sh'), script);
    const text = `${readFileSync(script, 'utf8')}# changed\n`;
    writeFileSync(script, text);
    chmodSync(script, 0o755);
    const served = join(folder, 'served');
    mkdirSync(join(served, 'docker'), { recursive: true });
    const server = `require('node:http').createServer((request, answer) => {
      try { answer.end(require('node:fs').readFileSync(${JSON.stringify(served)} + request.url)); }
      catch { answer.writeHead(404).end('#!/bin/sh\\n'); }
    }).listen(8000, '127.0.0.1')`;
    machine.start(process.execPath, ['-e', server]);
    const env = { TRIBUTARY_SOURCE: 'http://127.0.0.1:8000' };
    await until('the server', () =>
      machine.http('http://127.0.0.1:8000/').then(
        () => true,
        () => false,
      ),
    );

    const missing = await receiver('updateself', { script, env });
    expect(missing.code).toBe(1);
    expect(readFileSync(script, 'utf8')).toBe(text);
    writeFileSync(join(served, 'docker/receiver.sh'), '<html>');
    expect((await receiver('updateself', { script, env })).output).toContain('is no receiver.sh');
    expect(readFileSync(script, 'utf8')).toBe(text);
    copyFileSync(join(ROOT, 'docker/receiver.sh'), join(served, 'docker/receiver.sh'));
    expect((await receiver('updateself', { script, env })).code).toBe(0);
    expect(readFileSync(script, 'utf8')).toBe(readFileSync(join(ROOT, 'docker/receiver.sh'), 'utf8'));
    expect(readFileSync(`${script}.backup`, 'utf8')).toBe(text);
    expect((await receiver('updateself')).output).toContain('is the one of the clone');
  });

  it('brings its clone up to date', async () => {
    const origin = join(folder, 'origin');
    const git = (...args: string[]): Promise<string> =>
      command('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args]);
    mkdirSync(join(origin, 'docker'), { recursive: true });
    for (const name of ['Dockerfile', 'receiver.sh'])
      copyFileSync(join(ROOT, 'docker', name), join(origin, 'docker', name));
    await git('init', '--quiet', origin);
    await git('-C', origin, 'add', '.');
    await git('-C', origin, 'commit', '--quiet', '--message=one');
    const behind = join(folder, 'behind');
    await git('clone', '--quiet', origin, behind);
    writeFileSync(join(origin, 'docker/new'), 'new');
    await git('-C', origin, 'add', '.');
    await git('-C', origin, 'commit', '--quiet', '--message=two');
    const run = await receiver('updateself', { script: join(behind, 'docker/receiver.sh'), cwd: folder });
    expect(run.code, run.output).toBe(0);
    expect(readFileSync(join(behind, 'docker/new'), 'utf8')).toBe('new');
  });

  it('resets only when it is told so, and removes', async () => {
    expect((await receiver('reset')).code).toBe(1);
    await keyWorks();
    expect((await receiver('reset', { options: ['--yes'] })).code).toBe(0);
    const run = await receiver('start');
    expect(run.code, run.output).toBe(0);
    const fresh = file('.apikey').trim();
    expect(fresh).not.toBe(key);
    await expect(keyWorks()).rejects.toThrow();
    expect((await receiver('remove', { options: ['--yes'] })).code).toBe(0);
    expect(await machine.podman('ps', '--all', '--quiet', '--filter', 'name=old-receiver-1')).toBe('');
    expect(readdirSync(join(folder, 'old/data'))).toContain('streams.json');
  });
});
