import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema.ts';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { Callers } from '../stats/callers.ts';
import { RequestBudget } from '../stats/request-budget.ts';
import type { AccountsPart } from './accounts-part.ts';
import { ApiError } from './api-error.ts';
import type { Database } from './database/database.ts';
import { migrate } from './database/migrate.ts';
import { createPlaneApp, sendError, sendJson } from './http.ts';
import { createRelays } from './relays.ts';
import { RELAYS_SCHEMA } from './relays-schema.ts';

export interface ControlPlaneOptions {
  readonly settings: Settings;
  readonly db: Database;
  readonly logger: Logger;
  /** Of Tributary. */
  readonly version: string;
  readonly accounts: AccountsPart;
  /** Monotonic. */
  readonly clock: () => Millis;
  /** Unix ms. */
  readonly unixNow: () => Millis;
}

/** One process of a control plane, without a port: `app` is to be listened with, or injected into. */
export interface ControlPlane {
  readonly app: FastifyInstance;
  /** Starts the jobs. */
  start(): void;
  /** Ends jobs and long-polls; the database stays open. */
  stop(): Promise<void>;
}

/** Behind a proxy that is not named, the peers that may be it. */
const PRIVATE_NETWORKS = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1',
  'fc00::/7',
  'fe80::/10',
];

/**
 * Brings the tables up to date and puts the parts together: nodes, placement and sessions (relays.ts), users, logins and slots
 * (`accounts`).
 * @throws TributaryError TRIBUTARY_DATABASE_NEWER @throws DatabaseAwayError
 */
export const createControlPlane = async (options: ControlPlaneOptions): Promise<ControlPlane> => {
  const { settings, db, logger, version, accounts: part, clock, unixNow } = options;
  await migrate(db, [RELAYS_SCHEMA, part.schema], unixNow());
  const { behindProxy, requestsPerMinute } = settings.controlPlane;
  const { trustedProxies } = settings.http;
  const callers = new Callers(behindProxy && trustedProxies.length === 0 ? PRIVATE_NETWORKS : trustedProxies);
  const app = createPlaneApp(logger);
  const budget = new RequestBudget(requestsPerMinute);
  app.addHook('onRequest', async (request, reply) => {
    const now = clock();
    if (budget.take(callers.addressOf(request), now)) return;
    reply.header('retry-after', RequestBudget.retryAfterS(now));
    return sendError(reply, new ApiError(429, 'rate_limited', 'too many requests'));
  });
  app.get('/healthz', (_request, reply) => sendJson(reply, 200, { status: 'ok' }));

  const relays = await createRelays({ db, settings, logger, clock, unixNow });
  const accounts = await part.make({
    db,
    settings,
    logger,
    clock,
    unixNow,
    version,
    revoker: relays.revoker,
    relays: relays.userRelays,
    fleet: relays.fleet,
    addressOf: (request) => callers.addressOf(request),
  });
  relays.routes(app, accounts);
  accounts.routes(app);
  return {
    app,
    start: () => relays.start(accounts),
    stop: () => relays.stop(),
  };
};
