import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataPlaneSnapshot, publisherSnapshot } from '../../test/support/snapshots.ts';
import { CORS, ROWS, statsClient as server } from '../../test/support/stats-client.ts';
import { ADMIN, statsDeps } from '../../test/support/stats-deps.ts';
import type { Logger } from '../shared/logger.ts';
import { createStatsServer } from './stats-server.ts';

describe('every handled answer', () => {
  it('is compact JSON with the CORS headers of SLS', async () => {
    const { call } = await server();
    for (const url of ['/health', '/stats/play_a', '/stats/none', '/api/stream-ids']) {
      const { headers, body } = await call('GET', url);
      expect(headers).toMatchObject({ ...CORS, 'content-type': 'application/json' });
      expect(body).toBe(JSON.stringify(JSON.parse(body)));
    }
  });

  it('OPTIONS is 204 with them, on any path', async () => {
    const { call } = await server();
    for (const url of ['/api/stream-ids', '/nothing/at/all', '/']) {
      const { status, body, headers } = await call('OPTIONS', url);
      expect({ status, body }).toEqual({ status: 204, body: '' });
      expect(headers).toMatchObject(CORS);
    }
  });

  it('an unknown path is 404, empty and without them', async () => {
    const { call } = await server();
    for (const [method, url] of [
      ['GET', '/'],
      ['GET', '/statsx'],
      ['POST', '/health'],
      ['PUT', '/api/stream-ids'],
    ] as const) {
      const { status, body, headers } = await call(method, url);
      expect({ status, body }).toEqual({ status: 404, body: '' });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('HEAD is GET without the body', async () => {
    const { call } = await server();
    const { status, body, headers } = await call('HEAD', '/stats/play_a?legacy=1');
    const get = await call('GET', '/stats/play_a?legacy=1');
    expect({ status, body }).toEqual({ status: 200, body: '' });
    expect(headers['content-length']).toBe(String(Buffer.byteLength(get.body)));
  });
});

describe('GET /health', () => {
  it('is what health checks of the old stack look for', async () => {
    const { call } = await server();
    const { status, body } = await call('GET', '/health');
    expect(status).toBe(200);
    expect(body).toMatch(
      /^\{"dataPlaneRestarts":0,"draining":false,"ready":true,"score":\d+,"service":"srt-live-server","srtKernelDrops":0,"srtPackage":null,"srtVersion":"1\.5\.1","status":"ok","version":"0\.1\.0"\}$/,
    );
  });

  it('stays 200 while the data plane is down, and says how often it has been', async () => {
    const { call, deps } = await server();
    deps.view = { ...deps.view, counters: { dataPlaneRestarts: 2, dataPlaneUp: 0 } };
    const { status, body } = await call('GET', '/health');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      dataPlaneRestarts: 2,
      ready: false,
      score: 0,
      status: 'data plane restarting',
    });
    expect(await call('GET', '/healthz')).toMatchObject({ status: 200, body: '{"status":"ok"}' });
    expect(await call('GET', '/readyz')).toMatchObject({
      status: 503,
      body: '{"ready":false,"reasons":["data plane restarting"],"status":"not ready"}',
    });
  });

  it('has no limit', async () => {
    const { call } = await server({ TRIBUTARY_HTTP_STATS_PER_MINUTE: '1', TRIBUTARY_HTTP_API_PER_MINUTE: '1' });
    for (let n = 0; n < 50; n++) expect((await call('GET', '/health')).status).toBe(200);
  });
});

describe('GET /stats/{id}', () => {
  it('knows player ids and publisher ids, live or silent, and nothing else', async () => {
    const { call } = await server();
    for (const id of ['play_a', 'live_a']) expect((await call('GET', `/stats/${id}`)).body).toContain('"bitrate":4123');
    for (const id of ['play/bb', 'play%2Fbb', 'live_b'])
      expect(await call('GET', `/stats/${id}`)).toMatchObject({
        status: 200,
        body: '{"message":"Publisher is currently not streaming","status":"ok"}',
      });
    for (const id of ['play_x', 'PLAY_A', 'play_a/', 'x'.repeat(2_000), '%25'])
      expect((await call('GET', `/stats/${id}`)).status).toBe(404);
    expect((await call('GET', '/stats/%E4')).status).toBe(400);
    expect(await call('GET', '/stats/play_x')).toMatchObject({
      status: 404,
      body: '{"message":"Invalid player key","status":"error"}',
    });
  });

  it('tells how good the stream is, where it is judged', async () => {
    const { call, deps, withKey } = await server();
    expect((await call('GET', '/stats/play_a')).body).not.toContain('quality');
    const common = { reason: 'loss', sinceMs: deps.now - 2_500 } as const;
    deps.quality = () => ({ ...common, mode: 'observe', level: undefined, advice: undefined, state: undefined });
    expect((await call('GET', '/stats/play_a')).body).not.toContain('quality');
    deps.quality = () => ({ ...common, mode: 'advise', level: 'HIGH', advice: 'MEDIUM', state: 'MEDIUM' });
    expect((await call('GET', '/stats/play_a')).body).toContain('"quality_advice":"MEDIUM","quality_level":"HIGH"');
    expect((await call('GET', '/stats/play_a?legacy=1')).body).not.toContain('quality');
    expect((await call('GET', '/api/streams/play_a', withKey(ADMIN))).body).toContain(
      '"quality":{"mode":"advise","level":"HIGH","advice":"MEDIUM","state":"MEDIUM","reason":"loss","forMs":2500}',
    );
  });

  it('knows a live publisher id that has left the directory', async () => {
    const { call, deps } = await server();
    deps.view = dataPlaneSnapshot({ publishers: [publisherSnapshot({ publisherId: 'live_gone' })] });
    expect((await call('GET', '/stats/live_gone')).status).toBe(200);
  });

  it('is in the older shape for legacy=1 and nothing else', async () => {
    const { call } = await server();
    expect((await call('GET', '/stats/play_a?legacy=1&reset')).body).toMatch(
      /^\{"publishers":\{"live":\{"bitrate":4123,/,
    );
    for (const query of ['legacy', 'legacy=true', 'legacy=01', 'legacy=0&legacy=1', 'reset=1'])
      expect((await call('GET', `/stats/play_a?${query}`)).body).toMatch(/^\{"publisher":\{"bitrate":4123,/);
  });

  it('has an empty publishers object for a silent id', async () => {
    const { call } = await server();
    expect((await call('GET', '/stats/live_b?legacy=1')).body).toBe(
      '{"message":"Publisher is currently not streaming","publishers":{},"status":"ok"}',
    );
  });

  it('shows zeros to the plugin for an id that was live within the hour, in the older shape only', async () => {
    const { call, deps, watch } = await server();
    const telemy = { headers: { 'user-agent': 'Telemy/0.0.5' } };
    const zeros = expect.stringContaining('"publishers":{"live":{"bitrate":0,');
    const none = expect.stringContaining('"publishers":{},');
    expect((await call('GET', '/stats/live_b?legacy=1', telemy)).body).toEqual(none);
    deps.view = dataPlaneSnapshot({ publishers: [publisherSnapshot({ publisherId: 'live_b' })] });
    watch.look();
    deps.view = dataPlaneSnapshot({ publishers: [] });
    watch.look();
    expect((await call('GET', '/stats/live_b?legacy=1', telemy)).body).toEqual(zeros);
    expect((await call('GET', '/stats/live_b?legacy=1')).body).toEqual(none);
    expect((await call('GET', '/stats/live_a?legacy=1', telemy)).body).toEqual(none);
    deps.now += 60 * 60_000;
    expect((await call('GET', '/stats/live_b?legacy=1', telemy)).body).toEqual(zeros);
    deps.now += 1_000;
    expect((await call('GET', '/stats/live_b?legacy=1', telemy)).body).toEqual(none);
    expect((await call('GET', '/stats/live_b', telemy)).body).not.toContain('bitrate');
    expect((await call('GET', '/stats/live_x?legacy=1', telemy)).status).toBe(404);
    const noalbs = { headers: { 'user-agent': 'noalbs Telemy/1' } };
    watch.look();
    expect((await call('GET', '/stats/live_b?legacy=1', noalbs)).body).toContain('"publishers":{}');
  });

  it.each([
    [0, 4_123, 4_123, 4_123],
    [1_999, 4_123, 4_123, 4_123],
    [2_000, 1, 0, 1],
    [5_000, 1, 0, 1],
    [5_001, undefined, undefined, undefined],
    [Number.POSITIVE_INFINITY, undefined, undefined, undefined],
  ])(
    '%i ms after the last payload: modern %s, legacy %s, Belabox %s',
    async (lastPayloadMs, modern, legacy, belabox) => {
      const { call, deps } = await server();
      deps.view = dataPlaneSnapshot({ publishers: [publisherSnapshot({ lastPayloadMs })] });
      const answer = async (url: string) => JSON.parse((await call('GET', url)).body);
      expect((await answer('/stats/play_a')).publisher?.bitrate).toBe(modern);
      expect((await answer('/stats/play_a?legacy=1')).publishers.live?.bitrate).toBe(legacy);
      expect((await answer('/belabox/play_a')).publishers.live?.bitrate).toBe(belabox);
      expect((await answer('/stats?publisher=play_a')).publishers.play_a?.bitrate).toBe(legacy);
    },
  );

  it('is no offline stream to NOALBS while the first 2 s bring less than 1 kbit/s', async () => {
    const { call, deps } = await server();
    deps.view = dataPlaneSnapshot({ publishers: [publisherSnapshot({ meanKbps2s: 0.2 })] });
    expect((await call('GET', '/stats/play_a')).body).toContain('"bitrate":1,');
    expect((await call('GET', '/stats/play_a?legacy=1')).body).toContain('"bitrate":0,');
  });

  it('is limited per address', async () => {
    const { call, deps } = await server({ TRIBUTARY_HTTP_STATS_PER_MINUTE: '2' });
    const from = (remoteAddress: string) => call('GET', '/stats/play_a', { remoteAddress });
    expect([(await from('192.0.2.1')).status, (await from('::ffff:192.0.2.1')).status]).toEqual([200, 200]);
    expect(await from('192.0.2.1')).toMatchObject({
      status: 429,
      body: '{"message":"Rate limit exceeded","status":"error"}',
      headers: { ...CORS, 'retry-after': '59' },
    });
    expect((await from('192.0.2.2')).status).toBe(200);
    deps.now += 60_000;
    expect((await from('192.0.2.1')).status).toBe(200);
  });
});

describe('API keys', () => {
  it.each([
    [{}, 401, 'Missing or invalid Authorization header'],
    [{ authorization: ADMIN }, 401, 'Missing or invalid Authorization header'],
    [{ authorization: `bearer ${ADMIN}` }, 401, 'Missing or invalid Authorization header'],
    [{ authorization: 'Bearer ' }, 401, 'Invalid API key'],
    [{ authorization: `Bearer ${ADMIN}x` }, 401, 'Invalid API key'],
  ])('%j is refused', async (headers, status, message) => {
    const { call } = await server();
    const body = `{"message":"${message}","status":"error"}`;
    expect(await call('GET', '/api/stream-ids', { headers })).toMatchObject({ status, body, headers: CORS });
    expect(await call('DELETE', '/api/stream-ids/play_a', { headers })).toMatchObject({ status, body });
    expect(await call('POST', '/api/keys', { headers, payload: 'x' })).toMatchObject({ status, body });
  });

  it('are made by an admin, and open what their permission allows', async () => {
    const { call, withKey } = await server();
    const make = async (permissions: string): Promise<string> => {
      const { status, body } = await call('POST', '/api/keys', withKey(ADMIN, { name: 'n', permissions }));
      expect(status).toBe(200);
      expect(body).toMatch(
        /^\{"api_key":"[0-9A-Za-z]{32}","message":"Save this key securely\. It cannot be retrieved again\.","status":"success"\}$/,
      );
      return JSON.parse(body).api_key;
    };
    const [admin, write, read] = [await make('admin'), await make('write'), await make('read')];
    const pair = (n: number) => ({ publisher: 'live_n', player: `play_n${n}` });
    const statuses = async (key: string, n: number) => [
      (await call('GET', '/api/stream-ids', withKey(key))).status,
      (await call('POST', '/api/stream-ids', withKey(key, pair(n)))).status,
      (await call('DELETE', '/api/stream-ids/play_a', withKey(key))).status,
      (await call('POST', '/api/keys', withKey(key, {}))).status,
    ];
    expect(await statuses(read, 1)).toEqual([200, 403, 403, 403]);
    expect(await statuses(write, 2)).toEqual([200, 200, 403, 403]);
    expect(await statuses(admin, 3)).toEqual([200, 200, 200, 200]);
    expect((await call('POST', '/api/stream-ids', withKey(read, pair(4)))).body).toContain(
      '"Insufficient permissions"',
    );
    expect((await call('DELETE', '/api/stream-ids/play_a', withKey(write))).body).toContain(
      '"Admin permissions required"',
    );
  });

  it.each([
    ['[]', 'Invalid JSON body'],
    ['', 'Invalid JSON body'],
    ['{"permissions":"root"}', 'Invalid permissions: give one of admin, write, read'],
    ['{"name":5}', 'Invalid name: give a string of at most 200 characters'],
  ])('%s makes none', async (payload, message) => {
    const { call, withKey } = await server();
    expect(await call('POST', '/api/keys', withKey(ADMIN, payload))).toMatchObject({
      status: 400,
      body: JSON.stringify({ message, status: 'error' }),
    });
  });

  it('that cannot be stored is not given out', async () => {
    const { call, withKey, deps } = await server();
    mkdirSync(join(deps.folder, 'keys.json.partial'));
    expect(await call('POST', '/api/keys', withKey(ADMIN, {}))).toMatchObject({
      status: 500,
      body: '{"message":"Failed to create API key","status":"error"}',
    });
  });
});

describe('order of checks', () => {
  it('is rate limit, key, permission, body', async () => {
    const { call, withKey, deps } = await server({ TRIBUTARY_HTTP_API_PER_MINUTE: '2' });
    const read = await deps.keys.create('r', 'read');
    const tooLong = 'x'.repeat(70_000);
    const post = async (key: string) => (await call('POST', '/api/stream-ids', withKey(key, tooLong))).status;
    expect([
      await post('wrong'),
      await post(read),
      await post(ADMIN),
      await post('wrong'),
      await post('wrong'),
    ]).toEqual([401, 403, 413, 401, 429]);
    // Whoever has a key does not suffer from those who guess behind the same address.
    expect(await post(ADMIN)).toBe(413);
  });

  it('gives nobody more tries at a key elsewhere', async () => {
    const { call } = await server({ TRIBUTARY_HTTP_API_PER_MINUTE: '4' });
    const headers = { authorization: 'Bearer guess' };
    const asked = [
      ['GET', '/api/stream-ids'],
      ['POST', '/disconnect?stream=live_a'],
      ['GET', '/stats'],
      ['GET', '/v1/doctor'],
      ['GET', '/stats'],
      ['GET', '/v1/doctor'],
      ['POST', '/disconnect?stream=live_a'],
      ['GET', '/api/streams'],
    ] as const;
    const statuses: number[] = [];
    for (const [method, url] of asked) statuses.push((await call(method, url, { headers })).status);
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429, 429, 429]);
    expect((await call('GET', '/stats/play_a')).status).toBe(200);
  });

  it('counts each kind of request by itself', async () => {
    const { call, withKey } = await server({
      TRIBUTARY_HTTP_API_KEY_PER_MINUTE: '1',
      TRIBUTARY_HTTP_KEYS_PER_MINUTE: '1',
    });
    for (const expected of [200, 429]) {
      expect((await call('GET', '/api/stream-ids', withKey(ADMIN))).status).toBe(expected);
      expect((await call('POST', '/api/keys', withKey(ADMIN, {}))).status).toBe(expected);
      expect((await call('GET', '/stats/play_a')).status).toBe(200);
    }
  });

  it('counts a client behind a trusted proxy by its own address, and nobody by what he says of himself', async () => {
    const { call } = await server({
      TRIBUTARY_HTTP_STATS_PER_MINUTE: '1',
      TRIBUTARY_HTTP_TRUSTED_PROXIES: '10.0.0.0/8',
    });
    const ask = async (remoteAddress: string, forwarded: string) =>
      (await call('GET', '/stats/play_a', { remoteAddress, headers: { 'x-forwarded-for': forwarded } })).status;
    expect(await ask('10.0.0.1', '198.51.100.1')).toBe(200);
    expect(await ask('10.0.0.1', '198.51.100.2, 10.0.0.9')).toBe(200);
    expect(await ask('10.0.0.2', '203.0.113.9, 198.51.100.2')).toBe(429);
    expect(await ask('192.0.2.1', '198.51.100.3')).toBe(200);
    expect(await ask('192.0.2.1', '198.51.100.4')).toBe(429);
  });
});

describe('guessing ids', () => {
  it('ends after so many wrong ones, and nobody who knows an id is disturbed', async () => {
    const { call, deps } = await server({ TRIBUTARY_HTTP_UNKNOWN_IDS_PER_MINUTE: '2' });
    const ask = async (id: string) => (await call('GET', `/stats/${id}`)).status;
    expect([await ask('play_a'), await ask('x1'), await ask('x2'), await ask('x3')]).toEqual([200, 404, 404, 429]);
    // A right guess looks like a wrong one.
    expect([await ask('live_b'), await ask('play_a')]).toEqual([429, 200]);
    expect((await call('GET', '/belabox/x4')).status).toBe(429);
    expect((await call('GET', '/stats?publisher=x4')).status).toBe(429);
    deps.now += 60_000;
    expect([await ask('live_b'), await ask('x5')]).toEqual([200, 404]);
  });
});

describe('GET /v1/doctor', () => {
  it('opens to the runtime token and to any key, and to nobody else', async () => {
    const { call, withKey, deps } = await server();
    const read = await deps.keys.create('r', 'read');
    for (const token of ['runtime-token', read])
      expect((await call('GET', '/v1/doctor', withKey(token))).status).toBe(200);
    for (const token of ['', 'runtime-toke', 'x'])
      expect((await call('GET', '/v1/doctor', withKey(token))).status).toBe(401);
    expect((await call('GET', '/v1/doctor')).status).toBe(401);
  });

  it('contains no id that could be used, and is not for web pages', async () => {
    const { call, withKey } = await server();
    const { body, headers } = await call('GET', '/v1/doctor', withKey('runtime-token'));
    expect(body).not.toContain('live_a');
    expect(body).not.toContain('play_a_long_one');
    expect(JSON.parse(body).publishers[0].publisherId).toMatch(/^stream-[0-9a-f]{6}$/);
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('what goes wrong inside', () => {
  it('is 500 without details, and a log line without ids', async () => {
    const deps = await statsDeps(ROWS);
    const lines: unknown[] = [];
    deps.logger = { ...deps.logger, error: (...line) => lines.push(line) } satisfies Logger;
    deps.snapshot = () => {
      throw new Error('no data plane');
    };
    const answer = await createStatsServer(deps).app.inject('/stats/live_a');
    expect({ status: answer.statusCode, body: answer.body }).toEqual({
      status: 500,
      body: '{"message":"Internal error","status":"error"}',
    });
    expect(lines).toEqual([['request failed', { route: '/stats/*', error: 'no data plane' }]]);
  });
});
