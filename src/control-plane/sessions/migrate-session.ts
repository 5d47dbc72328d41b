import type { Millis } from '../../shared/clock.ts';
import { ApiError } from '../api-error.ts';
import type { Transaction } from '../database/database.ts';
import { wantRecord } from '../dns/wanted.ts';
import { nextGeneration, removeFromList } from '../nodes/desired.ts';
import type { NodeKind } from '../nodes/node-rows.ts';
import { AUTO } from '../placement/regions.ts';
import type { RelayCore } from '../relay-context.ts';
import { releaseStream } from './end-session.ts';
import { PLACEMENT_LOCK, placeStream } from './place-stream.ts';
import { type PlacedSession, sessionById } from './session-rows.ts';
import { capacityError, placing, streamOf } from './start-session.ts';

/** A slot moves once in this time. */
export const MOVE_EVERY_MS: Millis = 3_600_000;
/** A phone that still has the old address goes on there for so long; the new node reads the stream from the old one meanwhile. */
export const DRAIN_MS: Millis = 600_000;
/** A move is asked for by a person, who waits; a start is not to take so long. */
const MOVE_WAIT_MS: Millis = 5_000;

/** The slot has moved within the hour. */
export class MovedLatelyError extends ApiError {
  readonly retryAfterS: number;

  constructor(waitMs: Millis) {
    const retryAfterS = Math.max(1, Math.ceil(waitMs / 1_000));
    super(
      429,
      'migration_too_soon',
      `a stream slot moves once an hour: again in ${Math.ceil(retryAfterS / 60)} min`,
      'migration_too_soon',
    );
    this.retryAfterS = retryAfterS;
  }
}

export interface MoveRequest {
  readonly sessionId: string;
  readonly label: string;
  /** A region's name, or `auto`: wherever it is best, but for the node where it is. */
  readonly region: string;
  /** A session that is in the region already stays on its node; otherwise it gets another one there. */
  readonly staysInRegion: boolean;
}

interface Begun {
  readonly session: PlacedSession;
  /** Where it was; undefined: it stays there. */
  readonly fromId: string | undefined;
}

const checkInterval = async (tx: Transaction, streamToken: string, unixMs: Millis): Promise<void> => {
  const moved = await tx.first<{ moved_ms: number | null }>(
    'SELECT MAX(moved_ms) AS moved_ms FROM assignments WHERE stream_token = ? AND moved_ms IS NOT NULL',
    [streamToken],
  );
  const waitMs = (moved?.moved_ms ?? Number.NEGATIVE_INFINITY) + MOVE_EVERY_MS - unixMs;
  if (waitMs > 0) throw new MovedLatelyError(waitMs);
};

/** Both nodes have the stream from here on; the session is on the new one. */
const begin = (core: RelayCore, { sessionId, label, region, staysInRegion }: MoveRequest): Promise<Begun> =>
  placing(core, async (tx) => {
    await tx.lock(PLACEMENT_LOCK);
    const unixMs = core.unixNow();
    const before = await sessionById(tx, sessionId);
    if (!before || before.stopped_ms !== null) throw new ApiError(404, 'not_found', 'there is no such session');
    const { server_id: fromId, assignment_id, status, stream_token, user_id } = before;
    if (status !== 'active' || fromId === null || assignment_id === null)
      throw new ApiError(409, 'session_not_active', 'the session is not active yet: move it once it is');
    if (staysInRegion && before.region === region) return { session: before, fromId: undefined };
    await checkInterval(tx, stream_token, unixMs);
    await tx.run('UPDATE assignments SET released_ms = ?, linger_until_ms = ? WHERE assignment_id = ?', [
      unixMs,
      unixMs + DRAIN_MS,
      assignment_id,
    ]);
    const placed = await placeStream(tx, core, {
      ...{ sessionId, userId: user_id, streamToken: stream_token, label, region, excluded: [fromId] },
      move: { fromId, untilMs: unixMs + DRAIN_MS },
    });
    if ('refused' in placed) throw capacityError(placed.refused);
    if (region !== AUTO && placed.region !== region) throw capacityError('none');
    await tx.run('UPDATE sessions SET region = ? WHERE session_id = ?', [placed.region, sessionId]);
    return { session: (await sessionById(tx, sessionId))!, fromId };
  });

/** The new node did not take it: the session is where it was, and nothing was cut. */
const takeBack = async (core: RelayCore, moved: PlacedSession, before: { region: string; fromId: string }) => {
  const { session_id, assignment_id, server_id } = moved;
  await core.db.transaction(
    async (tx) => {
      await tx.lock(PLACEMENT_LOCK);
      const unixMs = core.unixNow();
      const now = await sessionById(tx, session_id);
      // It has ended, or was placed anew, meanwhile: then only the attempt is forgotten.
      const isOurs = now?.stopped_ms === null && now.assignment_id === assignment_id;
      await tx.run('UPDATE assignments SET moved_ms = NULL, pull_from = NULL WHERE assignment_id = ?', [assignment_id]);
      if (!isOurs) return;
      await releaseStream(tx, session_id, unixMs, true);
      await removeFromList(tx, server_id!, [assignment_id!], unixMs);
      // The newest assignment is the one that counts.
      await tx.run(
        `UPDATE assignments SET released_ms = NULL, linger_until_ms = NULL,
           ordinal = (SELECT MAX(ordinal) + 1 FROM assignments WHERE session_id = ?)
         WHERE assignment_id = (SELECT assignment_id FROM assignments WHERE session_id = ? AND server_id = ? AND removed_ms IS NULL
           AND removal IS NULL ORDER BY ordinal DESC LIMIT 1)`,
        [session_id, session_id, before.fromId],
      );
      await tx.run('UPDATE sessions SET region = ? WHERE session_id = ?', [before.region, session_id]);
    },
    { repeatable: true },
  );
  core.signals.desiredChanged(server_id!);
};

/**
 * `relay/migrate`: another node for an active session, make before break. The new node takes the stream first; then its host name leads there,
 * and for `DRAIN_MS` both nodes admit its ids, and the new one reads from the old one what is still sent there (`Pulls` of the node).
 * @returns the session as it is then
 * @throws ApiError 404 no such session, 409 not active, 503 no capacity or the node does not answer; MovedLatelyError
 */
export const migrateSession = async (core: RelayCore, request: MoveRequest): Promise<PlacedSession> => {
  const before = await sessionById(core.db, request.sessionId);
  const { session, fromId } = await begin(core, request);
  if (fromId === undefined) return session;
  const toId = session.server_id!;
  const stream = streamOf(session, request.label);
  const word = await core.provisioners[session.kind as NodeKind]
    .provision(toId, stream, MOVE_WAIT_MS)
    .catch((error) => {
      core.logger.warn('a node could not be told of a stream that moves to it', { node: toId, error: String(error) });
      return 'refused' as const;
    });
  if (word !== 'admitted') {
    await takeBack(core, session, { region: before?.region ?? session.region, fromId });
    core.logger.warn('a stream did not move: its new node did not take it', {
      ...{ session: session.session_id, from: fromId, to: toId, word },
    });
    throw new ApiError(503, 'node_not_ready', 'the new relay did not take the stream: it stays where it was');
  }
  await repoint(core, session.session_id);
  core.logger.info('a session moves to another node', { session: session.session_id, from: fromId, to: toId });
  return (await sessionById(core.db, session.session_id))!;
};

/** A plane that ends before this leaves it to the job that looks for records that lead elsewhere. */
const repoint = async (core: RelayCore, sessionId: string): Promise<void> => {
  if (!core.dns.isActive) return;
  const row = await core.db.first<{ host_name: string | null; ip: string; ip6: string | null; ip6_ok: number }>(
    `SELECT s.host_name, n.ip, n.ip6, n.ip6_ok FROM sessions s
     JOIN assignments a ON a.session_id = s.session_id AND a.released_ms IS NULL JOIN nodes n ON n.server_id = a.server_id
     WHERE s.session_id = ?`,
    [sessionId],
  );
  if (!row?.host_name) return;
  await wantRecord(core.db, row.host_name, row, core.unixNow());
  core.dns.hurry();
};

/** Nodes read no longer from those that streams have moved away from: the time is over, or the old node has let go of the stream. */
export const endPulls = async (core: RelayCore): Promise<void> => {
  const due = await core.db.all<{ assignment_id: string; server_id: string }>(
    `SELECT a.assignment_id, a.server_id FROM assignments a WHERE a.removed_ms IS NULL AND a.pull_from IS NOT NULL
     AND (a.pull_until_ms <= ? OR NOT EXISTS (SELECT 1 FROM assignments o
       WHERE o.stream_token = a.stream_token AND o.server_id = a.pull_from AND o.removed_ms IS NULL))`,
    [core.unixNow()],
  );
  for (const serverId of new Set(due.map(({ server_id }) => server_id))) {
    await core.db.transaction(
      async (tx) => {
        for (const { assignment_id, server_id } of due)
          if (server_id === serverId)
            await tx.run('UPDATE assignments SET pull_from = NULL WHERE assignment_id = ?', [assignment_id]);
        await nextGeneration(tx, serverId, core.unixNow());
      },
      { repeatable: true },
    );
    core.signals.desiredChanged(serverId);
  }
};
