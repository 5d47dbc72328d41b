import type { FastifyInstance, FastifyRequest } from 'fastify';
import { belaboxStats } from '../compat-belabox.ts';
import { legacyStats, modernStats } from '../compat-sls.ts';
import { pathRest, queryValue, sendJson } from '../http-app.ts';
import { peersOf } from '../peers.ts';
import { shownPublisher } from '../timeline.ts';
import { askedPublisher, type RouteContext } from './context.ts';

const isPlugin = (request: FastifyRequest): boolean => (request.headers['user-agent'] ?? '').startsWith('Telemy/');

/**
 * `GET /stats/{player or publisher id}`: 200 for every id that is known, live or not, else 404. `?legacy=1` is the older shape;
 * `?reset` is accepted and does nothing, because it would spoil the counters of everybody else. `GET /belabox/{id}` is the shape of
 * BELABOX's cloud.
 */
export const publisherStatsRoutes = (app: FastifyInstance, context: RouteContext): void => {
  const { deps, watch, clock } = context;

  app.get('/stats/*', async (request, reply) => {
    const publisherId = askedPublisher(context, pathRest(request), request, reply);
    if (publisherId === undefined) return reply;
    const snapshot = deps.snapshot();
    const live = shownPublisher(snapshot, publisherId);
    const peers = live ? peersOf(snapshot, live.publisher, deps.linkNames) : [];
    if (queryValue(request, 'legacy') !== '1')
      return sendJson(reply, 200, modernStats(live, peers, deps.quality(publisherId)));
    // A stream that is over for long, or has never been, is not on anybody's screen.
    const idleAsZero = isPlugin(request) && watch.recentlyLive.has(publisherId, clock());
    return sendJson(reply, 200, legacyStats(live, idleAsZero, peers));
  });

  app.get('/belabox/*', async (request, reply) => {
    const publisherId = askedPublisher(context, pathRest(request), request, reply);
    if (publisherId === undefined) return reply;
    return sendJson(reply, 200, belaboxStats(shownPublisher(deps.snapshot(), publisherId)));
  });
};
