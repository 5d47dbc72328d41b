import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testClip } from '../support/media.ts';
import { connectNamespaces, Namespace, namespacesMissing } from '../support/namespaces.ts';
import { FREE_PORTS, type NodePorts, type Program, until } from '../support/processes.ts';

const missing = namespacesMissing();
const SECOND = '10.77.0.2';
const SECOND_V6 = 'fd77::2';

describe.skipIf(missing !== undefined)(
  `a node with two addresses on one interface${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let folder: string;
    let inside: Namespace;
    let outside: Namespace;
    let node: Program;
    let ports: NodePorts;
    let rows: { publisher: string; player: string }[];
    const programs: Program[] = [];
    const run = (program: Program): Program => {
      programs.push(program);
      return program;
    };
    /** The answer of the node's HTTP port, asked from within its network. */
    const ask = async <T>(path: string, key: string, body?: object): Promise<T> => {
      const code = `
      const answer = await fetch('http://127.0.0.1:${ports.stats}${path}', {
        method: '${body === undefined ? 'GET' : 'POST'}',
        headers: { authorization: 'Bearer ${key}', 'content-type': 'application/json' },
        ${body === undefined ? '' : `body: ${JSON.stringify(JSON.stringify(body))},`}
      });
      console.log(await answer.text());`;
      const asked = run(inside.run(process.execPath, ['--input-type=module', '-e', code]));
      await asked.success(10_000);
      return JSON.parse(asked.output) as T;
    };
    let token: string;
    const counts = async (): Promise<{ publishers: number; players: number }> => {
      const facts = await ask<{ publishers: unknown[]; players: unknown[] }>('/v1/doctor', token);
      return { publishers: facts.publishers.length, players: facts.players.length };
    };
    const player = (host: string, id: string, file: string): Program =>
      run(
        outside.run('sh', [
          ...['-c', 'exec srt-live-transmit -q -a:no "$1" file://con > "$2"', 'sh'],
          ...[`srt://${host}:${ports.play}?streamid=${id}&mode=caller&latency=1000`, join(folder, file)],
        ]),
      );

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'tributary-netns-'));
      inside = new Namespace('tributary-in');
      outside = new Namespace('tributary-out');
      connectNamespaces(inside, ['10.77.0.1/24', `${SECOND}/24`, 'fd77::1/64', `${SECOND_V6}/64`], outside, [
        '10.77.0.11/24',
        '10.77.0.12/24',
        'fd77::11/64',
      ]);
      node = run(
        inside.tributary(['relay'], {
          ...FREE_PORTS,
          DATA_DIR: folder,
          TRIBUTARY_HTTP_STATS_PER_MINUTE: '1000000',
          TRIBUTARY_UDP_TRANSPORT: 'batched',
        }),
      );
      await until('the node', () => {
        if (node.exitCode !== undefined) throw new Error(node.output);
        return node.output.includes('Tributary is up');
      });
      const runtime = JSON.parse(readFileSync(join(folder, 'runtime.json'), 'utf8')) as {
        token: string;
        ports: NodePorts;
      };
      ({ ports, token } = runtime);
      const adminKey = /Generated default admin API key: ([0-9A-Za-z]+)/.exec(node.output)![1]!;
      rows = [await ask('/api/stream-ids', adminKey, {}), await ask('/api/stream-ids', adminKey, {})];
    }, 60_000);

    afterAll(async () => {
      await Promise.all(programs.map((program) => program.stop('SIGKILL')));
      inside?.remove();
      outside?.remove();
      rmSync(folder, { recursive: true, force: true });
    });

    it('takes a bonded stream and a plain one, and plays them, through the second one', {
      timeout: 90_000,
    }, async () => {
      const clip = testClip(6);
      const [bonded, plain] = rows;
      const watching = [
        player(SECOND, bonded!.player, 'bonded.ts'),
        player(`[${SECOND_V6}]`, bonded!.player, 'bonded-v6.ts'),
        player(SECOND, plain!.player, 'plain.ts'),
      ];
      await until('three players', async () => (await counts()).players === 3);
      const senders = [
        outside.tributary([
          ...['send', '--to', `${SECOND}:${ports.srtla[0]}`, '--links', '10.77.0.11,10.77.0.12', '--input', clip],
          ...['--streamid', bonded!.publisher, '--latency', '1000'],
        ]),
        outside.run('ffmpeg', [
          ...['-v', 'error', '-re', '-i', clip, '-map', '0', '-c', 'copy', '-f', 'mpegts'],
          `srt://${SECOND}:${ports.publish}?mode=caller&streamid=${plain!.publisher}&latency=1000000&pkt_size=1316`,
        ]),
      ].map(run);
      await until('two publishers', async () => (await counts()).publishers === 2, 20_000).catch((error) => {
        throw new Error(`${error.message}\n${senders.map(({ output }) => output).join('\n')}\n${node.output}`);
      });
      await Promise.all(senders.map((sender) => sender.success(60_000)));
      await until('the publishers to have played out', async () => (await counts()).publishers === 0, 20_000);
      expect(await node.stop()).toBe(0);
      await Promise.all(watching.map((one) => one.exited));
      for (const file of ['bonded.ts', 'bonded-v6.ts']) {
        expect(readFileSync(join(folder, file)).equals(readFileSync(clip)), file).toBe(true);
      }
      expect(readFileSync(join(folder, 'plain.ts')).length).toBeGreaterThan(readFileSync(clip).length * 0.9);
    });
  },
);
