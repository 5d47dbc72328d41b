import { formatEndpoint } from '../shared/address.ts';
import type { Fleet, FleetNode, FleetSession, UserRelays } from './accounts/relay-view.ts';
import { allNodes, INGEST_COUNTS_MS, sessionCounts } from './nodes/node-rows.ts';
import { AUTO } from './placement/regions.ts';
import type { RelayCore } from './relay-context.ts';
import { endSession } from './sessions/end-session.ts';
import { migrateSession } from './sessions/migrate-session.ts';
import { allOpenSessions, openSessionsOf } from './sessions/session-rows.ts';
import { sweep } from './sessions/sweep.ts';
import { usageOf } from './sessions/usage.ts';

/** What accounts show of a user's sessions. */
export const createUserRelays = ({ db, unixNow }: RelayCore): UserRelays => ({
  activeSessions: async (userId) =>
    (await openSessionsOf(db, userId)).map(({ session_id, status, connection_id, region, stream_token }) => ({
      session_id,
      status,
      region,
      stream_token,
      ...(connection_id === '' ? {} : { connection_id }),
    })),
  usage: (userId) => usageOf(db, userId, unixNow()),
});

/** What the admin page shows and does. */
export const createFleet = (core: RelayCore): Fleet => {
  const { db, unixNow } = core;
  return {
    nodes: async () => {
      const counts = await sessionCounts(db, unixNow());
      return (await allNodes(db)).map(
        (row): FleetNode => ({
          id: row.server_id,
          region: row.region,
          provider: row.provider,
          address: formatEndpoint(row.ip, row.srtla_port),
          version: row.version,
          status: row.status,
          health: row.health,
          healthScore: row.health_score ?? undefined,
          sessions: counts.get(row.server_id) ?? 0,
          maxSessions: row.max_sessions,
          lastSeenMs: row.last_seen_ms ?? undefined,
        }),
      );
    },
    sessions: async () =>
      (await allOpenSessions(db)).map(
        (row): FleetSession => ({
          id: row.session_id,
          userId: row.user_id,
          slotNumber: row.slot_number,
          nodeId: row.server_id ?? undefined,
          region: row.region,
          status: row.status,
          isIngesting: (row.last_ingest_ms ?? 0) > unixNow() - INGEST_COUNTS_MS,
          startedMs: row.started_ms,
        }),
      ),
    setNodeStatus: async (nodeId, status) => {
      const changed = await db.run('UPDATE nodes SET status = ? WHERE server_id = ?', [status, nodeId]);
      if (changed > 0) core.logger.info('the status of a node was set', { node: nodeId, status });
      return changed > 0;
    },
    moveSession: async (sessionId) => {
      const row = await db.first<{ label: string }>(
        'SELECT label FROM assignments WHERE session_id = ? ORDER BY ordinal DESC LIMIT 1',
        [sessionId],
      );
      await migrateSession(core, { sessionId, label: row?.label ?? '', region: AUTO, staysInRegion: false });
    },
    endSession: async (sessionId) => {
      const row = await db.first<{ stream_token: string }>('SELECT stream_token FROM sessions WHERE session_id = ?', [
        sessionId,
      ]);
      const isEnded = await db.transaction((tx) => endSession(tx, sessionId, 'admin', unixNow()), {
        repeatable: true,
      });
      if (isEnded && row) await sweep(core, [row.stream_token]);
      return isEnded;
    },
  };
};
