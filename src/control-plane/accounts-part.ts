import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema.ts';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { Received } from '../stats/callers.ts';
import type { Authenticator, HeaderBearer } from './accounts/authenticator.ts';
import type { Entitlements } from './accounts/entitlement.ts';
import type { Fleet, UserRelays } from './accounts/relay-view.ts';
import type { Database } from './database/database.ts';
import type { Schema } from './database/migrate.ts';
import type { Slots, StreamRevoker } from './slots/slots.ts';

/** What users, logins and slots are given. */
export interface AccountsDeps {
  readonly db: Database;
  readonly settings: Settings;
  readonly logger: Logger;
  /** Unix ms. */
  readonly unixNow: () => Millis;
  /** Monotonic. */
  readonly clock: () => Millis;
  /** Of Tributary. */
  readonly version: string;
  readonly revoker: StreamRevoker;
  readonly relays: UserRelays;
  readonly fleet: Fleet;
  /** The client's address, as far as proxies are to be believed. */
  readonly addressOf: (request: Received) => string;
}

/** What users, logins and slots give. */
export interface Accounts {
  readonly authenticator: Authenticator;
  readonly entitlements: Entitlements;
  readonly slots: Slots;
  /** Whether an administrator sends this. Where a cookie says so, a request that changes something carries the CSRF token as well. */
  isAdmin(request: HeaderBearer): Promise<boolean>;
  /** Adds routes, absolute paths. */
  routes(app: FastifyInstance): void;
  /** Once a minute, on one process at a time: takes away what has expired. */
  housekeep?(): Promise<void>;
}

/** The part of the control plane that owns users, logins and slots: its tables, and what is made once they are there. */
export interface AccountsPart {
  readonly schema: Schema;
  /** Called once, after the migrations. */
  make(deps: AccountsDeps): Accounts | Promise<Accounts>;
}
