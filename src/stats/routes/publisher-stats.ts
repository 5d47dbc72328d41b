import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errorAnswer, legacyStats, livePublisher, modernStats } from '../compat-sls.ts';
import type { StatsDeps } from '../deps.ts';
import { pathRest, queryValue, sendJson } from '../http-app.ts';

/** See `legacyStats`. */
const wantsZeros = (request: FastifyRequest): boolean =>
  queryValue(request, 'idle') === 'zero' || (request.headers['user-agent'] ?? '').startsWith('Telemy/');

/**
 * `GET /stats/{player or publisher id}`: 200 for every id that is known, live or not, else 404. `?legacy=1` is the older shape;
 * `?reset` is accepted and does nothing, because it would spoil the counters of everybody else.
 */
export const publisherStatsRoutes = (app: FastifyInstance, { directory, snapshot }: StatsDeps): void => {
  app.get('/stats/*', async (request, reply) => {
    const id = pathRest(request);
    const publisherId = directory.publisherOfPlayer(id) ?? id;
    const live = livePublisher(snapshot(), publisherId);
    if (!live && !directory.hasPublisher(publisherId)) return sendJson(reply, 404, errorAnswer('Invalid player key'));
    const isLegacy = queryValue(request, 'legacy') === '1';
    return sendJson(reply, 200, isLegacy ? legacyStats(live, wantsZeros(request)) : modernStats(live));
  });
};
