import type { Millis } from '../../shared/clock.ts';
import type { Database, Queries, Transaction } from '../database/database.ts';
import { hashOfSecret, randomToken } from './secrets.ts';

const DAY_MS: Millis = 86_400_000;
/** The link of the first administrator is on a terminal, and the next start prints another one. */
export const SETUP_LIFE_MS: Millis = DAY_MS;
export const INVITATION_LIFE_MS: Millis = 7 * DAY_MS;
export const PASSWORD_LINK_LIFE_MS: Millis = DAY_MS;
/** Used and expired ones are remembered, so that whoever clicks again is told why it does not work. */
const MEMORY_MS: Millis = 30 * DAY_MS;

export interface NewInvitation {
  /** `setup` makes the first administrator, `user` a user, `password` sets a new password of `userId`. */
  readonly kind: 'setup' | 'user' | 'password';
  readonly userId?: string;
  /** The only address that it is good for. */
  readonly email?: string;
  readonly isAdmin: boolean;
  /** Stream slots of the new user. */
  readonly slots: number;
}

export interface Invitation extends NewInvitation {
  /** Names it without being of use to anybody. */
  readonly tokenHash: string;
  readonly createdMs: Millis;
  readonly expiresMs: Millis;
}

interface InvitationRow {
  token_hash: string;
  kind: string;
  user_id: string | null;
  email: string | null;
  is_admin: number;
  slots: number;
  created_ms: number;
  expires_ms: number;
  used_ms: number | null;
}

const ofRow = (row: InvitationRow): Invitation => ({
  tokenHash: row.token_hash,
  kind: row.kind as Invitation['kind'],
  isAdmin: row.is_admin === 1,
  slots: row.slots,
  createdMs: row.created_ms,
  expiresMs: row.expires_ms,
  ...(row.user_id === null ? {} : { userId: row.user_id }),
  ...(row.email === null ? {} : { email: row.email }),
});

const LIFE_MS: Readonly<Record<Invitation['kind'], Millis>> = {
  setup: SETUP_LIFE_MS,
  user: INVITATION_LIFE_MS,
  password: PASSWORD_LINK_LIFE_MS,
};

/** Links that are good for one use. */
export class Invitations {
  readonly #db: Database;
  readonly #unixNow: () => Millis;

  constructor(db: Database, unixNow: () => Millis) {
    this.#db = db;
    this.#unixNow = unixNow;
  }

  /** @returns what stands in the link; it cannot be had again */
  async add(invitation: NewInvitation, queries: Queries = this.#db): Promise<{ token: string; expiresMs: Millis }> {
    const { kind, userId, email, isAdmin, slots } = invitation;
    const token = randomToken();
    const now = this.#unixNow();
    const expiresMs = now + LIFE_MS[kind];
    await queries.run(
      `INSERT INTO invitations (token_hash, kind, user_id, email, is_admin, slots, created_ms, expires_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      [hashOfSecret(token), kind, userId ?? null, email ?? null, isAdmin ? 1 : 0, slots, now, expiresMs],
    );
    return { token, expiresMs };
  }

  /** What a link is good for, or why it is good for nothing. */
  async look(token: string, queries: Queries = this.#db): Promise<Invitation | 'unknown' | 'used' | 'expired'> {
    const row = await queries.first<InvitationRow>('SELECT * FROM invitations WHERE token_hash = ?', [
      hashOfSecret(token),
    ]);
    if (!row) return 'unknown';
    if (row.used_ms !== null) return 'used';
    return row.expires_ms <= this.#unixNow() ? 'expired' : ofRow(row);
  }

  /** Uses a link up, together with what is done with it. As `look` where it is good for nothing, or somebody else was first. */
  async use(token: string, tx: Transaction): Promise<Invitation | 'unknown' | 'used' | 'expired'> {
    const now = this.#unixNow();
    const used = await tx.run(
      'UPDATE invitations SET used_ms = ? WHERE token_hash = ? AND used_ms IS NULL AND expires_ms > ?',
      [now, hashOfSecret(token), now],
    );
    const row = await tx.first<InvitationRow>('SELECT * FROM invitations WHERE token_hash = ?', [hashOfSecret(token)]);
    return used === 1 && row ? ofRow(row) : this.look(token, tx);
  }

  /** No link makes a first administrator any more. */
  async endSetup(queries: Queries = this.#db): Promise<void> {
    await queries.run("UPDATE invitations SET used_ms = ? WHERE kind = 'setup' AND used_ms IS NULL", [this.#unixNow()]);
  }

  /** Those that wait for somebody, the newest first. */
  async open(): Promise<Invitation[]> {
    const rows = await this.#db.all<InvitationRow>(
      "SELECT * FROM invitations WHERE kind = 'user' AND used_ms IS NULL AND expires_ms > ? ORDER BY created_ms DESC",
      [this.#unixNow()],
    );
    return rows.map(ofRow);
  }

  /** False: there is no such open invitation. */
  async withdraw(tokenHash: string): Promise<boolean> {
    return (await this.#db.run('DELETE FROM invitations WHERE token_hash = ? AND used_ms IS NULL', [tokenHash])) > 0;
  }

  async housekeep(): Promise<void> {
    await this.#db.run('DELETE FROM invitations WHERE expires_ms < ?', [this.#unixNow() - MEMORY_MS]);
  }
}
