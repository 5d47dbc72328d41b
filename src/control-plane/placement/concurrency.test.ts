import { describe, expect, it } from 'vitest';
import { FakeAccounts, FakeNode, testPlane } from '../../../test/support/control-plane.ts';
import { onEachDatabase } from '../../../test/support/databases.ts';

const STARTS = 200;

describe('200 starts at once on three nodes', () =>
  onEachDatabase((make) => {
    /** Two processes, where the database can be shared, and nodes with so much room in all. */
    const startAll = async (room: readonly number[]) => {
      const database = make();
      const accounts = new FakeAccounts();
      for (let index = 0; index < STARTS; index++) accounts.add(`user${index}x`);
      const planes = await Promise.all([0, 1].map(async () => testPlane(await database.open(), { accounts })));
      const nodes = await Promise.all(
        room.map((maxSessions, index) => new FakeNode(planes[index % 2]!, `node${index}`, { maxSessions }).join()),
      );
      const answers = await Promise.all(
        Array.from({ length: STARTS }, (_, index) => planes[index % 2]!.start(`user${index}x`)),
      );
      const taken = await planes[0]!.db.all<{ server_id: string; n: number }>(
        'SELECT server_id, COUNT(*) AS n FROM assignments WHERE released_ms IS NULL GROUP BY server_id ORDER BY server_id',
      );
      return { nodes, statuses: answers.map(({ status }) => status), taken: taken.map(({ n }) => n) };
    };

    it('all get one where there is room for all', async () => {
      const { statuses, taken } = await startAll([100, 60, 40]);
      expect(statuses.filter((status) => status !== 201)).toEqual([]);
      expect(taken).toEqual([100, 60, 40]);
    }, 60_000);

    it('exactly as many as there is room for get one', async () => {
      const { statuses, taken } = await startAll([50, 20, 7]);
      expect(statuses.filter((status) => status === 201)).toHaveLength(77);
      expect(statuses.filter((status) => status === 503)).toHaveLength(STARTS - 77);
      expect(taken).toEqual([50, 20, 7]);
    }, 60_000);
  }));
