import { describe, expect, it } from 'vitest';
import { FakeAccounts, FakeNode, testPlane } from '../../../test/support/control-plane.ts';
import { onEachDatabase } from '../../../test/support/databases.ts';
import { latenciesFrom } from './latencies.ts';

const LONDON = { latitude: 52, longitude: 0 };

describe('where a stream comes from', () =>
  onEachDatabase((make) => {
    it('chooses the node of the next session: by distance first, by what was measured from 20 samples on; a live one stays', async () => {
      const accounts = new FakeAccounts();
      accounts.add('ann');
      accounts.add('bob');
      const plane = await testPlane(await make().open(), { accounts });
      const near = new FakeNode(plane, 'near', { region: 'eu-west' });
      const far = new FakeNode(plane, 'far', { region: 'us-east' });
      await near.register({ position: LONDON });
      await far.register({ position: { latitude: 40.7, longitude: -74 } });
      // Registers again as it joins: the position has to be said each time.
      for (const node of [near, far]) {
        await node.join();
        await node.register({ position: node === near ? LONDON : { latitude: 40.7, longitude: -74 } });
      }
      const send = (node: FakeNode, user: string, rttMs: number) =>
        node.heartbeat({
          ingesting: [
            {
              publisher: `live_${user}1`,
              source: 'srtla',
              uptimeMs: 9_000,
              bitrateKbps: 6_000,
              lastPayloadMs: 5,
              rttMs,
              place: { country: 'GB', ...LONDON },
            },
          ],
        });
      const startAuto = async (user: string): Promise<string> =>
        (await plane.start(user, { region: 'auto' })).body.session.instance_id;

      // Nothing is known of ann; far away, by a wish for it.
      const first = (await plane.start('ann', { region: 'us-east' })).body.session;
      expect(first.instance_id).toBe('far');
      await send(far, 'ann', 90);
      // It sends, and stays where it is although its place is known now.
      expect(await startAuto('ann')).toBe('far');
      await plane.stop('ann', first.session_id);
      plane.pass(700_000);
      await plane.plane.runJob('sweep');
      for (const node of [near, far]) await node.heartbeat();
      expect(await startAuto('ann')).toBe('near');

      // Its way to the near one is long: 19 samples say nothing yet.
      for (let count = 0; count < 19; count++) await send(near, 'ann', 300);
      expect(await latenciesFrom(plane.db, LONDON, plane.clocks.unixMs)).toEqual(new Map());
      await send(near, 'ann', 300);
      const measured = await latenciesFrom(plane.db, LONDON, plane.clocks.unixMs);
      expect(measured.get('near')).toBeCloseTo(300);
      expect(await startAuto('ann')).toBe('near');
      // Of bob no more than the place is known, from a stream that a fortnight has passed since.
      const other = (await plane.start('bob', { region: 'eu-west' })).body.session;
      expect(other.instance_id).toBe('near');
      await send(near, 'bob', 300);
      await plane.stop('bob', other.session_id);
      plane.pass(14 * 86_400_000);
      await plane.plane.runJob('sweep');
      for (const node of [near, far]) await node.heartbeat();
      expect(await startAuto('bob')).toBe('far');
      // After 30 days nothing of that is known any more.
      plane.pass(31 * 86_400_000);
      await plane.plane.runJob('prune');
      expect(await plane.db.all('SELECT * FROM latencies')).toEqual([]);
      expect(await plane.db.all('SELECT * FROM slot_places')).toEqual([]);
    });
  }));
