import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rawPlayer, testClip } from '../support/media.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

const SECONDS = 8;
let folder: string;
let clip: string;
const programs: Program[] = [];
const nodes: TestNode[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-transport-'));
  clip = testClip(SECONDS);
}, 120_000);
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

// At once: they wait for the clip to be over.
it.concurrent.each([
  ['dgram', {}],
  ['batched', {}],
  // What most rented machines have.
  ['batched', { TRIBUTARY_UDP_BUFFER_MAX: '212992' }],
])('a bonded stream arrives whole over the %s transport %o', { timeout: 90_000 }, async (transport, env) => {
  const node = await TestNode.start({ TRIBUTARY_UDP_TRANSPORT: transport, ...env });
  nodes.push(node);
  await until('the line that names the transport', () => node.program.output.includes(`"transport":"${transport}"`));
  const [row] = await node.rows();
  const raw = join(folder, `${transport}${Object.keys(env).length}.ts`);
  const player = rawPlayer(`srt://127.0.0.1:${node.ports.play}?streamid=${row!.player}&mode=caller&latency=1000`, raw);
  programs.push(player);
  type Facts = { players: unknown[]; publishers: { group?: string }[] };
  const facts = (): Promise<Facts> => node.get<Facts>('/v1/doctor', node.token);
  await until('the player', async () => (await facts()).players.length === 1);
  const sender = tributary([
    ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1,127.0.3.1'],
    ...['--input', clip, '--streamid', row!.publisher, '--latency', '1000'],
  ]);
  programs.push(sender);
  await until('the publisher', async () => (await facts()).publishers.length === 1, 20_000);
  await sender.success(60_000);
  await until('the publisher to have played out', async () => (await facts()).publishers.length === 0);
  expect(await node.program.stop()).toBe(0);
  await player.exited;
  expect(readFileSync(raw).equals(readFileSync(clip))).toBe(true);
});
