import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isSameSecret } from '../../stats/access.ts';
import type { Caller } from '../accounts/authenticator.ts';
import type { Accounts } from '../accounts-part.ts';
import { ApiError, invalidRequest, notFound, unauthorized } from '../api-error.ts';
import { bodyOf, queryOf, sendJson } from '../http.ts';
import { publisherIdOf } from '../nodes/desired.ts';
import { allNodes, candidateOf, sessionCounts } from '../nodes/node-rows.ts';
import { capacityOf } from '../placement/placement.ts';
import { AUTO, askedRegion, regionLabel, regionNamed } from '../placement/regions.ts';
import { leaseMsOf, type RelayCore } from '../relay-context.ts';
import type { Slot } from '../slots/slots.ts';
import { endSession } from './end-session.ts';
import { MovedLatelyError, migrateSession } from './migrate-session.ts';
import { createRevoker } from './revoke.ts';
import { openSession, openSessionsOf, type PlacedSession, sessionById } from './session-rows.ts';
import { sessionView, stoppedView } from './session-view.ts';
import { hashOf, reviveSession, SlotTakenError, type Started, startSession } from './start-session.ts';
import { periodStart, usageOf } from './usage.ts';

/** Text that may also be null or absent; then it is empty. */
const optionalText = (most: number) =>
  z
    .string()
    .max(most)
    .nullish()
    .transform((text) => text?.trim() ?? '');

const startSchema = z.object({
  region_preference: optionalText(64),
  // Not a UUID: the plugin makes its own.
  connection_id: optionalText(128),
  stream_token: optionalText(128),
  client_context: z.object({ requested_by: optionalText(64) }).nullish(),
});
const stopSchema = z.object({
  session_id: optionalText(128),
  connection_id: optionalText(128),
  reason: optionalText(256),
});
const migrateSchema = z.object({
  session_id: optionalText(128),
  connection_id: optionalText(128),
  new_region: z.string().trim().min(1).max(64),
});
const healthSchema = z.object({ session_id: optionalText(128), instance_id: optionalText(128) });

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** What clients of users ask of sessions. */
export const addRelayRoutes = (app: FastifyInstance, core: RelayCore, accounts: Accounts): void => {
  const { db, unixNow } = core;
  const { authenticator, entitlements, slots } = accounts;
  const { regions, relayKey } = core.settings.controlPlane;

  const caller = async (request: FastifyRequest): Promise<Caller> => {
    const found = await authenticator.authenticate(request);
    if (!found) throw unauthorized();
    return found;
  };

  const entitled = async (userId: string): Promise<number> => {
    const { relayAccess, reasonCode, maxConcurrentConns } = await entitlements.of(userId);
    if (relayAccess !== 'enabled')
      throw new ApiError(403, 'entitlement_denied', 'this account may not use relays', reasonCode);
    return maxConcurrentConns;
  };

  const chosenSlot = async (userId: string, connectionId: string, streamToken: string): Promise<Slot> => {
    const open = await openSessionsOf(db, userId);
    // The connection's own session is given again, or replaced: its slot is free for it.
    const own = open.find(({ connection_id }) => connection_id === connectionId);
    const asked = streamToken || (own?.stream_token ?? '');
    const taken = open.filter((one) => one !== own).map(({ slot_number }) => slot_number);
    const choice = await slots.toStart(userId, asked || undefined, taken);
    if ('slot' in choice) return choice.slot;
    if (choice.refused === 'disabled')
      throw new ApiError(403, 'entitlement_denied', 'this stream slot is disabled', 'slot_disabled');
    if (choice.refused === 'none')
      throw new ApiError(403, 'connection_limit_reached', 'there is no free stream slot', 'no_free_slot');
    throw invalidRequest('stream_token is not the token of one of your stream slots');
  };

  /** What was taken away while a session was being started has found nothing to end: it ends here. */
  const checkStillAllowed = async (userId: string, { status, stream_token }: PlacedSession): Promise<void> => {
    if (status === 'stopped') return;
    const { relayAccess, reasonCode } = await entitlements.of(userId);
    const isSlotGood = 'slot' in (await slots.toStart(userId, stream_token));
    if (relayAccess === 'enabled' && isSlotGood) return;
    await createRevoker(core).revoke({ streamTokens: [stream_token], reason: 'entitlement' });
    throw new ApiError(
      403,
      'entitlement_denied',
      'the right to start this was taken away',
      isSlotGood ? reasonCode : 'slot_disabled',
    );
  };

  app.post('/api/v1/relay/start', async (request, reply) => {
    const { userId } = await caller(request);
    const maxSessions = await entitled(userId);
    const key = request.headers['idempotency-key'];
    if (typeof key !== 'string' || !UUID.test(key)) throw invalidRequest('the header Idempotency-Key has to be a UUID');
    const body = bodyOf(request, startSchema);
    const connectionId = body.connection_id;
    const started = await inFreeSlot(async () =>
      startSession(core, {
        userId,
        slot: await chosenSlot(userId, connectionId, body.stream_token),
        isSlotAsked: body.stream_token !== '',
        connectionId,
        region: askedRegion(body.region_preference, regions),
        requestedBy: body.client_context?.requested_by ?? '',
        maxSessions,
        idempotency: { key: key.toLowerCase(), bodyHash: hashOf(String(request.body)) },
      }),
    );
    await checkStillAllowed(userId, started.session);
    return sendJson(reply, started.isNew ? 201 : 200, { session: sessionView(started.session) });
  });

  app.get('/api/v1/relay/active', async (request, reply) => {
    const found = await authenticator.authenticateRunningClient(request);
    if (!found) throw unauthorized();
    const connectionId = queryOf(request, 'connection_id');
    const session =
      connectionId === undefined
        ? (await openSessionsOf(db, found.userId))[0]
        : await openSession(db, found.userId, connectionId);
    if (!session) return reply.code(204).send();
    const per_link = core.links.of(publisherIdOf(session.stream_token), core.clock());
    return sendJson(reply, 200, { session: sessionView(session), per_link });
  });

  const ownSession = async (userId: string, sessionId: string, connectionId: string): Promise<PlacedSession> => {
    if (sessionId === '' && connectionId === '') throw invalidRequest('session_id is missing');
    const session = sessionId === '' ? await openSession(db, userId, connectionId) : await sessionById(db, sessionId);
    if (session?.user_id !== userId) throw notFound('there is no such session');
    return session;
  };

  app.post('/api/v1/relay/stop', async (request, reply) => {
    // A client that stops may have an old token by now, and its stop is all the same its own.
    const found = await authenticator.authenticateRunningClient(request);
    if (!found) throw unauthorized();
    const body = bodyOf(request, stopSchema);
    const { session_id } = await ownSession(found.userId, body.session_id, body.connection_id);
    await db.transaction((tx) => endSession(tx, session_id, 'client', unixNow()), { repeatable: true });
    return sendJson(reply, 200, stoppedView((await sessionById(db, session_id))!));
  });

  app.post('/api/v1/relay/migrate', async (request, reply) => {
    const { userId } = await caller(request);
    await entitled(userId);
    const body = bodyOf(request, migrateSchema);
    const region = body.new_region.toLowerCase() === AUTO ? AUTO : regionNamed(body.new_region, regions);
    if (region === undefined) throw invalidRequest(`new_region is none of ${regions.join(', ')}, or auto`);
    const { session_id, stream_token } = await ownSession(userId, body.session_id, body.connection_id);
    const label = (await slots.byToken(stream_token))?.label ?? '';
    try {
      const moved = await migrateSession(core, { sessionId: session_id, label, region, staysInRegion: true });
      await checkStillAllowed(userId, moved);
      return sendJson(reply, 200, { session: sessionView(moved) });
    } catch (error) {
      if (error instanceof MovedLatelyError) reply.header('retry-after', error.retryAfterS);
      throw error;
    }
  });

  /** The user whose session it has to be; undefined: whoever's, by the shared key. */
  const heartbeatCaller = async (request: FastifyRequest): Promise<string | undefined> => {
    const shared = request.headers['x-relay-auth'];
    const found = await authenticator.authenticateRunningClient(request);
    if (found) return found.userId;
    if (relayKey !== undefined && typeof shared === 'string' && isSameSecret(relayKey, shared)) return undefined;
    throw unauthorized('a valid access token or the shared key is needed');
  };

  const revive = async (session: PlacedSession): Promise<boolean> => {
    const { relayAccess, maxConcurrentConns } = await entitlements.of(session.user_id);
    if (relayAccess !== 'enabled') return false;
    const choice = await slots.toStart(session.user_id, session.stream_token);
    if (!('slot' in choice) || !(await reviveSession(core, session, choice.slot, maxConcurrentConns))) return false;
    await checkStillAllowed(session.user_id, (await sessionById(db, session.session_id))!);
    return true;
  };

  app.post('/api/v1/relay/health', async (request, reply) => {
    const userId = await heartbeatCaller(request);
    // The plugin's instance_id may be empty, or of a node that the session has left since: it decides nothing.
    const { session_id: sessionId } = bodyOf(request, healthSchema);
    if (sessionId === '') throw invalidRequest('session_id is missing');
    const unixMs = unixNow();
    const renewed = await db.run(
      `UPDATE sessions SET lease_until_ms = ?, last_heartbeat_ms = ?
       WHERE session_id = ? AND stopped_ms IS NULL AND user_id = COALESCE(CAST(? AS TEXT), user_id)`,
      [unixMs + leaseMsOf(core), unixMs, sessionId, userId ?? null],
    );
    if (renewed > 0) return sendJson(reply, 200, { ok: true });
    const session = await sessionById(db, sessionId);
    const isTheirs = session !== undefined && (userId === undefined || session.user_id === userId);
    if (isTheirs && session.stop_reason === 'lease_expired' && (await revive(session)))
      return sendJson(reply, 200, { ok: true });
    throw notFound('there is no such session');
  });

  app.get('/api/v1/relay/manifest', async (request, reply) => {
    await caller(request);
    const nodes = await allNodes(db);
    const updated = new Map(regions.map((region) => [region, 0]));
    for (const { region, created_ms } of nodes) updated.set(region, Math.max(updated.get(region) ?? 0, created_ms));
    return sendJson(reply, 200, {
      regions: [...updated].map(([region, atMs]) => ({
        region,
        ami_id: '',
        default_instance_type: '',
        updated_at: new Date(atMs).toISOString(),
      })),
    });
  });

  app.get('/api/v1/relay/regions', (_request, reply) =>
    sendJson(reply, 200, { regions: regions.map((id) => ({ id, label: regionLabel(id) })) }),
  );

  app.get('/api/v1/usage/current', async (request, reply) => {
    const { userId } = await caller(request);
    const usage = await usageOf(db, userId, unixNow());
    return sendJson(reply, 200, { period_start: new Date(periodStart(unixNow())).toISOString(), ...usage });
  });

  app.get('/api/v1/capacity/status', (_request, reply) => answerCapacity(core, reply));
};

/** Choices of a slot that others were faster with; each time one of them has got one. */
const MAX_CHOICES = 100;

/** Starts of one user at the same time may choose the same slot: all but one of them choose again. */
const inFreeSlot = async (start: () => Promise<Started>): Promise<Started> => {
  for (let choices = 1; ; choices++) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof SlotTakenError) || choices >= MAX_CHOICES) throw error;
    }
  }
};

/** Open to everybody: numbers of no node. */
const answerCapacity = async (core: RelayCore, reply: FastifyReply): Promise<FastifyReply> => {
  const unixMs = core.unixNow();
  const counts = await sessionCounts(core.db, unixMs);
  const regions = new Map<string, { total: number; used: number }>();
  for (const row of await allNodes(core.db)) {
    const candidate = candidateOf(row, counts.get(row.server_id) ?? 0, unixMs);
    const { status, health, isRefusing, sessions } = candidate;
    if (status !== 'active' || isRefusing || (health !== 'healthy' && health !== 'degraded')) continue;
    const region = regions.get(row.region) ?? { total: 0, used: 0 };
    const total = capacityOf(candidate);
    regions.set(row.region, { total: region.total + total, used: region.used + Math.min(sessions, total) });
  }
  const state = ({ total, used }: { total: number; used: number }) => ({
    status: used < total ? 'available' : 'full',
    total_slots: total,
    used_slots: used,
    available_slots: total - used,
  });
  const all = [...regions.values()].reduce(
    (sum, one) => ({ total: sum.total + one.total, used: sum.used + one.used }),
    { total: 0, used: 0 },
  );
  return sendJson(reply, 200, {
    ...state(all),
    regions: [...regions].sort().map(([region, one]) => ({ region, ...state(one) })),
  });
};
