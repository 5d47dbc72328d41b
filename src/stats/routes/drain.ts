import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bearer, type Hook, isSameSecret } from '../access.ts';
import { errorAnswer } from '../compat-sls.ts';
import { sendJson } from '../http-app.ts';
import { parseBody } from '../json-body.ts';
import { type RouteContext, refuseKeyless } from './context.ts';

/** The answer of `/v1/drain`. */
export interface DrainView {
  draining: boolean;
  /** Sessions that are open. */
  publishers: number;
  players: number;
}

/** `/v1/drain`, for the commands of this machine: they have no API key, but the token that the running node has left in its folder. */
export const drainRoutes = (app: FastifyInstance, context: RouteContext, limit: Hook): void => {
  const { deps, watch } = context;

  const view = (): DrainView => {
    const { publishers, players } = deps.snapshot();
    return { draining: watch.draining, publishers: publishers.length, players: players.length };
  };
  const isAllowed = (request: FastifyRequest): boolean => {
    const token = bearer(request);
    if (token === undefined) return false;
    return isSameSecret(token, deps.runtimeToken) || deps.keys.verify(token)?.permissions === 'admin';
  };

  app.get('/v1/drain', { onRequest: limit }, async (request, reply) =>
    isAllowed(request) ? sendJson(reply, 200, view()) : refuseKeyless(context, request, reply, 'Invalid API key'),
  );

  app.post('/v1/drain', { onRequest: limit }, async (request, reply) => {
    if (!isAllowed(request)) return refuseKeyless(context, request, reply, 'Invalid API key');
    const drain = parseBody(request)?.drain;
    if (typeof drain !== 'boolean') return sendJson(reply, 400, errorAnswer('Invalid drain: give true or false'));
    watch.drain(drain);
    deps.logger.warn(drain ? 'draining: no new publisher is admitted' : 'publishers are admitted again', {
      key: 'local',
    });
    return sendJson(reply, 200, view());
  });
};
