import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Peer } from '../native/peer.ts';
import { API_KEY, livePublisher } from '../support/live-publishers.ts';
import { ENROL_KEY, PlaneProcess } from '../support/plane-process.ts';
import {
  type PageClient,
  type PluginAnswer,
  PluginClient,
  type PluginSession,
  streamIdOf,
} from '../support/plugin-client.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

const callers = new Peer();
const DEVICE = { platform: 'windows', plugin_version: '0.0.5', device_name: 'Studio PC' };
/** What a request may take whose database is away: the two seconds that it waits, and a busy machine. */
const PATIENCE_MS = 8_000;

let server: PostgresServer;
let plane: PlaneProcess;
let node: TestNode;
let sender: Program;
let admin: PageClient;
let owner: { client: PluginClient; slots: string[] };
let session: PluginSession;
let publisher: string;
let player: number;

const nodeState = async (): Promise<string | undefined> =>
  (await node.get<{ controlPlane?: string }>('/health').catch(() => undefined))?.controlPlane;

/** Begins while the server is down; it comes back once `during` has happened. */
const whileRestarting = async <T>(request: () => Promise<T>, during: () => Promise<unknown> | unknown): Promise<T> => {
  await server.stop();
  const answer = request();
  await during();
  await server.start();
  return answer;
};
const start = (connection: string, token: string, key: string): Promise<PluginAnswer> =>
  owner.client.call(
    'POST',
    '/relay/start',
    {
      client_context: { obs_connected: true, mode: 'auto', requested_by: 'obs-plugin' },
      region_preference: 'us-central',
      connection_id: connection,
      stream_token: token,
    },
    { 'idempotency-key': key },
  );
const sessionsOf = async (connection: string): Promise<PluginSession | undefined> =>
  (await owner.client.active(connection)).body?.session;

beforeAll(async () => {
  server = await startPostgres();
  plane = new PlaneProcess({ DATABASE_URL: server.url });
  await plane.start();
  node = await TestNode.start({
    ...{ CONTROL_URL: plane.url, SERVER_ID: 'kc1', NODE_KEY: ENROL_KEY, REGION: 'us-central' },
    ...{ PUBLIC_IP: '127.0.0.1', TRIBUTARY_API_KEY: API_KEY, TRIBUTARY_SRT_REFUSE_PUBLISH: 'reject' },
  });
  await until('the node to be governed', async () => (await nodeState()) === 'online', 60_000);
  admin = await plane.setUp();
  owner = await plane.plugin(await plane.addUser(admin, 'ann', 6));
  const started = await owner.client.start('conn_1', owner.slots[0]!);
  expect(started).toMatchObject({ status: 201, body: { session: { status: 'active' } } });
  session = started.body.session;
  publisher = streamIdOf(session.sender_url);
  sender = tributary([
    ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1', '--input', 'test'],
    ...['--streamid', publisher, '--latency', '800'],
  ]);
  await until('the publisher', () => livePublisher(node, publisher), 60_000);
  player = await callers.join(node.ports.play, streamIdOf(session.media_source_url), { reads: true, latencyMs: 3_000 });
  await until('the picture', () => callers.messages(player).length > 10, 60_000);
}, 240_000);

afterAll(async () => {
  callers.engine.dispose();
  await sender?.stop('SIGKILL');
  await node?.stop();
  await plane?.stop('SIGKILL');
  plane?.remove();
  await server?.remove();
});

describe('the database restarted under a plane with a stream running', { timeout: 120_000 }, () => {
  it('during a start: it waits and is active, and there is one session', async () => {
    const began = performance.now();
    const answer = await whileRestarting(
      () => start('conn_2', owner.slots[1]!, randomUUID()),
      () => undefined,
    );
    expect(answer, `after ${performance.now() - began} ms`).toMatchObject({
      status: 201,
      body: { session: { status: 'active' } },
    });
    expect((await sessionsOf('conn_2'))?.session_id).toBe(answer.body.session.session_id);
  });

  it('away for longer than a start waits: 503, and the same start again makes the one session', async () => {
    const key = randomUUID();
    const began = performance.now();
    let refused: PluginAnswer | undefined;
    await whileRestarting(
      async () => {
        refused = await start('conn_3', owner.slots[2]!, key);
      },
      () => until('the refusal', () => refused),
    );
    expect(refused!.status).toBe(503);
    expect(refused!.body.error.code).toBe('database_unavailable');
    expect(performance.now() - began).toBeLessThan(PATIENCE_MS);
    const again = await until('a start that is answered', async () => {
      const answer = await start('conn_3', owner.slots[2]!, key);
      return answer.status === 503 ? undefined : answer;
    });
    expect([200, 201]).toContain(again.status);
    expect(again.body.session.status).toBe('active');
    const repeated = await start('conn_3', owner.slots[2]!, key);
    expect(repeated.body.session.session_id).toBe(again.body.session.session_id);
  });

  it('broken in the middle of starts: each ends with one session or a plain 503, never with two', async () => {
    const tokens = owner.slots.slice(3, 6);
    const keys = tokens.map(() => randomUUID());
    const answers = tokens.map((token, index) => start(`conn_${index + 4}`, token, keys[index]!));
    await server.stop();
    await server.start();
    for (const [index, answer] of (await Promise.all(answers)).entries()) {
      expect([200, 201, 503]).toContain(answer.status);
      const again = await until('a start that is answered', async () => {
        const next = await start(`conn_${index + 4}`, tokens[index]!, keys[index]!);
        return next.status === 503 ? undefined : next;
      });
      expect(again.body.session.session_id).toBe((await sessionsOf(`conn_${index + 4}`))?.session_id);
      if (answer.status !== 503) expect(again.body.session.session_id).toBe(answer.body.session.session_id);
    }
  });

  it('during polls of a login: they are told to wait, and the login ends well', async () => {
    const client = new PluginClient(plane.url);
    const begun = await client.call('POST', '/auth/plugin/login/start', { client: DEVICE });
    expect(begun.status).toBe(201);
    const { login_attempt_id, poll_token, authorize_url } = begun.body;
    const poll = (): Promise<PluginAnswer> =>
      client.call('POST', '/auth/plugin/login/poll', { login_attempt_id, poll_token });
    expect((await poll()).status).toBe(202);
    let away: PluginAnswer | undefined;
    await whileRestarting(
      async () => {
        away = await poll();
      },
      () => until('the answer', () => away),
    );
    expect(away!.status).toBe(202);
    expect((await poll()).status).toBe(202);
    const { pathname } = new URL(authorize_url);
    // The page waits for the server, as everybody does.
    expect(
      await whileRestarting(
        () => admin.open(pathname),
        () => undefined,
      ),
    ).toBe(200);
    expect(await admin.send(pathname, { outcome: 'completed' })).toBeLessThan(400);
    const granted = await whileRestarting(poll, () => undefined);
    const answer = granted.status === 202 ? await poll() : granted;
    expect(answer.status).toBe(200);
    expect(answer.body.auth.cp_access_jwt).toMatch(/^ey/);
    // Single use, restarts or not.
    expect((await poll()).status).not.toBe(200);
  });

  it('during polls of a session: 503 at worst, and then the session with its links', async () => {
    let away: PluginAnswer | undefined;
    await whileRestarting(
      async () => {
        away = await owner.client.active('conn_1');
      },
      () => until('the answer', () => away),
    );
    expect(away!.status).toBe(503);
    await until('the session with its links', async () => {
      const { status, body } = await owner.client.active('conn_1');
      return status === 200 && body.session.session_id === session.session_id && body.per_link.connections.length === 2;
    });
  });

  it('has touched neither the stream nor the node', async () => {
    await until('the node to be online', async () => (await nodeState()) === 'online', 60_000);
    expect(await livePublisher(node, publisher)).toBeDefined();
    const dropped = callers.stat(player, 'pktRcvDropTotal');
    const count = callers.messages(player).length;
    await until('the picture to go on', () => callers.messages(player).length > count + 10);
    expect(dropped).toBe(0);
  });
});
