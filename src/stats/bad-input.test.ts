import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { statsClient } from '../../test/support/stats-client.ts';
import { ADMIN, statsDeps } from '../../test/support/stats-deps.ts';
import { listeningStats } from '../../test/support/stats-socket.ts';
import { Callers } from './callers.ts';
import { MAX_CONNECTIONS_PER_SOURCE } from './connection-cap.ts';
import { readNewRow, readRowChange } from './row-body.ts';
import { OPERATIONS } from './v1/operations.ts';

const NO_LIMITS = {
  TRIBUTARY_HTTP_STATS_PER_MINUTE: '1000000',
  TRIBUTARY_HTTP_API_PER_MINUTE: '1000000',
  TRIBUTARY_HTTP_API_KEY_PER_MINUTE: '1000000',
  TRIBUTARY_HTTP_KEYS_PER_MINUTE: '1000000',
  TRIBUTARY_HTTP_UNKNOWN_IDS_PER_MINUTE: '1000000',
};
const PATHS = [
  ...[
    '/',
    '/health',
    '/healthz',
    '/docs',
    '/docs/style.css',
    '/docs/install',
    '/readyz',
    '/stats',
    '/stats/play_a',
    '/belabox/play_a',
    '/disconnect',
    '/metrics',
    '/v1/doctor',
  ],
  ...OPERATIONS.map(({ path }) => path.replace('{id}', 'play_a').replace('{key}', '7')).filter(
    (path) => path !== '/v1/events',
  ),
  '/v1',
  '/v1/drain',
  '/v1/adopt',
  '/auth/',
  ...['/streams/play_a/srtla', '/streams/play_a/vvlive', '/api/srtla/status', '/api/srtla/metrics', '/api/srtla/raw'],
  // With what it refuses: an answer to a good request does not end.
  '/v1/events?types=x',
  ...['/api/stream-ids', '/api/stream-ids/play_a', '/api/keys', '/api/keys/x', '/api/streams', '/api/streams/play_a'],
  ...['/api/events/play_a', '/api/disconnect/live_a', '/api/players/play_a', '/api/drain', '/ws/stats'],
];
const METHODS = ['GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD', 'OPTIONS'] as const;

describe('the list of paths', () => {
  it('has every route', async () => {
    const { app } = await statsClient();
    const routes: string[] = [];
    app.addHook('onRoute', ({ url }) => void routes.push(url));
    await app.ready();
    expect(routes.length).toBeGreaterThan(20);
    const isOf = (route: string, path: string): boolean =>
      route.split('/').length === path.split('/').length &&
      route.split('/').every((part, index) => part.startsWith(':') || part === path.split('/')[index]);
    const isProbed = (route: string): boolean =>
      PATHS.some((path) =>
        route.endsWith('*') ? path.startsWith(route.slice(0, -1)) : isOf(route, path.split('?')[0]!),
      );
    expect(routes.filter((route) => !isProbed(route))).toEqual([]);
  });
});

describe('any request', () => {
  it('is answered, and never with a 5xx, a publisher id or the inside of an error', { timeout: 60_000 }, async () => {
    const { call, deps } = await statsClient(NO_LIMITS);
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('../', '%2e%2e%2f', '%00', '\\', '//'),
    );
    const path = fc.oneof(
      fc.constantFrom(...PATHS),
      fc.tuple(fc.constantFrom(...PATHS), text).map(([start, end]) => `${start}/${end}`),
      text.map((end) => `/${end}`),
    );
    const body = fc.oneof(
      text,
      fc.json(),
      fc.object().map((value) => JSON.stringify(value)),
      fc.constantFrom('{"__proto__":{"admin":true}}', '['.repeat(60_000), '{"publisher":{"toString":1},"player":[]}'),
    );
    const authorization = fc.oneof(
      text,
      fc.constantFrom('Bearer ', `bearer ${ADMIN}`, `Bearer ${ADMIN}x`, 'Basic YTpi'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...METHODS),
        path,
        body,
        authorization,
        fc.webQueryParameters(),
        async (method, url, payload, header, query) => {
          const headers = { authorization: header.replace(/[^\x20-\x7e]/g, '') };
          const target = `${encodeUrl(url)}?${query}`;
          // What the test's own client cannot send.
          fc.pre(URL.canParse(target, 'http://localhost'));
          const hasBody = method !== 'GET' && method !== 'HEAD';
          const answer = await call(method, target, { headers, ...(hasBody ? { payload } : {}) });
          const isUnready = url.startsWith('/readyz');
          if (!isUnready) expect(answer.status, `${method} ${target}`).toBeLessThan(500);
          if (!url.includes('live_a') && !query.includes('live_a')) expect(answer.body).not.toContain('live_a');
        },
      ),
      { numRuns: 400 },
    );
    expect(deps.directory.rows()).toHaveLength(2);
    expect(deps.keys.list()).toHaveLength(1);
    expect(deps.commands).toEqual([]);
  });

  /** What a client can send at all: an HTTP request line has no spaces and no letters beyond ASCII. */
  const encodeUrl = (url: string): string =>
    url.replace(/[^\x21-\x7e]|[?#]/g, (one) => encodeURIComponent(one.replace(/[\ud800-\udfff]/g, '?')));
});

describe('bodies with a key', () => {
  it('change nothing that is not asked for, whatever they hold', { timeout: 60_000 }, async () => {
    const { call, withKey, deps } = await statsClient(NO_LIMITS);
    const odd = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .object({ key: fc.constantFrom('publisher', 'player', 'label', 'plugin') })
        .map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(odd, async (payload) => {
        for (const [method, url] of [
          ['POST', '/api/stream-ids'],
          ['PATCH', '/api/stream-ids/play_a'],
          ['POST', '/api/keys'],
          ['POST', '/api/drain'],
          ['POST', '/v1/drain'],
          ['POST', '/v1/adopt'],
        ] as const)
          expect((await call(method, url, withKey(ADMIN, payload))).status, `${method} ${url} ${payload}`).toBeLessThan(
            500,
          );
      }),
      { numRuns: 60 },
    );
    for (const row of deps.directory.rows()) {
      expect(row.publisher).toMatch(/^[\x21-\x7e]{1,512}$/);
      expect(Object.keys(row)).not.toContain('__proto__');
    }
  });

  it('the parsers never throw, and give known fields only', () => {
    const value = fc.dictionary(
      fc.oneof(
        fc.string(),
        fc.constantFrom('publisher', 'player', 'label', 'maxPlayers', 'expiresAt', 'passphrase', '__proto__'),
      ),
      fc.oneof(
        fc.anything(),
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      ),
    );
    fc.assert(
      fc.property(value, (body) => {
        const read = readNewRow(body);
        if ('row' in read)
          for (const field of Object.values(read.row)) expect(['string', 'number']).toContain(typeof field);
        const change = readRowChange(body);
        if ('change' in change) expect(Object.keys(change.change)).not.toContain('publisher');
      }),
    );
  });
});

describe('X-Forwarded-For', () => {
  it('never gives anything but an address', () => {
    const callers = new Callers(['10.0.0.0/8']);
    const hop = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV4().map((address) => `${address}:99`),
      fc.ipV6().map((address) => `[${address}]:99`),
    );
    fc.assert(
      fc.property(fc.array(hop), fc.ipV4(), (hops, peer) => {
        const header = hops.join(', ');
        const address = callers.addressOf({ socket: { remoteAddress: peer }, headers: { 'x-forwarded-for': header } });
        expect(address).toMatch(/^[0-9a-fA-F:.]+$/);
        if (!peer.startsWith('10.')) expect(address).toBe(peer);
      }),
    );
  });
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['198.51.100.7:4711', '198.51.100.7'],
    ['[2001:DB8::1]:4711', '2001:db8::1'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['evil, 198.51.100.7, 10.1.1.1', '198.51.100.7'],
    ['198.51.100.7, junk', '10.0.0.1'],
    ['127.0.0.1, 198.51.100.7', '198.51.100.7'],
    ['', '10.0.0.1'],
  ])('%j from a trusted proxy is %s', (header, expected) => {
    const callers = new Callers(['10.0.0.0/8']);
    expect(callers.addressOf({ socket: { remoteAddress: '10.0.0.1' }, headers: { 'x-forwarded-for': header } })).toBe(
      expected,
    );
  });
});

describe('on the wire', () => {
  const open = async () => {
    const { port } = await listeningStats(await statsDeps([], NO_LIMITS));
    const talk = (text: string): { socket: Socket; answer: () => string; closed: Promise<unknown> } => {
      const socket = connect(port, '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      let answer = '';
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
      });
      const closed = new Promise((done) => socket.once('close', done));
      socket.write(text, 'latin1');
      return { socket, answer: () => answer, closed };
    };
    return { port, talk };
  };

  it.each([
    ['a flood of headers', `GET /health HTTP/1.1\r\nHost: x\r\n${'X-A: b\r\n'.repeat(4_000)}\r\n`, 431],
    ['an endless header', `GET /health HTTP/1.1\r\nHost: x\r\nX-A: ${'b'.repeat(40_000)}\r\n\r\n`, 431],
    ['an endless path', `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
    ['two lengths', 'POST /api/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    [
      'a length and chunks',
      'POST /api/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a bad percent code', 'GET /stats/%E4%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
  ])('%s is answered in JSON and closed', async (_, text, status) => {
    const { talk } = await open();
    const { answer, closed } = talk(text);
    await closed;
    expect(answer()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(answer().slice(answer().indexOf('\r\n\r\n') + 4))).toMatchObject({ status: 'error' });
  });

  it('a body that is announced as too long is refused before it comes', async () => {
    const { talk } = await open();
    const { answer, closed } = talk(
      `POST /api/stream-ids HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN}\r\nContent-Length: 999999999\r\n\r\n`,
    );
    await closed;
    expect(answer()).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('a request that never ends is closed with 408, and others are served meanwhile', { timeout: 20_000 }, async () => {
    const { port, talk } = await open();
    const slow = Array.from({ length: 20 }, () => talk('GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: '));
    const drip = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write('a');
    }, 200);
    onTestFinished(() => clearInterval(drip));
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    await Promise.all(slow.map(({ closed }) => closed));
    for (const { answer } of slow) expect(answer()).toMatch(/^HTTP\/1\.1 408 .*"Request timeout"/s);
  });

  it('one source cannot take every connection', async () => {
    const { port, talk } = await open();
    const all = Array.from({ length: MAX_CONNECTIONS_PER_SOURCE + 1 }, () => talk(''));
    await Promise.race(all.map(({ closed }) => closed));
    for (const { socket } of all.slice(0, 10)) socket.destroy();
    await all[0]!.closed;
    await expect(
      (async () => {
        for (let tries = 0; ; tries++)
          try {
            return (await fetch(`http://127.0.0.1:${port}/health`)).status;
          } catch (error) {
            if (tries > 20) throw error;
          }
      })(),
    ).resolves.toBe(200);
  });
});
