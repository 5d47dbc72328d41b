import type { Millis } from '../../shared/clock.ts';
import { ApiError, invalidRequest, notFound } from '../api-error.ts';
import type { Database, Transaction } from '../database/database.ts';
import type { SlotTable } from '../slots/slot-table.ts';
import type { Revocation } from '../slots/slots.ts';
import type { Entitlement } from './entitlement.ts';
import type { Invitations } from './invitations.ts';
import type { Logins } from './logins.ts';
import { type Passwords, passwordFault } from './passwords.ts';
import type { Revocations } from './revocations.ts';
import { isEmail, normaliseEmail, type User, type Users } from './users.ts';

export const MAX_NAME_LENGTH = 64;

/** A name without what would break a line. @throws ApiError 400 */
export const checkedName = (name: string): string => {
  const text = name.replace(/\s+/g, ' ').trim();
  if (text === '' || [...text].length > MAX_NAME_LENGTH || /\p{Cc}/u.test(text))
    throw invalidRequest(`The name needs 1 to ${MAX_NAME_LENGTH} characters.`);
  return text;
};

/** @throws ApiError 400 */
export const checkedEmail = (email: string): string => {
  const text = normaliseEmail(email);
  if (!isEmail(text)) throw invalidRequest('This is no e-mail address.');
  return text;
};

const checkPassword = (password: string): void => {
  const fault = passwordFault(password);
  if (fault) throw invalidRequest(fault);
};

/** Why a link is good for nothing. */
export const linkProblem = (why: 'unknown' | 'used' | 'expired'): ApiError => {
  if (why === 'unknown') return notFound('There is no such link. Is it complete?');
  const text = why === 'used' ? 'This link was used already.' : 'This link has expired.';
  return new ApiError(410, `link_${why}`, `${text} Ask for a new one.`);
};

export interface UserChangesOptions {
  readonly db: Database;
  readonly unixNow: () => Millis;
  readonly users: Users;
  readonly logins: Logins;
  readonly slots: SlotTable;
  readonly invitations: Invitations;
  readonly passwords: Passwords;
  readonly revocations: Revocations;
}

/** What is done to users, with everything that follows from it: logins that end, streams that are cut. */
export class UserChanges {
  readonly #with: UserChangesOptions;

  constructor(options: UserChangesOptions) {
    this.#with = options;
  }

  /**
   * Makes the user that an invitation is for.
   * @throws ApiError 400, 404, 409 for an address that is taken, 410 for a link that is used or expired @throws TributaryError TRIBUTARY_BUSY
   */
  async accept(token: string, person: { email: string; displayName: string; password: string }): Promise<User> {
    const { db, users, slots, invitations, passwords, unixNow } = this.#with;
    const invitation = await invitations.look(token);
    if (typeof invitation === 'string') throw linkProblem(invitation);
    const email = invitation.email ?? checkedEmail(person.email);
    const displayName = checkedName(person.displayName);
    checkPassword(person.password);
    const passwordHash = await passwords.hash(person.password);
    return db.transaction(async (tx) => {
      const used = await invitations.use(token, tx);
      if (typeof used === 'string') throw linkProblem(used);
      if (used.kind === 'password') throw linkProblem('unknown');
      if (used.kind === 'setup') {
        // Another process may have printed a link in the moment in which one was used.
        await tx.lock('administrators');
        if ((await users.countAdmins(tx)) > 0) throw linkProblem('used');
        await invitations.endSetup(tx);
      }
      const isAdmin = used.kind === 'setup' || used.isAdmin;
      const user = await users.add({ email, displayName, passwordHash, isAdmin }, unixNow(), tx);
      if (!user) throw new ApiError(409, 'conflict', 'There is an account with this e-mail address already.');
      for (let i = 0; i < used.slots; i++) await slots.createIn(tx, user.id);
      return user;
    });
  }

  /**
   * A new password by a link for it; every login ends, since somebody else may have known the old one.
   * @throws as `accept`
   */
  async resetPassword(token: string, password: string): Promise<User> {
    const { db, users, logins, invitations, passwords } = this.#with;
    const invitation = await invitations.look(token);
    if (typeof invitation === 'string') throw linkProblem(invitation);
    checkPassword(password);
    const passwordHash = await passwords.hash(password);
    return db.transaction(async (tx) => {
      const used = await invitations.use(token, tx);
      if (typeof used === 'string') throw linkProblem(used);
      const user = used.userId === undefined ? undefined : await users.get(used.userId, tx);
      if (!user) throw linkProblem('unknown');
      await users.setPassword(user.id, passwordHash, tx);
      await logins.endAll(user.id, {}, tx);
      return user;
    });
  }

  /**
   * A user's own change of password.
   * @param sid the login that stays @param clientsToo OBS is signed out as well
   * @throws ApiError 400 for a new one that is too weak, 403 for a wrong old one @throws TributaryError TRIBUTARY_BUSY
   */
  async changePassword(
    user: User,
    sid: string,
    { old, fresh, clientsToo }: { old: string; fresh: string; clientsToo: boolean },
  ): Promise<void> {
    const { db, users, logins, passwords } = this.#with;
    checkPassword(fresh);
    if (!(await passwords.verify(old, user.passwordHash)))
      throw new ApiError(403, 'wrong_password', 'The present password is not right.');
    const passwordHash = await passwords.hash(fresh);
    await db.transaction(async (tx) => {
      await users.setPassword(user.id, passwordHash, tx);
      await logins.endAll(user.id, clientsToo ? { but: sid } : { but: sid, kind: 'web' }, tx);
    });
  }

  /** @throws ApiError 404, 409 where no administrator would be left */
  async setFlags(userId: string, flags: Partial<Pick<User, 'isAdmin' | 'isDisabled'>>): Promise<User> {
    const { users, logins } = this.#with;
    return this.#change(userId, 'user_disabled', async (tx, user) => {
      const next = { isAdmin: flags.isAdmin ?? user.isAdmin, isDisabled: flags.isDisabled ?? user.isDisabled };
      await users.setFlags(userId, next, tx);
      await this.#checkAdminLeft(tx, user);
      if (next.isDisabled) await logins.endAll(userId, {}, tx);
      return { user: { ...user, ...next }, isCut: next.isDisabled };
    });
  }

  /**
   * What is not given stays as it is. Anything but `enabled` cuts what runs.
   * @param eventMs the moment of the event that says so; one that is not newer than the last change is not applied
   * @returns undefined: not applied
   * @throws ApiError 404
   */
  async setEntitlement(userId: string, change: Partial<Entitlement>, eventMs?: Millis): Promise<User | undefined> {
    const { users, unixNow } = this.#with;
    let isApplied = true;
    const changed = await this.#change(userId, 'entitlement', async (tx, user) => {
      isApplied = eventMs === undefined || eventMs > user.entitlementMs;
      if (!isApplied) return { user, isCut: false };
      const entitlement = { ...user.entitlement, ...change };
      // Whatever was said before this moment, and comes later, must not undo it.
      const entitlementMs = eventMs ?? Math.max(unixNow(), user.entitlementMs + 1);
      await users.setEntitlement(userId, entitlement, entitlementMs, tx);
      return { user: { ...user, entitlement, entitlementMs }, isCut: entitlement.relayAccess !== 'enabled' };
    });
    return isApplied ? changed : undefined;
  }

  /** The user, with slots and logins, is gone. @throws ApiError 404, 409 */
  async remove(userId: string): Promise<void> {
    await this.#change(userId, 'user_disabled', async (tx, user) => {
      await this.#with.users.remove(userId, tx);
      await this.#checkAdminLeft(tx, user);
      return { user, isCut: true };
    });
  }

  /** A change after which, where it says so, nothing of the user's may stream. */
  async #change(
    userId: string,
    reason: Revocation['reason'],
    work: (tx: Transaction, user: User) => Promise<{ user: User; isCut: boolean }>,
  ): Promise<User> {
    const { db, users, slots, revocations, unixNow } = this.#with;
    const { user, due } = await db.transaction(async (tx) => {
      await tx.lock('administrators');
      const before = await users.get(userId, tx);
      if (!before) throw notFound('there is no such user');
      const streamTokens = (await slots.forUser(userId, tx)).map(({ streamToken }) => streamToken);
      const { user, isCut } = await work(tx, before);
      const due = isCut ? await revocations.note({ streamTokens, reason }, unixNow(), tx) : undefined;
      return { user, due };
    });
    await revocations.carryOut(due);
    return user;
  }

  async #checkAdminLeft(tx: Transaction, before: User): Promise<void> {
    if (before.isAdmin && (await this.#with.users.countAdmins(tx)) === 0)
      throw new ApiError(409, 'conflict', 'This is the last administrator. Make somebody else one first.');
  }
}
