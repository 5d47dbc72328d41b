import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema.ts';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { Received } from '../stats/callers.ts';
import type { Fleet, UserRelays } from './accounts/relay-view.ts';
import type { Accounts } from './accounts-part.ts';
import type { Database } from './database/database.ts';
import { Permits } from './database/permits.ts';
import { DnsKeeper, dnsProviderOf } from './dns/dns-keeper.ts';
import { createFleet, createUserRelays } from './fleet.ts';
import { type Job, JobRunner } from './jobs.ts';
import { IngestHints } from './nodes/ingest-hints.ts';
import { probeIpv6 } from './nodes/ipv6-probe.ts';
import { LinkReports } from './nodes/link-reports.ts';
import { addNodeAdminRoutes } from './nodes/node-admin-routes.ts';
import { addNodeRoutes } from './nodes/node-routes.ts';
import { NodeSignals } from './nodes/node-signals.ts';
import { nodeJobs } from './nodes/node-watch.ts';
import { planeIdentity } from './nodes/plane-identity.ts';
import type { Fetch } from './nodes/sls-client.ts';
import { SlsProvisioner } from './nodes/sls-provisioner.ts';
import { TributaryProvisioner } from './nodes/tributary-provisioner.ts';
import type { RelayCore } from './relay-context.ts';
import { addRelayRoutes } from './sessions/relay-routes.ts';
import { createRevoker } from './sessions/revoke.ts';
import { sessionJobs } from './sessions/session-keeper.ts';
import { START_WAIT_MS } from './sessions/start-session.ts';
import type { StreamRevoker } from './slots/slots.ts';

export interface RelaysDeps {
  readonly db: Database;
  readonly settings: Settings;
  readonly logger: Logger;
  /** Monotonic. */
  readonly clock: () => Millis;
  /** Unix ms. */
  readonly unixNow: () => Millis;
  /** What a start waits for the node's word; 1 s where it is absent. */
  readonly startWaitMs?: Millis | undefined;
  /** Reaches nodes of the old stack; that of the process where it is absent. */
  readonly fetch?: Fetch | undefined;
}

/** Nodes, placement and sessions. */
export interface Relays {
  readonly planeId: string;
  readonly revoker: StreamRevoker;
  readonly userRelays: UserRelays;
  readonly fleet: Fleet;
  routes(app: FastifyInstance, accounts: Accounts, addressOf: (request: Received) => string): void;
  /** The jobs, by name: a test runs one when it wants to. */
  jobs(accounts: Accounts): readonly Job[];
  start(accounts: Accounts): void;
  /** Long-polls and waiting starts go on without; jobs are waited for. */
  stop(): Promise<void>;
}

/** One that has the lock of all processes, and one that is next. */
const PLACING_AT_ONCE = 2;

export const createRelays = async (deps: RelaysDeps): Promise<Relays> => {
  const { db, settings, logger, clock, unixNow, fetch, startWaitMs = START_WAIT_MS } = deps;
  const signals = new NodeSignals(db);
  const sls = new SlsProvisioner({ db, unixNow, logger, ...(fetch ? { fetch } : {}) });
  const core: RelayCore = {
    db,
    settings,
    logger,
    clock,
    unixNow,
    startWaitMs,
    planeId: await planeIdentity(db, unixNow()),
    signals,
    links: new LinkReports(db, clock),
    hints: new IngestHints(),
    placing: new Permits(PLACING_AT_ONCE),
    dns: new DnsKeeper(db, dnsProviderOf(settings, fetch ?? globalThis.fetch, unixNow), logger, unixNow),
    provisioners: { tributary: new TributaryProvisioner(db, signals, unixNow), sls },
  };
  const fleet = createFleet(core);
  const runner = new JobRunner(db, logger, unixNow);
  const jobs = (accounts: Accounts): Job[] => [
    ...sessionJobs(core, accounts.slots),
    ...nodeJobs(core, sls),
    ...core.dns.jobs(),
    { name: 'ipv6', everyMs: 60_000, isShared: true, run: () => probeIpv6(core, fetch ?? globalThis.fetch) },
    { name: 'accounts', everyMs: 60_000, isShared: true, run: async () => accounts.housekeep?.() },
  ];
  return {
    planeId: core.planeId,
    revoker: createRevoker(core),
    userRelays: createUserRelays(core),
    fleet,
    routes: (app, accounts, addressOf) => {
      addNodeRoutes(app, core, addressOf);
      addNodeAdminRoutes(app, core, accounts, fleet);
      addRelayRoutes(app, core, accounts);
    },
    jobs,
    start: (accounts) => runner.start(jobs(accounts)),
    stop: async () => {
      signals.stop();
      core.links.stop();
      await Promise.all([core.dns.stop(), runner.stop()]);
    },
  };
};
