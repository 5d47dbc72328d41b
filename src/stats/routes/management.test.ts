import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataPlaneSnapshot, publisherSnapshot } from '../../../test/support/snapshots.ts';
import { CORS, statsClient as server } from '../../../test/support/stats-client.ts';
import { ADMIN } from '../../../test/support/stats-deps.ts';
import { publicStreamName } from '../../shared/redact.ts';
import type { StreamEventView } from '../deps.ts';

const GRACE_MS = 600_000;
const silent = dataPlaneSnapshot({ publishers: [], players: [] });
const ok = (message: string): string => JSON.stringify({ message, status: 'success' });
const refused = (message: string): string => JSON.stringify({ message, status: 'error' });

describe('deleting a stream id', () => {
  const setUp = async () => {
    const one = await server();
    const changes: string[] = [];
    one.deps.directory.onChange(({ type, row }) => changes.push(`${type} ${row.player}`));
    const remove = (url: string) => one.call('DELETE', `/api/stream-ids/${url}`, one.withKey(ADMIN));
    const post = (body: object) => one.call('POST', '/api/stream-ids', one.withKey(ADMIN, body));
    const listed = async (): Promise<string[]> =>
      JSON.parse((await one.call('GET', '/api/stream-ids', one.withKey(ADMIN))).body).data.map(
        (row: { player: string }) => row.player,
      );
    return { ...one, changes, remove, post, listed };
  };

  it('nobody live: refused at once', async () => {
    const { deps, changes, remove, call } = await setUp();
    deps.view = silent;
    expect(await remove('play_a')).toMatchObject({ status: 200, body: ok('Stream ID deleted successfully') });
    expect(changes).toEqual(['removed play_a']);
    expect((await call('GET', '/stats/play_a')).status).toBe(404);
  });

  it('live: it leaves the list at once, and goes on until its grace is over', async () => {
    const { deps, changes, remove, call, listed } = await setUp();
    expect((await remove('play_a')).status).toBe(200);
    expect(changes).toEqual([]);
    expect(await listed()).toEqual(['play/bb']);
    expect((await remove('play_a')).status).toBe(404);
    for (const id of ['play_a', 'live_a']) expect((await call('GET', `/stats/${id}`)).status).toBe(200);
    expect(deps.directory.leavingUntil('play_a')).toBe(deps.unixMs + GRACE_MS);
  });

  it('POST of the same pair cancels that and keeps what the row had; of the player id for another publisher is 409', async () => {
    const { deps, changes, remove, post, listed } = await setUp();
    await remove('play_a');
    const other = await post({ publisher: 'live_c', player: 'play_a' });
    expect(other).toMatchObject({ status: 409, body: refused("Stream ID with player 'play_a' already exists") });
    expect(await post({ publisher: 'live_a', player: 'play_a', maxPlayers: 3 })).toMatchObject({
      status: 200,
      body: ok('Stream ID added successfully'),
    });
    expect(deps.directory.leavingUntil('play_a')).toBeUndefined();
    expect(deps.directory.rowOf('play_a')).toMatchObject({ description: 'first', maxPlayers: 3 });
    expect(await listed()).toEqual(['play/bb', 'play_a']);
    expect(changes).toEqual(['updated play_a']);
  });

  it('?mode=revoke ends it at once, also while it is leaving', async () => {
    const { changes, remove, call } = await setUp();
    await remove('play_a');
    expect((await remove('play_a?mode=revoke')).status).toBe(200);
    expect(changes).toEqual(['removed play_a']);
    expect((await remove('play/bb?mode=revoke')).status).toBe(200);
    expect((await remove('play_a?mode=revoke')).status).toBe(404);
    expect(await remove('play_a?mode=hard')).toMatchObject({
      status: 400,
      body: refused('Invalid mode: give soft or revoke'),
    });
    expect((await call('GET', '/stats/live_b')).status).toBe(404);
  });

  it('by publisher id means all of its rows', async () => {
    const { deps, remove, post, listed } = await setUp();
    await post({ publisher: 'live_a', player: 'play_a2' });
    await remove('live_a');
    expect(await listed()).toEqual(['play/bb']);
    expect(deps.directory.leaving().map(({ row }) => row.player)).toEqual(['play_a', 'play_a2']);
  });

  it('?mode=revoke cuts where the disk is full, and says that it is not stored', async () => {
    const { deps, changes, remove } = await setUp();
    const blocked = join(deps.folder, 'streams.json.partial');
    mkdirSync(blocked);
    const body = refused('The change could not be stored');
    expect(await remove('play_a?mode=revoke')).toMatchObject({ status: 500, body });
    expect(changes).toEqual(['removed play_a']);
    expect(await remove('play_a?mode=revoke')).toMatchObject({ status: 500, body });
    rmdirSync(blocked);
    expect((await remove('play_a?mode=revoke')).status).toBe(404);
    expect(readFileSync(join(deps.folder, 'streams.json'), 'utf8')).not.toContain('play_a');
  });

  it('has a grace while the data plane is being replaced: who is live will be back', async () => {
    const { deps, changes, remove } = await setUp();
    deps.view = { ...silent, counters: { dataPlaneUp: 0 } };
    await remove('play_a');
    expect(changes).toEqual([]);
  });

  it('has a grace for 30 s after a restart of the data plane where it was live a moment ago', async () => {
    const { deps, changes, remove, post, watch } = await setUp();
    watch.look();
    deps.now += 20_000;
    deps.view = { ...silent, counters: { dataPlaneUp: 1, dataPlaneRestarts: 1 } };
    watch.look();
    deps.now += 29_999;
    await remove('play_a');
    expect(changes).toEqual([]);
    // Nobody was live there.
    await remove('play/bb');
    expect(changes).toEqual(['removed play/bb']);
    await post({ publisher: 'live_a', player: 'play_a' });
    deps.now += 1;
    await remove('play_a');
    expect(changes).toEqual(['removed play/bb', 'updated play_a', 'removed play_a']);
  });

  it('has a grace for 30 s after a start of the node, where it was there before', async () => {
    const { deps, changes, remove, post } = await setUp();
    deps.view = { ...silent, uptimeMs: 29_999 };
    await remove('play_a');
    expect(changes).toEqual([]);
    await post({ publisher: 'live_new', player: 'play_new' });
    await remove('play_new');
    expect(changes).toEqual(['added play_new', 'removed play_new']);
    deps.view = { ...silent, uptimeMs: 30_000 };
    await remove('play/bb');
    expect(changes).toEqual(['added play_new', 'removed play_new', 'removed play/bb']);
  });
});

describe('PATCH of a stream id', () => {
  const patch = async (url: string, body: unknown, key = ADMIN) => {
    const one = await server();
    await one.deps.store.add({ publisher: 'live_a', player: 'play_a2', label: 'second' });
    const answer = await one.call('PATCH', `/api/stream-ids/${url}`, one.withKey(key, body));
    return { ...one, answer };
  };

  it('changes limits of one player id, and what belongs to the publisher id in all of its rows', async () => {
    const body = {
      ...{ label: 'Bike', maxPlayers: 2, playerLatencyMs: 500, expiresAt: '2030-01-31T12:00:00+01:00' },
      ...{ passphrase: '0123456789', maxBitrateKbps: 8_000, latencyMs: 1_500 },
    };
    const { answer, deps } = await patch('play_a', body);
    expect(answer).toMatchObject({ status: 200, headers: CORS });
    expect(answer.body).toBe(
      '{"data":[{"description":"first","encrypted":true,"expiresAt":1896087600000,"label":"Bike","latencyMs":1500,"maxBitrateKbps":8000,"maxPlayers":2,"owner":"local","passphrase":"0123456789","player":"play_a","playerLatencyMs":500,"publisher":"live_a"}],"message":"Stream ID updated successfully","status":"success"}',
    );
    expect(deps.directory.rowOf('play_a2')).toEqual({
      publisher: 'live_a',
      player: 'play_a2',
      label: 'second',
      passphrase: '0123456789',
      maxBitrateKbps: 8_000,
      latencyMs: 1_500,
    });
  });

  it('takes values away with null, and means all rows by the publisher id', async () => {
    const { answer, deps } = await patch('live_a', { label: null, description: null, maxPlayers: 4 });
    expect(answer.status).toBe(200);
    expect(deps.directory.playersOf('live_a')).toEqual([
      { publisher: 'live_a', player: 'play_a', maxPlayers: 4 },
      { publisher: 'live_a', player: 'play_a2', maxPlayers: 4 },
    ]);
  });

  it.each([
    [{ passphrase: 'short' }, 'Invalid passphrase: give 10 to 79 printable ASCII characters'],
    [{ passphrase: 5 }, 'Invalid passphrase: give a string'],
    [{ maxPlayers: 0 }, 'Invalid maxPlayers: give a whole number from 1 to 1000'],
    [{ maxPlayers: 1.5 }, 'Invalid maxPlayers: give a whole number from 1 to 1000'],
    [{ maxPlayers: '2' }, 'Invalid maxPlayers: give a whole number'],
    [{ latencyMs: 19 }, 'Invalid latencyMs: give a whole number from 20 to 30000'],
    [{ expiresAt: 'tomorrow' }, expect.stringContaining('Invalid expiresAt')],
    [{ expiresAt: '2030-13-41T00:00:00Z' }, expect.stringContaining('Invalid expiresAt')],
    [{ label: 'a\nb' }, 'Invalid label: give 1 to 100 characters without control characters'],
    [{ player: 'x' }, 'Invalid player: ids cannot be changed; add another one and delete this'],
    [{ owner: 'x' }, expect.stringContaining('Unknown field')],
    [{ maxplayers: 1 }, expect.stringContaining('Unknown field')],
    ['[]', 'Invalid JSON body'],
  ])('%j changes nothing', async (body, message) => {
    const { answer, deps } = await patch('play_a', body);
    expect({ status: answer.status, message: JSON.parse(answer.body).message }).toEqual({ status: 400, message });
    expect(deps.directory.rowOf('play_a')).toEqual({ publisher: 'live_a', player: 'play_a', description: 'first' });
  });

  it('of an unknown id is 404, and reading is not enough for it', async () => {
    expect((await patch('play_x', {})).answer).toMatchObject({ status: 404, body: refused('Stream ID not found') });
    const { call, withKey, deps } = await server();
    const read = await deps.keys.create('r', 'read');
    expect((await call('PATCH', '/api/stream-ids/play_a', withKey(read, { label: 'x' }))).status).toBe(403);
  });

  it('is told to browsers', async () => {
    const { call } = await server();
    expect((await call('OPTIONS', '/api/stream-ids/play_a')).headers['access-control-allow-methods']).toContain(
      'PATCH',
    );
  });
});

describe('one stream id', () => {
  it('shows its passphrase to those who may change it', async () => {
    const { call, withKey, deps } = await server();
    await deps.store.update('play_a', { passphrase: '0123456789' });
    const read = await deps.keys.create('r', 'read');
    const of = async (key: string) => (await call('GET', '/api/stream-ids/play_a', withKey(key))).body;
    expect(await of(ADMIN)).toBe(
      '{"data":[{"description":"first","encrypted":true,"owner":"local","passphrase":"0123456789","player":"play_a","publisher":"live_a"}],"status":"success"}',
    );
    expect(await of(read)).not.toContain('0123456789');
    expect((await call('GET', '/api/stream-ids', withKey(ADMIN))).body).not.toContain('0123456789');
    expect((await call('GET', '/api/stream-ids/none', withKey(ADMIN))).status).toBe(404);
  });

  it('says that it has expired', async () => {
    const { call, withKey, deps } = await server();
    await deps.store.update('play_a', { expiresAt: deps.unixMs });
    expect((await call('GET', '/api/stream-ids', withKey(ADMIN))).body).toContain('"expired":true');
    deps.unixMs--;
    expect((await call('GET', '/api/stream-ids', withKey(ADMIN))).body).not.toContain('"expired"');
  });
});

describe('API keys', () => {
  it('are listed without anything that could be used, and revoked by their ids', async () => {
    const { call, withKey, deps } = await server();
    const key = await deps.keys.create('viewer', 'read');
    const list = async () => JSON.parse((await call('GET', '/api/keys', withKey(ADMIN))).body).data;
    const [preset, viewer] = await list();
    expect(Object.keys(viewer)).toEqual(['created', 'id', 'name', 'permissions', 'preset']);
    expect(viewer).toMatchObject({ name: 'viewer', permissions: 'read', preset: false });
    expect(preset).toMatchObject({ preset: true, lastUsed: expect.any(String) });
    expect(JSON.stringify([viewer, preset])).not.toMatch(new RegExp(`${key}|${ADMIN}|[0-9a-f]{64}`));
    const revoke = (id: string) => call('DELETE', `/api/keys/${id}`, withKey(ADMIN));
    expect(await revoke(viewer.id)).toMatchObject({ status: 200, body: ok('API key revoked successfully') });
    expect(deps.keys.verify(key)).toBeUndefined();
    expect((await call('GET', '/api/stream-ids', withKey(key))).status).toBe(401);
    expect(await revoke(viewer.id)).toMatchObject({ status: 404, body: refused('API key not found') });
    expect(await list()).toHaveLength(1);
  });

  it('cannot lock everybody out', async () => {
    const { call, withKey, deps } = await server();
    const [preset] = deps.keys.list();
    expect((await call('DELETE', `/api/keys/${preset!.id}`, withKey(ADMIN))).status).toBe(409);
    expect(deps.keys.verify(ADMIN)).toBeDefined();
  });
});

describe('live streams', () => {
  it('are listed with publisher, links and players', async () => {
    const { call, withKey, deps } = await server();
    await deps.store.update('play_a', { label: 'Bike' });
    const { data, draining } = JSON.parse((await call('GET', '/api/streams', withKey(ADMIN))).body);
    expect(draining).toBe(false);
    expect(data).toEqual([
      {
        label: 'Bike',
        name: publicStreamName('live_a'),
        publisher: 'live_a',
        players: [expect.objectContaining({ key: '7', player: 'play_a_long_one', address: '198.51.100.4:50123' })],
        publishers: [
          expect.objectContaining({
            ...{ bitrateKbps: 4_123, source: 'srtla', state: 'live', rttMs: 41.235, warnings: [] },
            links: ['203.0.113.7:40000', '[2001:db8:1:2::9]:51820'],
            carriers: [
              { kind: 'unknown', label: 'Link-1' },
              { kind: 'unknown', label: 'Link-2' },
            ],
          }),
        ],
      },
    ]);
    expect(JSON.parse((await call('GET', '/api/streams/live_b', withKey(ADMIN))).body).data).toMatchObject({
      publisher: 'live_b',
      publishers: [],
    });
    expect((await call('GET', '/api/streams/none', withKey(ADMIN))).status).toBe(404);
  });

  it('come with what the licence of the carrier database wants to be shown', async () => {
    const { call, withKey, deps } = await server();
    const database = { path: '/x.mmdb', type: 'x', builtMs: 0, attribution: 'by whom' };
    deps.carriers = { ...deps.carriers, databases: [database] };
    for (const url of ['/api/streams', '/api/streams/live_a'])
      expect(JSON.parse((await call('GET', url, withKey(ADMIN))).body).attribution).toEqual(['by whom']);
  });

  it('show no address to a key that may only read', async () => {
    const { call, withKey, deps } = await server();
    const read = await deps.keys.create('r', 'read');
    const write = await deps.keys.create('w', 'write');
    deps.history.set('live_a', [
      { wallMs: 5, type: 'link-joined', address: '203.0.113.7', port: 9 } as StreamEventView,
    ]);
    const seen = async (key: string): Promise<string> => {
      const urls = ['/api/streams', '/api/streams/live_a', '/api/events/live_a', '/v1/doctor'];
      const answers = await Promise.all(urls.map((url) => call('GET', url, withKey(key))));
      for (const { status } of answers) expect(status).toBe(200);
      return answers.map(({ body }) => body).join('\n');
    };
    const masked = await seen(read);
    for (const address of ['203.0.113.7', '2001:db8:1:2::9', '198.51.100.4', '127.0.0.1'])
      expect(masked).not.toContain(address);
    for (const address of ['203.0.113.x', '2001:db8:1::x', '198.51.100.x']) expect(masked).toContain(address);
    const whole = await seen(write);
    for (const address of ['203.0.113.7', '2001:db8:1:2::9', '198.51.100.4']) expect(whole).toContain(address);
    expect(whole).not.toContain('203.0.113.x');
  });

  it('have a history', async () => {
    const { call, withKey, deps } = await server();
    const event = { wallMs: 5, type: 'publisher-down', why: 'kicked' };
    deps.history.set('live_a', [event]);
    deps.history.set('live_gone', [event]);
    for (const id of ['live_a', 'play_a', 'live_gone'])
      expect(JSON.parse((await call('GET', `/api/events/${id}`, withKey(ADMIN))).body)).toEqual({
        data: [event],
        status: 'success',
      });
    expect((await call('GET', '/api/events/live_b', withKey(ADMIN))).body).toBe('{"data":[],"status":"success"}');
    expect((await call('GET', '/api/events/none', withKey(ADMIN))).status).toBe(404);
  });

  it('can be disconnected', async () => {
    const { call, withKey, deps } = await server();
    const write = await deps.keys.create('w', 'write');
    const remove = async (url: string) => (await call('DELETE', url, withKey(write))).status;
    expect(await remove('/api/disconnect/live_a')).toBe(200);
    expect(await remove('/api/disconnect/live_b')).toBe(404);
    expect(await remove('/api/players/play_a_long_one')).toBe(200);
    expect(await remove('/api/players/play_a_long_one?key=7')).toBe(200);
    expect(await remove('/api/players/play_a_long_one?key=8')).toBe(404);
    expect(await remove('/api/players/play_a')).toBe(404);
    expect(deps.commands).toEqual(['kick publisher live_a', 'kick players play_a_long_one', 'kick socket 7']);
  });

  it('can be disconnected as with the SLS of irlserver', async () => {
    const { call, deps } = await server();
    const read = await deps.keys.create('r', 'read');
    const post = (query: string, authorization?: string) =>
      call('POST', `/disconnect${query}`, authorization === undefined ? {} : { headers: { authorization } });
    expect(await post('?stream=live_a', ADMIN)).toMatchObject({
      status: 200,
      body: '{"message":"Stream disconnected successfully","status":"ok","stream":"live_a"}',
    });
    expect((await post('?stream=live_a', `Bearer ${ADMIN}`)).status).toBe(200);
    expect((await post('?stream=live_b', ADMIN)).status).toBe(404);
    expect((await post('', ADMIN)).status).toBe(400);
    const unauthorised = { status: 401, body: refused('Unauthorized: API key required or invalid.') };
    for (const key of [undefined, 'x', read]) expect(await post('?stream=live_a', key)).toMatchObject(unauthorised);
    expect(deps.commands).toEqual(['kick publisher live_a', 'kick publisher live_a']);
  });

  it('are listed for irlserver clients with a key only', async () => {
    const { call } = await server();
    expect((await call('GET', '/stats')).status).toBe(401);
    const { status, body } = await call('GET', '/stats?reset', { headers: { authorization: ADMIN } });
    expect(status).toBe(200);
    expect(JSON.parse(body).publishers.live_a).toMatchObject({ bitrate: 4_123, viewerPktSndDrop: 0 });
    expect((await call('GET', '/stats?publisher=none')).body).toBe('{"publishers":{},"status":"ok"}');
  });
});

describe('drain', () => {
  it('admits no publisher, and the node says that it is not ready', async () => {
    const { call, withKey, deps } = await server();
    const write = await deps.keys.create('w', 'write');
    const post = (body: unknown, key = ADMIN) => call('POST', '/api/drain', withKey(key, body));
    expect((await post({ drain: true }, write)).status).toBe(403);
    expect(await post({ drain: 'yes' })).toMatchObject({
      status: 400,
      body: refused('Invalid drain: give true or false'),
    });
    expect(await post({ drain: true })).toMatchObject({ status: 200, body: '{"draining":true,"status":"success"}' });
    expect(JSON.parse((await call('GET', '/health')).body)).toMatchObject({
      draining: true,
      ready: false,
      status: 'ok',
    });
    expect((await call('GET', '/readyz')).status).toBe(503);
    await post({ drain: false });
    expect((await call('GET', '/readyz')).body).toBe('{"ready":true,"status":"ok"}');
    expect((await call('GET', '/api/drain', withKey(write))).body).toBe('{"draining":false,"status":"success"}');
    expect(deps.commands).toEqual(['drain true', 'drain false']);
  });

  it('is in the hands of the commands of this machine too, and says what is left', async () => {
    const { call, withKey, deps } = await server();
    const write = await deps.keys.create('w', 'write');
    const asked = (key: string, body?: unknown) => call(body ? 'POST' : 'GET', '/v1/drain', withKey(key, body));
    for (const key of [write, 'x'.repeat(32)]) {
      expect((await asked(key, { drain: true })).status).toBe(401);
      expect((await asked(key)).status).toBe(401);
    }
    expect((await call('POST', '/v1/drain', { payload: '{"drain":true}' })).status).toBe(401);
    expect((await asked('runtime-token', { drain: 1 })).status).toBe(400);
    expect(deps.commands).toEqual([]);
    const left = `"publishers":${deps.view.publishers.length},"players":${deps.view.players.length}}`;
    expect(await asked('runtime-token', { drain: true })).toMatchObject({
      status: 200,
      body: `{"draining":true,${left}`,
    });
    expect((await call('GET', '/readyz')).body).toBe('{"ready":false,"reasons":["draining"],"status":"not ready"}');
    expect((await asked(ADMIN)).body).toBe(`{"draining":true,${left}`);
    expect((await asked('runtime-token', { drain: false })).body).toBe(`{"draining":false,${left}`);
    expect(deps.commands).toEqual(['drain true', 'drain false']);
  });

  it('is told on /readyz before the data plane refuses anybody', async () => {
    const { call, withKey, deps, watch } = await server();
    const seen: boolean[] = [];
    deps.control.drain = () => void seen.push(watch.notReady.length > 0);
    await call('POST', '/v1/drain', withKey('runtime-token', { drain: true }));
    expect(seen).toEqual([true]);
  });

  it('is over with a node that stops: it says so and is not ready any more', async () => {
    const { call, watch } = await server();
    watch.noteStop();
    expect(await call('GET', '/readyz')).toMatchObject({
      status: 503,
      body: '{"ready":false,"reasons":["stopping"],"status":"not ready"}',
    });
  });
});

describe('a reader that asks for reset', () => {
  it('disturbs no other', async () => {
    const { call, deps } = await server();
    deps.view = dataPlaneSnapshot({ publishers: [publisherSnapshot()] });
    const plain = (await call('GET', '/stats/play_a?legacy=1')).body;
    expect((await call('GET', '/stats/play_a?legacy=1&reset=1')).body).toBe(plain);
    expect((await call('GET', '/stats/play_a?legacy=1')).body).toBe(plain);
  });
});
