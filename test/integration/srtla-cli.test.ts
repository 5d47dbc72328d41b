import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { parseSrtlaArguments } from '../../src/cli/srtla-arguments.ts';
import { Peer } from '../native/peer.ts';
import { testClip } from '../support/media.ts';
import { IPINFO_LITE, ipinfoRecord, mmdbFile } from '../support/mmdb-writer.ts';
import { type Program, tributary, until } from '../support/processes.ts';

const CARRIERS = {
  '127.0.0.0/8': ipinfoRecord(12_576, 'EE Limited', 'GB'),
  '127.0.3.0/24': ipinfoRecord(24_940, 'Hetzner Online GmbH', 'DE'),
};

const folder = mkdtempSync(join(tmpdir(), 'tributary-srtla-'));
const programs: Program[] = [];
const peers: Peer[] = [];
afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.stop('SIGKILL')));
  for (const peer of peers.splice(0)) peer.engine.dispose();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (program: Program): Program => {
  programs.push(program);
  return program;
};
const stage = async (args: readonly string[]): Promise<{ program: Program; port: string }> => {
  const program = run(tributary(['srtla', '--srtla_port=0', ...args]));
  const port = await until('the stage', () => {
    if (program.exitCode !== undefined) throw new Error(program.output);
    return /up on UDP (\d+)/.exec(program.output)?.[1];
  });
  return { program, port };
};

describe('tributary srtla', () => {
  it.each([
    ['batched', 'shared'],
    ['batched', 'socket'],
    ['dgram', 'socket'],
  ])(
    'passes a bonded stream to an SRT server whole, and tells about its links (%s, %s)',
    {
      timeout: 60_000,
    },
    async (transport, way) => {
      const server = new Peer();
      peers.push(server);
      const { port: serverPort } = server.listen({ role: 'publish' });
      server.engine.allow('publish', 'live_test', { maxSockets: 1 });
      const database = join(folder, 'own.mmdb');
      writeFileSync(database, mmdbFile({ type: IPINFO_LITE, networks: CARRIERS }));
      const statsPort = 40_000 + Math.floor(Math.random() * 20_000);
      const { program, port } = await stage([
        ...['--srt_hostname', 'localhost', '--srt_port', String(serverPort), '--verbose', `--geoip_db=${database}`],
        ...[
          `--stats_port=${statsPort}`,
          '--stats_bind',
          'localhost',
          '--udp-transport',
          transport,
          '--server_way',
          way,
        ],
      ]);
      await until('the server to be found', () => program.output.includes('the SRT server answers'));
      const clip = testClip(6);
      const sender = run(
        tributary([
          ...['send', '--to', `127.0.0.1:${port}`, '--links', '127.0.1.1,127.0.2.1,127.0.3.1', '--input', clip],
          ...['--streamid', 'live_test', '--latency', '500'],
        ]),
      );
      const stats = await until('three links with traffic', async () => {
        const answer = await fetch(`http://127.0.0.1:${statsPort}/whatever`);
        const { groups } = (await answer.json()) as {
          groups: {
            stream_id: string;
            conn_count: number;
            total_bytes: number;
            connections: { bytes: number; addr: string; asn_org: string; kind: string }[];
          }[];
        };
        const group = groups[0];
        return group?.conn_count === 3 && group.connections.every(({ bytes }) => bytes > 50_000) ? group : undefined;
      });
      expect(stats.stream_id).toBe('live_test');
      expect(stats.connections.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(stats.total_bytes);
      expect(stats.connections.map(({ asn_org, kind }) => `${asn_org} ${kind}`).sort()).toEqual([
        'EE Limited (2) cellular',
        'EE Limited cellular',
        'Hetzner Online GmbH hosting',
      ]);
      for (const { addr } of stats.connections) expect(addr).toMatch(/^127\.0\.[123]\.x:\d+$/);
      await sender.success(40_000);
      const { socket } = await server.accepted('live_test');
      await server.ended(socket);
      const whole = Buffer.concat(server.messages(socket).map(({ bytes }) => bytes));
      expect(whole.equals(readFileSync(clip))).toBe(true);
      // The id is the right to go live: it is in no log line.
      expect(program.output).not.toContain('live_test');
      expect(program.output).toContain(`"transport":"${transport}`);
      expect(await program.stop()).toBe(0);
      expect(program.output).toContain('stopping');
    },
  );

  it('notices that the server comes and goes', { timeout: 40_000 }, async () => {
    const before = new Peer();
    const { port: serverPort, listener } = before.listen();
    before.engine.closeListener(listener);
    before.engine.dispose();
    const { program } = await stage(['--srt_port', String(serverPort)]);
    await until('the warning', () => program.output.includes('the SRT server does not answer'));
    const server = new Peer();
    peers.push(server);
    await until('the port', () => {
      try {
        return server.listen({ port: serverPort });
      } catch {
        return undefined;
      }
    });
    await until('the server to be found', () => program.output.includes('the SRT server answers'), 15_000);
  });

  it('says in one line what is wrong', async () => {
    const wrong = run(tributary(['srtla', '--srt_port', 'x']));
    expect(await wrong.exited).toBe(2);
    expect(wrong.output).toMatch(
      /^tributary srtla: --srt_port "x" is out of range: give a whole number from 1 to 65535\n$/,
    );
    const { port } = await stage(['--srt_port', '9', '--bind', '127.0.0.1']);
    const taken = run(tributary(['srtla', '--srtla_port', port, '--bind', '127.0.0.1']));
    expect(await taken.exited).toBe(1);
    expect(taken.output).toContain(`UDP port ${port} on 127.0.0.1 is in use`);
  });
});

describe('its command line', () => {
  it('is that of srtla_rec, with = or a space, _ or -', () => {
    const image = [
      ...['--srtla_port=5000', '--srt_hostname=localhost', '--srt_port=4001', '--stats_port=5080'],
      ...['--stats_bind=0.0.0.0', '--geoip_db=/usr/share/GeoIP/ipinfo_lite.mmdb'],
    ];
    expect(parseSrtlaArguments(image)).toMatchObject({
      ports: [5000],
      bind: ['::'],
      serverHost: 'localhost',
      serverPort: 4001,
      stats: { port: 5080, bind: '0.0.0.0' },
      geoipDb: '/usr/share/GeoIP/ipinfo_lite.mmdb',
      logLevel: 'info',
      transport: 'auto',
      serverWay: undefined,
    });
    expect(parseSrtlaArguments(['--srtla-port', '5000,5001', '--log-level', 'critical'])).toMatchObject({
      ports: [5000, 5001],
      logLevel: 'error',
    });
    expect(parseSrtlaArguments(['--stats_port', '0', '--verbose'])).toMatchObject({
      stats: undefined,
      logLevel: 'debug',
    });
    expect(parseSrtlaArguments(['--help'])).toBeUndefined();
  });

  it.each([
    [['--srtla_port', '70000'], '--srtla_port'],
    [['--log_level', 'loud'], '--log_level'],
    [['--udp_transport', 'tcp'], '--udp_transport'],
    [['--server_way', 'x'], '--server_way'],
    [['--bind', 'example.org'], '--bind'],
    [['--stats_port', '1', '--stats_bind', 'example.org'], '--stats_bind'],
    [['--nonsense'], '--nonsense'],
  ])('%j is refused by name', (args, name) => {
    expect(() => parseSrtlaArguments(args)).toThrow(
      expect.objectContaining({ code: 'TRIBUTARY_BAD_ARGUMENT', message: expect.stringContaining(name) }),
    );
  });
});
