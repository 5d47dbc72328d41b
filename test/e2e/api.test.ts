import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataPlaneSnapshot } from '../../src/data-plane/snapshot.ts';
import { type ApiAnswer, api } from '../support/api-client.ts';
import { rawPlayer, testClip } from '../support/media.ts';
import { Program, TestNode, tributary, until } from '../support/processes.ts';
import { PushClient } from '../support/stats-socket.ts';

const LATENCY_MS = 300;
const GRACE_SECONDS = 6;
const LIMITS = {
  TRIBUTARY_HTTP_API_KEY_PER_MINUTE: '1000000',
  TRIBUTARY_HTTP_API_PER_MINUTE: '1000000',
  TRIBUTARY_HTTP_UNKNOWN_IDS_PER_MINUTE: '1000000',
};

let folder: string;
const programs: Program[] = [];
const nodes: TestNode[] = [];

const startNode = async (env: Record<string, string> = {}, dataDir?: string): Promise<TestNode> => {
  const node = await TestNode.start(
    { ...LIMITS, TRIBUTARY_STREAMS_DELETE_GRACE_SECONDS: String(GRACE_SECONDS), ...env },
    dataDir,
  );
  nodes.push(node);
  return node;
};
const run = (program: Program): Program => {
  programs.push(program);
  return program;
};
/** A plain encoder that goes on for ever, or until it is sent away. */
const publish = (node: TestNode, publisher: string, more = ''): Program =>
  run(
    new Program('ffmpeg', [
      ...['-v', 'error', '-re', '-stream_loop', '-1', '-i', testClip(10), '-map', '0', '-c', 'copy', '-f', 'mpegts'],
      `srt://127.0.0.1:${node.ports.publish}?streamid=${publisher}&mode=caller&pkt_size=1316&latency=${LATENCY_MS * 1_000}${more}`,
    ]),
  );
const watch = (node: TestNode, player: string, more = ''): { program: Program; file: string } => {
  const file = join(folder, `player-${programs.length}.ts`);
  const url = `srt://127.0.0.1:${node.ports.play}?streamid=${player}&mode=caller&latency=${LATENCY_MS}${more}`;
  return { program: run(rawPlayer(url, file)), file };
};
const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
const ended = (program: Program): boolean => program.exitCode !== undefined;

type Call = (method: string, path: string, body?: object, key?: string) => Promise<ApiAnswer>;
const isLive = async (call: Call, publisher: string): Promise<boolean> =>
  (await call('GET', '/api/streams')).body.data.some(
    (one: { publisher: string; publishers: { state: string; bitrateKbps: number }[] }) =>
      one.publisher === publisher &&
      one.publishers.some(({ state, bitrateKbps }) => state === 'live' && bitrateKbps > 100),
  );
const untilLive = (call: Call, publisher: string): Promise<unknown> =>
  until(`${publisher} to be live`, () => isLive(call, publisher), 40_000);
const words = async (call: Call, publisher: string): Promise<string[]> =>
  (await call('GET', `/api/events/${publisher}`)).body.data.map((event: { type: string; why?: string }) =>
    event.why === undefined ? event.type : `${event.type} ${event.why}`,
  );

/** A program ends before the node has told of it: what happened comes from another thread. */
const untilToldOf = async (call: Call, publisher: string, expected: readonly string[]): Promise<void> => {
  let told: string[] = [];
  await until('all to be told', async () => {
    told = await words(call, publisher);
    return expected.every((word) => told.includes(word));
  }).catch((error) => {
    throw new Error(`${error.message}: ${expected.join(', ')}; there was ${told.join(', ')}`);
  });
};

/**
 * The node says so: srt-live-transmit watches its socket only after it has called, and goes on waiting for ever where the refusal was
 * there before that.
 */
const untilRefused = async (node: TestNode, code: number): Promise<void> => {
  let last: DataPlaneSnapshot['lastRefusal'];
  const isRefused = async (): Promise<boolean> => {
    last = (await node.get<DataPlaneSnapshot>('/v1/doctor', node.token)).lastRefusal;
    return last?.port === 'play' && last.code === code;
  };
  await until(`a player to be refused with ${code}`, isRefused, 40_000).catch((error) => {
    throw new Error(`${error.message}; the last refusal was ${JSON.stringify(last)}`);
  });
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-e2e-'));
  testClip(10);
}, 120_000);

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe('a live stream, by the management API', () => {
  it('is listed, kicked, drained and revoked', { timeout: 120_000 }, async () => {
    const node = await startNode();
    const call = api(node);
    const { publisher, player } = await node.createIds();
    const push = new PushClient(`ws://127.0.0.1:${node.ports.stats}/ws/stats/${player}`);
    await until('the first message', () => push.frames.length > 0);
    expect(push.last.streams[0]).toMatchObject({ streamId: player, connected: false });
    const encoder = publish(node, publisher);
    const viewer = watch(node, player);
    await untilLive(call, publisher);
    await until('the picture', () => sizeOf(viewer.file) > 100_000);
    await until(
      'the push',
      () => push.last.streams[0]?.connected === true && Number(push.last.streams[0].bitrate) > 100,
    );
    const { body: stream } = await call('GET', `/api/streams/${player}`);
    expect(stream.data).toMatchObject({
      publisher,
      publishers: [{ source: 'srt', encrypted: false, latencyMs: LATENCY_MS }],
      players: [{ player, state: 'playing' }],
    });

    // One socket, by its key; the publisher does not notice.
    const { key } = stream.data.players[0];
    expect((await call('DELETE', `/api/players/${player}?key=${encodeURIComponent(key)}`)).status).toBe(200);
    await until('the player to be sent away', () => ended(viewer.program), 5_000);
    expect(await isLive(call, publisher)).toBe(true);

    const again = watch(node, player);
    await until('the picture again', () => sizeOf(again.file) > 100_000);
    expect((await call('DELETE', `/api/disconnect/${publisher}`)).status).toBe(200);
    await until('the encoder to be sent away', () => ended(encoder), 10_000);
    expect(ended(again.program)).toBe(false);
    await until('it to be gone', async () => (await call('DELETE', `/api/disconnect/${publisher}`)).status === 404);
    await until('the push to say so', () => push.last.streams[0]?.connected === false);
    expect((await call('GET', `/stats/${player}`)).body).toEqual({
      message: 'Publisher is currently not streaming',
      status: 'ok',
    });

    // It may come back, unless the node drains.
    expect((await call('POST', '/api/drain', { drain: true })).status).toBe(200);
    const early = publish(node, publisher);
    await until('the encoder to be refused', () => ended(early), 10_000);
    expect((await call('GET', '/readyz')).status).toBe(503);
    expect((await call('GET', '/health')).status).toBe(200);
    await call('POST', '/api/drain', { drain: false });
    const back = publish(node, publisher);
    await untilLive(call, publisher);
    const size = sizeOf(again.file);
    await until('the player to go on', () => sizeOf(again.file) > size);

    const revokedMs = performance.now();
    expect((await call('DELETE', `/api/stream-ids/${player}?mode=revoke`)).status).toBe(200);
    await until('nobody to be there', async () => {
      const { data } = (await call('GET', '/api/streams')).body;
      return data.length === 0;
    });
    expect(performance.now() - revokedMs).toBeLessThan(1_500);
    await until('both to be sent away', () => ended(back) && ended(again.program), 5_000);
    expect((await call('GET', `/stats/${player}`)).status).toBe(404);
    expect(await push.closed).toBe(1_008);
    const refused = publish(node, publisher);
    await until('the encoder to be refused', () => ended(refused), 20_000);
    watch(node, player);
    await untilRefused(node, 1_404);

    await untilToldOf(call, publisher, [
      ...['publisher-up', 'player-up', 'player-down kicked', 'publisher-down kicked', 'publisher-refused draining'],
      ...['publisher-down revoked', 'player-down revoked'],
    ]);
    expect(node.program.output).not.toContain(publisher);
  });

  it('has a grace after it was deleted, which a restart of the node does not end', { timeout: 180_000 }, async () => {
    const dataDir = mkdtempSync(join(folder, 'data-'));
    const node = await startNode({}, dataDir);
    const call = api(node);
    const { publisher, player } = await node.createIds();
    const listed = async (): Promise<boolean> => (await node.rows()).some((row) => row.player === player);
    const remove = (): Promise<ApiAnswer> => call('DELETE', `/api/stream-ids/${player}`);
    const encoder = publish(node, publisher);
    await untilLive(call, publisher);

    // Taken back in time, as when OBS restarts.
    const deletedMs = performance.now();
    expect((await remove()).status).toBe(200);
    expect(await listed()).toBe(false);
    expect((await remove()).status).toBe(404);
    expect((await call('POST', '/api/stream-ids', { publisher: 'live_other', player })).status).toBe(409);
    const viewer = watch(node, player);
    await until('a player to come in all the same', () => sizeOf(viewer.file) > 50_000);
    expect((await call('GET', `/stats/${player}`)).body.publisher.bitrate).toBeGreaterThan(100);
    expect((await call('POST', '/api/stream-ids', { publisher, player })).status).toBe(200);
    await until('the grace to be over', () => performance.now() - deletedMs > (GRACE_SECONDS + 1) * 1_000);
    expect(await isLive(call, publisher)).toBe(true);
    expect(await listed()).toBe(true);

    // Not taken back: it is over.
    const lastMs = performance.now();
    await remove();
    await until('the encoder to be sent away', () => ended(encoder) && ended(viewer.program), 30_000);
    expect(performance.now() - lastMs).toBeGreaterThan(GRACE_SECONDS * 1_000 - 100);
    expect((await call('GET', `/stats/${player}`)).status).toBe(404);
    await untilToldOf(call, publisher, ['publisher-down revoked']);

    const other = await node.createIds();
    publish(node, other.publisher);
    await untilLive(call, other.publisher);
    await call('DELETE', `/api/stream-ids/${other.publisher}`);
    expect(await node.program.stop()).toBe(0);
    // However long the start takes on this machine.
    const file = join(dataDir, 'streams.json');
    const stored = JSON.parse(readFileSync(file, 'utf8'));
    expect(stored.leaving).toMatchObject([{ row: { player: other.player }, until: expect.any(Number) }]);
    stored.leaving[0].until += 3_600_000;
    writeFileSync(file, JSON.stringify(stored));
    const second = await startNode({ TRIBUTARY_STREAMS_DELETE_GRACE_SECONDS: '3600' }, dataDir);
    second.adminKey = node.adminKey;
    publish(second, other.publisher);
    await untilLive(api(second), other.publisher);
    expect((await second.rows()).some((row) => row.player === other.player)).toBe(false);
  });
});

describe('limits of a stream id, set by the API', () => {
  it('hold for real encoders and players, at once', { timeout: 180_000 }, async () => {
    const node = await startNode();
    const call = api(node);
    const [publisher, player] = ['live/limited', 'play/limited'];
    const patch = async (change: object): Promise<void> =>
      expect((await call('PATCH', `/api/stream-ids/${player}`, change)).status).toBe(200);
    expect((await call('POST', '/api/stream-ids', { publisher, player, passphrase: 'correct horse' })).status).toBe(
      200,
    );
    const stranger = publish(node, publisher);
    await until('the encoder to be refused', () => ended(stranger), 40_000);
    await untilToldOf(call, publisher, ['publisher-refused passphrase']);
    watch(node, player, '&passphrase=wrong-horses');
    await untilRefused(node, 10);

    await patch({ passphrase: 'another-horse', maxPlayers: 1 });
    const encoder = publish(node, publisher, '&passphrase=another-horse');
    await untilLive(call, publisher);
    expect((await call('GET', `/api/streams/${player}`)).body.data.publishers[0].encrypted).toBe(true);
    const first = watch(node, player, '&passphrase=another-horse');
    await until('the picture', () => sizeOf(first.file) > 100_000, 40_000);
    watch(node, player, '&passphrase=another-horse');
    await untilRefused(node, 1_402);
    expect((await call('GET', `/api/streams/${player}`)).body.data.players).toHaveLength(1);
    expect(ended(first.program)).toBe(false);

    await patch({ maxBitrateKbps: 1_000 });
    await until('the encoder to be closed', () => ended(encoder), 60_000);
    await untilToldOf(call, publisher, ['publisher-refused passphrase', 'bitrate-closed', 'publisher-down bitrate']);
  });
});

describe('two tenants', () => {
  it('live: nobody without a key learns a publisher id, wherever he looks', { timeout: 120_000 }, async () => {
    const node = await startNode();
    const call = api(node);
    const tenants = [await node.createIds(), await node.createIds()];
    const [one, two] = tenants as [(typeof tenants)[0], (typeof tenants)[0]];
    publish(node, one.publisher);
    run(
      tributary([
        ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1'],
        ...['--input', testClip(10), '--streamid', two.publisher, '--latency', String(LATENCY_MS)],
      ]),
    );
    for (const { publisher } of tenants) await untilLive(call, publisher);
    watch(node, one.player);

    const base = `127.0.0.1:${node.ports.stats}`;
    const links = `127.0.0.1:${node.ports.links}`;
    const ids = [one.player, two.player, 'live_x', 'none'];
    const withIds = [
      '/stats/',
      '/belabox/',
      '/api/stream-ids/',
      '/api/streams/',
      '/api/events/',
      '/api/players/',
      '/api/disconnect/',
    ];
    const paths = [
      ...['/', '/health', '/healthz', '/readyz', '/stats', '/metrics', '/v1/doctor', '/api/stream-ids', '/api/keys'],
      ...['/api/streams', '/api/drain', '/ws/stats', '/disconnect', '/api/events', '/events'],
      ...ids.flatMap((id) => withIds.map((path) => `${path}${id}`)),
      ...ids.flatMap((id) => [`/stats/${id}?legacy=1`, `/stats?publisher=${id}`, `/disconnect?stream=${id}`]),
    ];
    const texts: string[] = [];
    const ask = async (url: string, init: RequestInit): Promise<void> => {
      const answer = await fetch(url, init);
      texts.push(`${[...answer.headers].join('\n')}\n${await answer.text()}`);
    };
    const callers = [{}, { 'user-agent': 'Telemy/0.0.5' }, { authorization: 'Bearer wrong' }];
    for (const path of paths)
      for (const headers of callers)
        for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'])
          await ask(`http://${base}${path}`, { method, headers });
    // A stranger: on this machine's own address the links are open.
    const stranger = { 'x-forwarded-for': '198.51.100.7' };
    for (const path of ['/', '/stats', ...ids.flatMap((id) => [`/stats/${id}`, `/stats?stream_id=${id}`])])
      await ask(`http://${links}${path}`, { headers: stranger });
    const sockets = [...ids.map((id) => `/ws/stats/${id}`), '/ws/stats', `/ws/stats?id=${one.player}&id=${two.player}`];
    const clients = sockets.map((path) => new PushClient(`ws://${base}${path}`));
    const outcomes = await Promise.all(clients.map((client) => client.outcome));
    expect(outcomes).toEqual(['open', 'open', 404, 404, 401, 'open']);
    await until('two frames each', () => clients.every((c, n) => outcomes[n] !== 'open' || c.frames.length >= 2));
    for (const client of clients) {
      texts.push(client.refusal, ...client.frames);
      client.socket.terminate();
    }

    const all = texts.join('\n');
    expect(all).toContain('"connected":true');
    expect(all).toContain(one.player);
    for (const { publisher } of tenants) expect(all).not.toContain(publisher);
    expect(await isLive(call, one.publisher)).toBe(true);

    // The bonded one can be sent away as well, and the other is not disturbed.
    expect((await call('DELETE', `/api/disconnect/${two.publisher}`)).status).toBe(200);
    await until('the kick', async () => (await words(call, two.publisher)).includes('publisher-down kicked'), 20_000);
    expect(await isLive(call, one.publisher)).toBe(true);
    expect(node.program.output).not.toContain(one.publisher);
    expect(node.program.output).not.toContain(two.publisher);
  });
});
