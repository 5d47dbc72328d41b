import { createHash, randomBytes } from 'node:crypto';
import type { Millis } from '../shared/clock.ts';
import type { ApiKey, KeyStore } from './key-store.ts';

/** A session that is not used for so long is over. */
export const SESSION_MS: Millis = 12 * 3_600_000;
/** The one that has not been used for longest makes room. */
export const MAX_SESSIONS = 1_000;

interface Session {
  /** `ApiKey.id`: a session has the rights of its key, and ends with it. */
  readonly keyId: string;
  usedMs: Millis;
}

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Who is signed in to the dashboard. In memory: a restart signs everybody out. */
export class DashboardSessions {
  readonly #keys: KeyStore;
  /** By the SHA-256 of their tokens, longest unused first. */
  readonly #sessions = new Map<string, Session>();

  constructor(keys: KeyStore) {
    this.#keys = keys;
  }

  /** @returns a token of 256 bits, for a cookie */
  open(key: ApiKey, now: Millis): string {
    const token = randomBytes(32).toString('base64url');
    this.#sessions.set(digest(token), { keyId: key.id, usedMs: now });
    if (this.#sessions.size > MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
    return token;
  }

  /** The key that a token stands for; undefined where there is no such session any more, or no such key. */
  keyOf(token: string | undefined, now: Millis): ApiKey | undefined {
    if (token === undefined) return undefined;
    const name = digest(token);
    const session = this.#sessions.get(name);
    if (!session) return undefined;
    this.#sessions.delete(name);
    const key = now - session.usedMs < SESSION_MS ? this.#keys.find(session.keyId) : undefined;
    if (!key) return undefined;
    session.usedMs = now;
    this.#sessions.set(name, session);
    return key;
  }

  close(token: string): void {
    this.#sessions.delete(digest(token));
  }
}
