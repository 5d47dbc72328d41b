import type { FastifyInstance } from 'fastify';
import { bearer, type Hook, isSameSecret } from '../access.ts';
import { errorAnswer } from '../compat-sls.ts';
import { sendJson } from '../http-app.ts';
import { parseBody } from '../json-body.ts';
import { type RouteContext, refuseKeyless } from './context.ts';

/** Rows of one request. */
const MAX_PLAYERS = 1_000;

/** `POST /v1/adopt`, for `./tributary adopt` on this machine: rows that the control plane may take over once its list names them. */
export const adoptRoutes = (app: FastifyInstance, context: RouteContext, limit: Hook): void => {
  const { deps } = context;
  app.post('/v1/adopt', { onRequest: limit }, async (request, reply) => {
    const token = bearer(request);
    if (token === undefined || !isSameSecret(token, deps.runtimeToken))
      return refuseKeyless(context, request, reply, 'Invalid API key');
    const players: unknown = parseBody(request)?.players;
    const isList = Array.isArray(players) && players.length <= MAX_PLAYERS;
    if (!isList || !players.every((player) => typeof player === 'string'))
      return sendJson(reply, 400, errorAnswer('Invalid players: a list of player ids'));
    const rows = players as string[];
    if (!(await deps.handOver?.(rows)))
      return sendJson(reply, 409, errorAnswer('No control plane governs this node yet'));
    deps.logger.info('stream ids may pass to the control plane', { rows: rows.length, key: 'local' });
    return sendJson(reply, 200, { players: rows.length });
  });
};
