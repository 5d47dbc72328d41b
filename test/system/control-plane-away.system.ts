import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Peer } from '../native/peer.ts';
import { API_KEY, livePublisher } from '../support/live-publishers.ts';
import { ENROL_KEY, PlaneProcess } from '../support/plane-process.ts';
import { type PluginClient, type PluginSession, streamIdOf } from '../support/plugin-client.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

/** How long the plane is away while a stream runs; `TRIBUTARY_AWAY_SECONDS=600` for what an outage is like. */
const AWAY_MS = Number(process.env.TRIBUTARY_AWAY_SECONDS ?? 60) * 1_000;

const callers = new Peer();
const programs: Program[] = [];
const nodes: TestNode[] = [];
const planes: PlaneProcess[] = [];

const startPlane = async (env: Record<string, string> = {}): Promise<PlaneProcess> => {
  const plane = new PlaneProcess(env);
  planes.push(plane);
  await plane.start();
  return plane;
};
const startNode = async (plane: PlaneProcess, dataDir?: string): Promise<TestNode> => {
  const node = await TestNode.start(
    {
      ...{ CONTROL_URL: plane.url, SERVER_ID: 'kc1', NODE_KEY: ENROL_KEY, REGION: 'us-central' },
      ...{ PUBLIC_IP: '127.0.0.1', TRIBUTARY_API_KEY: API_KEY, TRIBUTARY_SRT_REFUSE_PUBLISH: 'reject' },
    },
    dataDir,
  );
  nodes.push(node);
  return node;
};
const stateOf = async (node: TestNode): Promise<string | undefined> =>
  (await node.get<{ controlPlane?: string }>('/health').catch(() => undefined))?.controlPlane;
const untilState = (node: TestNode, state: string, timeoutMs = 60_000): Promise<unknown> =>
  until(`the node to be ${state}`, async () => (await stateOf(node)) === state, timeoutMs);

const send = (node: TestNode, publisher: string): Program => {
  const program = tributary([
    ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1', '--input', 'test'],
    ...['--streamid', publisher, '--latency', '800'],
  ]);
  programs.push(program);
  return program;
};

/** Notes the longest time without a message. */
const gapsOf = (socket: number): { longestMs: () => number; count: () => number } => {
  let lastMs = performance.now();
  let longestMs = 0;
  let count = 0;
  const before = callers.onRun;
  callers.onRun = (of, first, messages) => {
    before(of, first, messages);
    if (of !== socket) return;
    const now = performance.now();
    longestMs = Math.max(longestMs, now - lastMs);
    lastMs = now;
    count += messages;
    // Nobody looks at what was received, and minutes of it are much.
    callers.received.delete(socket);
  };
  return { longestMs: () => longestMs, count: () => count };
};

afterAll(async () => {
  callers.engine.dispose();
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  // The last one first: they share a data folder, which goes with the first.
  for (const node of nodes.reverse()) await node.stop();
  for (const plane of planes) {
    await plane.stop('SIGKILL');
    plane.remove();
  }
});

describe('while a stream runs', () => {
  let plane: PlaneProcess;
  let node: TestNode;
  let plugin: PluginClient;
  let session: PluginSession;
  let publisher: string;
  let player: string;

  beforeAll(async () => {
    plane = await startPlane();
    node = await startNode(plane);
    await untilState(node, 'online');
    const user = await plane.plugin(await plane.addUser(await plane.setUp(), 'ann', 2));
    plugin = user.client;
    const started = await plugin.start('conn_1', user.slots[0]!);
    expect(started).toMatchObject({ status: 201, body: { session: { status: 'active' } } });
    session = started.body.session;
    publisher = streamIdOf(session.sender_url);
    player = streamIdOf(session.media_source_url);
    send(node, publisher);
    await until('the publisher', () => livePublisher(node, publisher), 60_000);
  }, 240_000);

  it('the plane may be killed and stay away', { timeout: AWAY_MS + 240_000 }, async () => {
    const socket = await callers.join(node.ports.play, player, { reads: true, latencyMs: 3_000 });
    const gaps = gapsOf(socket);
    await until('the picture', () => gaps.count() > 100, 60_000);
    const before = (await livePublisher(node, publisher))!;
    await plane.stop('SIGKILL');
    const awayMs = performance.now();
    await untilState(node, 'offline', 90_000);
    await delay(Math.max(0, AWAY_MS - (performance.now() - awayMs)));
    // Everybody may come in whom it has allowed before.
    const another = await callers.join(node.ports.play, player, { reads: true });
    await until('another player', () => callers.messages(another).length > 10);
    callers.engine.close(another);
    const after = (await livePublisher(node, publisher))!;
    expect(after.uptimeMs - before.uptimeMs).toBeGreaterThan(AWAY_MS * 0.9);
    const seconds = Math.round((performance.now() - awayMs) / 1_000);

    await plane.start();
    const backMs = performance.now();
    await untilState(node, 'online');
    const foundMs = performance.now() - backMs;
    const links = async (): Promise<boolean> => {
      const { status, body } = await plugin.active('conn_1');
      return status === 200 && body.session.session_id === session.session_id && body.per_link.connections.length === 2;
    };
    await until('the session with its links', links);
    expect((await plugin.health(session)).status).toBe(200);
    expect((await plugin.start('conn_1', session.credentials.stream_token)).status).toBe(200);
    const dropped = callers.stat(socket, 'pktRcvDropTotal');
    process.stdout.write(
      `plane away for ${seconds} s: longest gap of the player ${Math.round(gaps.longestMs())} ms, dropped ${dropped}; online again after ${Math.round(foundMs)} ms\n`,
    );
    expect(dropped).toBe(0);
    callers.engine.close(socket);
  });

  it('the node may be killed, with the plane away, and is back with its ids', { timeout: 180_000 }, async () => {
    await plane.stop('SIGKILL');
    await node.program.stop('SIGKILL');
    const startMs = performance.now();
    node = await startNode(plane, node.dataDir);
    send(node, publisher);
    await until('the stream again', () => livePublisher(node, publisher), 60_000);
    const backMs = performance.now() - startMs;
    const socket = await callers.join(node.ports.play, player, { reads: true });
    await until('the picture', () => callers.messages(socket).length > 10);
    expect(['enrolling', 'offline']).toContain(await stateOf(node));
    await plane.start();
    await untilState(node, 'online');
    // A busy server may answer 408 to a connection that it has just taken.
    const body = await until('the session', async () => {
      const answer = await plugin.active('conn_1');
      return answer.status === 200 ? answer.body : undefined;
    });
    expect(body.session).toMatchObject({ session_id: session.session_id, status: 'active' });
    expect(await livePublisher(node, publisher)).toBeDefined();
    process.stdout.write(`node killed: the stream is there again ${Math.round(backMs)} ms after its start\n`);
  });

  it('an empty database takes nothing away', { timeout: 120_000 }, async () => {
    const empty = await startPlane({ CONTROL_PLANE_PORT: new URL(plane.url).port, NODE_ENROL_KEY: ENROL_KEY }).catch(
      () => undefined,
    );
    // The port is taken: the old one goes first.
    expect(empty).toBeUndefined();
    await plane.stop('SIGKILL');
    const other = await startPlane({ CONTROL_PLANE_PORT: new URL(plane.url).port });
    expect(other.url).toBe(plane.url);
    await until('the node to notice', () => node.program.output.includes('another control plane governs this node'));
    await untilState(node, 'online');
    expect(await livePublisher(node, publisher)).toBeDefined();
    await callers.join(node.ports.play, player, { reads: true });
    await other.stop('SIGKILL');
  });
});

describe('one machine', () => {
  const children = (pid: number): number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
  const isThere = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };

  it('runs node and plane by one command; either may die', { timeout: 180_000 }, async () => {
    const folder = new PlaneProcess();
    planes.push(folder);
    const ports = ['SRTLA_PORT', 'SRT_SENDER_PORT', 'SRT_PLAYER_PORT', 'SLS_STATS_PORT', 'LINK_STATS_PORT'];
    const program = tributary(['relay', '--control-plane'], {
      ...Object.fromEntries([...ports, 'SLS_MGNT_PORT', 'CONTROL_PLANE_PORT'].map((name) => [name, '0'])),
      ...{ DATA_DIR: folder.folder, TRIBUTARY_PUBLIC_HOST: '127.0.0.1' },
    });
    programs.push(program);
    await until('the node', () => program.output.includes('Tributary is up'), 60_000);
    const { ports: real } = JSON.parse(readFileSync(`${folder.folder}/runtime.json`, 'utf8')) as {
      ports: { stats: number };
    };
    const state = async (): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${real.stats}/health`).catch(() => undefined);
      return ((await answer?.json()) as { controlPlane?: string } | undefined)?.controlPlane;
    };
    await until('the node to be governed', async () => (await state()) === 'online', 60_000);
    expect(program.output).toContain('The first administrator signs in here, once:');
    const pid = program.child.pid!;
    const [first] = children(pid);
    process.kill(first!, 'SIGKILL');
    await until('the loss to be told', () => program.output.includes('the control plane has ended'));
    const second = await until('another plane', () => children(pid).find((one) => one !== first), 60_000);
    await until('the node to be governed again', () => program.output.split('is up on TCP').length === 3, 60_000);
    await until('the node to be online', async () => (await state()) === 'online', 60_000);

    await program.stop();
    await until('the plane to end with the node', () => !isThere(second));
    const again = tributary(['relay', '--control-plane'], {
      ...Object.fromEntries([...ports, 'SLS_MGNT_PORT', 'CONTROL_PLANE_PORT'].map((name) => [name, '0'])),
      DATA_DIR: folder.folder,
    });
    programs.push(again);
    const third = await until(
      'a plane',
      () => (again.output.includes('is up on TCP') ? children(again.child.pid!)[0] : undefined),
      60_000,
    );
    await again.stop('SIGKILL');
    await until('the plane to end without the node', () => !isThere(third), 30_000);
  });
});
