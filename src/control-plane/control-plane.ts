import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema.ts';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { Callers } from '../stats/callers.ts';
import { RequestBudget } from '../stats/request-budget.ts';
import type { Accounts, AccountsPart } from './accounts-part.ts';
import { ApiError } from './api-error.ts';
import type { Database } from './database/database.ts';
import { migrate } from './database/migrate.ts';
import { createPlaneApp, sendError, sendJson } from './http.ts';
import { knowLocalNode } from './nodes/node-insert.ts';
import type { Fetch } from './nodes/sls-client.ts';
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
  /** A node that is started beside this plane: known from the start, with this key. */
  readonly localNode?: { readonly serverId: string; readonly key: string } | undefined;
  /** What a start waits for the node's word; 1 s where it is absent. */
  readonly startWaitMs?: Millis | undefined;
  /** Reaches nodes of the old stack; that of the process where it is absent. */
  readonly fetch?: Fetch | undefined;
}

/** One process of a control plane, without a port: `app` is to be listened with, or injected into. */
export interface ControlPlane {
  readonly app: FastifyInstance;
  readonly accounts: Accounts;
  /** Runs one of the jobs now, as its timer would. */
  runJob(name: string): Promise<void>;
  /** Starts the jobs. */
  start(): void;
  /** Ends jobs and long-polls; the database stays open. */
  stop(): Promise<void>;
}

/** Peers whose X-Forwarded-For is believed. */
export const trustedProxiesOf = ({ controlPlane, http }: Settings): readonly string[] =>
  controlPlane.behindProxy && http.trustedProxies.length === 0 ? PRIVATE_NETWORKS : http.trustedProxies;

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
  const { settings, db, logger, version, accounts: part, clock, unixNow, fetch, localNode, startWaitMs } = options;
  await migrate(db, [RELAYS_SCHEMA, part.schema], unixNow());
  const callers = new Callers(trustedProxiesOf(settings));
  if (localNode) await knowLocalNode(db, localNode, unixNow());
  const app = createPlaneApp(logger);
  const budget = new RequestBudget(settings.controlPlane.requestsPerMinute);
  app.addHook('onRequest', async (request, reply) => {
    const now = clock();
    if (budget.take(callers.addressOf(request), now)) return;
    reply.header('retry-after', RequestBudget.retryAfterS(now));
    return sendError(reply, new ApiError(429, 'rate_limited', 'too many requests'));
  });
  app.get('/healthz', (_request, reply) => sendJson(reply, 200, { status: 'ok' }));

  const relays = await createRelays({ db, settings, logger, clock, unixNow, fetch, startWaitMs });
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
  relays.routes(app, accounts, (request) => callers.addressOf(request));
  accounts.routes(app);
  const jobs = relays.jobs(accounts);
  return {
    app,
    accounts,
    runJob: async (name) => {
      const job = jobs.find((one) => one.name === name);
      if (!job) throw new Error(`there is no job ${name}`);
      await job.run();
    },
    start: () => relays.start(accounts),
    stop: () => relays.stop(),
  };
};
