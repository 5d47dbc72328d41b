import { randomBytes } from 'node:crypto';
import type { Millis } from '../../shared/clock.ts';
import type { Database } from '../database/database.ts';

/**
 * The id of this plane: of its database. It owns rows on nodes, so that a plane with a new database is another one to them, and
 * touches nothing that the old one has made.
 */
export const planeIdentity = (db: Database, unixMs: Millis): Promise<string> =>
  db.transaction(
    async (tx) => {
      await tx.lock('identity');
      const row = await tx.first<{ plane_id: string }>('SELECT plane_id FROM plane_identity');
      if (row) return row.plane_id;
      const planeId = `plane-${randomBytes(12).toString('hex')}`;
      await tx.run('INSERT INTO plane_identity (plane_id, created_ms) VALUES (?, ?)', [planeId, unixMs]);
      return planeId;
    },
    { repeatable: true },
  );
