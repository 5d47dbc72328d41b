import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/config/resolve.ts';
import { AccessHook } from '../../src/hooks/access-hook.ts';
import { isHookSigned } from '../../src/hooks/hook-signature.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { until } from '../support/processes.ts';

const SECRET = 's'.repeat(24);
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const setUp = async (env: Record<string, string> = {}) => {
  const asked: { url: string; body: string; timestamp: string; signature: string }[] = [];
  const answer = { status: 200 };
  const time = { now: 0 };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { 'tributary-timestamp': timestamp, 'tributary-signature': signature } = request.headers;
    asked.push({ url: request.url!, body, timestamp: String(timestamp), signature: String(signature) });
    response.writeHead(answer.status).end();
  });
  servers.push(server);
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  const authUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth?site=a`;
  const loaded = loadSettings({
    ...{ argv: [], cwd: '/', readFile: () => undefined },
    env: { TRIBUTARY_HOOKS_SECRET: SECRET, TRIBUTARY_HOOKS_ALLOWED_NETWORKS: '127.0.0.1', ...env },
  });
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
  const hook = new AccessHook({
    ...{ settings: () => ({ ...loaded.settings.hooks, authUrl }), logger: silentLogger },
    ...{ clock: () => time.now, unixNow: Date.now },
  });
  return { hook, asked, answer, server, time };
};

const encoder = { role: 'publisher', streamId: 'live_a', address: '203.0.113.7', port: 5_000 } as const;
const player = { role: 'player', streamId: 'play/a b&role_name=publisher', address: '2001:db8::7', port: 6 } as const;

describe('the authorisation hook', () => {
  it('is asked by signed JSON, and its status decides', async () => {
    const { hook, asked, answer, time } = await setUp();
    expect(await hook.isAllowed(encoder)).toBe(true);
    const { body, timestamp, signature, url } = asked[0]!;
    expect(url).toBe('/auth?site=a');
    expect(JSON.parse(body)).toMatchObject({ type: 'authorize', ...encoder });
    expect(isHookSigned(SECRET, { timestamp, signature }, body, Date.now() / 1_000)).toBe(true);
    for (const [status, isIn] of [
      ...([
        [204, true],
        [503, true],
        [403, false],
        [503, false],
        [302, false],
      ] as const),
    ]) {
      answer.status = status;
      time.now += 2_000;
      expect(await hook.isAllowed(encoder), String(status)).toBe(isIn);
    }
  });

  it('that is gone: ids that it has allowed come in, others do not', async () => {
    const { hook, server } = await setUp();
    expect(await hook.isAllowed(encoder)).toBe(true);
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    expect(await hook.isAllowed(encoder)).toBe(true);
    expect(await hook.isAllowed(player)).toBe(false);
    expect(await hook.isAllowed({ ...encoder, role: 'player' })).toBe(false);
  });

  it.each([
    ['open', true],
    ['closed', false],
  ])('that is gone, with whenDown %s', async (whenDown, isIn) => {
    const { hook, answer } = await setUp({ TRIBUTARY_HOOKS_WHEN_DOWN: whenDown });
    answer.status = 500;
    expect(await hook.isAllowed(encoder)).toBe(isIn);
  });

  it("is asked in SLS's form, the id encoded, and told of the end of whom it has let in", async () => {
    const { hook, asked, answer } = await setUp({ TRIBUTARY_HOOKS_AUTH_FORM: 'sls' });
    expect(await hook.isAllowed(player)).toBe(true);
    const query = new URL(asked[0]!.url, 'http://h').searchParams;
    expect(Object.fromEntries(query)).toEqual({
      ...{ site: 'a', on_event: 'on_connect', role_name: 'player', srt_url: player.streamId },
      ...{ remote_ip: player.address, remote_port: '6' },
    });
    answer.status = 204;
    expect(await hook.isAllowed(encoder)).toBe(false);
    const gone = { atMs: 0, wallMs: 0, publisherId: 'live_a', why: 'ended', seconds: 1, messages: 1 } as const;
    hook.take({ ...gone, type: 'publisher-down', source: 'srt', address: encoder.address });
    const left = { ...gone, type: 'player-down', dropped: 0, address: player.address, port: 6 } as const;
    for (let twice = 0; twice < 2; twice++) hook.take({ ...left, playerId: player.streamId });
    await until('on_close', () => asked.length === 3);
    expect(new URL(asked[2]!.url, 'http://h').searchParams.get('on_event')).toBe('on_close');
    expect(new URL(asked[2]!.url, 'http://h').searchParams.get('role_name')).toBe('player');
  });
});
