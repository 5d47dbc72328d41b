import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Received } from '../../stats/callers.ts';
import { bodyOf, queryOf, sendJson } from '../http.ts';
import {
  appliedRequestSchema,
  DESIRED_WAIT_MS,
  generationSchema,
  heartbeatRequestSchema,
  linksRequestSchema,
  MAX_NODE_BODY_BYTES,
  NODES_PATH,
  registerRequestSchema,
} from '../protocol.ts';
import type { RelayCore } from '../relay-context.ts';
import { acknowledge, meetGeneration, readDesired } from './desired.ts';
import { takeHeartbeat } from './heartbeat.ts';
import { listedTokens } from './ingest.ts';
import { type LinkReporter, LinkReporters } from './link-reporters.ts';
import { askingNode, checkKnownKey, nodeError, nodeKeyOf } from './node-auth.ts';
import type { NodeRow } from './node-rows.ts';
import { registerNode, tellOlder } from './register.ts';

const afterOf = (request: FastifyRequest): number => {
  const text = queryOf(request, 'after') ?? '0';
  const result = generationSchema.safeParse(/^\d{1,16}$/.test(text) ? Number(text) : undefined);
  if (!result.success) throw nodeError('invalid_request', 'after is no generation');
  return result.data;
};

/** The side of the control plane that nodes speak to (protocol.ts). */
export const addNodeRoutes = (
  app: FastifyInstance,
  core: RelayCore,
  addressOf: (request: Received) => string,
): void => {
  const { db, planeId, signals } = core;
  const bodyLimit = MAX_NODE_BODY_BYTES;
  const linkReporters = new LinkReporters(core);
  const polling = new Map<string, AbortController>();
  const nodes = new WeakMap<FastifyRequest, NodeRow>();
  /** Unix ms: what a busy database makes a request wait is no difference of clocks. */
  const arrivals = new WeakMap<FastifyRequest, number>();
  const reporters = new WeakMap<FastifyRequest, LinkReporter>();
  // Before the body is read: a long one of nobody that is known costs nothing.
  const ofNode = {
    bodyLimit,
    onRequest: async (request: FastifyRequest) => {
      arrivals.set(request, core.unixNow());
      nodes.set(request, await askingNode(core, request));
    },
  };
  const ofReporter = {
    bodyLimit,
    onRequest: async (request: FastifyRequest) => void reporters.set(request, await linkReporters.of(request)),
  };
  const ofKey = { bodyLimit, onRequest: (request: FastifyRequest) => checkKnownKey(core, nodeKeyOf(request)) };

  app.post(`${NODES_PATH}/register`, ofKey, async (request, reply) => {
    const asked = bodyOf(request, registerRequestSchema);
    return sendJson(reply, 200, await registerNode(core, request, asked, addressOf(request)));
  });

  app.post(`${NODES_PATH}/:id/heartbeat`, ofNode, async (request, reply) => {
    const said = bodyOf(request, heartbeatRequestSchema);
    return sendJson(reply, 200, await takeHeartbeat(core, nodes.get(request)!, said, arrivals.get(request)!));
  });

  app.get(`${NODES_PATH}/:id/desired`, ofNode, async (request, reply) => {
    const { server_id: serverId } = nodes.get(request)!;
    const after = afterOf(request);
    const { met, isNew } = await db.transaction(
      async (tx) => {
        const met = await meetGeneration(tx, serverId, after, core.unixNow());
        const isNew = met === 'known' && (await acknowledge(tx, serverId, { generation: after }, core.unixNow()));
        return { met, isNew };
      },
      { repeatable: true },
    );
    tellOlder(core, serverId, met);
    if (isNew) signals.appliedChanged(serverId);
    const gone = new AbortController();
    // A node has one question open: the one before is nobody's any more.
    polling.get(serverId)?.abort();
    polling.set(serverId, gone);
    reply.raw.once('close', () => {
      gone.abort();
      if (polling.get(serverId) === gone) polling.delete(serverId);
    });
    const look = () => readDesired(db, planeId, serverId, after);
    const desired = await signals.waitFor('desired', serverId, DESIRED_WAIT_MS, look, gone.signal);
    return desired ? sendJson(reply, 200, desired) : reply.code(204).send();
  });

  app.post(`${NODES_PATH}/:id/applied`, ofNode, async (request, reply) => {
    const { planeId: of, generation, held, conflicts } = bodyOf(request, appliedRequestSchema);
    const { server_id: serverId } = nodes.get(request)!;
    if (of !== planeId) throw nodeError('invalid_request', 'this list is of another control plane');
    // A row of the node's own with the same pair of ids admits the stream as well.
    const refused = conflicts.filter(({ reason }) => reason !== 'local');
    const [first] = refused;
    if (first) {
      const { reason, message } = first;
      core.logger.warn('a node does not take streams of its list', {
        ...{ node: serverId, streams: refused.length, reason, message },
      });
    }
    await db.transaction(
      async (tx) => {
        const listed = await listedTokens(tx, serverId);
        const named = new Set(refused.map(({ player }) => player.replace(/^play_/, '')));
        const tokens = [...named].filter((token) => listed.has(token));
        await tx.run('UPDATE nodes SET conflicts = ? WHERE server_id = ?', [
          tokens.length === 0 ? null : JSON.stringify(tokens),
          serverId,
        ]);
        await acknowledge(tx, serverId, { generation, held }, core.unixNow());
      },
      { repeatable: true },
    );
    signals.appliedChanged(serverId);
    return reply.code(204).send();
  });

  app.post(`${NODES_PATH}/:id/links`, ofReporter, async (request, reply) => {
    const { streams } = bodyOf(request, linksRequestSchema);
    const allowed = await linkReporters.allowed(
      reporters.get(request)!,
      streams.map(({ publisher }) => publisher),
    );
    const now = core.clock();
    for (const { publisher, connections } of streams)
      if (allowed.has(publisher)) core.links.share(publisher, connections, now);
    return reply.code(204).send();
  });
};
