import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { Millis } from '../../shared/clock.ts';
import { ApiError } from '../api-error.ts';
import type { Queries, Transaction } from '../database/database.ts';
import type { NodeKind } from '../nodes/node-rows.ts';
import type { AssignedStream } from '../nodes/provisioner.ts';
import { leaseMsOf, type RelayCore } from '../relay-context.ts';
import type { Slot } from '../slots/slots.ts';
import { endSession, releaseStream } from './end-session.ts';
import { PLACEMENT_LOCK, type PlacedStream, placeStream } from './place-stream.ts';
import { openSession, openSessionsOfToken, type PlacedSession, sessionById } from './session-rows.ts';
import { sweep } from './sweep.ts';

/** What `start` waits for the node's word. */
export const START_WAIT_MS: Millis = 1_000;
/** Nodes that are tried one after the other. */
const MAX_TRIES = 3;

export interface StartRequest {
  readonly userId: string;
  readonly slot: Slot;
  /** The client has named it; otherwise it was the first that was free. */
  readonly isSlotAsked: boolean;
  /** Empty: none given. */
  readonly connectionId: string;
  /** A region's name, or `auto`. */
  readonly region: string;
  readonly requestedBy: string;
  readonly maxSessions: number;
  readonly idempotency: { readonly key: string; readonly bodyHash: string };
}

/** The slot was free when it was chosen, and is not any more: another one is to be chosen. */
export class SlotTakenError extends ApiError {
  constructor() {
    super(403, 'connection_limit_reached', 'there is no free stream slot', 'no_free_slot');
  }
}

export interface Started {
  readonly session: PlacedSession;
  readonly isNew: boolean;
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const PAIR_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const pairToken = (): string =>
  Array.from({ length: 8 }, () => PAIR_ALPHABET[randomInt(PAIR_ALPHABET.length)]).join('');

export const capacityError = (refused: 'none' | 'full'): ApiError =>
  refused === 'full'
    ? new ApiError(503, 'capacity_full', 'every relay is full', 'capacity_full')
    : new ApiError(503, 'no_relay_available', 'no relay is available', 'no_relay_available');

/** A session that was asked for with this key before. @throws ApiError 409 where it was asked for with another body */
const repeated = async (db: Queries, { userId, idempotency }: StartRequest): Promise<PlacedSession | undefined> => {
  const row = await db.first<{ body_hash: string; session_id: string }>(
    'SELECT body_hash, session_id FROM idempotency_keys WHERE user_id = ? AND idempotency_key = ?',
    [userId, idempotency.key],
  );
  if (!row) return undefined;
  if (row.body_hash !== idempotency.bodyHash)
    throw new ApiError(409, 'idempotency_mismatch', 'this Idempotency-Key was used with another body');
  return sessionById(db, row.session_id);
};

/** Its stream goes on there, or could begin to. */
const isGood = ({ server_id, node_status, health, last_ingest_ms }: PlacedSession, unixMs: Millis): boolean =>
  server_id !== null &&
  ((last_ingest_ms ?? 0) > unixMs - 30_000 || (node_status !== 'inactive' && health !== 'unhealthy'));

const insertSession = async (
  tx: Transaction,
  core: RelayCore,
  request: StartRequest,
  unixMs: Millis,
): Promise<string> => {
  const { userId, slot, connectionId, region, requestedBy } = request;
  const { relayDomain } = core.settings.controlPlane;
  const sessionId = `ses_${randomUUID()}`;
  await tx.run(
    `INSERT INTO sessions (session_id, user_id, connection_id, slot_number, stream_token, host_name, status, provision_step, region,
       region_asked, requested_by, pair_token, relay_ws_token, started_ms, lease_until_ms)
     VALUES (?, ?, ?, ?, ?, ?, 'provisioning', 'creating_stream', ?, ?, ?, ?, ?, ?, ?)`,
    [
      sessionId,
      userId,
      connectionId,
      slot.slotNumber,
      slot.streamToken,
      relayDomain === undefined ? null : `${slot.dnsSlug}.${relayDomain}`,
      region,
      region,
      requestedBy,
      pairToken(),
      randomBytes(24).toString('base64url'),
      unixMs,
      unixMs + leaseMsOf(core),
    ],
  );
  return sessionId;
};

const countOpen = async (tx: Queries, userId: string): Promise<number> =>
  (await tx.first<{ n: number }>('SELECT COUNT(*) AS n FROM sessions WHERE user_id = ? AND stopped_ms IS NULL', [
    userId,
  ]))!.n;

/** Places the session's stream and writes down where. @throws ApiError 503 */
const settle = async (
  tx: Transaction,
  core: RelayCore,
  sessionId: string,
  { userId, slot, region }: Pick<StartRequest, 'userId' | 'slot' | 'region'>,
  excluded: readonly string[] = [],
): Promise<PlacedStream> => {
  const { streamToken, label } = slot;
  const placed = await placeStream(tx, core, { sessionId, userId, streamToken, label, region, excluded });
  if ('refused' in placed) throw capacityError(placed.refused);
  await tx.run('UPDATE sessions SET region = ? WHERE session_id = ?', [placed.region, sessionId]);
  return placed;
};

/** Whoever waits longer for his turn asks the database itself, which is away, or busy: that is told in its own time. */
const MOST_TURN_MS: Millis = 2_000;

/** A transaction that chooses a node. It may be done again. */
export const placing = <T>(core: RelayCore, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  core.placing.use(() => core.db.transaction(work, { repeatable: true }), MOST_TURN_MS);

/** One transaction: idempotency, one session a connection and a slot, the user's limit, node and count. */
const begin = (core: RelayCore, request: StartRequest): Promise<{ sessionId: string; isNew: boolean }> =>
  placing(core, async (tx) => {
    await tx.lock(PLACEMENT_LOCK);
    const { userId, slot, connectionId, idempotency } = request;
    const unixMs = core.unixNow();
    const same = await repeated(tx, request);
    if (same) return { sessionId: same.session_id, isNew: false };
    const remember = (sessionId: string): Promise<number> =>
      tx.run(
        'INSERT INTO idempotency_keys (user_id, idempotency_key, body_hash, session_id, created_ms) VALUES (?, ?, ?, ?, ?)',
        [userId, idempotency.key, idempotency.bodyHash, sessionId, unixMs],
      );
    const current = await openSession(tx, userId, connectionId);
    if (current?.stream_token === slot.streamToken && isGood(current, unixMs)) {
      await tx.run('UPDATE sessions SET lease_until_ms = ? WHERE session_id = ?', [
        unixMs + leaseMsOf(core),
        current.session_id,
      ]);
      await remember(current.session_id);
      return { sessionId: current.session_id, isNew: false };
    }
    const onSlot = await openSessionsOfToken(tx, slot.streamToken);
    if (!request.isSlotAsked && onSlot.some(({ connection_id }) => connection_id !== connectionId))
      throw new SlotTakenError();
    const replaced = [...(current ? [current] : []), ...onSlot];
    for (const { session_id } of replaced) await endSession(tx, session_id, 'superseded', unixMs);
    if ((await countOpen(tx, userId)) >= request.maxSessions)
      throw new ApiError(403, 'connection_limit_reached', 'there are as many sessions as you may have');
    const sessionId = await insertSession(tx, core, request, unixMs);
    await settle(tx, core, sessionId, request);
    await remember(sessionId);
    return { sessionId, isNew: true };
  });

export const streamOf = (
  { assignment_id, stream_token, added_generation }: PlacedSession,
  label: string,
): AssignedStream => ({
  assignmentId: assignment_id ?? '',
  streamToken: stream_token,
  label,
  generation: added_generation ?? 0,
});

export const activate = async (core: RelayCore, sessionId: string): Promise<void> => {
  await core.db.run(
    `UPDATE sessions SET status = 'active', provision_step = 'ready', activated_ms = ?
     WHERE session_id = ? AND status = 'provisioning'`,
    [core.unixNow(), sessionId],
  );
};

/**
 * Gives a provisioning session whose node will not have it another one.
 * @returns false where there is none: the session has no node then
 */
export const moveSession = (
  core: RelayCore,
  session: PlacedSession,
  label: string,
  excluded: readonly string[],
): Promise<boolean> =>
  placing(core, async (tx) => {
    await tx.lock(PLACEMENT_LOCK);
    const now = await sessionById(tx, session.session_id);
    if (now?.status !== 'provisioning' || now.assignment_id !== session.assignment_id) return true;
    const unixMs = core.unixNow();
    // Nothing was sent there: it goes at once.
    await releaseStream(tx, session.session_id, unixMs, true);
    await tx.run(`UPDATE sessions SET provision_step = 'launching_instance' WHERE session_id = ?`, [
      session.session_id,
    ]);
    const { user_id, stream_token, region_asked, session_id } = session;
    const placed = await placeStream(tx, core, {
      sessionId: session_id,
      userId: user_id,
      streamToken: stream_token,
      label,
      region: region_asked,
      excluded,
    });
    if ('refused' in placed) return false;
    await tx.run('UPDATE sessions SET region = ? WHERE session_id = ?', [placed.region, session_id]);
    return true;
  });

/**
 * Has the node take the session's stream, another one where it will not.
 * @returns the session as it is then
 */
export const provision = async (
  core: RelayCore,
  sessionId: string,
  label: string,
  waitMs: Millis,
): Promise<PlacedSession> => {
  const refusing: string[] = [];
  for (let tries = 0; ; tries++) {
    core.dns.hurry();
    const session = (await sessionById(core.db, sessionId))!;
    const { server_id, kind } = session;
    if (session.status !== 'provisioning' || server_id === null) return session;
    const word = await core.provisioners[kind as NodeKind].provision(server_id, streamOf(session, label), waitMs);
    if (word === 'admitted') await activate(core, sessionId);
    else if (word === 'refused' && tries < MAX_TRIES) {
      core.logger.warn('a node does not take a stream; another one is tried', { node: server_id, session: sessionId });
      refusing.push(server_id);
      const isMoved = await moveSession(core, session, label, refusing);
      await sweep(core, [session.stream_token]);
      if (isMoved) continue;
    }
    return (await sessionById(core.db, sessionId))!;
  }
};

/**
 * `relay/start`: a session for a slot, with a node that was told. The session that the connection has already is given again.
 * @throws ApiError 403 too many sessions, 409 another body, 503 no capacity; SlotTakenError
 */
export const startSession = async (core: RelayCore, request: StartRequest): Promise<Started> => {
  const { sessionId, isNew } = await begin(core, request);
  const session = await provision(core, sessionId, request.slot.label, core.startWaitMs);
  if (isNew && session.status === 'provisioning' && session.server_id === null) {
    await core.db.transaction(
      async (tx) => {
        await endSession(tx, sessionId, 'no_capacity', core.unixNow());
        // Nothing was begun: the same key may try again.
        await tx.run('DELETE FROM idempotency_keys WHERE session_id = ?', [sessionId]);
      },
      { repeatable: true },
    );
    throw capacityError('none');
  }
  return { session, isNew };
};

/**
 * A session whose lease has expired, once its client is back: open again, with a node as near to its old one as can be.
 * @returns false where it cannot be: the client has to start anew
 */
export const reviveSession = async (
  core: RelayCore,
  expired: PlacedSession,
  slot: Slot,
  maxSessions: number,
): Promise<boolean> => {
  const { session_id, user_id, connection_id, region_asked } = expired;
  const isRevived = await placing(core, async (tx) => {
    await tx.lock(PLACEMENT_LOCK);
    const unixMs = core.unixNow();
    const now = await sessionById(tx, session_id);
    if (now?.stop_reason !== 'lease_expired') return now?.stopped_ms === null;
    if (await openSession(tx, user_id, connection_id)) return false;
    if ((await openSessionsOfToken(tx, slot.streamToken)).length > 0) return false;
    if ((await countOpen(tx, user_id)) >= maxSessions) return false;
    await tx.run(
      `UPDATE sessions SET status = 'provisioning', provision_step = 'creating_stream', stopped_ms = NULL, stop_reason = NULL,
             lease_until_ms = ? WHERE session_id = ?`,
      [unixMs + leaseMsOf(core), session_id],
    );
    await settle(tx, core, session_id, { userId: user_id, slot, region: region_asked });
    return true;
  }).catch((error) => {
    if (error instanceof ApiError) return false;
    throw error;
  });
  if (isRevived) await provision(core, session_id, slot.label, core.startWaitMs);
  return isRevived;
};
