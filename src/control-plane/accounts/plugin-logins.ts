import type { Millis } from '../../shared/clock.ts';
import { isSameSecret } from '../../stats/access.ts';
import { ApiError, notFound } from '../api-error.ts';
import { type Database, DatabaseAwayError, type Queries, type Transaction } from '../database/database.ts';
import { type Device, type Logins, newRefreshToken } from './logins.ts';
import { hashOfSecret, newId, randomToken } from './secrets.ts';

/** telemy.md §3.2. */
export const ATTEMPT_LIFE_MS: Millis = 10 * 60_000;
export const POLL_INTERVAL_S = 3;
/** Somebody who approves in the last second has been in time: the client's next poll is on its way. */
const CLAIM_GRACE_MS: Millis = 60_000;
const MAX_PENDING = 10_000;
/** Claims whose answer nobody got. */
const MAX_UNANSWERED = 1_000;

export interface Attempt extends Device {
  readonly id: string;
  readonly createdMs: Millis;
  readonly expiresMs: Millis;
  readonly state: 'pending' | 'completed' | 'denied' | 'claimed';
}

interface AttemptRow {
  id: string;
  poll_hash: string;
  device_name: string;
  platform: string;
  plugin_version: string;
  address: string;
  created_ms: number;
  expires_ms: number;
  state: string;
  viewer_id: string | null;
  user_id: string | null;
  reason_code: string | null;
  refresh_hash: string | null;
}

const ofRow = (row: AttemptRow): Attempt => ({
  id: row.id,
  deviceName: row.device_name,
  platform: row.platform,
  clientVersion: row.plugin_version,
  address: row.address,
  createdMs: row.created_ms,
  expiresMs: row.expires_ms,
  state: row.state as Attempt['state'],
});

const noAttempt = (): ApiError => notFound('there is no such sign-in');

export type Poll =
  | { readonly status: 'pending' }
  | { readonly status: 'completed'; readonly userId: string; readonly sid: string; readonly refreshToken: string };

/**
 * The browser hand-off of a client's login (telemy.md §3.2): the client starts an attempt and polls; a person who is signed in approves
 * it in a browser; the next poll gets tokens, once.
 */
export class PluginLogins {
  readonly #db: Database;
  readonly #logins: Logins;
  readonly #unixNow: () => Millis;
  /** Refresh tokens of claims that may have been stored without an answer to the client, by attempt. */
  readonly #unanswered = new Map<string, string>();

  constructor(db: Database, logins: Logins, unixNow: () => Millis) {
    this.#db = db;
    this.#logins = logins;
    this.#unixNow = unixNow;
  }

  /** @throws ApiError 429 while too many attempts are open */
  async start(device: Device): Promise<{ id: string; pollToken: string; expiresMs: Millis }> {
    const now = this.#unixNow();
    const open = await this.#db.first<{ n: number }>('SELECT COUNT(*) AS n FROM plugin_logins WHERE expires_ms > ?', [
      now,
    ]);
    if (Number(open?.n ?? 0) >= MAX_PENDING)
      throw new ApiError(429, 'rate_limited', 'too many sign-ins are under way; try again in a few minutes');
    const id = newId('pla');
    const pollToken = randomToken();
    const expiresMs = now + ATTEMPT_LIFE_MS;
    const { deviceName, platform, clientVersion, address } = device;
    await this.#db.run(
      `INSERT INTO plugin_logins (id, poll_hash, device_name, platform, plugin_version, address, created_ms, expires_ms, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending')`,
      [id, hashOfSecret(pollToken), deviceName, platform, clientVersion, address, now, expiresMs],
    );
    return { id, pollToken, expiresMs };
  }

  /**
   * The attempt, for the page that asks a person. From then on it is this person's: nobody else can approve it.
   * @throws ApiError 404, 403 where it is another user's, 410 expired
   */
  async view(id: string, userId: string): Promise<Attempt> {
    await this.#db.run(
      "UPDATE plugin_logins SET viewer_id = ? WHERE id = ? AND viewer_id IS NULL AND state = 'pending'",
      [userId, id],
    );
    const row = await this.#row(id);
    if (!row) throw noAttempt();
    this.#checkViewer(row, userId);
    if (row.state === 'pending') this.#checkTime(row);
    return ofRow(row);
  }

  /**
   * What the person says, once.
   * @param viaPage the person must have seen the page
   * @throws ApiError 404, 403 for another user's, 409 where it is decided already, 410 expired
   */
  async decide(
    id: string,
    userId: string,
    outcome: 'completed' | 'denied',
    { viaPage, reasonCode = null }: { viaPage: boolean; reasonCode?: string | null },
  ): Promise<void> {
    const now = this.#unixNow();
    const changed = await this.#db.run(
      `UPDATE plugin_logins SET state = ?, user_id = ?, viewer_id = ?, reason_code = ?
       WHERE id = ? AND state = 'pending' AND expires_ms > ? AND ${viaPage ? 'viewer_id = ?' : '(viewer_id IS NULL OR viewer_id = ?)'}`,
      [outcome, userId, userId, reasonCode, id, now, userId],
    );
    if (changed > 0) return;
    const row = await this.#row(id);
    if (!row) throw noAttempt();
    this.#checkViewer(row, userId);
    if (row.state !== 'pending') throw new ApiError(409, 'conflict', 'this sign-in is decided already');
    this.#checkTime(row);
    throw new ApiError(403, 'login_denied', 'this sign-in must be opened before it is approved');
  }

  /**
   * The client's question. The first one after the approval gets a login, in the same transaction that closes the attempt.
   * @throws ApiError 404 unknown, 403 denied, 409 claimed already, 410 expired
   */
  async poll(id: string, pollToken: string): Promise<Poll> {
    const refreshToken = this.#unanswered.get(id) ?? newRefreshToken();
    let isClaim = false;
    try {
      const poll = await this.#db.transaction(
        async (tx): Promise<Poll> => {
          await tx.lock(`plugin-login:${id}`);
          const row = await this.#row(id, tx);
          if (!row || !isSameSecret(row.poll_hash, hashOfSecret(pollToken))) throw noAttempt();
          const claim = await this.#claimOf(tx, row, refreshToken);
          if (!claim) return { status: 'pending' };
          isClaim = true;
          return { status: 'completed', refreshToken, ...claim };
        },
        { repeatable: true },
      );
      this.#unanswered.delete(id);
      return poll;
    } catch (error) {
      if (isClaim && error instanceof DatabaseAwayError) this.notAnswered(id, refreshToken);
      throw error;
    }
  }

  /** The client has not got the answer of this claim: its next poll gets the same tokens instead of being told that they are gone. */
  notAnswered(id: string, refreshToken: string): void {
    this.#unanswered.set(id, refreshToken);
    if (this.#unanswered.size > MAX_UNANSWERED) this.#unanswered.delete(this.#unanswered.keys().next().value!);
  }

  /** A day longer than they live: clients are told what has become of them. */
  async housekeep(): Promise<void> {
    await this.#db.run('DELETE FROM plugin_logins WHERE expires_ms < ?', [this.#unixNow() - 86_400_000]);
  }
  /** The login of an approved attempt, made now or a moment ago with this very token; undefined while nobody has approved it. */
  async #claimOf(
    tx: Transaction,
    row: AttemptRow,
    refreshToken: string,
  ): Promise<{ userId: string; sid: string } | undefined> {
    const refreshHash = hashOfSecret(refreshToken);
    if (row.state === 'denied')
      throw new ApiError(403, 'login_denied', 'the sign-in was refused', row.reason_code ?? undefined);
    if (row.state === 'claimed') {
      const login =
        row.refresh_hash === refreshHash &&
        (await tx.first<{ sid: string }>('SELECT sid FROM refresh_tokens WHERE token_hash = ?', [refreshHash]));
      if (!login)
        throw new ApiError(409, 'login_already_claimed', 'the tokens of this sign-in were handed out already');
      return { userId: row.user_id!, sid: login.sid };
    }
    this.#checkTime(row, row.state === 'completed' ? CLAIM_GRACE_MS : 0);
    if (row.state !== 'completed') return undefined;
    const userId = row.user_id!;
    const user = await tx.first<{ is_disabled: number }>('SELECT is_disabled FROM users WHERE id = ?', [userId]);
    if (user?.is_disabled !== 0) throw new ApiError(403, 'login_denied', 'the sign-in was refused', 'user_disabled');
    const sid = await this.#logins.addPlugin(tx, userId, ofRow(row), refreshToken);
    await tx.run("UPDATE plugin_logins SET state = 'claimed', refresh_hash = ? WHERE id = ?", [refreshHash, row.id]);
    return { userId, sid };
  }

  #row(id: string, queries: Queries = this.#db): Promise<AttemptRow | undefined> {
    return queries.first<AttemptRow>('SELECT * FROM plugin_logins WHERE id = ?', [id]);
  }

  #checkViewer(row: AttemptRow, userId: string): void {
    if (row.viewer_id !== null && row.viewer_id !== userId)
      throw new ApiError(403, 'login_denied', 'somebody else has opened this sign-in; start it again in OBS');
  }

  #checkTime(row: AttemptRow, graceMs = 0): void {
    if (row.expires_ms + graceMs <= this.#unixNow())
      throw new ApiError(410, 'login_attempt_expired', 'this sign-in has expired; start it again in OBS');
  }
}
