import { describe, expect, it } from 'vitest';
import { dashboardClient } from '../../test/support/dashboard-client.ts';
import { dataPlaneSnapshot } from '../../test/support/snapshots.ts';
import { publicStreamName } from '../shared/redact.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

const NAME = publicStreamName('live_a');

describe('every answer', () => {
  it('carries the security headers, pages and refusals too', async () => {
    const { call } = await dashboardClient();
    for (const url of [
      '/',
      '/streams/x',
      '/session',
      '/data/ids',
      '/api/keys',
      '/nothing',
      '/s/none/feed',
      '/assets/none.js',
    ])
      expect((await call('GET', url)).headers, url).toMatchObject(SECURITY_HEADERS);
  });

  it('lets no script, style or host in but its own', () => {
    const policy = SECURITY_HEADERS['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });
});

describe('the pages', () => {
  it('are the same file at each of their addresses, compressed', async () => {
    const { call } = await dashboardClient();
    for (const url of ['/', '/streams/stream-1a2b3c/connect', '/manage/keys', '/setup', '/s/token']) {
      const { statusCode, headers } = await call('GET', url, undefined, { 'accept-encoding': 'br' });
      expect({ statusCode, encoding: headers['content-encoding'] }, url).toEqual({ statusCode: 200, encoding: 'br' });
      expect(headers['cache-control']).toBe('no-cache');
    }
  });

  it.each([
    '/assets/..%2f.sources',
    '/assets/..%2f..%2f..%2fpackage.json',
    '/assets/%2e%2e/%2e%2e/main.js',
    '/assets/..%5cindex.html',
    '/.sources',
    '/index.html.br',
  ])('are all that is served: not %s', async (url) => {
    const { app } = await dashboardClient();
    const { statusCode, headers } = await app.inject(url);
    expect([400, 403, 404]).toContain(statusCode);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('say what to do where they are not built', async () => {
    const client = await dashboardClient();
    Object.assign(client.deps, { pagesDir: '/nowhere' });
    // The folder is looked at when the server is made.
    const { createDashboardServer } = await import('./dashboard-server.ts');
    const { app } = createDashboardServer(client.deps);
    const { statusCode, body } = await app.inject('/');
    await app.close();
    expect(statusCode).toBe(503);
    expect(body).toContain('npm start');
  });
});

describe('signing in', () => {
  it('takes a key, and gives a cookie that neither scripts nor other sites can use', async () => {
    const { signIn } = await dashboardClient();
    const answer = await signIn();
    expect(answer.json()).toMatchObject({ signedIn: true, permissions: 'admin' });
    expect(String(answer.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict$/);
  });

  it('marks the cookie for HTTPS where a proxy says that it is', async () => {
    const { call, deps } = await dashboardClient();
    const answer = await call('POST', '/session', { key: 'a'.repeat(32) }, { 'x-forwarded-proto': 'https' });
    expect(deps.keys.list()).toHaveLength(1);
    expect(String(answer.headers['set-cookie'])).toContain('Secure');
  });

  it('refuses wrong keys, and after too many the right one as well', async () => {
    const { signIn } = await dashboardClient({ TRIBUTARY_HTTP_API_PER_MINUTE: '3' });
    for (let n = 0; n < 3; n++) expect((await signIn('wrong')).statusCode).toBe(401);
    expect((await signIn('wrong')).statusCode).toBe(429);
    expect((await signIn()).statusCode).toBe(429);
  });

  it.each([
    ['another site', { origin: 'http://evil.example' }],
    ['no origin at all', { origin: '' }],
    ['another site, by the browser', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour of the same site', { 'sec-fetch-site': 'same-site' }],
  ])('%s is refused', async (_name, headers) => {
    const { call, signIn, deps } = await dashboardClient();
    await signIn();
    expect((await call('POST', '/api/drain', { drain: true }, headers)).statusCode).toBe(403);
    expect((await call('POST', '/session', { key: 'x' }, headers)).statusCode).toBe(403);
    expect(deps.commands).toEqual([]);
  });

  it('ends with signing out, with the key, and with time', async () => {
    const { call, signIn, deps, cookie } = await dashboardClient();
    await signIn();
    const first = cookie();
    expect((await call('GET', '/data/ids')).statusCode).toBe(200);
    await call('DELETE', '/session');
    expect((await call('GET', '/data/ids', undefined, { cookie: first })).statusCode).toBe(401);

    const key = await deps.keys.create('reader', 'read');
    await signIn(key);
    expect((await call('GET', '/data/ids')).statusCode).toBe(200);
    await deps.keys.revoke(deps.keys.list().find(({ name }) => name === 'reader')!.id);
    expect((await call('GET', '/data/ids')).statusCode).toBe(401);

    await signIn();
    deps.now += 13 * 3_600_000;
    expect((await call('GET', '/data/ids')).statusCode).toBe(401);
  });

  it('lasts while it is used, and the browser keeps the cookie for longer than that', async () => {
    const { call, signIn, deps } = await dashboardClient();
    const { headers } = await signIn();
    for (let day = 0; day < 4; day++) {
      deps.now += 11 * 3_600_000;
      expect((await call('GET', '/data/ids')).statusCode).toBe(200);
    }
    const [, seconds] = /Max-Age=(\d+)/.exec(String(headers['set-cookie']))!;
    expect(Number(seconds)).toBeGreaterThan(7 * 86_400);
  });

  it('ends the session before, of the same browser', async () => {
    const { call, signIn, cookie } = await dashboardClient();
    await signIn();
    const first = cookie();
    await signIn();
    expect(cookie()).not.toBe(first);
    expect((await call('GET', '/data/ids', undefined, { cookie: first })).statusCode).toBe(401);
  });
});

describe('rights', () => {
  it('without a session there is nothing to see, a bearer key or not', async () => {
    const { call } = await dashboardClient();
    const headers = { authorization: `Bearer ${'a'.repeat(32)}` };
    for (const url of [
      '/feed',
      '/data/ids',
      '/data/settings',
      `/data/streams/${NAME}`,
      '/api/stream-ids',
      '/api/keys',
      '/preview/x',
    ]) {
      const { statusCode, body } = await call('GET', url, undefined, headers);
      expect(statusCode === 401 || statusCode === 404, url).toBe(true);
      expect(body).not.toContain('live_a');
    }
  });

  it('a session has those of its key', async () => {
    const { call, signIn, deps } = await dashboardClient();
    await signIn(await deps.keys.create('reader', 'read'));
    expect((await call('GET', `/data/streams/${NAME}`)).statusCode).toBe(200);
    for (const [method, url, body] of [
      ['POST', '/api/stream-ids', {}],
      ['DELETE', '/api/stream-ids/play_b', undefined],
      ['POST', `/data/streams/${NAME}/shares`, { days: 1 }],
      ['DELETE', `/data/streams/${NAME}/publisher`, undefined],
      ['GET', '/data/settings', undefined],
      ['GET', '/api/keys', undefined],
    ] as const)
      expect((await call(method, url, body)).statusCode, `${method} ${url}`).toBe(403);
    expect(deps.commands).toEqual([]);
  });

  it('passphrases are for keys that may change things, as in the API', async () => {
    const { call, signIn, deps } = await dashboardClient();
    await deps.store.update('play_a_long_one', { passphrase: 'a-secret-phrase' });
    await signIn(await deps.keys.create('reader', 'read'));
    const seen = await call('GET', `/data/streams/${NAME}`);
    expect(seen.statusCode).toBe(200);
    expect(seen.body).not.toContain('a-secret-phrase');
    expect((await call('GET', '/data/ids')).body).not.toContain('a-secret-phrase');
    await signIn(await deps.keys.create('writer', 'write'));
    expect((await call('GET', `/data/streams/${NAME}`)).body).toContain('passphrase=a-secret-phrase');
  });

  it('a reader sees masked addresses, whoever may change things whole ones', async () => {
    const { call, signIn, deps, state, events } = await dashboardClient();
    state.look();
    events.add({
      atMs: 1,
      wallMs: 1,
      publisherId: 'live_a',
      type: 'link-joined',
      group: '0x1',
      address: '203.0.113.7',
      port: 1,
    });
    await signIn(await deps.keys.create('reader', 'read'));
    const seen = (await call('GET', `/data/streams/${NAME}`)).body;
    expect(seen).toContain('198.51.100.x');
    expect(seen).not.toMatch(/198\.51\.100\.4|203\.0\.113\.7/);
    await signIn();
    const all = (await call('GET', `/data/streams/${NAME}`)).body;
    expect(all).toContain('198.51.100.4:50123');
    expect(all).toContain('203.0.113.7');
  });
});

describe('a stream', () => {
  it('is named by what gives nothing away, and its details have what to paste', async () => {
    const { call, signIn, state } = await dashboardClient();
    state.look();
    await signIn();
    const details = (await call('GET', `/data/streams/${NAME}`)).json();
    expect(details).toMatchObject({ name: NAME, label: 'Bike', publisher: 'live_a', listed: true });
    const values = [...details.senders, ...details.players].flatMap(({ fields }) => fields).map(({ value }) => value);
    expect(values).toEqual(
      expect.arrayContaining([
        'srtla://relay.example.net:5000?streamid=live_a',
        'srt://relay.example.net:4001?streamid=live_a',
        'srt://relay.example.net:4000?streamid=play_a_long_one&mode=caller&latency=2000000',
        'srt://relay.example.net:4000?streamid=play_a_long_one&mode=caller&latency=2000',
        'mpegts',
      ]),
    );
    expect((await call('GET', '/data/streams/live_a')).statusCode).toBe(404);
  });

  it('can be cut, and its players', async () => {
    const { call, signIn, deps, state } = await dashboardClient();
    state.look();
    await signIn();
    expect((await call('DELETE', `/data/streams/${NAME}/publisher`)).statusCode).toBe(200);
    expect((await call('DELETE', `/data/streams/${NAME}/players/7`)).statusCode).toBe(200);
    expect((await call('DELETE', `/data/streams/${NAME}/players/8`)).statusCode).toBe(404);
    expect(deps.commands).toEqual(['kick publisher live_a', 'kick socket 7']);
  });
});

describe('a shared link', () => {
  it('shows one stream without ids and addresses, and nothing else', async () => {
    const { call, signIn, deps, state, events } = await dashboardClient();
    state.look();
    events.add({
      atMs: 1,
      wallMs: 1,
      publisherId: 'live_a',
      type: 'player-up',
      playerId: 'play_a_long_one',
      address: '198.51.100.4',
      port: 1,
      latencyMs: 1,
    });
    await signIn();
    const { path } = (await call('POST', `/data/streams/${NAME}/shares`, { days: 7 })).json();
    const stream = deps.shares.streamOf(path.slice('/s/'.length))!;
    const text = JSON.stringify(state.sharedLive(stream));
    expect(text).toContain('"title":"Bike"');
    expect(text).toContain('"share":');
    expect(text).toContain('A player connected');
    expect(text).not.toMatch(/live_|play_|198\.51|203\.0\.113|2001:db8/);
  });

  it('is kept as digests, ends with time and when it is taken back, and dies with its id', async () => {
    const { call, signIn, deps, state } = await dashboardClient();
    await signIn();
    const made = (await call('POST', `/data/streams/${NAME}/shares`, { days: 1 })).json();
    const token = made.path.slice('/s/'.length);
    const { readFileSync } = await import('node:fs');
    const file = readFileSync(`${deps.folder}/shares.json`, 'utf8');
    expect(file).not.toContain(token);
    expect(file).not.toContain('live_a');
    const stream = deps.shares.streamOf(token)!;
    expect(state.sharedLive(stream)).toBeDefined();
    await deps.store.remove('live_a');
    expect(state.sharedLive(stream)).toBeUndefined();
    deps.unixMs += 86_400_000;
    expect(deps.shares.streamOf(token)).toBeUndefined();
    const other = (await call('POST', `/data/streams/${publicStreamName('live_b')}/shares`, { days: 1 })).json();
    expect((await call('DELETE', `/data/streams/${publicStreamName('live_b')}/shares/${other.id}`)).statusCode).toBe(
      200,
    );
    expect(deps.shares.streamOf(other.path.slice('/s/'.length))).toBeUndefined();
    expect((await call('GET', `${other.path}/feed`)).statusCode).toBe(404);
  });

  it('tokens cannot be tried without end', async () => {
    const { call } = await dashboardClient({ TRIBUTARY_HTTP_UNKNOWN_IDS_PER_MINUTE: '2' });
    for (const status of [404, 404, 429]) expect((await call('GET', '/s/none/feed')).statusCode).toBe(status);
  });
});

describe('set-up help', () => {
  it('tells what the doctor of the terminal does, and that a latency is too low', async () => {
    const { call, signIn, deps } = await dashboardClient();
    const [publisher] = deps.view.publishers;
    deps.view = dataPlaneSnapshot({
      publishers: [
        { ...publisher!, latencyMs: 120, warnings: ['latency-short'], stats: { ...publisher!.stats, rttMs: 90 } },
      ],
      counters: { linkKernelDrops: 12 },
    });
    await signIn();
    const { checks, firewall } = (await call('GET', '/data/doctor')).json();
    const texts = checks.map(({ text }: { text: string }) => text).join('\n');
    expect(texts).toMatch(/libsrt 1\.5\.1/);
    expect(texts).toMatch(/net\.core\.rmem_max/);
    expect(texts).toMatch(/dropped 12 datagrams of bonded senders/);
    expect(texts).toMatch(/120 ms is too low for 90 ms of round trip: set at least 400 ms/);
    expect(firewall).toContainEqual({ port: '5000/udp', what: 'bonded senders (SRTLA)' });
  });
});
