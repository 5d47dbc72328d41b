import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { openSqlite } from '../../src/control-plane/database/sqlite.ts';
import { StreamDirectory } from '../../src/sls-bridge/directory.ts';
import { LoopbackPlayers, MOST_PLAYERS } from '../../src/sls-bridge/loopback-players.ts';
import { MAX_DATABASE_BYTES, openAsnDatabase } from '../../src/stats/asn-database.ts';
import { carriersOff } from '../../src/stats/carrier.ts';
import { LinkSlots } from '../../src/stats/dashboard-links.ts';
import { DashboardSessions } from '../../src/stats/dashboard-sessions.ts';
import { ShareStore } from '../../src/stats/dashboard-shares.ts';
import { KeyStore, type StoredKey } from '../../src/stats/key-store.ts';
import { LinkNames } from '../../src/stats/link-names.ts';
import { Peer, srtNowUs } from '../native/peer.ts';
import { testPlane } from '../support/control-plane.ts';
import { temporaryFolder } from '../support/data-dir.ts';
import { TestNode, until } from '../support/processes.ts';
import { groupSnapshot, linkSnapshot } from '../support/snapshots.ts';
import { statsClient } from '../support/stats-client.ts';
import { ADMIN, statsDeps } from '../support/stats-deps.ts';
import { listeningStats, PushClient } from '../support/stats-socket.ts';

afterEach(() => void vi.restoreAllMocks());

const storedKey = (n: number): StoredKey => ({
  name: `k${n}`,
  permissions: 'read',
  created: '2026-01-01T00:00:00.000Z',
  sha256: n.toString(16).padStart(64, '0'),
});

describe('what is stored', () => {
  it('API keys beyond 1,000 are refused, and those that are there stay', async () => {
    const keys = await KeyStore.openAsItIs(temporaryFolder());
    await keys.adopt(Array.from({ length: 1_000 }, (_, n) => storedKey(n)));
    await expect(keys.adopt([storedKey(1_000)])).rejects.toThrow('more than 1000 API keys');
    await expect(keys.create('one more', 'read')).rejects.toThrow('API keys');
    expect(keys.list()).toHaveLength(1_000);
  });

  it('rows of stream ids beyond 20,000 are refused', () => {
    const directory = new StreamDirectory();
    for (let n = 0; n < 20_000; n++) directory.add({ publisher: `live_${n}`, player: `play_${n}` });
    expect(() => directory.add({ publisher: 'live_more', player: 'play_more' })).toThrow('it holds 20000 stream ids');
    expect(directory.publisherCount).toBe(20_000);
  });

  it('shared links beyond 1,000 are refused', { timeout: 60_000 }, async () => {
    const shares = await ShareStore.open(temporaryFolder());
    for (let n = 0; n < 1_000; n++) await shares.create('live_a', 1);
    await expect(shares.create('live_a', 1)).rejects.toMatchObject({ code: 'TRIBUTARY_SHARE_LIMIT' });
  });

  it('the session of the dashboard that was not used for longest makes room', async () => {
    const { keys, generated } = await KeyStore.open(temporaryFolder());
    const key = keys.verify(generated!)!;
    const sessions = new DashboardSessions(keys);
    const tokens = Array.from({ length: 1_000 }, () => sessions.open(key, 0));
    expect(sessions.keyOf(tokens[0], 1)).toBe(key);
    sessions.open(key, 1);
    expect(sessions.keyOf(tokens[1], 1)).toBeUndefined();
    for (const kept of [tokens[0], tokens[2], tokens[999]]) expect(sessions.keyOf(kept, 1)).toBe(key);
  });

  it('links beyond 16 have no lane, until one has left', () => {
    const links = Array.from({ length: 18 }, (_, n) => linkSnapshot({ address: `192.0.2.${n}`, port: n }));
    const slots = new LinkSlots();
    slots.observe([groupSnapshot({ links })], new LinkNames(carriersOff), 0);
    expect(slots.all).toHaveLength(16);
    slots.observe([groupSnapshot({ links: links.slice(1) })], new LinkNames(carriersOff), 500);
    expect(new Set(slots.all.map(({ address }) => address))).toEqual(
      new Set(links.slice(1, 17).map(({ address }) => address)),
    );
  });

  it('a carrier database above 512 MiB is refused without being read', async () => {
    const path = join(temporaryFolder(), 'large.mmdb');
    writeFileSync(path, '');
    truncateSync(path, MAX_DATABASE_BYTES + 1);
    await expect(openAsnDatabase(path)).rejects.toThrow('it is larger than 536870912 bytes');
  });
});

describe('what is asked', () => {
  it.each([
    ['/api/stream-ids', { publisher: 'live_x', player: 'play_x', description: 'd'.repeat(1_025) }, 'description'],
    ['/api/stream-ids', { publisher: 'live_x', player: 'play_x', passphrase: 'p'.repeat(9) }, 'passphrase'],
    ['/api/stream-ids', { publisher: 'live_x', player: 'play_x', passphrase: 'p'.repeat(80) }, 'passphrase'],
    ['/api/stream-ids', { publisher: 'l'.repeat(513), player: 'play_x' }, 'publisher'],
    ['/api/keys', { name: 'n'.repeat(201), permissions: 'read' }, 'name'],
  ])('a text that is too long is 400: %s %#', async (path, body, field) => {
    const { call, withKey } = await statsClient();
    const answer = await call('POST', path, withKey(ADMIN, body));
    expect([answer.status, JSON.parse(answer.body).message]).toEqual([400, expect.stringContaining(field)]);
  });

  it('the control plane answers no more requests of one address than it says', async () => {
    const plane = await testPlane(openSqlite(':memory:'), {
      env: { TRIBUTARY_CONTROL_PLANE_REQUESTS_PER_MINUTE: '5' },
    });
    const ask = async (remoteAddress: string) =>
      (await plane.plane.app.inject({ method: 'GET', url: '/healthz', remoteAddress })).statusCode;
    for (let n = 0; n < 5; n++) expect(await ask('192.0.2.1')).toBe(200);
    expect([await ask('192.0.2.1'), await ask('192.0.2.2')]).toEqual([429, 200]);
  });

  it('a WebSocket client that does not read is closed', { timeout: 20_000 }, async () => {
    const deps = await statsDeps([{ publisher: 'live_a', player: 'play_a' }]);
    const { base, clients } = await listeningStats(deps);
    const client = new PushClient(`ws://${base}/ws/stats/play_a`);
    onTestFinished(() => client.socket.terminate());
    await until('a message', () => client.frames.length > 0);
    const waiting = vi.spyOn(WebSocket.prototype, 'bufferedAmount', 'get').mockReturnValue(64 * 1_024);
    const before = client.frames.length;
    await until('another message at just the limit', () => client.frames.length > before);
    waiting.mockReturnValue(64 * 1_024 + 1);
    await client.closed;
    await until('its place to be free', () => clients() === 0);
  });

  it('of viewers two at once have a player, a third one when one has left', async () => {
    const node = new Peer();
    onTestFinished(() => node.engine.dispose());
    const { port } = node.listen({ role: 'play' });
    node.engine.allow('play', 'play_b', { maxSockets: 20 });
    const players = new LoopbackPlayers(() => ({ host: '127.0.0.1', port }));
    onTestFinished(() => players.close());
    const open = await Promise.all(Array.from({ length: MOST_PLAYERS }, () => players.open({ player: 'play_b' })));
    expect(open.every((media) => media !== undefined)).toBe(true);
    expect(await players.open({ player: 'play_b' })).toBeUndefined();
    open[0]!.destroy();
    await until('the place to be free', async () => (await players.open({ player: 'play_b' })) !== undefined);
  });
});

describe('what is sent and kept by the kernel', () => {
  it('an SRT message of 1457 bytes is refused by its sender, one of 1456 is not', async () => {
    const node = new Peer();
    const caller = new Peer();
    for (const one of [node, caller]) onTestFinished(() => one.engine.dispose());
    const { port } = node.listen();
    node.engine.allow('publish', 'live_a', { maxSockets: 1 });
    const socket = await caller.join(port, 'live_a');
    expect(caller.engine.sendMessage(socket, new Uint8Array(1_456), srtNowUs())).toBe(1_456);
    expect(() => caller.engine.sendMessage(socket, new Uint8Array(1_457), srtNowUs())).toThrow();
  });

  it('asks the kernel for no larger buffer than the cap', { timeout: 60_000 }, async () => {
    const node = await TestNode.start({ TRIBUTARY_UDP_BUFFER_MAX: '65536' });
    onTestFinished(() => node.program.stop().then(() => undefined));
    const table = execFileSync('ss', ['-H', '-u', '-a', '-n', '-m'], { encoding: 'utf8' }).split(/\n(?=\S)/);
    for (const port of [node.ports.srtla[0], node.ports.play, node.ports.publish]) {
      const sockets = table.filter((entry) => new RegExp(`:${port}\\s`).test(entry));
      expect(sockets.length).toBeGreaterThan(0);
      // The kernel doubles what is asked for.
      for (const entry of sockets) expect(Number(/,rb(\d+)/.exec(entry)?.[1])).toBe(131_072);
    }
  });
});
