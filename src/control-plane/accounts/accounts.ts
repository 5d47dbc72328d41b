import type { FastifyInstance } from 'fastify';
import type { Settings } from '../../config/schema.ts';
import type { Millis } from '../../shared/clock.ts';
import { RequestBudget } from '../../stats/request-budget.ts';
import type { Accounts, AccountsDeps, AccountsPart } from '../accounts-part.ts';
import { fleetPages } from '../admin/fleet-pages.ts';
import { slotsPage } from '../admin/slots-page.ts';
import { userPage } from '../admin/user-page.ts';
import { usersPage } from '../admin/users-page.ts';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { accountPages } from '../pages/account-page.ts';
import { approvePage } from '../pages/approve-page.ts';
import { signInPages } from '../pages/sign-in-pages.ts';
import { Site } from '../pages/site.ts';
import { SlotTable } from '../slots/slot-table.ts';
import { AccessTokens } from './access-tokens.ts';
import { isAdministrator } from './administrators.ts';
import { type AccountsContext, baseUrl, isHttps } from './context.ts';
import { Invitations } from './invitations.ts';
import { Logins } from './logins.ts';
import { Passwords } from './passwords.ts';
import { PluginLogins } from './plugin-logins.ts';
import { Revocations } from './revocations.ts';
import { adminRoutes } from './routes/admin.ts';
import { authRoutes } from './routes/auth.ts';
import { entitlementHook } from './routes/entitlement-hook.ts';
import { userRoutes } from './routes/user.ts';
import { ACCOUNTS_SCHEMA } from './schema.ts';
import { SigningKeys } from './signing-keys.ts';
import { TokenAuthenticator } from './token-authenticator.ts';
import { UserChanges } from './user-changes.ts';
import { Users } from './users.ts';
import { WebSessions } from './web-sessions.ts';

const LOGIN_STARTS_PER_MINUTE = 20;
/** The plugin asks every two or three seconds. */
const POLLS_PER_MINUTE = 60;
const REGENERATIONS_PER_MINUTE = 10;

export interface AccountsPartOptions {
  /** Takes the link that makes the first administrator: for a terminal, never for the log. Called while there is no administrator. */
  announce: (link: string) => void;
  passwords?: Passwords;
}

const contextOf = (deps: AccountsDeps, passwords: Passwords): AccountsContext & { housekeep(): Promise<void> } => {
  const { db, settings, logger, unixNow, revoker } = deps;
  const users = new Users(db);
  const logins = new Logins(db, unixNow);
  const invitations = new Invitations(db, unixNow);
  const revocations = new Revocations(db, revoker, logger);
  const slots = new SlotTable({ db, revocations, unixNow });
  const keys = new SigningKeys(db, unixNow);
  const tokens = new AccessTokens(keys, unixNow);
  const pluginLogins = new PluginLogins(db, logins, unixNow);
  const { signInsPerMinute } = settings.controlPlane;
  return {
    ...deps,
    users,
    logins,
    invitations,
    slots,
    tokens,
    pluginLogins,
    passwords,
    changes: new UserChanges({ db, unixNow, users, logins, slots, invitations, passwords, revocations }),
    authenticator: new TokenAuthenticator(tokens, logins),
    webSessions: new WebSessions(users, logins, isHttps(settings)),
    budgets: {
      triesFromAddress: new RequestBudget(signInsPerMinute),
      triesForAccount: new RequestBudget(signInsPerMinute),
      loginStarts: new RequestBudget(LOGIN_STARTS_PER_MINUTE),
      polls: new RequestBudget(POLLS_PER_MINUTE),
      regenerations: new RequestBudget(REGENERATIONS_PER_MINUTE),
    },
    housekeep: async () => {
      await revocations.carryOutAll();
      await keys.housekeep();
      await pluginLogins.housekeep();
      await logins.housekeep();
      await invitations.housekeep();
    },
  };
};

const linkOf = (settings: Settings, token: string): string => `${baseUrl(settings)}/invite/${token}`;

/** A fresh link for as long as nobody can administer: earlier ones were printed by another start, and one that is used ends them all. */
const announceSetup = async (context: AccountsContext, announce: (link: string) => void): Promise<void> => {
  const { users, invitations, settings } = context;
  if ((await users.countAdmins()) > 0) return;
  const { token } = await invitations.add({ kind: 'setup', isAdmin: true, slots: 1 });
  announce(linkOf(settings, token));
};

/** A link that makes one more administrator, for who has the database but no password any more. */
export const adminLink = async (db: Database, settings: Settings, unixNow: () => Millis): Promise<string> => {
  await migrate(db, [ACCOUNTS_SCHEMA], unixNow());
  const { token } = await new Invitations(db, unixNow).add({ kind: 'user', isAdmin: true, slots: 1 });
  return linkOf(settings, token);
};

/** Users, logins and slots of the control plane. */
export const accountsPart = ({ announce, passwords = new Passwords() }: AccountsPartOptions): AccountsPart => ({
  schema: ACCOUNTS_SCHEMA,
  async make(deps): Promise<Accounts> {
    const context = contextOf(deps, passwords);
    await announceSetup(context, announce);
    return {
      authenticator: context.authenticator,
      entitlements: context.users,
      slots: context.slots,
      isAdmin: (request) => isAdministrator(context, request),
      housekeep: context.housekeep,
      routes: (app: FastifyInstance) => {
        authRoutes(app, context);
        userRoutes(app, context);
        adminRoutes(app, context);
        entitlementHook(app, context);
        app.register(async (scope) => {
          const site = new Site(scope, context);
          signInPages(site, context);
          approvePage(site, context);
          accountPages(site, context);
          fleetPages(site, context);
          usersPage(site, context);
          userPage(site, context);
          slotsPage(site, context);
        });
      },
    };
  },
});
