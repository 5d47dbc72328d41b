import type { FastifyInstance } from 'fastify';
import { addressViewOf, type Hook, isReader, keyOf, limited, limitedByKey } from './access.ts';
import { Callers } from './callers.ts';
import type { StatsDeps } from './deps.ts';
import { docsRoutes } from './docs/routes.ts';
import { doctorView } from './doctor-view.ts';
import { EventStream } from './event-stream.ts';
import { GuessLimit } from './guess-limit.ts';
import { createHttpApp, sendJson } from './http-app.ts';
import type { UpgradeHandler } from './http-listener.ts';
import { Metrics } from './metrics.ts';
import { NodeWatch } from './node-watch.ts';
import { RequestBudget } from './request-budget.ts';
import { adoptRoutes } from './routes/adopt.ts';
import { type RouteContext, refuseKeyless } from './routes/context.ts';
import { drainRoutes } from './routes/drain.ts';
import { eventStreamRoute } from './routes/event-stream.ts';
import { healthRoutes } from './routes/health.ts';
import { irlserverDisconnectRoute, irlserverStatsRoutes } from './routes/irlserver.ts';
import { keyRoutes } from './routes/keys.ts';
import { metricsRoute } from './routes/metrics.ts';
import { publisherStatsRoutes } from './routes/publisher-stats.ts';
import { rtmpAuthRoute } from './routes/rtmp-auth.ts';
import { streamIdRoutes } from './routes/stream-ids.ts';
import { streamRoutes } from './routes/streams.ts';
import { vvliveRoutes } from './routes/vvlive.ts';
import { SrtlaReports } from './srtla-reports.ts';
import { StatsPush } from './stats-push.ts';
import { v1Routes } from './v1/routes.ts';

/** What SLS sends with every answer that is not "unknown path". */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-allow-headers': 'Content-Type, Authorization',
};
/** Where there is a method that SLS does not have, browsers must be told. */
const CORS_WITH_PATCH = { ...CORS, 'access-control-allow-methods': 'GET, POST, PATCH, DELETE, OPTIONS' };

export interface StatsServer {
  app: FastifyInstance;
  /** For `HttpListener`: the WebSocket clients. */
  onUpgrade: UpgradeHandler;
  push: StatsPush;
  /** The clients of `/v1/events`. */
  eventStream: EventStream;
  watch: NodeWatch;
  reports: SrtlaReports;
}

/**
 * The server of port 8090: statistics of streams and the management API, compatible with OpenIRL's SLS. Checks come in this order:
 * rate limit, key, permission, body.
 * @param keyless what requests without a valid key count against
 */
export const createStatsServer = (deps: StatsDeps, keyless = RequestBudget.ofKeyTries(deps.settings)): StatsServer => {
  const { settings, clock, keys } = deps;
  const app = createHttpApp({ logger: deps.logger, headers: CORS, notFound: (reply) => reply.code(404).send('') });
  const watch = new NodeWatch(deps);
  const context: RouteContext = {
    deps,
    watch,
    clock,
    callers: new Callers(() => settings.http.trustedProxies),
    guesses: new GuessLimit(() => settings.http.unknownIdsPerMinute),
    keyless,
  };
  const stats = new RequestBudget(() => settings.http.statsPerMinute);
  const api = { without: context.keyless, with: new RequestBudget(() => settings.http.apiKeyPerMinute) };
  const push = new StatsPush(context, stats);
  const eventStream = new EventStream(deps, context.callers);
  const metrics = new Metrics(deps, watch);
  const reports = new SrtlaReports(deps);
  const limits = {
    stats: limited(stats, context),
    api: limitedByKey(api, keys, context),
    keys: limited(new RequestBudget(() => settings.http.keysPerMinute), context),
  };
  app.addHook('onRequest', async (request) => deps.plainHttp?.note(request, context.callers));
  app.addHook('onReady', async () => {
    watch.start();
    reports.start();
    eventStream.start();
  });
  app.addHook('onClose', async () => {
    watch.stop();
    await reports.stop();
    push.close();
    eventStream.close();
    metrics.close();
  });

  app.options('/*', async (_request, reply) => reply.code(204).headers(CORS).send());
  app.options('/api/stream-ids/*', async (_request, reply) => reply.code(204).headers(CORS_WITH_PATCH).send());

  app.register(async (open) => {
    open.addHook('onRequest', async (_request, reply) => {
      reply.headers(CORS);
    });
    healthRoutes(open, context);
    const part = (limit: Hook, ...parts: ((scope: FastifyInstance, context: RouteContext) => void)[]): void => {
      open.register(async (scope) => {
        scope.addHook('onRequest', limit);
        for (const routes of parts) routes(scope, context);
      });
    };
    part(limits.stats, publisherStatsRoutes, irlserverStatsRoutes, (scope) => vvliveRoutes(scope, context, reports));
    part(limits.api, streamIdRoutes, streamRoutes, irlserverDisconnectRoute);
    part(limits.keys, keyRoutes);
  });

  // Our own, without CORS: no web page has business here.
  app.register(async (scope) => {
    scope.addHook('onRequest', limits.stats);
    metricsRoute(scope, context, metrics);
    rtmpAuthRoute(scope, context);
    docsRoutes(scope, { library: deps.docs, version: deps.version, besideDashboard: false });
  });
  app.register(async (scope) => {
    scope.addHook('onRequest', limits.api);
    eventStreamRoute(scope, context, eventStream);
  });
  v1Routes(app, context, { api: limits.api, keys: limits.keys, open: limits.stats });
  drainRoutes(app, context, limits.stats);
  adoptRoutes(app, context, limits.stats);
  app.get('/v1/doctor', { onRequest: limits.stats }, async (request, reply) => {
    return isReader(request, { keys, tokens: [deps.runtimeToken] })
      ? sendJson(reply, 200, doctorView(deps.snapshot(), addressViewOf(keyOf(request, keys))))
      : refuseKeyless(context, request, reply, 'Missing or invalid Authorization header');
  });
  return { app, onUpgrade: push.onUpgrade, push, eventStream, watch, reports };
};
