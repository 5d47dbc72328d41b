import type { Millis } from '../../shared/clock.ts';
import type { Database, Queries, Transaction } from '../database/database.ts';
import { hashOfSecret, newId, randomToken } from './secrets.ts';

const DAY_MS: Millis = 86_400_000;
/** A client that is not seen for so long has to sign in again (telemy.md §3.1: refresh 30 days). */
export const PLUGIN_IDLE_MS: Millis = 30 * DAY_MS;
export const WEB_IDLE_MS: Millis = 7 * DAY_MS;
/** "Last used" is written this often at most: clients ask every other second. */
const TOUCH_MS: Millis = 3_600_000;
/** An answer may have been lost on its way: for so long the last refresh token is taken once more. */
export const REFRESH_RETRY_MS: Millis = 60_000;
/** Of one user; the one that was used longest ago makes room. */
export const MAX_LOGINS = 50;

/** What a client says of itself, cut to a length that fits a page. */
export interface Device {
  readonly deviceName: string;
  readonly platform: string;
  readonly clientVersion: string;
  readonly address: string;
}

export interface Login extends Device {
  readonly sid: string;
  readonly userId: string;
  readonly kind: 'plugin' | 'web';
  readonly createdMs: Millis;
  readonly lastUsedMs: Millis;
  readonly expiresMs: Millis;
}

interface LoginRow {
  sid: string;
  user_id: string;
  kind: string;
  device_name: string;
  platform: string;
  client_version: string;
  address: string;
  created_ms: number;
  last_used_ms: number;
  expires_ms: number;
}

const ofRow = (row: LoginRow): Login => ({
  sid: row.sid,
  userId: row.user_id,
  kind: row.kind as Login['kind'],
  deviceName: row.device_name,
  platform: row.platform,
  clientVersion: row.client_version,
  address: row.address,
  createdMs: row.created_ms,
  lastUsedMs: row.last_used_ms,
  expiresMs: row.expires_ms,
});

const idleMsOf = (kind: Login['kind']): Millis => (kind === 'web' ? WEB_IDLE_MS : PLUGIN_IDLE_MS);

interface RefreshRow {
  sid: string;
  used_ms: number | null;
  successor_hash: string | null;
  user_id: string;
  expires_ms: number;
}

export type Refreshed =
  | { readonly sid: string; readonly userId: string; readonly refreshToken: string }
  /** `reused`: a token that was used before has come again; somebody has a copy, so its login is over. */
  | { readonly refused: 'unknown' | 'expired' | 'reused' };

/** Who is signed in where. A login that is over is gone, and so is everything that was issued for it. */
export class Logins {
  readonly #db: Database;
  readonly #unixNow: () => Millis;

  constructor(db: Database, unixNow: () => Millis) {
    this.#db = db;
    this.#unixNow = unixNow;
  }

  /** A login of a client with bearer tokens. */
  async addPlugin(tx: Transaction, userId: string, device: Device, refreshToken: string): Promise<string> {
    const sid = await this.#add(tx, userId, 'plugin', device, null);
    await this.#addRefreshToken(tx, sid, refreshToken);
    return sid;
  }

  /** A login of a browser. @returns what the cookie holds */
  async addWeb(userId: string, device: Device): Promise<string> {
    const secret = randomToken();
    await this.#db.transaction((tx) => this.#add(tx, userId, 'web', device, hashOfSecret(secret)));
    return secret;
  }

  /** The login of this sid, while it lasts and its user may sign in. */
  bySid(sid: string): Promise<Login | undefined> {
    return this.#lasting('l.sid = ?', sid);
  }

  /** The login of a browser's cookie. */
  bySecret(secret: string): Promise<Login | undefined> {
    return this.#lasting('l.secret_hash = ?', hashOfSecret(secret));
  }

  /** Of one user, the one used last first. */
  async forUser(userId: string): Promise<Login[]> {
    const rows = await this.#db.all<LoginRow>(
      'SELECT * FROM logins WHERE user_id = ? AND expires_ms > ? ORDER BY last_used_ms DESC, sid',
      [userId, this.#unixNow()],
    );
    return rows.map(ofRow);
  }

  /** Puts the end of a login off that is in use. False: that was done a while ago. */
  async touch({ sid, kind, lastUsedMs }: Login): Promise<boolean> {
    const now = this.#unixNow();
    if (now - lastUsedMs < TOUCH_MS) return false;
    await this.#db.run('UPDATE logins SET last_used_ms = ?, expires_ms = ? WHERE sid = ?', [
      now,
      now + idleMsOf(kind),
      sid,
    ]);
    return true;
  }

  /** A new refresh token for the one that a client has. */
  refresh(refreshToken: string): Promise<Refreshed> {
    const hash = hashOfSecret(refreshToken);
    const next = newRefreshToken();
    return this.#db.transaction(
      async (tx): Promise<Refreshed> => {
        await tx.lock(`refresh:${hash}`);
        const row = await tx.first<RefreshRow>(
          `SELECT r.sid, r.used_ms, r.successor_hash, l.user_id, l.expires_ms
           FROM refresh_tokens r JOIN logins l ON l.sid = r.sid JOIN users u ON u.id = l.user_id
           WHERE r.token_hash = ? AND u.is_disabled = 0`,
          [hash],
        );
        if (!row) return { refused: 'unknown' };
        const { sid, user_id: userId } = row;
        const now = this.#unixNow();
        if (row.expires_ms <= now) return { refused: 'expired' };
        if (row.used_ms !== null && !(await this.#isRetry(tx, row, now))) {
          await tx.run('DELETE FROM logins WHERE sid = ?', [sid]);
          return { refused: 'reused' };
        }
        if (row.successor_hash !== null)
          await tx.run('DELETE FROM refresh_tokens WHERE token_hash = ?', [row.successor_hash]);
        await tx.run('UPDATE refresh_tokens SET used_ms = ?, successor_hash = ? WHERE token_hash = ?', [
          row.used_ms ?? now,
          hashOfSecret(next),
          hash,
        ]);
        await this.#addRefreshToken(tx, sid, next);
        await tx.run('UPDATE logins SET last_used_ms = ?, expires_ms = ? WHERE sid = ?', [
          now,
          now + PLUGIN_IDLE_MS,
          sid,
        ]);
        return { sid, userId, refreshToken: next };
      },
      { repeatable: true },
    );
  }

  /** False: there was none. */
  async end(sid: string, userId: string, queries: Queries = this.#db): Promise<boolean> {
    return (await queries.run('DELETE FROM logins WHERE sid = ? AND user_id = ?', [sid, userId])) > 0;
  }

  /** @param but the one that may stay @param kind only these */
  async endAll(
    userId: string,
    { but = '', kind }: { but?: string; kind?: Login['kind'] } = {},
    queries: Queries = this.#db,
  ): Promise<void> {
    if (kind) await queries.run('DELETE FROM logins WHERE user_id = ? AND sid <> ? AND kind = ?', [userId, but, kind]);
    else await queries.run('DELETE FROM logins WHERE user_id = ? AND sid <> ?', [userId, but]);
  }

  /** Expired logins are kept for as long again, so that their clients are told the reason. */
  async housekeep(): Promise<void> {
    const now = this.#unixNow();
    await this.#db.run('DELETE FROM logins WHERE expires_ms < ?', [now - PLUGIN_IDLE_MS]);
    await this.#db.run('DELETE FROM refresh_tokens WHERE used_ms < ?', [now - PLUGIN_IDLE_MS]);
  }

  /** The first use may have been answered into the void: nobody has used what came of it, and it was a moment ago. */
  async #isRetry(tx: Transaction, { used_ms, successor_hash }: RefreshRow, now: Millis): Promise<boolean> {
    if (now - (used_ms ?? now) > REFRESH_RETRY_MS) return false;
    const successor = await tx.first<{ used_ms: number | null }>(
      'SELECT used_ms FROM refresh_tokens WHERE token_hash = ?',
      [successor_hash],
    );
    return successor?.used_ms === null;
  }

  async #lasting(condition: string, value: string): Promise<Login | undefined> {
    const row = await this.#db.first<LoginRow>(
      `SELECT l.* FROM logins l JOIN users u ON u.id = l.user_id WHERE ${condition} AND l.expires_ms > ? AND u.is_disabled = 0`,
      [value, this.#unixNow()],
    );
    return row && ofRow(row);
  }

  async #add(
    tx: Transaction,
    userId: string,
    kind: Login['kind'],
    device: Device,
    secretHash: string | null,
  ): Promise<string> {
    const sid = newId('lgn');
    const now = this.#unixNow();
    const { deviceName, platform, clientVersion, address } = device;
    await tx.run(
      `INSERT INTO logins (sid, user_id, kind, secret_hash, device_name, platform, client_version, address,
         created_ms, last_used_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [sid, userId, kind, secretHash, deviceName, platform, clientVersion, address, now, now, now + idleMsOf(kind)],
    );
    await tx.run(
      `DELETE FROM logins WHERE user_id = ? AND sid NOT IN
         (SELECT sid FROM logins WHERE user_id = ? ORDER BY last_used_ms DESC, created_ms DESC LIMIT ${MAX_LOGINS})`,
      [userId, userId],
    );
    return sid;
  }

  async #addRefreshToken(tx: Transaction, sid: string, refreshToken: string): Promise<void> {
    await tx.run('INSERT INTO refresh_tokens (token_hash, sid, created_ms) VALUES (?, ?, ?)', [
      hashOfSecret(refreshToken),
      sid,
      this.#unixNow(),
    ]);
  }
}

/** 256 random bits. */
export const newRefreshToken = (): string => `rt_${randomToken()}${randomToken()}`;
