import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataPlaneSnapshot } from '../../src/data-plane/snapshot.ts';
import { rawPlayer, testClip } from '../support/media.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

const LATENCY_MS = 1_000;
const LINKS = '127.0.1.1,127.0.2.1,127.0.3.1';
/** libsrt of the sender gives its connection up after this; its links do so a second earlier. */
const SENDER_TIMEOUT_MS = 5_000;
const HOOKS = { TRIBUTARY_TEST_HOOKS: '1' };

let folder: string;
const programs: Program[] = [];
const nodes: TestNode[] = [];

const startNode = async (): Promise<TestNode> => {
  const node = await TestNode.start(HOOKS);
  nodes.push(node);
  return node;
};
const run = (program: Program): Program => {
  programs.push(program);
  return program;
};
const send = (node: TestNode, publisher: string, file: string, more: readonly string[] = []): Program =>
  run(
    tributary([
      ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', LINKS, '--input', file],
      ...['--streamid', publisher, '--latency', String(LATENCY_MS), ...more],
    ]),
  );
const playerUrl = (node: TestNode, player: string): string =>
  `srt://127.0.0.1:${node.ports.play}?streamid=${player}&mode=caller&latency=${LATENCY_MS}`;
const facts = (node: TestNode): Promise<DataPlaneSnapshot> => node.get<DataPlaneSnapshot>('/v1/doctor', node.token);

/** A player that connects anew whenever it is sent away, as OBS does. Returns what ends it. */
const keepWatching = (node: TestNode, player: string, file: string): (() => void) => {
  let stopped = false;
  const watch = async (): Promise<void> => {
    while (!stopped) await run(rawPlayer(playerUrl(node, player), file)).exited;
  };
  void watch();
  return () => {
    stopped = true;
  };
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-e2e-'));
  testClip(40);
  testClip(10);
}, 120_000);

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe.each(['throw', 'hang'] as const)('a data plane that fails by %s under a running stream', (fault) => {
  it('has the sender and the player back by itself', { timeout: 90_000 }, async () => {
    const node = await startNode();
    const [row] = await node.rows();
    const stopWatching = keepWatching(node, row!.player, join(folder, `${fault}.ts`));
    const sender = send(node, row!.publisher, testClip(40), ['--reconnect']);
    const isPlaying = async (restarts: number): Promise<boolean> => {
      const { counters, publishers, players } = await facts(node);
      const isFlowing = publishers.some(({ messages }) => messages > 100) && players.some((p) => p.sentMessages > 100);
      return counters.dataPlaneRestarts === restarts && isFlowing;
    };
    await until('the stream to play', () => isPlaying(0), 30_000);

    node.hook({ hook: 'data-plane', fault });
    const startMs = performance.now();
    await until('the death to be seen', async () => (await facts(node)).publishers.length === 0, 5_000);
    await until(
      'the sender to publish again',
      async () => {
        const { publishers, srtla } = await facts(node);
        return publishers.length === 1 && srtla.groups.some((group) => group.links.length === 3);
      },
      20_000,
    );
    const outageMs = performance.now() - startMs;
    await until('the stream to play again', () => isPlaying(1), 15_000);
    expect(outageMs).toBeLessThan(SENDER_TIMEOUT_MS + 2_000);
    expect(node.program.output).toContain('the data plane has died and is started anew');
    expect(node.program.output).not.toContain(row!.publisher);
    const health = await node.get<{ dataPlaneRestarts: number; status: string }>('/health');
    expect(health).toMatchObject({ dataPlaneRestarts: 1, status: 'ok' });
    stopWatching();
    await sender.stop('SIGKILL');
    expect(await node.program.stop()).toBe(0);
  });
});

describe('a main thread that is busy with other things', () => {
  it('disturbs no stream: neither a flood of requests nor a stand-still of 2 s', { timeout: 90_000 }, async () => {
    const node = await startNode();
    const [row] = await node.rows();
    const clip = testClip(10);
    const raw = join(folder, 'busy.ts');
    const player = run(rawPlayer(playerUrl(node, row!.player), raw));
    await until('the player', async () => (await facts(node)).players.length === 1);
    const sender = send(node, row!.publisher, clip);
    await until('the stream to play', () => statSync(raw).size > 500_000, 30_000);

    let answers = 0;
    const endMs = performance.now() + 2_000;
    const flood = async (): Promise<void> => {
      while (performance.now() < endMs) {
        const url = ++answers % 2 ? node.links : `http://127.0.0.1:${node.ports.stats}/stats/${row!.player}`;
        expect((await fetch(url)).status).toBe(200);
      }
    };
    await Promise.all([flood(), flood(), flood(), flood()]);
    expect(answers).toBeGreaterThan(100);

    const before = await facts(node);
    node.hook({ hook: 'block-main', forMs: 2_000 });
    // The first requests may overtake the hook.
    const after = await until('a request that meets the stand-still', async () => {
      const askedMs = performance.now();
      const answer = await facts(node);
      return performance.now() - askedMs > 1_000 ? answer : undefined;
    });
    // What it says is of now: the thread has gone on counting.
    expect(after.publishers[0]!.messages - before.publishers[0]!.messages).toBeGreaterThan(400);
    expect(after.srtla.groups[0]!.links.every((link) => link.lastHeardMs < 1_500)).toBe(true);

    await sender.success(60_000);
    await until('the stream to have played out', async () => (await facts(node)).publishers.length === 0);
    expect((await facts(node)).counters).toMatchObject({ dataPlaneRestarts: 0 });
    expect(await node.program.stop()).toBe(0);
    await player.exited;
    expect(readFileSync(raw).equals(readFileSync(clip))).toBe(true);
  });
});
