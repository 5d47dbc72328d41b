import type { Schema } from '../database/migrate.ts';

/** Tables of users, logins and slots. Secrets that we made are kept as SHA-256, but for stream tokens, which must be shown again. */
export const ACCOUNTS_SCHEMA: Schema = {
  part: 'accounts',
  versions: [
    [
      `CREATE TABLE users (
        id TEXT PRIMARY KEY,
        email TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        is_admin INTEGER NOT NULL,
        is_disabled INTEGER NOT NULL,
        created_ms BIGINT NOT NULL,
        relay_access TEXT NOT NULL,
        reason_code TEXT NOT NULL,
        plan_tier TEXT NOT NULL,
        plan_status TEXT NOT NULL,
        max_concurrent_conns INTEGER NOT NULL,
        entitlement_ms BIGINT NOT NULL
      )`,
      // kind: setup (makes the first administrator), user, password (a new password for user_id).
      `CREATE TABLE invitations (
        token_hash TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
        email TEXT,
        is_admin INTEGER NOT NULL,
        slots INTEGER NOT NULL,
        created_ms BIGINT NOT NULL,
        expires_ms BIGINT NOT NULL,
        used_ms BIGINT
      )`,
      // kind: plugin (bearer tokens) or web (a cookie, whose hash is secret_hash).
      `CREATE TABLE logins (
        sid TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        secret_hash TEXT UNIQUE,
        device_name TEXT NOT NULL,
        platform TEXT NOT NULL,
        client_version TEXT NOT NULL,
        address TEXT NOT NULL,
        created_ms BIGINT NOT NULL,
        last_used_ms BIGINT NOT NULL,
        expires_ms BIGINT NOT NULL
      )`,
      'CREATE INDEX logins_of_user ON logins (user_id)',
      `CREATE TABLE refresh_tokens (
        token_hash TEXT PRIMARY KEY,
        sid TEXT NOT NULL REFERENCES logins (sid) ON DELETE CASCADE,
        created_ms BIGINT NOT NULL,
        used_ms BIGINT,
        successor_hash TEXT
      )`,
      'CREATE INDEX refresh_tokens_of_login ON refresh_tokens (sid)',
      // state: pending, completed, denied, claimed.
      `CREATE TABLE plugin_logins (
        id TEXT PRIMARY KEY,
        poll_hash TEXT NOT NULL,
        device_name TEXT NOT NULL,
        platform TEXT NOT NULL,
        plugin_version TEXT NOT NULL,
        address TEXT NOT NULL,
        created_ms BIGINT NOT NULL,
        expires_ms BIGINT NOT NULL,
        state TEXT NOT NULL,
        viewer_id TEXT,
        user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
        reason_code TEXT,
        refresh_hash TEXT
      )`,
      'CREATE TABLE signing_keys (kid TEXT PRIMARY KEY, secret TEXT NOT NULL, created_ms BIGINT NOT NULL)',
      `CREATE TABLE user_stream_slots (
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        slot_number INTEGER NOT NULL,
        label TEXT NOT NULL,
        stream_token TEXT NOT NULL UNIQUE,
        dns_slug TEXT NOT NULL UNIQUE,
        is_disabled INTEGER NOT NULL,
        created_ms BIGINT NOT NULL,
        PRIMARY KEY (user_id, slot_number)
      )`,
      // Written together with what makes it due, and taken away once the nodes' lists are without these streams.
      `CREATE TABLE revocations_due (
        id TEXT PRIMARY KEY,
        stream_tokens TEXT NOT NULL,
        reason TEXT NOT NULL,
        created_ms BIGINT NOT NULL
      )`,
    ],
  ],
};
