import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { trafficStateOf } from '../../shared/traffic-period.ts';
import type { Fleet } from '../accounts/relay-view.ts';
import type { Accounts } from '../accounts-part.ts';
import { ApiError, notFound } from '../api-error.ts';
import { bodyOf, paramOf, sendJson } from '../http.ts';
import { nodeKeySchema, nodeStatusSchema, positionSchema, serverIdSchema } from '../protocol.ts';
import type { RelayCore } from '../relay-context.ts';
import { nextGeneration } from './desired.ts';
import { insertNode } from './node-insert.ts';
import { allNodes, keyHash, type NodeRow, nodeById, sessionCounts, usedBytesOf } from './node-rows.ts';

const PATH = '/api/v1/admin/nodes';

const host = z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'a host name or an address');
const region = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens');
const common = {
  server_id: serverIdSchema,
  provider: z.string().max(64).default('custom'),
  max_sessions: z.number().int().min(0).max(100_000).default(10),
  latitude: positionSchema.shape.latitude.optional(),
  longitude: positionSchema.shape.longitude.optional(),
};
const newNodeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('tributary'), node_key: nodeKeySchema.optional(), ...common }),
  z.object({
    kind: z.literal('sls'),
    host,
    ip: z.union([z.ipv4(), z.ipv6()]),
    region,
    api_key: z.string().min(1).max(256),
    /** Port 8090 of the host where it is absent. */
    api_url: z
      .string()
      .regex(/^https?:\/\/[^\s/?#]+$/, 'http://HOST:PORT without a path')
      .optional(),
    ...common,
  }),
]);
const changeSchema = z.object({
  status: nodeStatusSchema.optional(),
  max_sessions: z.number().int().min(0).max(100_000).optional(),
  api_key: z.string().min(1).max(256).optional(),
});

const nodeView = (row: NodeRow, sessions: number, unixMs: number): object => ({
  server_id: row.server_id,
  kind: row.kind,
  provider: row.provider,
  host: row.host,
  ip: row.ip,
  region: row.region,
  version: row.version,
  status: row.status,
  current_sessions: sessions,
  max_sessions: row.max_sessions,
  health_status: row.health,
  health_score: row.health_score,
  health_parts: row.health_parts === null ? null : JSON.parse(row.health_parts),
  not_ready: row.not_ready,
  draining: row.self_draining === 1,
  publishers: row.publishers,
  players: row.players,
  month: row.month,
  month_bytes: row.month_bytes,
  monthly_cap_bytes: row.monthly_cap_bytes,
  reset_day: row.reset_day,
  traffic_count: row.traffic_count,
  traffic_state: trafficStateOf(usedBytesOf(row, unixMs), row.monthly_cap_bytes ?? undefined),
  clock_skew_ms: row.clock_skew_ms,
  generation: row.generation,
  applied_generation: row.applied_generation,
  held: row.held,
  is_database_older: row.older_generation !== null,
  last_seen: row.last_seen_ms === null ? null : new Date(row.last_seen_ms).toISOString(),
});

/** What an operator does with nodes. Every route wants an administrator. */
export const addNodeAdminRoutes = (app: FastifyInstance, core: RelayCore, accounts: Accounts, fleet: Fleet): void => {
  const { db } = core;
  const admin = async (request: FastifyRequest): Promise<void> => {
    if (!(await accounts.isAdmin(request)))
      throw new ApiError(401, 'unauthorized', 'an administrator has to be signed in');
  };
  const known = async (request: FastifyRequest): Promise<NodeRow> => {
    const node = await nodeById(db, paramOf(request, 'id'));
    if (!node) throw notFound('there is no such node');
    return node;
  };
  const view = async (serverId: string): Promise<object> => {
    const counts = await sessionCounts(db, core.unixNow());
    return nodeView((await nodeById(db, serverId))!, counts.get(serverId) ?? 0, core.unixNow());
  };

  for (const path of [PATH, '/api/v1/admin/relay-pool'])
    app.get(path, async (request, reply) => {
      await admin(request);
      const counts = await sessionCounts(db, core.unixNow());
      const nodes = (await allNodes(db)).map((row) => nodeView(row, counts.get(row.server_id) ?? 0, core.unixNow()));
      return sendJson(reply, 200, { nodes });
    });

  app.post(PATH, async (request, reply) => {
    await admin(request);
    const body = bodyOf(request, newNodeSchema);
    const { server_id: serverId, provider, max_sessions: maxSessions, latitude, longitude } = body;
    const shared = { serverId, provider, maxSessions, latitude, longitude };
    const key = body.kind === 'tributary' ? (body.node_key ?? randomBytes(24).toString('base64url')) : undefined;
    const isNew =
      body.kind === 'tributary'
        ? await insertNode(
            db,
            { ...shared, kind: 'tributary', keyHash: keyHash(key!), region: '', host: '', ip: '' },
            core.unixNow(),
          )
        : await insertNode(
            db,
            {
              ...shared,
              kind: 'sls',
              keyHash: null,
              apiUrl: body.api_url ?? `http://${body.host.includes(':') ? `[${body.host}]` : body.host}:8090`,
              apiKey: body.api_key,
              region: body.region,
              host: body.host,
              ip: body.ip,
            },
            core.unixNow(),
          );
    if (!isNew) throw new ApiError(409, 'conflict', 'there is a node with this server_id');
    // The key can be had only now: the database has its hash.
    return sendJson(reply, 201, { node: await view(serverId), ...(key === undefined ? {} : { node_key: key }) });
  });

  app.patch(`${PATH}/:id`, async (request, reply) => {
    await admin(request);
    const { server_id: serverId } = await known(request);
    const { status, max_sessions, api_key } = bodyOf(request, changeSchema);
    if (status !== undefined) await fleet.setNodeStatus(serverId, status);
    await db.run(
      'UPDATE nodes SET max_sessions = COALESCE(CAST(? AS INTEGER), max_sessions), api_key = COALESCE(CAST(? AS TEXT), api_key) WHERE server_id = ?',
      [max_sessions ?? null, api_key ?? null, serverId],
    );
    return sendJson(reply, 200, { node: await view(serverId) });
  });

  app.post(`${PATH}/:id/key`, async (request, reply) => {
    await admin(request);
    const { server_id: serverId, kind } = await known(request);
    if (kind !== 'tributary') throw new ApiError(409, 'conflict', 'a node of the old stack has no key here');
    const key = randomBytes(24).toString('base64url');
    await db.run('UPDATE nodes SET key_hash = ? WHERE server_id = ?', [keyHash(key), serverId]);
    return sendJson(reply, 200, { node_key: key });
  });

  /** Streams that the node keeps although its list leaves them out may go. */
  app.post(`${PATH}/:id/confirm`, async (request, reply) => {
    await admin(request);
    const { server_id: serverId } = await known(request);
    await db.transaction(
      async (tx) => {
        const generation = await nextGeneration(tx, serverId, core.unixNow());
        await tx.run('UPDATE nodes SET confirm_generation = ?, older_generation = NULL WHERE server_id = ?', [
          generation,
          serverId,
        ]);
      },
      { repeatable: true },
    );
    core.signals.desiredChanged(serverId);
    return sendJson(reply, 200, { node: await view(serverId) });
  });

  app.delete(`${PATH}/:id`, async (request, reply) => {
    await admin(request);
    const { server_id: serverId } = await known(request);
    await db.transaction(
      async (tx) => {
        const listed = await tx.first(
          'SELECT 1 AS found FROM assignments WHERE server_id = ? AND removed_ms IS NULL LIMIT 1',
          [serverId],
        );
        const node = await nodeById(tx, serverId);
        if (node && node.status !== 'inactive') throw new ApiError(409, 'conflict', 'set the node inactive first');
        if (listed) throw new ApiError(409, 'conflict', 'there are still streams on the node');
        await tx.run('DELETE FROM node_generations WHERE server_id = ?', [serverId]);
        await tx.run('DELETE FROM nodes WHERE server_id = ?', [serverId]);
      },
      { repeatable: true },
    );
    return reply.code(204).send();
  });

  app.get('/api/v1/admin/sessions', async (request, reply) => {
    await admin(request);
    return sendJson(reply, 200, { sessions: await fleet.sessions() });
  });

  app.delete('/api/v1/admin/sessions/:id', async (request, reply) => {
    await admin(request);
    if (!(await fleet.endSession(paramOf(request, 'id')))) throw notFound('there is no such open session');
    return reply.code(204).send();
  });
};
