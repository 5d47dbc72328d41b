import { describe, expect, it, vi } from 'vitest';
import { ADMIN, FakeNode, type TestPlane, testPlane } from '../../../test/support/control-plane.ts';
import { onEachDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { publisherSnapshot } from '../../../test/support/snapshots.ts';
import { ADMIN as API_KEY, statsDeps, type TestDeps } from '../../../test/support/stats-deps.ts';
import { createLinksServer } from '../../stats/links-server.ts';
import { RequestBudget } from '../../stats/request-budget.ts';
import { createStatsServer } from '../../stats/stats-server.ts';

/** A node of whatever kind, as the contract needs it. */
interface Subject {
  readonly plane: TestPlane;
  /** `player publisher` of the streams that it admits. */
  admitted(): string[];
  /** From now on it refuses this stream: the player id is somebody else's. */
  occupy(token: string): Promise<void>;
  /** This stream sends, and the plane has had the time to notice. */
  send(token: string): Promise<void>;
  fall(): void;
}

const tributary = async (make: () => TestDatabase, startWaitMs = 10_000): Promise<Subject> => {
  const plane = await testPlane(await make().open(), { startWaitMs });
  const node = await new FakeNode(plane, 'kc1').join();
  return {
    plane,
    admitted: () => [...node.rows].map(([player, publisher]) => `${player} ${publisher}`),
    occupy: async (token) => {
      node.conflicts = [`play_${token}`];
    },
    send: async (token) => {
      node.ingesting = [`live_${token}`];
      await node.heartbeat();
    },
    fall: () => node.die(),
  };
};

/** The management API of a real node, which is that of SLS, reached without a port. */
const sls = async (make: () => TestDatabase): Promise<Subject> => {
  const deps: TestDeps = await statsDeps([]);
  const servers = {
    8090: createStatsServer(deps, new RequestBudget(1_000)).app,
    5080: createLinksServer(deps, new RequestBudget(1_000)),
  };
  let isDown = false;
  const plane = await testPlane(await make().open(), {
    fetch: async (address, { method, headers, body }) => {
      if (isDown) throw new Error('connection refused');
      const { host, port, pathname, search } = new URL(address);
      expect(host).toMatch(/^old1\.example\.com:/);
      const response = await servers[Number(port) as 8_090 | 5_080].inject({
        method: method as 'GET',
        url: pathname + search,
        headers: headers as Record<string, string>,
        ...(body ? { payload: body as string } : {}),
      });
      return new Response(response.body, { status: response.statusCode });
    },
  });
  await plane.call('POST', '/api/v1/admin/nodes', ADMIN, {
    kind: 'sls',
    server_id: 'old1',
    host: 'old1.example.com',
    ip: '192.0.2.9',
    region: 'us-central',
    api_key: API_KEY,
  });
  await plane.plane.runJob('sls-health');
  return {
    plane,
    admitted: () => deps.directory.rows().map(({ player, publisher }) => `${player} ${publisher}`),
    occupy: async (token) => {
      await servers[8_090].inject({
        method: 'POST',
        url: '/api/stream-ids',
        headers: { authorization: `Bearer ${API_KEY}` },
        payload: JSON.stringify({ publisher: 'live_other', player: `play_${token}` }),
      });
    },
    send: async (token) => {
      deps.view = { ...deps.view, publishers: [publisherSnapshot({ publisherId: `live_${token}` })] };
      await plane.plane.runJob('sls-ingest');
    },
    fall: () => {
      isDown = true;
    },
  };
};

const KINDS: [string, (make: () => TestDatabase, startWaitMs?: number) => Promise<Subject>][] = [
  ['tributary', tributary],
  ['sls', sls],
];

describe.each(KINDS)('a provisioner of kind %s', (kind, open) =>
  onEachDatabase((make) => {
    const subject = async (startWaitMs?: number) => {
      const one = await open(make, startWaitMs);
      for (const user of ['ann', 'bob']) one.plane.accounts.add(user);
      return one;
    };
    const idOf = async (plane: TestPlane, user: string) => (await plane.active(user)).body.session.session_id;

    it('has the node admit a stream before it says so', async () => {
      const { plane, admitted } = await subject();
      const { status, body } = await plane.start('ann');
      expect({ status, state: body.session.status }).toEqual({ status: 201, state: 'active' });
      expect(admitted()).toEqual(['play_ann1 live_ann1']);
    });

    it('takes it away when its grace is over, and not while it is wanted again', async () => {
      const { plane, admitted } = await subject();
      await plane.start('ann');
      await plane.start('bob');
      await plane.stop('ann', await idOf(plane, 'ann'));
      await plane.stop('bob', await idOf(plane, 'bob'));
      plane.pass(300_000);
      expect((await plane.start('bob')).body.session.status).toBe('active');
      await plane.plane.runJob('sweep');
      expect(admitted().sort()).toEqual(['play_ann1 live_ann1', 'play_bob1 live_bob1']);
      plane.pass(301_000);
      for (let times = 0; times < 2; times++) await plane.plane.runJob('sweep');
      await vi.waitFor(() => expect(admitted()).toEqual(['play_bob1 live_bob1']));
    });

    it('takes a revoked one away at once, and whoever is there with it', async () => {
      const { plane, admitted } = await subject();
      await plane.start('ann');
      await plane.call('DELETE', `/api/v1/admin/sessions/${await idOf(plane, 'ann')}`, ADMIN);
      await vi.waitFor(() => expect(admitted()).toEqual([]));
    });

    it("refuses where the player id is somebody else's", async () => {
      const { plane, occupy } = await subject();
      await occupy('ann1');
      expect((await plane.start('ann')).status).toBe(503);
      expect((await plane.active('ann')).status).toBe(204);
      expect((await plane.start('bob')).status).toBe(201);
    });

    it('knows who is sending: that session lives without its client', async () => {
      const { plane, send } = await subject();
      await plane.start('ann');
      const sessions = async () => (await plane.call('GET', '/api/v1/admin/sessions', ADMIN)).body.sessions;
      expect((await sessions())[0].isIngesting).toBe(false);
      for (let minute = 0; minute < 8; minute++) {
        plane.pass(60_000);
        await send('ann1');
        await plane.plane.runJob('lease-watch');
      }
      expect((await sessions())[0].isIngesting).toBe(true);
    });

    it('is no reason to wait where the node is down', async () => {
      const { plane, fall } = await subject(300);
      await plane.start('ann');
      fall();
      await plane.stop('ann', await idOf(plane, 'ann'));
      plane.pass(601_000);
      await plane.plane.runJob('sweep');
      const { status } = await plane.start('bob');
      // An API that does not answer is a no; a node that asks for its list may ask again.
      expect(status).toBe(kind === 'sls' ? 503 : 201);
    });
  }),
);

describe('a node of the old stack', () =>
  onEachDatabase((make) => {
    it('is healthy while it answers, and unhealthy after three times that it does not', async () => {
      const { plane, fall } = await sls(make);
      const health = async () => (await plane.call('GET', '/api/v1/admin/nodes', ADMIN)).body.nodes[0].health_status;
      expect(await health()).toBe('healthy');
      fall();
      for (let times = 0; times < 3; times++) {
        expect(await health()).toBe('healthy');
        plane.pass(70_000);
        await plane.plane.runJob('sls-health');
      }
      expect(await health()).toBe('unhealthy');
    });

    it('gets ids back that it has lost', async () => {
      const { plane, admitted } = await sls(make);
      plane.accounts.add('ann');
      await plane.start('ann');
      await plane.db.run(`UPDATE nodes SET api_key = 'wrong'`);
      await plane.plane.runJob('sls-ids');
      await plane.db.run('UPDATE nodes SET api_key = ?', [API_KEY]);
      expect(admitted()).toHaveLength(1);
      await plane.db.run(`UPDATE assignments SET stream_token = 'lost1', label = 'x'`);
      await plane.plane.runJob('sls-ids');
      expect(admitted().sort()).toEqual(['play_ann1 live_ann1', 'play_lost1 live_lost1']);
    });
  }));
