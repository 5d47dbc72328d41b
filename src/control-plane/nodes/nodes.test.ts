import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import {
  ADMIN,
  ENROL_KEY,
  FakeAccounts,
  FakeNode,
  type TestPlane,
  testPlane,
} from '../../../test/support/control-plane.ts';
import { onEachDatabase } from '../../../test/support/databases.ts';
import type { Logger } from '../../shared/logger.ts';

const PATH = '/api/v1/admin/nodes';

const nodeOf = async (plane: TestPlane, id: string) =>
  (await plane.call('GET', PATH, ADMIN)).body.nodes.find((node: { server_id: string }) => node.server_id === id);

/** What was logged, as `level message`. */
const recorder = (): { logger: Logger; lines: string[] } => {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return { logger, lines };
};

describe('registration', () =>
  onEachDatabase((make) => {
    it('takes a node in that brings the enrolment key, and knows what it says of itself', async () => {
      const plane = await testPlane(await make().open());
      const node = new FakeNode(plane, 'kc1', { region: 'US-Central-1' });
      const { status, body } = await node.register({
        publicHost: 'kc1.example.com',
        ports: { srtla: [5_010, 5_011], publish: 1, play: 4_010, stats: 2, links: 3 },
      });
      expect({ status, body }).toEqual({
        status: 200,
        body: { planeId: expect.stringMatching(/^plane-[0-9a-f]{24}$/), status: 'active' },
      });
      expect(await nodeOf(plane, 'kc1')).toMatchObject({
        region: 'us-central',
        host: 'kc1.example.com',
        ip: '192.0.2.7',
        health_status: 'unknown',
        max_sessions: 10,
      });
      await node.heartbeat();
      expect(await nodeOf(plane, 'kc1')).toMatchObject({ health_status: 'healthy', health_score: 95, month_bytes: 3 });
    });

    it('takes the address that a node comes from where it names none', async () => {
      const plane = await testPlane(await make().open());
      const node = new FakeNode(plane, 'kc1');
      await node.register({ publicIp: undefined });
      expect(await nodeOf(plane, 'kc1')).toMatchObject({ host: '127.0.0.1', ip: '127.0.0.1' });
    });

    it('wants the key of this very node', async () => {
      const plane = await testPlane(await make().open(), { env: { NODE_ENROL_KEY: '' } });
      const added = await plane.call('POST', PATH, ADMIN, { kind: 'tributary', server_id: 'kc1' });
      const key: string = added.body.node_key;
      await plane.call('POST', PATH, ADMIN, { kind: 'tributary', server_id: 'ld1', node_key: 'k'.repeat(20) });
      const as = (id: string, key: string) => new FakeNode(plane, id, { key });
      expect((await as('kc1', key).register()).status).toBe(200);
      expect(await as('kc1', 'k'.repeat(20)).register()).toMatchObject({
        status: 403,
        body: { error: { code: 'node_key_mismatch' } },
      });
      expect(await as('kc1', ENROL_KEY).register()).toMatchObject({
        status: 401,
        body: { error: { code: 'unauthorized' } },
      });
      expect((await as('new', ENROL_KEY).register()).status).toBe(401);
      expect((await as('new', key).register()).status).toBe(403);
      expect((await plane.call('POST', '/api/v1/nodes/register', undefined, {})).status).toBe(401);
      // Another key in place of it: from then on the old one is nobody's.
      const changed = (await plane.call('POST', `${PATH}/kc1/key`, ADMIN)).body.node_key;
      expect((await as('kc1', key).heartbeat()).status).toBe(401);
      plane.pass(30_000);
      expect((await as('kc1', changed).register()).status).toBe(200);
    });

    it('knows the node that is started beside the plane', async () => {
      const db = await make().open();
      const localNode = { serverId: 'local', key: 'l'.repeat(20) };
      const plane = await testPlane(db, { env: { NODE_ENROL_KEY: '' }, localNode });
      expect((await new FakeNode(plane, 'local', { key: localNode.key }).register()).status).toBe(200);
      const next = await testPlane(db, { localNode: { serverId: 'local', key: 'm'.repeat(20) } });
      expect((await new FakeNode(next, 'local', { key: 'l'.repeat(20) }).register()).status).toBe(401);
    });

    it('gives an id to one instance at a time', async () => {
      const plane = await testPlane(await make().open());
      const [first, second] = [new FakeNode(plane, 'kc1'), new FakeNode(plane, 'kc1')];
      await first.register();
      await first.heartbeat();
      expect(await second.register()).toMatchObject({ status: 409, body: { error: { code: 'node_id_in_use' } } });
      expect(await second.heartbeat()).toMatchObject({ status: 409 });
      // The same data folder, started anew.
      expect((await first.register()).status).toBe(200);
      plane.pass(30_000);
      expect(await second.heartbeat()).toMatchObject({ status: 404, body: { error: { code: 'node_unknown' } } });
      expect((await second.register()).status).toBe(200);
      expect(await first.heartbeat()).toMatchObject({ status: 409 });
    });

    it.each<[string, object, string]>([
      ['a newer protocol', { protocol: 99 }, 'protocol_unsupported'],
      ['an id that is no part of a URL', { serverId: 'a/b' }, 'invalid_request'],
      ['an address that is none', { publicIp: 'example.com' }, 'invalid_request'],
      ['no ports', { ports: undefined }, 'invalid_request'],
    ])('refuses %s', async (_what, more, code) => {
      const plane = await testPlane(await make().open());
      const { status, body } = await new FakeNode(plane, 'kc1').register(more);
      expect({ status, code: body.error.code }).toEqual({ status: code === 'invalid_request' ? 400 : 426, code });
    });

    it('bears whatever a node says of itself: others go on', async () => {
      const plane = await testPlane(await make().open());
      plane.accounts.add('ann');
      const good = await new FakeNode(plane, 'kc1').join();
      const bad = new FakeNode(plane, 'kc2');
      await bad.register();
      const most = Number.MAX_SAFE_INTEGER;
      const { planeId } = (await good.heartbeat()).body;
      expect((await bad.register({ planeId, generation: most })).status).toBe(400);
      expect((await bad.call('GET', `kc2/desired?after=${most}`)).status).toBe(400);
      for (const traffic of [most, 2 ** 51])
        await bad.heartbeat({ traffic: { month: '2026-09', receivedBytes: traffic, sentBytes: traffic } });
      await bad.register({ planeId, generation: 2 ** 51 });
      expect((await plane.call('GET', PATH, ADMIN)).status).toBe(200);
      expect((await plane.start('ann')).body.session).toMatchObject({ status: 'active', instance_id: 'kc1' });
    });

    it('reads no body of whoever has no key', async () => {
      const plane = await testPlane(await make().open());
      for (const path of ['register', 'kc1/heartbeat', 'kc1/applied', 'kc1/links']) {
        const node = new FakeNode(plane, 'kc1', { key: 'x'.repeat(20) });
        expect((await node.call('POST', path, { long: 'x'.repeat(5 * 2 ** 20) })).status).toBe(401);
      }
    });

    it('refuses requests of nobody it knows', async () => {
      const plane = await testPlane(await make().open());
      const node = new FakeNode(plane, 'kc1');
      expect((await new FakeNode(plane, 'kc1', { key: 'x'.repeat(20) }).heartbeat()).status).toBe(401);
      // With the key for enrolment it only has to register first: the database may be a new one.
      expect((await node.heartbeat()).status).toBe(404);
      await node.register();
      expect((await node.call('GET', 'kc1/desired', undefined, 'no instance')).status).toBe(400);
      expect((await node.call('GET', 'kc1/desired?after=x')).status).toBe(400);
      expect((await node.call('GET', 'other/desired')).status).toBe(404);
      expect((await node.call('POST', 'kc1/heartbeat', { score: 'high' })).status).toBe(400);
      expect((await node.call('POST', 'kc1/links', { streams: [{}] })).status).toBe(400);
      expect((await node.call('POST', 'kc1/links', { streams: [] }, randomBytes(16).toString('hex'))).status).toBe(409);
    });
  }));

describe('health', () =>
  onEachDatabase((make) => {
    it('follows the score of heartbeats with some patience, and is gone with three that are missing', async () => {
      const plane = await testPlane(await make().open());
      const node = new FakeNode(plane, 'kc1');
      await node.register();
      const health = async () => (await nodeOf(plane, 'kc1')).health_status;
      await node.heartbeat();
      await node.heartbeat({ score: 10 });
      expect(await health()).toBe('healthy');
      await node.heartbeat({ score: 10 });
      expect(await health()).toBe('unhealthy');
      await node.heartbeat();
      await node.heartbeat();
      expect(await health()).toBe('healthy');
      const seconds = async (count: number) => {
        for (let second = 0; second < count; second += 5) {
          plane.pass(5_000);
          await plane.plane.runJob('heartbeat-watch');
        }
      };
      // The plane itself has to be there for a while before it counts.
      for (let times = 0; times < 4; times++) {
        await seconds(10);
        await node.heartbeat();
      }
      await seconds(30);
      expect(await health()).toBe('healthy');
      await seconds(5);
      expect(await health()).toBe('unhealthy');
    });

    it('keeps encoders away from a node that refuses them, or that an operator drains', async () => {
      const plane = await testPlane(await make().open());
      plane.accounts.add('ann');
      const node = await new FakeNode(plane, 'kc1').join();
      const status = async () => {
        const { status, body } = await plane.start('ann');
        if (status < 300) await plane.stop('ann', body.session.session_id);
        return status;
      };
      expect(await status()).toBe(201);
      await node.heartbeat({ notReady: ['data plane restarting'] });
      expect(await status()).toBe(503);
      await node.heartbeat({ draining: true });
      expect(await status()).toBe(503);
      await node.heartbeat();
      for (const state of ['draining', 'inactive', 'active']) {
        await plane.call('PATCH', `${PATH}/kc1`, ADMIN, { status: state });
        expect(await status(), state).toBe(state === 'active' ? 201 : 503);
        expect((await node.heartbeat()).body.status).toBe(state);
      }
    });

    it('tells of a clock that is wrong once, and lets it decide nothing', async () => {
      const { logger, lines } = recorder();
      const plane = await testPlane(await make().open(), { logger });
      plane.accounts.add('ann');
      const node = await new FakeNode(plane, 'kc1').join();
      for (let times = 0; times < 3; times++) await node.heartbeat({ unixMs: plane.clocks.unixMs - 3_600_000 });
      expect(lines.filter((line) => line.includes("node's clock"))).toHaveLength(1);
      expect((await nodeOf(plane, 'kc1')).clock_skew_ms).toBe(-3_600_000);
      expect((await plane.start('ann')).body.session.status).toBe('active');
      await node.heartbeat();
      expect(lines.at(-1)).toContain('right again');
    });

    it('takes what a question was late for no wrong clock, where the node has measured it', async () => {
      const { logger, lines } = recorder();
      const plane = await testPlane(await make().open(), { logger });
      const node = await new FakeNode(plane, 'kc1').join();
      const late = plane.clocks.unixMs - 20_000;
      const answer = await node.heartbeat({ unixMs: late, clock: { aheadMs: -10_000, roundTripMs: 20_100 } });
      expect(answer.body.unixMs).toBe(plane.clocks.unixMs);
      expect((await nodeOf(plane, 'kc1')).clock_skew_ms).toBe(0);
      expect(lines.filter((line) => line.includes("node's clock"))).toEqual([]);
      await node.heartbeat({ unixMs: late, clock: { aheadMs: -3_600_000, roundTripMs: 2_000 } });
      expect((await nodeOf(plane, 'kc1')).clock_skew_ms).toBe(-3_599_000);
      expect(lines.filter((line) => line.includes("node's clock"))).toHaveLength(1);
    });

    it('takes no wait for the database for a wrong clock', async () => {
      const { logger, lines } = recorder();
      const db = await make().open();
      let isSlow = false;
      const first: typeof db.first = async (sql, params) => {
        if (isSlow) plane.clocks.unixMs += 60_000;
        return db.first(sql, params);
      };
      const slow = new Proxy(db, {
        get: (target, name) => {
          if (name === 'first') return first;
          const value = Reflect.get(target, name, target) as unknown;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      const plane = await testPlane(slow, { logger });
      const node = new FakeNode(plane, 'kc1');
      await node.register();
      isSlow = true;
      const before = plane.clocks.unixMs;
      expect((await node.heartbeat()).status).toBe(200);
      isSlow = false;
      expect(plane.clocks.unixMs).toBeGreaterThan(before);
      expect((await nodeOf(plane, 'kc1')).clock_skew_ms).toBe(0);
      expect(lines.filter((line) => line.includes("node's clock"))).toEqual([]);
    });
  }));

describe('the list of a node', () =>
  onEachDatabase((make) => {
    const withNode = async () => {
      const database = make();
      const plane = await testPlane(await database.open());
      for (const user of ['ann', 'bob', 'cid', 'dan', 'eve']) plane.accounts.add(user);
      return { database, plane, node: new FakeNode(plane, 'kc1') };
    };

    it('is asked for once at a time', async () => {
      const { node } = await withNode();
      await node.register();
      await node.heartbeat();
      const first = node.poll();
      const second = node.poll();
      expect((await first).status).toBe(204);
      await node.plane.plane.stop();
      expect((await second).status).toBe(204);
    });

    it('is asked for and answered when it changes, with a generation that grows', async () => {
      const { plane, node } = await withNode();
      await node.register();
      await node.heartbeat();
      const polling = node.poll();
      await plane.start('ann');
      expect((await polling).body).toMatchObject({
        streams: [{ publisher: 'live_ann1', player: 'play_ann1', label: 'Camera 1' }],
      });
      const generation = node.generation!;
      const next = node.poll();
      await plane.start('bob');
      expect((await next).body.generation).toBeGreaterThan(generation);
      expect(node.rows.size).toBe(2);
      // Registered anew with an empty data folder: the whole list at once.
      const fresh = new FakeNode(plane, 'kc1');
      plane.pass(31_000);
      expect((await fresh.register()).body.desired.streams).toHaveLength(2);
      expect((await nodeOf(plane, 'kc1')).applied_generation).toBe(node.generation);
    });

    it('comes with the heartbeat where the long poll does not', async () => {
      const { plane, node } = await withNode();
      await node.register();
      await node.heartbeat();
      const starting = plane.start('ann');
      await vi.waitFor(async () => expect((await plane.active('ann')).status).toBe(200));
      expect((await node.heartbeat()).body.desired.streams).toHaveLength(1);
      expect((await node.heartbeat()).body.desired).toBeUndefined();
      expect((await starting).body.session.status).toBe('active');
    });

    it('takes many away at once only where each of them is on record', async () => {
      const { plane, node } = await withNode();
      await node.join();
      for (const user of ['ann', 'bob', 'cid', 'dan', 'eve']) await plane.start(user);
      await vi.waitFor(() => expect(node.rows.size).toBe(5));
      const sessions = (await plane.call('GET', '/api/v1/admin/sessions', ADMIN)).body.sessions;
      for (const { id, userId } of sessions) if (userId !== 'eve') await plane.stop(userId, id);
      plane.pass(601_000);
      await plane.plane.runJob('sweep');
      await vi.waitFor(() => expect([...node.rows.keys()]).toEqual(['play_eve1']));
      expect(node.lists.at(-1)).toMatchObject({ confirm: true });
      expect(node.held).toBe(0);
    });

    it('keeps what has vanished from the database without a record, until an administrator confirms', async () => {
      const { plane, node } = await withNode();
      await node.join();
      for (const user of ['ann', 'bob', 'cid', 'dan']) await plane.start(user);
      await vi.waitFor(() => expect(node.rows.size).toBe(4));
      await plane.db.run("DELETE FROM assignments WHERE user_id IN ('ann', 'bob', 'cid')");
      await plane.start('eve');
      await vi.waitFor(() => expect(node.held).toBe(3));
      await node.heartbeat();
      expect(await nodeOf(plane, 'kc1')).toMatchObject({ held: 3 });
      // A session that ends in the ordinary way does not take them with it.
      await plane.call(
        'DELETE',
        `/api/v1/admin/sessions/${(await plane.active('dan')).body.session.session_id}`,
        ADMIN,
      );
      await vi.waitFor(() => expect(node.lists.at(-1)!.streams).toHaveLength(1));
      expect(node.lists.at(-1)!.confirm).toBeUndefined();
      await plane.call('POST', `${PATH}/kc1/confirm`, ADMIN);
      await vi.waitFor(() => expect([...node.rows.keys()]).toEqual(['play_eve1']));
      expect(node.lists.at(-1)).toMatchObject({ confirm: true });
      await node.heartbeat();
      await plane.start('ann');
      await vi.waitFor(() => expect(node.rows.size).toBe(2));
      expect(node.lists.at(-1)!.confirm).toBeUndefined();
    });
  }));

describe('a database that comes back', () =>
  onEachDatabase((make) => {
    it('empty: is another plane, and takes nothing away', async () => {
      const accounts = new FakeAccounts();
      for (const user of ['ann', 'bob']) accounts.add(user);
      const before = await testPlane(await make().open(), { accounts });
      const node = await new FakeNode(before, 'kc1').join();
      await before.start('ann');
      await vi.waitFor(() => expect(node.rows.size).toBe(1));
      node.die();
      const after = await testPlane(await make().open(), { accounts, startWaitMs: 100 });
      node.plane = after;
      const { body } = await node.register();
      expect(body.planeId).not.toBe(node.planeId);
      expect(body.desired).toBeUndefined();
      await node.heartbeat();
      await after.start('bob');
      await node.heartbeat();
      expect([...node.rows.keys()].sort()).toEqual(['play_ann1', 'play_bob1']);
      expect((await after.active('bob')).body.session.status).toBe('active');
    });

    it('is told nothing of why streams are missing by a node that has lost its memory', async () => {
      const plane = await testPlane(await make().open());
      for (const user of ['ann', 'bob']) plane.accounts.add(user);
      const node = await new FakeNode(plane, 'kc1').join();
      const { body } = await plane.start('ann');
      await plane.start('bob');
      await plane.call('DELETE', `/api/v1/admin/sessions/${body.session.session_id}`, ADMIN);
      await vi.waitFor(() => expect(node.lists.at(-1)).toMatchObject({ confirm: true }));
      await node.leave();
      const { desired } = (await node.register({ planeId: undefined, generation: undefined })).body;
      expect(desired.streams).toHaveLength(1);
      expect(desired.confirm).toBeUndefined();
    });

    /** A plane whose database goes back to what it was before the last starts; the node does not. */
    const goneBack = async (startsSince: number) => {
      const plane = await testPlane(await make().open());
      for (const user of ['ann', 'bob', 'cid', 'dan', 'eve']) plane.accounts.add(user);
      const node = new FakeNode(plane, 'kc1');
      await node.register();
      await node.heartbeat();
      const tables = ['nodes', 'node_generations', 'sessions', 'assignments'];
      const saved = new Map<string, Record<string, never>[]>();
      const starting = plane.start('ann');
      await node.poll();
      await starting;
      for (const table of tables) saved.set(table, await plane.db.all(`SELECT * FROM ${table}`));
      for (const user of ['bob', 'cid', 'dan']) {
        plane.pass(1_000);
        const starting = plane.start(user);
        await node.poll();
        await starting;
      }
      for (const table of tables) {
        await plane.db.run(`DELETE FROM ${table}`);
        for (const row of saved.get(table)!) {
          const names = Object.keys(row);
          await plane.db.run(
            `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
            Object.values(row),
          );
        }
      }
      for (let times = 0; times < startsSince; times++) {
        plane.pass(1_000);
        await plane.call(
          'DELETE',
          `/api/v1/admin/sessions/${(await plane.active('ann')).body.session.session_id}`,
          ADMIN,
        );
        // Nobody says a word on it before the end.
        void plane.start('ann');
        await vi.waitFor(async () => expect((await plane.active('ann')).status).toBe(200));
      }
      return { plane, node };
    };

    it.each([0, 8])(
      'older, with %i changes since: goes on, and takes nothing away until it is confirmed',
      async (since) => {
        const { plane, node } = await goneBack(since);
        expect(node.rows.size).toBe(4);
        await node.heartbeat();
        expect(node.lists.at(-1)).toMatchObject({ older: true });
        expect(node.rows.size).toBe(4);
        expect(node.held).toBe(3);
        const starting = plane.start('eve');
        await node.poll();
        expect((await starting).body.session.status).toBe('active');
        await node.heartbeat();
        expect(node.rows.size).toBe(5);
        expect(node.lists.at(-1)!.older).toBeUndefined();
        expect(node.lists.at(-1)!.confirm).toBeUndefined();
        await plane.call('POST', `${PATH}/kc1/confirm`, ADMIN);
        await node.poll();
        expect([...node.rows.keys()].sort()).toEqual(['play_ann1', 'play_eve1']);
      },
    );
  }));

describe('what an administrator does with nodes', () =>
  onEachDatabase((make) => {
    it('wants an administrator', async () => {
      const plane = await testPlane(await make().open());
      plane.accounts.add('ann');
      for (const user of ['ann', undefined])
        for (const [method, url] of [
          ['GET', PATH],
          ['GET', '/api/v1/admin/relay-pool'],
          ['POST', PATH],
          ['PATCH', `${PATH}/kc1`],
          ['DELETE', `${PATH}/kc1`],
          ['POST', `${PATH}/kc1/confirm`],
          ['POST', `${PATH}/kc1/key`],
          ['GET', '/api/v1/admin/sessions'],
          ['DELETE', '/api/v1/admin/sessions/x'],
        ] as const)
          expect((await plane.call(method, url, user)).status, `${method} ${url}`).toBe(401);
    });

    it('adds, changes and removes them', async () => {
      const plane = await testPlane(await make().open());
      const sls = {
        kind: 'sls',
        server_id: 'old1',
        host: 'old1.example.com',
        ip: '192.0.2.9',
        region: 'us-east',
        api_key: 'k',
      };
      const added = await plane.call('POST', PATH, ADMIN, sls);
      expect(added).toMatchObject({ status: 201, body: { node: { kind: 'sls', health_status: 'unknown' } } });
      expect(JSON.stringify(added.body)).not.toContain('"k"');
      expect((await plane.call('POST', PATH, ADMIN, sls)).status).toBe(409);
      expect((await plane.call('POST', PATH, ADMIN, { ...sls, server_id: 'x', ip: 'y' })).status).toBe(400);
      expect((await plane.call('POST', PATH, ADMIN, { ...sls, server_id: 'x', api_url: 'ftp://x' })).status).toBe(400);
      expect((await plane.call('PATCH', `${PATH}/old1`, ADMIN, { max_sessions: 3 })).body.node.max_sessions).toBe(3);
      expect((await plane.call('PATCH', `${PATH}/none`, ADMIN, {})).status).toBe(404);
      expect((await plane.call('DELETE', `${PATH}/old1`, ADMIN)).status).toBe(409);
      await plane.call('PATCH', `${PATH}/old1`, ADMIN, { status: 'inactive' });
      expect((await plane.call('DELETE', `${PATH}/old1`, ADMIN)).status).toBe(204);
      expect((await plane.call('GET', PATH, ADMIN)).body).toEqual({ nodes: [] });
    });
  }));

describe('the traffic of a node', () =>
  onEachDatabase((make) => {
    it('is counted as its provider does; 70 % of the cap warns, and 95 % keeps new sessions away until the day of the reset', async () => {
      const { logger, lines } = recorder();
      const accounts = new FakeAccounts();
      accounts.add('ann', 2);
      // 21 September 2026
      const plane = await testPlane(await make().open(), { logger, accounts });
      const node = new FakeNode(plane, 'kc1');
      const limits = { maxSessions: 10, monthlyCapBytes: 1_000e9, resetDay: 25, count: 'out' } as const;
      node.limits = limits;
      await node.register();
      const use = (sentBytes: number, month = '2026-08') =>
        node.heartbeat({ traffic: { month, receivedBytes: 2_000e9, sentBytes } });
      const state = async () => (await nodeOf(plane, 'kc1')).traffic_state;
      const told = () => lines.filter((line) => line.includes('traffic'));

      await use(690e9);
      expect([await state(), told()]).toEqual(['ok', []]);
      await use(700e9);
      await use(710e9);
      expect([await state(), told()]).toEqual(['warning', ['warn a node has used 70 % of its traffic']]);
      await node.join();
      await use(710e9);
      expect((await plane.start('ann', { connection: 'one' })).status).toBe(201);
      node.ingesting = ['live_ann1'];
      await use(950e9);
      expect(await state()).toBe('drain');
      expect(told().at(-1)).toMatch(/^error a node has used 95 %/);
      expect((await plane.start('ann', { connection: 'two' })).body.error.code).toBe('capacity_full');
      // What sends there goes on there when OBS is started anew.
      expect((await plane.start('ann', { connection: 'three', token: 'ann1' })).body.session.instance_id).toBe('kc1');
      // What the node says of the period that is over is nothing to the new one.
      plane.pass(4 * 86_400_000);
      expect(await state()).toBe('ok');
      await use(1e9, '2026-09');
      expect(await state()).toBe('ok');
    });
  }));
