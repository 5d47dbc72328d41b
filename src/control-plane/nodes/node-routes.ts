import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
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
import { acknowledge, meetGeneration, readDesired, tokenOfPublisher } from './desired.ts';
import { takeHeartbeat } from './heartbeat.ts';
import { askingNode, instanceOf, nodeError, nodeKeyOf } from './node-auth.ts';
import { registerNode, tellOlder } from './register.ts';

/** A node's row is read anew for its report of links only after this: once a second would be a query a second for each. */
const LINKS_AUTH_MS = 10_000;

/** The key is looked at before the body is. */
const checked = <T extends z.ZodType>(request: FastifyRequest, schema: T): z.output<T> => {
  nodeKeyOf(request);
  return bodyOf(request, schema);
};

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
  const options = { bodyLimit: MAX_NODE_BODY_BYTES };
  const { db, planeId, signals } = core;
  const reporters = new Map<string, number>();

  app.post(`${NODES_PATH}/register`, options, async (request, reply) => {
    const asked = checked(request, registerRequestSchema);
    return sendJson(reply, 200, await registerNode(core, request, asked, addressOf(request)));
  });

  app.post(`${NODES_PATH}/:id/heartbeat`, options, async (request, reply) => {
    const said = checked(request, heartbeatRequestSchema);
    const node = await askingNode(core, request);
    return sendJson(reply, 200, await takeHeartbeat(core, node, said));
  });

  app.get(`${NODES_PATH}/:id/desired`, async (request, reply) => {
    const node = await askingNode(core, request);
    const { server_id: serverId } = node;
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
    reply.raw.once('close', () => gone.abort());
    const look = () => readDesired(db, planeId, serverId, after);
    const desired = await signals.waitFor('desired', serverId, DESIRED_WAIT_MS, look, gone.signal);
    return desired ? sendJson(reply, 200, desired) : reply.code(204).send();
  });

  app.post(`${NODES_PATH}/:id/applied`, options, async (request, reply) => {
    const { planeId: of, generation, held, conflicts } = checked(request, appliedRequestSchema);
    const node = await askingNode(core, request);
    const { server_id: serverId } = node;
    if (of !== planeId) throw nodeError('invalid_request', 'this list is of another control plane');
    // A row of the node's own with the same pair of ids admits the stream as well.
    const refused = conflicts.filter(({ reason }) => reason !== 'local');
    const tokens = refused.map(({ player }) => player.replace(/^play_/, ''));
    for (const { reason, message } of refused)
      core.logger.warn('a node does not take a stream of its list', { node: serverId, reason, message });
    await db.transaction(
      async (tx) => {
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

  app.post(`${NODES_PATH}/:id/links`, options, async (request, reply) => {
    const { streams } = checked(request, linksRequestSchema);
    const now = core.clock();
    const who = `${(request.params as { id: string }).id} ${instanceOf(request)} ${nodeKeyOf(request)}`;
    if (now - (reporters.get(who) ?? Number.NEGATIVE_INFINITY) >= LINKS_AUTH_MS) {
      const { server_id } = await askingNode(core, request);
      for (const known of reporters.keys()) if (known.startsWith(`${server_id} `)) reporters.delete(known);
      reporters.set(who, now);
    }
    for (const { publisher, connections } of streams)
      if (tokenOfPublisher(publisher) !== undefined) core.links.share(publisher, connections, now);
    return reply.code(204).send();
  });
};
