import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyCookie from '@fastify/cookie';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { limited, limitedByKey, tooMany } from './access.ts';
import { Callers } from './callers.ts';
import { errorAnswer } from './compat-sls.ts';
import type { DashboardDeps } from './dashboard-deps.ts';
import { previewRoutes } from './dashboard-preview.ts';
import { dashboardRoutes } from './dashboard-routes.ts';
import { SignIn, sameOriginOnly } from './dashboard-sign-in.ts';
import { DashboardState } from './dashboard-state.ts';
import { docsRoutes } from './docs/routes.ts';
import { GuessLimit } from './guess-limit.ts';
import { createHttpApp, sendJson } from './http-app.ts';
import { RequestBudget } from './request-budget.ts';
import type { RouteContext } from './routes/context.ts';
import { keyRoutes } from './routes/keys.ts';
import { streamIdRoutes } from './routes/stream-ids.ts';
import { streamRoutes } from './routes/streams.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Addresses of pages: the same file, whose code looks at the address. */
const PAGES = ['/', '/streams/*', '/manage', '/manage/*', '/setup', '/s/:token'];
const NOT_BUILT = 'The pages are not built: start the node with `npm start`, or run `node bin/pages.cjs`.\n';
const YEAR_S = 31_536_000;

export interface DashboardServer {
  app: FastifyInstance;
  state: DashboardState;
}

/**
 * The server of port 3000: the pages, their data and feeds, and the management API for who is signed in.
 * @param keyless what tries of wrong keys count against, here as on the other ports
 */
export const createDashboardServer = (
  deps: DashboardDeps,
  keyless = RequestBudget.ofKeyTries(deps.settings),
): DashboardServer => {
  const { settings, clock, logger, keys } = deps;
  const callers = new Callers(() => settings.http.trustedProxies);
  const context: RouteContext = {
    deps,
    watch: deps.watch,
    clock,
    callers,
    guesses: new GuessLimit(() => settings.http.unknownIdsPerMinute),
    keyless,
  };
  const state = new DashboardState(deps, callers);
  const signIn = new SignIn(deps, context);
  const app = createHttpApp({
    logger,
    headers: SECURITY_HEADERS,
    notFound: (reply) => sendJson(reply.headers(SECURITY_HEADERS), 404, errorAnswer('Not found')),
  });
  const ofData = limited(new RequestBudget(() => settings.http.statsPerMinute), context);
  const ofApi = limitedByKey(
    { without: keyless, with: new RequestBudget(() => settings.http.apiKeyPerMinute) },
    keys,
    context,
  );
  const ofKeys = limited(new RequestBudget(() => settings.http.keysPerMinute), context);

  app.addHook('onReady', async () => state.start());
  app.addHook('onClose', async () => state.stop());
  app.addHook('onRequest', async (request, reply) => {
    deps.plainHttp?.note(request, callers);
    reply.headers(SECURITY_HEADERS);
  });
  app.addHook('onRequest', sameOriginOnly);
  app.register(fastifyCookie);
  pageRoutes(app, deps.pagesDir);
  app.get('/api-docs', async (_request, reply) => reply.redirect('/docs/api', 301));
  app.register(async (open) => {
    open.addHook('onRequest', ofData);
    docsRoutes(open, { library: deps.docs, version: deps.version, besideDashboard: true });
  });
  app.register(async (open) => {
    open.addHook('onRequest', ofData);
    signIn.routes(open);
    sharedRoutes(open, deps, state, context);
  });
  app.register(async (closed) => {
    closed.addHook('onRequest', signIn.required);
    closed.register(async (data) => {
      data.addHook('onRequest', ofData);
      dashboardRoutes(data, deps, state, signIn);
      previewRoutes(data, deps, state, signIn);
    });
    closed.register(async (api) => {
      api.addHook('onRequest', ofApi);
      streamIdRoutes(api, context);
      streamRoutes(api, context);
    });
    closed.register(async (api) => {
      api.addHook('onRequest', ofKeys);
      keyRoutes(api, context);
    });
  });
  return { app, state };
};

const pageRoutes = (app: FastifyInstance, folder: string): void => {
  app.register(fastifyStatic, { root: folder, serve: false, preCompressed: true, cacheControl: false });
  const page = async (_request: unknown, reply: FastifyReply): Promise<FastifyReply> => {
    if (!existsSync(join(folder, 'index.html'))) return reply.code(503).type('text/plain').send(NOT_BUILT);
    return reply.header('cache-control', 'no-cache').sendFile('index.html');
  };
  for (const path of PAGES) app.get(path, page);
  // Their names hold a digest of what is in them.
  app.get('/assets/*', async (request, reply) => {
    const { '*': name } = request.params as { '*': string };
    return reply.header('cache-control', `public, max-age=${YEAR_S}, immutable`).sendFile(`assets/${name}`);
  });
  for (const name of ['theme.js', 'icon.svg', 'manifest.webmanifest'])
    app.get(`/${name}`, async (_request, reply) => reply.header('cache-control', 'no-cache').sendFile(name));
};

/** Pages of one stream, for whoever has a link to it. */
const sharedRoutes = (
  app: FastifyInstance,
  deps: DashboardDeps,
  state: DashboardState,
  context: RouteContext,
): void => {
  const { shares, clock } = deps;
  const { guesses, callers } = context;

  app.get('/s/:token/feed', async (request, reply) => {
    const { token = '' } = request.params as { token?: string };
    const stream = shares.streamOf(token);
    if (!guesses.admits(callers.addressOf(request), `share ${token}`, stream !== undefined, clock()))
      return tooMany(reply, clock());
    if (stream === undefined || !state.sharedLive(stream))
      return sendJson(reply, 404, errorAnswer('This link shows nothing any more'));
    const mayStay = (): boolean => shares.streamOf(token) === stream;
    const first = state.trails(stream);
    if (!state.feed.open(request, reply, { subject: stream, isShared: true, first, mayStay }))
      return sendJson(reply, 429, errorAnswer('Too many pages are open'));
    return reply;
  });
};
