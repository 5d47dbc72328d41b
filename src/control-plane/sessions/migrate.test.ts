import { describe, expect, it } from 'vitest';
import { FakeNode, type PlaneOptions, type TestPlane, testPlane } from '../../../test/support/control-plane.ts';
import { onEachDatabase, type TestDatabase } from '../../../test/support/databases.ts';

const MINUTE = 60_000;

/** `ann` streams through `kc1` in us-central; `ld1` in eu-west is the other node. */
const moving = async (make: () => TestDatabase, options: PlaneOptions = {}) => {
  const plane = await testPlane(await make().open(), options);
  plane.accounts.add('ann', 2);
  plane.accounts.add('bob');
  const old = await new FakeNode(plane, 'kc1').join();
  const { body } = await plane.start('ann', { connection: 'obs', token: 'ann1', region: 'us-central' });
  const node = await new FakeNode(plane, 'ld1', { region: 'eu-west' }).join();
  return { plane, old, node, session: body.session };
};
const move = (plane: TestPlane, region = 'eu-west', user = 'ann') =>
  plane.call('POST', '/api/v1/relay/migrate', user, { connection_id: 'obs', new_region: region });
const listed = async (node: FakeNode): Promise<{ player: string; pullFrom?: string }[]> => {
  node.generation = 0;
  await node.heartbeat();
  return node.lists.at(-1)!.streams.map(({ player, pullFrom }) => ({ player, ...(pullFrom ? { pullFrom } : {}) }));
};

describe('relay/migrate', () =>
  onEachDatabase((make) => {
    it('has the new node take the stream, and read it from the old one, which keeps it for ten minutes', async () => {
      const { plane, old, node, session } = await moving(make);
      const { status, body } = await move(plane);
      expect(status).toBe(200);
      expect(body.session).toMatchObject({
        ...{ session_id: session.session_id, status: 'active', region: 'eu-west', instance_id: 'ld1' },
        credentials: session.credentials,
      });
      expect((await plane.active('ann', 'obs')).body.session).toEqual(body.session);
      expect(await listed(node)).toEqual([{ player: 'play_ann1', pullFrom: '192.0.2.7:4000' }]);
      expect(await listed(old)).toEqual([{ player: 'play_ann1' }]);
      plane.pass(9 * MINUTE);
      await plane.plane.runJob('sweep');
      expect(await listed(old)).toEqual([{ player: 'play_ann1' }]);
      plane.pass(2 * MINUTE);
      await plane.plane.runJob('sweep');
      expect(await listed(old)).toEqual([]);
      expect(await listed(node)).toEqual([{ player: 'play_ann1' }]);
    });

    it('is done once an hour for a slot, however many ask at once', async () => {
      const { plane } = await moving(make);
      await new FakeNode(plane, 'ny1', { region: 'us-east' }).join();
      const answers = await Promise.all([move(plane, 'eu-west'), move(plane, 'us-east')]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 429]);
      const refused = answers.find(({ status }) => status === 429)!;
      expect(refused.body.error.code).toBe('migration_too_soon');
      expect(Number(refused.headers['retry-after'])).toBe(3_600);
      plane.pass(61 * MINUTE);
      await plane.health('ann', answers.find(({ status }) => status === 200)!.body.session.session_id);
      expect((await plane.active('ann', 'obs')).status).toBe(200);
    });

    it('says the same to whoever asks for the region where the session is', async () => {
      const { plane } = await moving(make);
      const first = await move(plane);
      expect(await move(plane)).toMatchObject({ status: 200, body: first.body });
    });

    it('leaves the session where it was where the new node does not take the stream, and may be tried again', async () => {
      const { plane, old, node, session } = await moving(make);
      node.conflicts = ['play_ann1'];
      expect(await move(plane)).toMatchObject({ status: 503, body: { error: { code: 'node_not_ready' } } });
      expect((await plane.active('ann', 'obs')).body.session).toEqual(session);
      expect(await listed(node)).toEqual([]);
      expect(await listed(old)).toEqual([{ player: 'play_ann1' }]);
      plane.pass(11 * MINUTE);
      await plane.health('ann', session.session_id);
      await plane.plane.runJob('sweep');
      expect(await listed(old)).toEqual([{ player: 'play_ann1' }]);
      node.conflicts = [];
      await node.heartbeat();
      await old.heartbeat();
      expect((await move(plane)).status).toBe(200);
    });

    it('goes to the best other node where an administrator says so, in the same region too', async () => {
      const { plane, node } = await moving(make);
      node.maxSessions = 0;
      await node.register();
      await new FakeNode(plane, 'kc2').join();
      expect((await move(plane, 'auto')).body.session).toMatchObject({ instance_id: 'kc2', region: 'us-central' });
    });

    it('needs room in the region that is asked for', async () => {
      const { plane, session } = await moving(make);
      expect(await move(plane, 'us-east')).toMatchObject({
        status: 503,
        body: { error: { code: 'no_relay_available' } },
      });
      expect((await plane.active('ann', 'obs')).body.session).toEqual(session);
    });

    it('refuses what is not there, and other people', async () => {
      const { plane } = await moving(make);
      expect((await move(plane, 'the-moon')).status).toBe(400);
      expect((await move(plane, 'eu-west', 'bob')).status).toBe(404);
      expect((await move(plane, 'eu-west', 'nobody')).status).toBe(401);
    });
  }));
