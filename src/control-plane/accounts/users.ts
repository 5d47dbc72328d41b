import type { Millis } from '../../shared/clock.ts';
import type { Database, Queries } from '../database/database.ts';
import type { Entitlement, Entitlements, RelayAccess } from './entitlement.ts';
import { newId } from './secrets.ts';

export interface User {
  readonly id: string;
  /** Lower case; the name to sign in with. */
  readonly email: string;
  readonly displayName: string;
  readonly passwordHash: string;
  readonly isAdmin: boolean;
  readonly isDisabled: boolean;
  /** Unix ms. */
  readonly createdMs: Millis;
  readonly entitlement: Entitlement;
  /** Unix ms of the last change, of the event that caused it where it came by the hook. */
  readonly entitlementMs: Millis;
}

interface UserRow {
  id: string;
  email: string;
  display_name: string;
  password_hash: string;
  is_admin: number;
  is_disabled: number;
  created_ms: number;
  relay_access: string;
  reason_code: string;
  plan_tier: string;
  plan_status: string;
  max_concurrent_conns: number;
  entitlement_ms: number;
}

const ofRow = (row: UserRow): User => ({
  id: row.id,
  email: row.email,
  displayName: row.display_name,
  passwordHash: row.password_hash,
  isAdmin: row.is_admin === 1,
  isDisabled: row.is_disabled === 1,
  createdMs: row.created_ms,
  entitlement: {
    relayAccess: row.relay_access as RelayAccess,
    reasonCode: row.reason_code,
    planTier: row.plan_tier,
    planStatus: row.plan_status,
    maxConcurrentConns: row.max_concurrent_conns,
  },
  entitlementMs: row.entitlement_ms,
});

/** What a user has whom nobody has told anything else about. */
export const FULL_ENTITLEMENT: Entitlement = {
  relayAccess: 'enabled',
  reasonCode: 'ok',
  planTier: 'internal',
  planStatus: 'active',
  maxConcurrentConns: 99,
};

const noEntitlement = (reasonCode: string): Entitlement => ({
  ...FULL_ENTITLEMENT,
  relayAccess: 'disabled',
  reasonCode,
});

/** The entitlement that counts: somebody who may not sign in may not stream either. */
export const effectiveEntitlement = (user: User): Entitlement =>
  user.isDisabled ? { ...user.entitlement, relayAccess: 'disabled', reasonCode: 'user_disabled' } : user.entitlement;

export const normaliseEmail = (email: string): string => email.trim().toLowerCase();
export const isEmail = (text: string): boolean => text.length <= 254 && /^[^\s@<>"]+@[^\s@<>"]+$/.test(text);

export interface NewUser {
  readonly email: string;
  readonly displayName: string;
  readonly passwordHash: string;
  readonly isAdmin: boolean;
}

/** The table of users. */
export class Users implements Entitlements {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async of(userId: string): Promise<Entitlement> {
    const user = await this.get(userId);
    return user ? effectiveEntitlement(user) : noEntitlement('unknown_user');
  }

  async get(id: string, queries: Queries = this.#db): Promise<User | undefined> {
    const row = await queries.first<UserRow>('SELECT * FROM users WHERE id = ?', [id]);
    return row && ofRow(row);
  }

  async byEmail(email: string, queries: Queries = this.#db): Promise<User | undefined> {
    const row = await queries.first<UserRow>('SELECT * FROM users WHERE email = ?', [normaliseEmail(email)]);
    return row && ofRow(row);
  }

  /** The oldest first. */
  async list(): Promise<User[]> {
    return (await this.#db.all<UserRow>('SELECT * FROM users ORDER BY created_ms, id')).map(ofRow);
  }

  /** Undefined: there is somebody with this address already. */
  async add(user: NewUser, unixMs: Millis, queries: Queries): Promise<User | undefined> {
    const { relayAccess, reasonCode, planTier, planStatus, maxConcurrentConns } = FULL_ENTITLEMENT;
    const row = await queries.first<UserRow>(
      `INSERT INTO users (id, email, display_name, password_hash, is_admin, is_disabled, created_ms,
         relay_access, reason_code, plan_tier, plan_status, max_concurrent_conns, entitlement_ms)
       VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (email) DO NOTHING RETURNING *`,
      [
        newId('usr'),
        normaliseEmail(user.email),
        user.displayName,
        user.passwordHash,
        user.isAdmin ? 1 : 0,
        unixMs,
        relayAccess,
        reasonCode,
        planTier,
        planStatus,
        maxConcurrentConns,
      ],
    );
    return row && ofRow(row);
  }

  /** Administrators who can sign in. */
  async countAdmins(queries: Queries = this.#db): Promise<number> {
    const row = await queries.first<{ n: number }>(
      'SELECT COUNT(*) AS n FROM users WHERE is_admin = 1 AND is_disabled = 0',
    );
    return Number(row?.n ?? 0);
  }

  async setPassword(id: string, passwordHash: string, queries: Queries = this.#db): Promise<void> {
    await queries.run('UPDATE users SET password_hash = ? WHERE id = ?', [passwordHash, id]);
  }

  async setDisplayName(id: string, displayName: string): Promise<void> {
    await this.#db.run('UPDATE users SET display_name = ? WHERE id = ?', [displayName, id]);
  }

  async setFlags(id: string, flags: Pick<User, 'isAdmin' | 'isDisabled'>, queries: Queries): Promise<void> {
    await queries.run('UPDATE users SET is_admin = ?, is_disabled = ? WHERE id = ?', [
      flags.isAdmin ? 1 : 0,
      flags.isDisabled ? 1 : 0,
      id,
    ]);
  }

  async setEntitlement(id: string, entitlement: Entitlement, unixMs: Millis, queries: Queries): Promise<void> {
    const { relayAccess, reasonCode, planTier, planStatus, maxConcurrentConns } = entitlement;
    await queries.run(
      `UPDATE users SET relay_access = ?, reason_code = ?, plan_tier = ?, plan_status = ?, max_concurrent_conns = ?,
         entitlement_ms = ? WHERE id = ?`,
      [relayAccess, reasonCode, planTier, planStatus, maxConcurrentConns, unixMs, id],
    );
  }

  async remove(id: string, queries: Queries): Promise<void> {
    await queries.run('DELETE FROM users WHERE id = ?', [id]);
  }
}
