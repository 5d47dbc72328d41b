import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CORS, statsClient as server } from '../../../test/support/stats-client.ts';
import { ADMIN } from '../../../test/support/stats-deps.ts';
import type { Logger } from '../../shared/logger.ts';
import { createStatsServer } from '../stats-server.ts';

describe('/api/stream-ids', () => {
  it('lists every row, without empty descriptions', async () => {
    const { call, withKey } = await server();
    expect((await call('GET', '/api/stream-ids', withKey(ADMIN))).body).toBe(
      '{"data":[{"description":"first","player":"play_a","publisher":"live_a"},{"player":"play/bb","publisher":"live_b"}],"status":"success"}',
    );
  });

  it('adds a given pair, whatever its content type', async () => {
    const { call, withKey, deps } = await server();
    const types = ['application/json', 'text/plain', 'application/x-www-form-urlencoded', undefined];
    for (const [n, type] of types.entries()) {
      const request = withKey(ADMIN, { publisher: 'live_new', player: `play_${n}`, description: '' });
      const headers = { ...request.headers, ...(type === undefined ? {} : { 'content-type': type }) };
      expect(await call('POST', '/api/stream-ids', { ...request, headers })).toMatchObject({
        status: 200,
        body: '{"message":"Stream ID added successfully","status":"success"}',
      });
    }
    expect(deps.directory.playersOf('live_new')).toHaveLength(4);
  });

  it('does not add a player id twice', async () => {
    const { call, withKey } = await server();
    const body = { publisher: 'live_other', player: 'play_a' };
    expect(await call('POST', '/api/stream-ids', withKey(ADMIN, body))).toMatchObject({
      status: 409,
      body: `{"message":"Stream ID with player 'play_a' already exists","status":"error"}`,
    });
  });

  it('makes a pair where none is given, independent or for the plugin', async () => {
    const { call, withKey, deps } = await server();
    const make = async (body: object) => JSON.parse((await call('POST', '/api/stream-ids', withKey(ADMIN, body))).body);
    const independent = await make({ description: 'd' });
    expect(Object.keys(independent)).toEqual(['message', 'player', 'publisher', 'status']);
    expect(independent.publisher).toMatch(/^live_[0-9a-f]{32}$/);
    expect(independent.player).toMatch(/^play_[0-9a-f]{32}$/);
    expect(independent.player.slice(5)).not.toBe(independent.publisher.slice(5));
    expect(deps.directory.playersOf(independent.publisher)[0]?.description).toBe('d');
    const plugin = await make({ plugin: true });
    expect(plugin.player.slice(5)).toBe(plugin.publisher.slice(5));
  });

  it.each([
    ['', 'Invalid JSON body'],
    ['{', 'Invalid JSON body'],
    ['null', 'Invalid JSON body'],
    ['{"publisher":"live_x"}', 'Missing or invalid required fields: publisher, player'],
    ['{"publisher":"live_x","player":5}', 'Missing or invalid required fields: publisher, player'],
    ['{"publisher":"live_x","player":"p","description":5}', 'Invalid description: give a string'],
    ['{"plugin":"yes"}', 'Invalid plugin: give true or false'],
    ['{"publisher":"live_x","player":"live_a"}', 'Invalid player: this id is a publisher id already'],
    [
      '{"publisher":"","player":"p"}',
      'Invalid publisher: give 1 to 512 printable ASCII characters without spaces, quotes and backslashes',
    ],
  ])('%j adds nothing', async (payload, message) => {
    const { call, withKey, deps } = await server();
    const before = deps.directory.rows();
    expect(await call('POST', '/api/stream-ids', withKey(ADMIN, payload))).toMatchObject({
      status: 400,
      body: JSON.stringify({ message, status: 'error' }),
    });
    expect(deps.directory.rows()).toEqual(before);
  });

  it('deletes by player id, slashes and percent signs included, or all rows of a publisher id', async () => {
    const { call, withKey, deps } = await server();
    const remove = (id: string) => call('DELETE', `/api/stream-ids/${id}`, withKey(ADMIN));
    expect(await remove('play%2Fbb')).toMatchObject({
      status: 200,
      body: '{"message":"Stream ID deleted successfully","status":"success"}',
    });
    expect(await remove('play/bb')).toMatchObject({
      status: 404,
      body: '{"message":"Stream ID not found","status":"error"}',
    });
    await deps.store.add({ publisher: 'live_a', player: 'play_a2' });
    expect((await remove('live_a')).status).toBe(200);
    expect(deps.directory.rows()).toEqual([]);
    expect((await remove('')).status).toBe(404);
  });

  it('does not say that it has done what it could not store', async () => {
    const { call, withKey, deps } = await server();
    const logged: unknown[] = [];
    deps.logger = { ...deps.logger, error: (...line) => logged.push(line) } satisfies Logger;
    const blocked = join(deps.folder, 'streams.json.partial');
    mkdirSync(blocked);
    const pair = { publisher: 'live_x', player: 'play_x' };
    const body = '{"message":"The change could not be stored","status":"error"}';
    const { app: fresh } = createStatsServer(deps);
    const post = await fresh.inject({ method: 'POST', url: '/api/stream-ids', ...withKey(ADMIN, pair) });
    expect({ status: post.statusCode, body: post.body }).toEqual({ status: 500, body });
    expect(logged).toHaveLength(1);
    expect(await call('DELETE', '/api/stream-ids/play_a', withKey(ADMIN))).toMatchObject({ status: 500, body });
    expect(deps.directory.rows()).toHaveLength(2);
    rmdirSync(blocked);
    expect((await call('POST', '/api/stream-ids', withKey(ADMIN, pair))).status).toBe(200);
  });

  it('refuses a body above 64 KiB', async () => {
    const { call, withKey } = await server();
    const description = 'd'.repeat(70_000);
    expect(await call('POST', '/api/stream-ids', withKey(ADMIN, { description }))).toMatchObject({
      status: 413,
      body: '{"message":"Request body too large (limit 65536 bytes)","status":"error"}',
      headers: CORS,
    });
  });
});
