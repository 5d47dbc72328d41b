import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema.ts';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { Fleet, UserRelays } from './accounts/relay-view.ts';
import type { Accounts } from './accounts-part.ts';
import type { Database } from './database/database.ts';
import type { StreamRevoker } from './slots/slots.ts';

export interface RelaysDeps {
  readonly db: Database;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock: () => Millis;
  readonly unixNow: () => Millis;
}

/** Nodes, placement and sessions. */
export interface Relays {
  readonly revoker: StreamRevoker;
  readonly userRelays: UserRelays;
  readonly fleet: Fleet;
  routes(app: FastifyInstance, accounts: Accounts): void;
  start(accounts: Accounts): void;
  stop(): Promise<void>;
}

export const createRelays = async (_deps: RelaysDeps): Promise<Relays> => ({
  revoker: { revoke: async () => {} },
  userRelays: {
    activeSessions: async () => [],
    usage: async () => ({ included_seconds: 0, consumed_seconds: 0, remaining_seconds: 0, overage_seconds: 0 }),
  },
  fleet: {
    nodes: async () => [],
    sessions: async () => [],
    setNodeStatus: async () => false,
    endSession: async () => false,
  },
  routes: () => {},
  start: () => {},
  stop: async () => {},
});
