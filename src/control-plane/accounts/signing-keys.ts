import { randomBytes } from 'node:crypto';
import type { Millis } from '../../shared/clock.ts';
import type { Database } from '../database/database.ts';
import { randomToken } from './secrets.ts';

const DAY_MS: Millis = 86_400_000;
/** A key signs for so long. */
export const KEY_ROTATION_MS: Millis = 90 * DAY_MS;
/** And is known for so long: the tokens of clients that run for months are still told from forged ones. */
export const KEY_LIFE_MS: Millis = 400 * DAY_MS;
/** Another process may have made a new one. */
const RELOAD_MS: Millis = 60_000;
const RELOAD_UNKNOWN_MS: Millis = 1_000;

export interface SigningKey {
  readonly kid: string;
  readonly secret: Uint8Array;
  readonly createdMs: Millis;
}

interface KeyRow {
  kid: string;
  secret: string;
  created_ms: number;
}

/** Keys that sign access tokens, in the database, so that every process of a plane and the next start know them. */
export class SigningKeys {
  readonly #db: Database;
  readonly #unixNow: () => Millis;
  /** The newest first. */
  #keys: readonly SigningKey[] = [];
  #loadedMs: Millis = Number.NEGATIVE_INFINITY;

  constructor(db: Database, unixNow: () => Millis) {
    this.#db = db;
    this.#unixNow = unixNow;
  }

  /** The key to sign with. */
  async current(): Promise<SigningKey> {
    const now = this.#unixNow();
    if (this.#ageMs(now) >= RELOAD_MS) await this.#load();
    const newest = this.#keys[0];
    return newest && now - newest.createdMs < KEY_ROTATION_MS ? newest : this.#make();
  }

  /** The key of a token that somebody brings; undefined where there is none of this name. */
  async find(kid: string): Promise<SigningKey | undefined> {
    const known = this.#keys.find((key) => key.kid === kid);
    const ageMs = this.#ageMs(this.#unixNow());
    if (known ? ageMs < RELOAD_MS : ageMs < RELOAD_UNKNOWN_MS) return known;
    await this.#load();
    return this.#keys.find((key) => key.kid === kid);
  }

  /** Makes a new key where it is due, and forgets those that nobody can have a use for. */
  async housekeep(): Promise<void> {
    await this.current();
    await this.#db.run('DELETE FROM signing_keys WHERE created_ms < ?', [this.#unixNow() - KEY_LIFE_MS]);
  }

  /** Of what was loaded; of a clock that was put back since, as much as by how far it was. */
  #ageMs(now: Millis): Millis {
    return Math.abs(now - this.#loadedMs);
  }

  async #load(): Promise<void> {
    const now = this.#unixNow();
    const rows = await this.#db.all<KeyRow>(
      'SELECT * FROM signing_keys WHERE created_ms >= ? ORDER BY created_ms DESC',
      [now - KEY_LIFE_MS],
    );
    this.#keys = rows.map(({ kid, secret, created_ms }) => ({
      kid,
      secret: Buffer.from(secret, 'base64url'),
      createdMs: created_ms,
    }));
    this.#loadedMs = now;
  }

  /** Of several processes one makes it, and the others take that one. */
  async #make(): Promise<SigningKey> {
    const kid = randomToken();
    const secret = randomBytes(32).toString('base64url');
    const now = this.#unixNow();
    await this.#db.transaction(
      async (tx) => {
        await tx.lock('signing-keys');
        const fresh = await tx.first('SELECT kid FROM signing_keys WHERE created_ms > ?', [now - KEY_ROTATION_MS]);
        if (!fresh)
          await tx.run('INSERT INTO signing_keys (kid, secret, created_ms) VALUES (?, ?, ?)', [kid, secret, now]);
      },
      { repeatable: true },
    );
    await this.#load();
    return this.#keys[0]!;
  }
}
