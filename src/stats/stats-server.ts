import type { FastifyInstance } from 'fastify';
import { bearer, isSameSecret, limited } from './access.ts';
import { errorAnswer } from './compat-sls.ts';
import type { StatsDeps } from './deps.ts';
import { doctorView } from './doctor-view.ts';
import { createHttpApp, sendJson } from './http-app.ts';
import { RequestBudget } from './request-budget.ts';
import { keyRoutes } from './routes/keys.ts';
import { publisherStatsRoutes } from './routes/publisher-stats.ts';
import { streamIdRoutes } from './routes/stream-ids.ts';

/** What SLS sends with every answer that is not "unknown path". */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-allow-headers': 'Content-Type, Authorization',
};

/**
 * The server of port 8090: statistics of streams and the management API, compatible with OpenIRL's SLS. Checks come in this order:
 * rate limit, key, permission, body.
 */
export const createStatsServer = (deps: StatsDeps): FastifyInstance => {
  const { settings, clock, keys } = deps;
  const app = createHttpApp({ logger: deps.logger, headers: CORS, notFound: (reply) => reply.code(404).send('') });
  const budgets = {
    stats: new RequestBudget(settings.http.statsPerMinute),
    api: new RequestBudget(settings.http.apiPerMinute),
    keys: new RequestBudget(settings.http.keysPerMinute),
  };

  app.options('/*', async (_request, reply) => reply.code(204).headers(CORS).send());

  app.register(async (open) => {
    open.addHook('onRequest', async (_request, reply) => {
      reply.headers(CORS);
    });
    open.get('/health', async (_request, reply) => {
      const { counters, srtVersion } = deps.snapshot();
      const isUp = counters.dataPlaneUp !== 0;
      return sendJson(reply, isUp ? 200 : 503, health(deps, srtVersion, isUp, counters.dataPlaneRestarts ?? 0));
    });
    const part = (budget: RequestBudget, routes: (scope: FastifyInstance, deps: StatsDeps) => void): void => {
      open.register(async (scope) => {
        scope.addHook('onRequest', limited(budget, clock));
        routes(scope, deps);
      });
    };
    part(budgets.stats, publisherStatsRoutes);
    part(budgets.api, streamIdRoutes);
    part(budgets.keys, keyRoutes);
  });

  // Our own, without CORS: no web page has business here.
  app.get('/v1/doctor', { onRequest: limited(budgets.stats, clock) }, async (request, reply) => {
    const token = bearer(request);
    const isKnown = token !== undefined && (isSameSecret(token, deps.runtimeToken) || keys.verify(token) !== undefined);
    return isKnown
      ? sendJson(reply, 200, doctorView(deps.snapshot()))
      : sendJson(reply, 401, errorAnswer('Missing or invalid Authorization header'));
  });
  return app;
};

/** The name of the service is what health checks of the old stack look for. */
const health = ({ version }: StatsDeps, srtVersion: string, isUp: boolean, dataPlaneRestarts: number): object => ({
  dataPlaneRestarts,
  service: 'srt-live-server',
  srtVersion,
  status: isUp ? 'ok' : 'data plane restarting',
  version,
});
