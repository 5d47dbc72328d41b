import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawPlayer, testClip } from '../support/media.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

interface Question {
  role: 'publisher' | 'player';
  streamId: string;
}

interface LiveStream {
  publisher: string;
  publishers: { state: string }[];
  players: { player: string; state: string }[];
}

const programs: Program[] = [];
const asked: Question[] = [];
const denied = new Set<string>();
let folder: string;
let server: Server;
let node: TestNode;

const send = (publisher: string): Program => {
  const program = tributary([
    ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1', '--reconnect'],
    ...['--input', testClip(40), '--streamid', publisher, '--latency', '500'],
  ]);
  programs.push(program);
  return program;
};
const play = (player: string): Program => {
  const url = `srt://127.0.0.1:${node.ports.play}?streamid=${player}&mode=caller&latency=500`;
  const program = rawPlayer(url, join(folder, `${programs.length}.ts`));
  programs.push(program);
  return program;
};
const streams = async (): Promise<LiveStream[]> =>
  (await node.get<{ data: LiveStream[] }>('/api/streams', node.adminKey)).data;
/** Ids with an encoder whose payload arrives. */
const live = async (): Promise<string[]> =>
  (await streams()).filter(({ publishers }) => publishers.length > 0).map(({ publisher }) => publisher);
/** Ids that somebody gets a stream on. */
const playing = async (): Promise<string[]> =>
  (await streams()).flatMap(({ players }) =>
    players.filter(({ state }) => state === 'playing').map((one) => one.player),
  );
const isLive = async (publisher: string): Promise<boolean> => (await live()).includes(publisher);
const isPlaying = async (player: string): Promise<boolean> => (await playing()).includes(player);
const wasAsked = (streamId: string): number => asked.filter((one) => one.streamId === streamId).length;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-e2e-'));
  testClip(40);
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const question = JSON.parse(body) as Question;
    asked.push(question);
    response.writeHead(denied.has(question.streamId) ? 403 : 200).end();
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  node = await TestNode.start({
    TRIBUTARY_HOOKS_AUTH_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    TRIBUTARY_HOOKS_SECRET: 'secret-of-the-access-hook',
    TRIBUTARY_HOOKS_ALLOWED_NETWORKS: '127.0.0.1',
  });
}, 120_000);

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await node?.stop();
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a node with an authorisation hook', () => {
  it('lets in whom it allows, turns away whom it denies, and goes on with known ids without it', {
    timeout: 120_000,
  }, async () => {
    const [first] = await node.rows();
    const second = await node.createIds();
    const third = await node.createIds();
    denied.add(second.publisher).add(second.player);

    const sender = send(first!.publisher);
    const rejected = send(second.publisher);
    await until('the allowed publisher', () => isLive(first!.publisher));
    await until('the denied one to be asked for', () => wasAsked(second.publisher) > 0);
    const watching = play(first!.player);
    await until('the allowed player', () => isPlaying(first!.player));
    await play(second.player).exited;
    expect(wasAsked(second.player)).toBeGreaterThan(0);
    expect(await live()).toEqual([first!.publisher]);
    expect(await playing()).toEqual([first!.player]);
    await Promise.all([sender, rejected, watching].map((program) => program.stop('SIGKILL')));

    // The hook dies; whoever it knew comes back.
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await until('the first publisher to be gone', async () => (await live()).length === 0);
    send(first!.publisher);
    send(third.publisher);
    await until('the known publisher', () => isLive(first!.publisher), 30_000);
    play(first!.player);
    await until('the known player', () => isPlaying(first!.player));
    await until('the unknown one to be turned away', () => node.program.output.includes('"isIn":false'));
    await play(third.player).exited;
    expect(await isLive(third.publisher)).toBe(false);
    expect(await isPlaying(third.player)).toBe(false);
  });
});
