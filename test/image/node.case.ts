import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { deploy, operatorFolder } from './deployment.ts';
import { IMAGE } from './images.ts';
import { type Container, childrenOf, cpuSeconds, LIMITS, Machine, NODE_ADDRESS, proportionalBytes } from './machine.ts';
import { bondedSender, clip, firstSecondErrors, PatientPlayer, sizeOf } from './media.ts';
import { podman } from './podman.ts';
import { megabytes, report, seconds } from './report.ts';

const MAX_BYTES = 330e6;
const API = `http://${NODE_ADDRESS}:8090`;
const KEY_LINE = /Generated default admin API key: (\S+)/g;

let machine: Machine;
let folder: string;

beforeAll(() => {
  machine = new Machine();
  folder = operatorFolder(mkdtempSync(join(tmpdir(), 'tributary-image-')));
});

afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Row {
  publisher: string;
  player: string;
}

const rows = async (key: string): Promise<Row[]> => {
  const answer = await machine.http(`${API}/api/stream-ids`, { key });
  expect(answer.status).toBe(200);
  return answer.json.data;
};

describe('the image', () => {
  it('is within its size, and the large parts are what they are said to be', async () => {
    const bytes = Number(await podman(['image', 'inspect', '--format', '{{.Size}}', IMAGE]));
    report('image, unpacked', `${megabytes(bytes)} (at most ${megabytes(MAX_BYTES)})`);
    const parts = [
      '/usr/local/bin/node',
      '/usr/local/include',
      '/app/node_modules',
      '/app/dist',
      '/app/native',
      '/usr/lib',
      '/usr/share',
    ];
    const shell = 'du -xsk "$@" 2>/dev/null; true';
    const lines = (
      await podman(['run', '--rm', '--network=none', ...LIMITS, '--entrypoint=sh', IMAGE, '-c', shell, 'sh', ...parts])
    ).split('\n');
    for (const line of lines) {
      const [kilobytes, path] = line.split('\t');
      report(`  of it ${path}`, megabytes(Number(kilobytes) * 1_024));
    }
    expect(bytes).toBeLessThan(MAX_BYTES);
  });

  it('says what it is, and runs as nobody special', async () => {
    const [inspected] = JSON.parse(await podman(['image', 'inspect', IMAGE])) as [
      {
        Config: {
          User: string;
          Entrypoint: string[];
          Cmd: string[];
          Volumes: object;
          ExposedPorts: object;
        };
        Labels: Record<string, string>;
        Healthcheck: { Test: string[] };
      },
    ];
    const { Config, Labels, Healthcheck } = inspected;
    expect(Config.User).toBe('3001:3001');
    expect([...Config.Entrypoint, ...Config.Cmd]).toEqual(['tributary', 'relay']);
    expect(Object.keys(Config.Volumes)).toEqual(['/var/lib/sls']);
    expect(Object.keys(Config.ExposedPorts).sort()).toEqual([
      '3000/tcp',
      '4000/udp',
      '4001/udp',
      '5000/udp',
      '5080/tcp',
      '8080/tcp',
      '8090/tcp',
      '9080/tcp',
    ]);
    expect(Healthcheck.Test).toEqual(['CMD', 'tributary-health']);
    for (const name of ['title', 'description', 'licenses', 'version', 'revision', 'created', 'base.name'])
      expect(Labels[`org.opencontainers.image.${name}`], name).toMatch(/\S/);
    expect(Labels['org.opencontainers.image.revision']).toMatch(/^[0-9a-f]{40}$|^unknown$/);
  });

  it('has no tools to install or build with, and no development packages', async () => {
    const shell = 'command -v npm npx yarn g++ pkg-config git; ls /app; ls /app/node_modules';
    const found = (
      await podman(['run', '--rm', '--network=none', ...LIMITS, '--entrypoint=sh', IMAGE, '-c', shell])
    ).split('\n');
    for (const name of [
      'vitest',
      'typescript',
      '@biomejs',
      'vite',
      'playwright-core',
      'node-addon-api',
      'src',
      'test',
      'bin',
    ])
      expect(found, name).not.toContain(name);
    expect(found.filter((line) => line.startsWith('/'))).toEqual([]);
    expect(found).toContain('fastify');
  });
});

describe('compose.yml on a machine of 1 vCPU and 1 GB', () => {
  let container: Container;
  let key = '';
  let row: Row;

  it('starts, is hardened, and says its key once', async () => {
    const begin = performance.now();
    container = await deploy(machine, 'receiver', { compose: 'docker/compose.yml', folder });
    const ordered = performance.now();
    await machine.answers(`${API}/healthz`);
    const answered = performance.now();
    const busy = cpuSeconds(await container.pid());
    report(
      'start: from the order to the first answer',
      `${seconds(answered - begin)} (${seconds(ordered - begin)} of it podman's), for which the node needed ${busy.toFixed(2)} s of a core`,
    );

    const { stdout, stderr } = await container.logs();
    const keys = [...stdout.matchAll(KEY_LINE)];
    expect(keys).toHaveLength(1);
    expect(stderr).not.toMatch(KEY_LINE);
    key = keys[0]![1]!;
    const [first] = await rows(key);
    row = first!;

    const status = await container.exec('cat', '/proc/1/status');
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(status).toMatch(/^CapBnd:\s+0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^Uid:\s+3001\s+3001\s+3001\s+3001$/m);
    expect(childrenOf(await container.pid())).toEqual([]);
    await expect(container.exec('touch', '/app/x')).rejects.toThrow('Read-only file system');
    expect(await container.exec('cat', '/sys/fs/cgroup/memory/memory.limit_in_bytes').catch(() => '1073741824')).toBe(
      '1073741824',
    );
  });

  it('rests in little memory', async () => {
    // A node that has just started still gives memory back.
    let least = Number.POSITIVE_INFINITY;
    const pid = await container.pid();
    const end = performance.now() + 10_000;
    await until('ten seconds of rest', () => {
      least = Math.min(least, proportionalBytes(pid));
      return performance.now() > end;
    });
    report('memory at rest (proportional set of the process)', megabytes(least));
    const [usage] = (await machine.podman('stats', '--no-stream', '--format', '{{.MemUsage}}', container.name)).split(
      '\n',
    );
    report('memory at rest, as the limit counts it (with file cache)', usage!);
    expect(least).toBeLessThan(130e6);
  });

  it('is found healthy, and is asked on both ports', async () => {
    await machine.podman('healthcheck', 'run', container.name);
    const address = await container.inspect('{{.NetworkSettings.IPAddress}}');
    for (const url of [`${API}/health`, `http://${address}:8080/health`, `http://${address}:8090/health`]) {
      const { json } = await machine.http(url);
      expect(json, url).toMatchObject({ service: 'srt-live-server', status: 'ok' });
      expect(json.srtPackage, 'the package of libsrt, by which its fixes are known').toMatch(/1\.5\.1-1\+deb12u[2-9]/);
      expect(json.srtVersion).toMatch(/^1\.\d+\.\d+/);
    }
  });

  it('answers its own commands', async () => {
    expect(await container.exec('tributary', 'urls')).toContain(
      `srtla://${NODE_ADDRESS}:5000?streamid=${row.publisher}`,
    );
  });

  it('is found ill when it does not answer', async () => {
    const pid = await container.pid();
    process.kill(pid, 'SIGSTOP');
    await expect(machine.podman('healthcheck', 'run', container.name)).rejects.toThrow();
    process.kill(pid, 'SIGCONT');
    await machine.answers(`${API}/healthz`);
  });

  describe.each(['bel', 'moblin', 'snd'])('sender profile %s', (profile) => {
    /** A phone sends, somebody watches. */
    const streaming = async (use: (viewer: PatientPlayer) => Promise<void>): Promise<void> => {
      const viewer = new PatientPlayer(machine, row.player, mkdtempSync(join(folder, 'media-')));
      const sender = bondedSender(machine, { publisher: row.publisher, input: clip(240, 4_000), profile });
      try {
        await viewer.pictureAfter(0, 30_000);
        await until('a second of picture', () => sizeOf(viewer.file) > 400_000, 20_000);
        await use(viewer);
      } finally {
        await Promise.all([viewer.close(), sender.stop('SIGKILL')]);
      }
    };

    it('has a picture again after the node was killed, with the ids and keys from before', {
      timeout: 180_000,
    }, async () => {
      await streaming(async (viewer) => {
        const connection = viewer.connection;
        const keysBefore = (await container.logs()).stdout.match(KEY_LINE)?.length ?? 0;
        const killed = performance.now();
        process.kill(await container.pid(), 'SIGKILL');
        await viewer.pictureAfter(connection, 90_000);
        report(
          `killed and restarted by its policy, to picture, profile ${profile}`,
          seconds(performance.now() - killed),
        );
        // Packets flow before HTTP does.
        await machine.answers(`${API}/healthz`);
        expect(await rows(key)).toContainEqual(expect.objectContaining(row));
        expect((await container.logs()).stdout.match(KEY_LINE) ?? []).toHaveLength(keysBefore);
      });
    });

    it('has a picture after an upgrade', { timeout: 180_000 }, async () => {
      await streaming(async (viewer) => {
        const connection = viewer.connection;
        const begin = performance.now();
        await container.stop();
        const stopped = performance.now();
        expect(stopped - begin).toBeLessThan(8_000);
        await container.remove();
        const started = performance.now();
        container = await deploy(machine, 'receiver', { compose: 'docker/compose.yml', folder });
        await machine.answers(`${API}/healthz`);
        const answered = performance.now();
        await viewer.pictureAfter(connection, 90_000);
        const total = performance.now();
        report(
          `new image to picture, profile ${profile}`,
          `${seconds(total - started)} from the start of the new container (it answered after ${seconds(answered - started)}); ${seconds(total - begin)} from the order to stop the old one, which took ${seconds(stopped - begin)}`,
        );
        await until('two seconds of picture', () => sizeOf(viewer.file) > 800_000, 30_000);
        const file = viewer.file;
        await viewer.close();
        expect(firstSecondErrors(file)).toBe('');
      });
    });
  });

  it('ends within 5 s of SIGTERM with code 0, and leaves its data', async () => {
    const begin = performance.now();
    await container.stop();
    report('SIGTERM to the end, as podman does it', seconds(performance.now() - begin));
    expect(await container.inspect('{{.State.ExitCode}}')).toBe('0');
    expect(performance.now() - begin).toBeLessThan(7_000);
    await container.remove();
    for (const name of ['streams.json', 'keys.json']) expect(existsSync(join(folder, 'data', name)), name).toBe(true);
    expect(readFileSync(join(folder, 'data/streams.json'), 'utf8')).toContain(row.publisher);
  });
});

describe('compose.host.yml', () => {
  it('takes the ports of .env on the host itself', async () => {
    const other = operatorFolder(mkdtempSync(join(tmpdir(), 'tributary-image-')));
    const env = {
      SRTLA_PORT: '5100',
      SRT_SENDER_PORT: '4101',
      SRT_PLAYER_PORT: '4100',
      SLS_STATS_PORT: '8190',
      LINK_STATS_PORT: '5180',
      SLS_MGNT_PORT: '3100',
    };
    const container = await deploy(machine, 'receiver-host', {
      compose: 'docker/compose.host.yml',
      folder: other,
      env,
    });
    try {
      await machine.answers(`http://${NODE_ADDRESS}:8190/healthz`);
      await machine.answers(`http://[::1]:8190/healthz`);
      expect((await machine.http(`http://${NODE_ADDRESS}:5180/stats`)).status).toBe(200);
      await machine.podman('healthcheck', 'run', container.name);
      const sockets = await machine.command('ss', ['-Hlun']);
      for (const port of [5100, 4101, 4100]) expect(sockets).toMatch(new RegExp(`:${port}\\s`));
      await expect(machine.http(`http://${NODE_ADDRESS}:8080/health`)).rejects.toThrow();
    } finally {
      await container.remove();
      rmSync(other, { recursive: true, force: true });
    }
  });
});
