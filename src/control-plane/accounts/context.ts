import type { FastifyRequest } from 'fastify';
import type { Settings } from '../../config/schema.ts';
import type { RequestBudget } from '../../stats/request-budget.ts';
import type { AccountsDeps } from '../accounts-part.ts';
import type { SlotTable } from '../slots/slot-table.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { Authenticator } from './authenticator.ts';
import type { Invitations } from './invitations.ts';
import type { Logins } from './logins.ts';
import type { Passwords } from './passwords.ts';
import type { PluginLogins } from './plugin-logins.ts';
import type { UserChanges } from './user-changes.ts';
import type { Users } from './users.ts';
import type { WebSessions } from './web-sessions.ts';

/** What the routes of users, logins and slots work with. */
export interface AccountsContext extends AccountsDeps {
  readonly users: Users;
  readonly changes: UserChanges;
  readonly invitations: Invitations;
  readonly logins: Logins;
  readonly pluginLogins: PluginLogins;
  readonly passwords: Passwords;
  readonly tokens: AccessTokens;
  readonly authenticator: Authenticator;
  readonly webSessions: WebSessions;
  readonly slots: SlotTable;
  readonly budgets: Budgets;
}

export interface Budgets {
  /** Passwords, and links that are good for nothing, per client address. */
  readonly triesFromAddress: RequestBudget;
  /** Passwords, per account. */
  readonly triesForAccount: RequestBudget;
  /** Sign-ins that OBS starts, per client address. */
  readonly loginStarts: RequestBudget;
  /** Questions of OBS that reach the database, per attempt. */
  readonly polls: RequestBudget;
  /** New stream tokens, per user. */
  readonly regenerations: RequestBudget;
}

/** Whether people reach the control plane by https alone. */
export const isHttps = ({ controlPlane: { tlsCert, behindProxy, publicUrl } }: Settings): boolean =>
  tlsCert !== undefined || behindProxy || publicUrl?.startsWith('https://') === true;

const HOST = /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * What goes before a path in links that leave this program, without a slash at the end.
 * @param request its `Host` counts where the settings name no address
 */
export const baseUrl = (settings: Settings, request?: Pick<FastifyRequest, 'headers'>): string => {
  const { publicUrl, port } = settings.controlPlane;
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '');
  const asked = request?.headers.host;
  const host = asked !== undefined && HOST.test(asked) ? asked : `localhost:${port}`;
  return `${isHttps(settings) ? 'https' : 'http'}://${host}`;
};

/** What a client calls itself, on one line and short enough for a page. */
export const shortText = (text: string | undefined, most = 64): string =>
  [...(text ?? '').replace(/[\p{C}\s]+/gu, ' ').trim()].slice(0, most).join('');
