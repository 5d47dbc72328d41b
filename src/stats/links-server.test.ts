import type { FastifyInstance } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dataPlaneSnapshot, groupSnapshot, linkSnapshot } from '../../test/support/snapshots.ts';
import { ADMIN, statsDeps } from '../../test/support/stats-deps.ts';
import { publicStreamName, setRedaction } from '../shared/redact.ts';
import type { LinksAnswer } from './compat-links.ts';
import { createLinksServer } from './links-server.ts';
import { RequestBudget } from './request-budget.ts';
import { createStatsServer } from './stats-server.ts';

const STRANGER = '198.51.100.77';
const A = { publisher: 'live_a', player: 'play_a' };
const B = { publisher: 'live_b', player: 'play_b' };

const groupB = groupSnapshot({
  id: '0x00000000000000bb',
  streamId: 'live_b',
  links: [linkSnapshot({ address: '192.0.2.200', port: 1_234, windowBytes: 90_000 })],
});
const view = dataPlaneSnapshot({ srtla: { groups: [groupSnapshot(), groupB], counters: {} } });

const server = async (rows = [A], env: Record<string, string> = {}) => {
  const deps = await statsDeps(rows, env);
  deps.view = view;
  const app = createLinksServer(deps);
  const raw = (url: string, from: string, headers: Record<string, string> = {}) =>
    app.inject({ method: 'GET', url, headers, remoteAddress: from });
  const groups = async (url: string, from = STRANGER, headers: Record<string, string> = {}) => {
    const answer = await raw(url, from, headers);
    expect(answer.statusCode).toBe(200);
    return (JSON.parse(answer.body) as LinksAnswer).groups;
  };
  return { deps, raw, groups };
};
const KEY = { authorization: `Bearer ${ADMIN}` };
const names = (groups: LinksAnswer['groups']) => groups.map((group) => group.stream_id);
const addresses = (groups: LinksAnswer['groups']) =>
  groups.flatMap((group) => group.connections.map((link) => link.addr));

describe('which groups are seen', () => {
  const both = [publicStreamName('live_b'), publicStreamName('live_a')];
  it.each([
    ['auto', [A], both],
    ['auto', [A, { publisher: 'live_a', player: 'play_a2' }], both],
    ['auto', [], both],
    ['auto', [A, B], []],
    ['byor', [A, B], both],
    ['managed', [A], []],
  ] as const)('anonymous, mode %s, %j', async (mode, rows, expected) => {
    const { groups } = await server([...rows], { TRIBUTARY_STATS_LINKS_MODE: mode });
    expect(names(await groups('/stats'))).toEqual(expected);
  });

  it('is exactly {"groups":[]} where there are none', async () => {
    const { raw } = await server([A, B]);
    expect((await raw('/stats', STRANGER)).body).toBe('{"groups":[]}');
  });

  it.each(['auto', 'byor', 'managed'])('with a key or from a trusted address all of them, mode %s', async (mode) => {
    const { groups } = await server([A, B], { TRIBUTARY_STATS_LINKS_MODE: mode });
    expect(names(await groups('/stats', STRANGER, KEY))).toEqual(['live_b', 'live_a']);
    expect(names(await groups('/stats', '127.0.0.1'))).toEqual(['live_b', 'live_a']);
  });

  it.each(['/stats?stream_id=live_a', '/stats/live_a'])('the one of the id that was sent: %s', async (url) => {
    for (const mode of ['auto', 'byor', 'managed']) {
      const { groups } = await server([A, B], { TRIBUTARY_STATS_LINKS_MODE: mode });
      expect(names(await groups(url))).toEqual(['live_a']);
    }
  });

  it('with a player id that of its publisher, under the name of the player id', async () => {
    const { groups, raw } = await server([A, B]);
    expect(names(await groups('/stats?stream_id=play_a'))).toEqual(['play_a']);
    expect((await raw('/stats?stream_id=play_a', STRANGER)).body).not.toContain('live_a');
  });

  it('none of an unknown id', async () => {
    const { groups } = await server([A]);
    expect(await groups('/stats?stream_id=live_x')).toEqual([]);
    expect(await groups(`/stats?stream_id=${publicStreamName('live_a')}`)).toEqual([]);
    expect(names(await groups('/stats?stream_id='))).toHaveLength(2);
  });
});

describe('secrets', () => {
  it('no publisher id reaches anybody who has not sent it', async () => {
    const { raw } = await server([A], { TRIBUTARY_STATS_LINKS_MODE: 'byor' });
    for (const [from, headers] of [
      [STRANGER, {}],
      [STRANGER, { authorization: 'Bearer wrong' }],
      [STRANGER, { 'x-forwarded-for': '127.0.0.1' }],
      ['127.0.0.1', { 'x-forwarded-for': STRANGER }],
      ['127.0.0.1', { host: 'rebound.example' }],
    ] as const) {
      const { body } = await raw('/stats', from, headers);
      expect(body).not.toMatch(/live_/);
      expect(body).toContain(publicStreamName('live_a'));
    }
  });

  it('client addresses are masked for everybody without an admin or write key', async () => {
    const { groups, deps } = await server([A]);
    const whole = ['203.0.113.7:40000', '[2001:db8:1:2::9]:51820'];
    const masked = ['203.0.113.x:40000', '[2001:db8:1::x]:51820'];
    expect(addresses(await groups('/stats'))).toEqual(['192.0.2.x:1234', ...masked]);
    expect(addresses(await groups('/stats?stream_id=play_a'))).toEqual(masked);
    expect(addresses(await groups('/stats?stream_id=play_a', STRANGER, KEY))).toEqual(whole);
    expect(addresses(await groups('/stats?stream_id=live_a'))).toEqual(masked);
    expect(addresses(await groups('/stats', '::1'))).toEqual(['192.0.2.x:1234', ...masked]);
    for (const [permissions, expected] of [
      ['read', masked],
      ['write', whole],
      ['admin', whole],
    ] as const) {
      const key = await deps.keys.create(permissions, permissions);
      const headers = { authorization: `Bearer ${key}` };
      expect(addresses(await groups('/stats/live_a', STRANGER, headers))).toEqual(expected);
      expect(addresses(await groups('/stats/live_a', '127.0.0.1', headers))).toEqual(expected);
    }
  });

  it.each([
    ['full', /^203\.0\.113\.7:40000$/],
    ['hash', /^hash-[0-9a-f]{12}:40000$/],
  ] as const)('or as the setting has it: %s', async (view, expected) => {
    setRedaction({ salt: 'x', addresses: view });
    onTestFinished(() => setRedaction({ salt: 'x', addresses: 'prefix' }));
    const { groups } = await server([A]);
    expect(addresses(await groups('/stats/play_a'))[0]).toMatch(expected);
    expect(addresses(await groups('/stats/play_a', STRANGER, KEY))[0]).toBe('203.0.113.7:40000');
  });

  it('trust is a setting', async () => {
    const { groups } = await server([A], { TRIBUTARY_STATS_TRUSTED: '198.51.100.0/24' });
    expect(names(await groups('/stats', STRANGER))).toContain('live_a');
    expect(names(await groups('/stats', '127.0.0.1'))).not.toContain('live_a');
  });

  it('no web page may read it', async () => {
    const { raw } = await server();
    expect((await raw('/stats', STRANGER)).headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('numbers', () => {
  it('come with the busiest group first', async () => {
    const { groups } = await server([A]);
    expect((await groups('/stats')).map((group) => group.id)).toEqual(['0x00000000000000bb', '0x1a2b3c4d5e6f7081']);
  });

  it('are those of the links', async () => {
    const { groups } = await server([A]);
    const [group] = await groups('/stats?stream_id=live_a');
    expect(group).toMatchObject({ conn_count: 2, total_bytes: 7_340_032 + 3_145_728 });
    expect(group?.connections.map((link) => [link.share_pct, link.last_ms_ago, link.uptime_s, link.rtt_ms])).toEqual([
      [70, 12, 63, 58.4],
      [30, 6_656, 63, 61.5],
    ]);
  });

  it('of a group that has not named its stream stand under an empty name', async () => {
    const { groups, deps } = await server([A]);
    deps.view = dataPlaneSnapshot({ srtla: { groups: [groupSnapshot({ streamId: undefined })], counters: {} } });
    expect(names(await groups('/stats'))).toEqual(['']);
  });
});

describe('other requests', () => {
  it('are 404 as JSON', async () => {
    const { raw } = await server();
    for (const url of ['/', '/health', '/statsx']) {
      const { statusCode, body } = await raw(url, STRANGER);
      expect({ statusCode, body }).toEqual({
        statusCode: 404,
        body: '{"message":"Not found: ask for /stats","status":"error"}',
      });
    }
  });

  it('are limited per address', async () => {
    const { raw } = await server([A], { TRIBUTARY_HTTP_STATS_PER_MINUTE: '1' });
    expect((await raw('/stats', STRANGER)).statusCode).toBe(200);
    expect((await raw('/stats/live_a', STRANGER)).statusCode).toBe(429);
    expect((await raw('/stats', '198.51.100.78')).statusCode).toBe(200);
  });
});

describe('wrong keys', () => {
  it('are tried no more often here than there', async () => {
    const { deps } = await server([A], { TRIBUTARY_HTTP_API_PER_MINUTE: '3' });
    const keyless = RequestBudget.ofKeyTries(deps.settings);
    const links = createLinksServer(deps, keyless);
    const { app } = createStatsServer(deps, keyless);
    const ask = async (of: FastifyInstance, url: string, headers: Record<string, string>): Promise<number> =>
      (await of.inject({ method: 'GET', url, headers, remoteAddress: STRANGER })).statusCode;
    const wrong = { authorization: 'Bearer wrong' };
    expect(await ask(links, '/stats', wrong)).toBe(200);
    expect(await ask(links, '/stats/live_a', wrong)).toBe(200);
    expect(await ask(app, '/api/stream-ids', wrong)).toBe(401);
    expect(await ask(app, '/api/stream-ids', wrong)).toBe(429);
    expect(await ask(links, '/stats', wrong)).toBe(429);
    // Whoever has a key, or tries none, does not notice.
    expect(await ask(links, '/stats', KEY)).toBe(200);
    expect(await ask(links, '/stats', {})).toBe(200);
  });
});
