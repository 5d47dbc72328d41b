import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DesiredStream } from '../../src/control-plane/protocol.ts';
import { Peer } from '../native/peer.ts';
import { FakeControlPlane, NODE_KEY, SERVER_ID } from '../support/fake-control-plane.ts';
import { API_KEY, livePublisher } from '../support/live-publishers.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

const plane = new FakeControlPlane();
const callers = new Peer();
const programs: Program[] = [];
let node: TestNode;
let env: Record<string, string>;

const stream = (name: string): DesiredStream => ({ publisher: `live_${name}`, player: `play_${name}` });
const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

beforeAll(async () => {
  await plane.start();
  env = {
    CONTROL_URL: plane.url,
    SERVER_ID,
    NODE_KEY,
    REGION: 'us-central',
    TRIBUTARY_API_KEY: API_KEY,
    // Accepted, and then closed, would look like accepted.
    TRIBUTARY_SRT_REFUSE_PUBLISH: 'reject',
    TRIBUTARY_SRT_REFUSE_PLAY: 'reject',
  };
  node = await TestNode.start(env);
}, 60_000);

afterAll(async () => {
  callers.engine.dispose();
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await node?.stop();
  // A node that was started on the folder of another one leaves it there.
  if (node) rmSync(node.dataDir, { recursive: true, force: true });
  await plane.stop();
});

const status = async (): Promise<string | undefined> =>
  (await node.get<{ controlPlane?: string }>('/health')).controlPlane;

it('admits each id from the moment on at which it has acknowledged it', { timeout: 60_000 }, async () => {
  await until('the node to be governed', async () => (await status()) === 'online');
  expect(plane.registered[0]).toMatchObject({ region: 'us-central', ports: { srtla: node.ports.srtla } });
  const tookMs: number[] = [];
  let accepted = 0;
  for (let n = 0; n < 200; n++) {
    const startMs = performance.now();
    const generation = plane.list([stream('kept'), stream(`one_${n}`)], { confirm: true });
    await plane.settledFor(generation);
    tookMs.push(performance.now() - startMs);
    const { play, publish } = node.ports;
    const socket = n % 2 === 0 ? callers.call(publish, `live_one_${n}`) : callers.call(play, `play_one_${n}`);
    if ((await callers.outcome(socket)).type === 'connected') accepted++;
    callers.engine.close(socket);
  }
  expect(accepted).toBe(200);
  const [p50, p95] = [quantile(tookMs, 0.5), quantile(tookMs, 0.95)];
  process.stdout.write(`acknowledged after p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms\n`);
  expect(p50).toBeLessThan(250);
});

it('reports links, cuts who is revoked, and goes on alone', { timeout: 90_000 }, async () => {
  await plane.settledFor(plane.list([stream('cut'), stream('kept')], { confirm: true }));
  for (const name of ['cut', 'kept'])
    programs.push(
      tributary([
        ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1', '--input', 'test'],
        ...['--streamid', `live_${name}`, '--latency', '500'],
      ]),
    );
  await until(
    'reports of both',
    () => plane.links.at(-1)?.body.streams.filter((one) => one.bitrateKbps > 500).length === 2,
  );
  const report = plane.links.at(-1)!.body.streams.find(({ publisher }) => publisher === 'live_cut')!;
  expect(report.connections).toHaveLength(2);
  expect(report.connections.reduce((sum, link) => sum + link.share_pct, 0)).toBeCloseTo(100, 5);
  expect(report.connections.map(({ addr }) => addr.replace(/:\d+$/, '')).sort()).toEqual(['127.0.1.x', '127.0.2.x']);
  await until('a heartbeat that names both', () => plane.heartbeats.at(-1)?.ingesting.length === 2, 20_000);
  const beat = plane.heartbeats.at(-1)!;
  expect(beat.ingesting[0]).toMatchObject({ source: 'srtla' });
  expect(beat.sessions).toMatchObject({ publishers: 2, groups: 2 });
  expect(beat.traffic.receivedBytes).toBeGreaterThan(100_000);
  expect(beat.score).toBeGreaterThan(20);

  const player = await callers.join(node.ports.play, 'play_cut', { reads: true });
  expect(await livePublisher(node, 'live_cut')).toBeDefined();
  const stays = await callers.join(node.ports.play, 'play_kept', { reads: true });
  await until('the picture', () => callers.messages(player).length > 10 && callers.messages(stays).length > 10);
  const revokedMs = performance.now();
  plane.list([stream('kept')]);
  await until('the player to be cut', () => callers.find('broken', player) ?? callers.find('ended', player), 5_000);
  expect(performance.now() - revokedMs).toBeLessThan(1_000);
  expect(await livePublisher(node, 'live_kept')).toBeDefined();
  await until('the publisher to be cut', async () => !(await livePublisher(node, 'live_cut')), 5_000);

  await plane.stop();
  const before = callers.messages(stays).length;
  await until('the node to notice', async () => (await status()) === 'degraded');
  await until('the picture to go on', () => callers.messages(stays).length > before + 500);
  await programs[1]!.stop();
  await node.program.stop();
  node = await TestNode.start({ ...env, SRTLA_PORT: '0' }, node.dataDir);
  await callers.join(node.ports.publish, 'live_kept');
  const refused = await callers.outcome(callers.call(node.ports.publish, 'live_cut'));
  expect(refused).toMatchObject({ type: 'connect-failed', rejectReason: 1404 });
});
