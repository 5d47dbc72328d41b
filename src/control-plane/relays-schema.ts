import type { Schema } from './database/migrate.ts';

/**
 * Nodes, sessions and what holds them together. Moments are Unix ms.
 *
 * `generation` of a node: of its list of stream ids. It grows with each change of the list and is made of the wall clock (max(last + 1, now)), so that
 * a database that was put back does not issue a number again that a node knows with another list behind it: `node_generations` tells
 * whether a number was issued by this history.
 */
export const RELAYS_SCHEMA: Schema = {
  part: 'relays',
  versions: [
    [
      'CREATE TABLE plane_identity (plane_id TEXT PRIMARY KEY, created_ms BIGINT NOT NULL)',
      `CREATE TABLE nodes (
        server_id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        key_hash TEXT,
        api_url TEXT,
        api_key TEXT,
        instance TEXT,
        provider TEXT NOT NULL,
        region TEXT NOT NULL,
        host TEXT NOT NULL,
        ip TEXT NOT NULL,
        version TEXT NOT NULL,
        srtla_port INTEGER NOT NULL,
        play_port INTEGER NOT NULL,
        status TEXT NOT NULL,
        max_sessions INTEGER NOT NULL,
        latitude DOUBLE PRECISION,
        longitude DOUBLE PRECISION,
        monthly_cap_bytes BIGINT,
        port_kbps BIGINT,
        health TEXT NOT NULL,
        health_score INTEGER,
        health_leaning INTEGER NOT NULL,
        health_missed INTEGER NOT NULL,
        health_parts TEXT,
        not_ready TEXT,
        self_draining INTEGER NOT NULL,
        publishers INTEGER NOT NULL,
        players INTEGER NOT NULL,
        month TEXT,
        month_bytes BIGINT NOT NULL,
        clock_skew_ms BIGINT,
        held INTEGER NOT NULL,
        conflicts TEXT,
        generation BIGINT NOT NULL,
        applied_generation BIGINT NOT NULL,
        older_generation BIGINT,
        confirm_generation BIGINT,
        last_seen_ms BIGINT,
        next_look_ms BIGINT NOT NULL,
        created_ms BIGINT NOT NULL
      )`,
      `CREATE TABLE node_generations (
        server_id TEXT NOT NULL,
        generation BIGINT NOT NULL,
        PRIMARY KEY (server_id, generation)
      )`,
      `CREATE TABLE sessions (
        session_id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL,
        connection_id TEXT NOT NULL,
        slot_number INTEGER NOT NULL,
        stream_token TEXT NOT NULL,
        host_name TEXT,
        status TEXT NOT NULL,
        provision_step TEXT NOT NULL,
        region TEXT NOT NULL,
        region_asked TEXT NOT NULL,
        requested_by TEXT NOT NULL,
        pair_token TEXT NOT NULL,
        relay_ws_token TEXT NOT NULL,
        started_ms BIGINT NOT NULL,
        activated_ms BIGINT,
        stopped_ms BIGINT,
        stop_reason TEXT,
        lease_until_ms BIGINT NOT NULL,
        last_heartbeat_ms BIGINT
      )`,
      `CREATE UNIQUE INDEX sessions_open ON sessions (user_id, connection_id) WHERE stopped_ms IS NULL`,
      'CREATE INDEX sessions_by_user ON sessions (user_id, started_ms)',
      'CREATE INDEX sessions_by_lease ON sessions (lease_until_ms) WHERE stopped_ms IS NULL',
      `CREATE TABLE assignments (
        assignment_id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        stream_token TEXT NOT NULL,
        label TEXT NOT NULL,
        server_id TEXT NOT NULL,
        reason TEXT NOT NULL,
        score DOUBLE PRECISION NOT NULL,
        ordinal INTEGER NOT NULL,
        assigned_ms BIGINT NOT NULL,
        added_generation BIGINT NOT NULL,
        last_ingest_ms BIGINT,
        released_ms BIGINT,
        linger_until_ms BIGINT,
        removed_ms BIGINT,
        removed_generation BIGINT,
        removal TEXT
      )`,
      'CREATE UNIQUE INDEX assignments_by_session ON assignments (session_id, ordinal)',
      'CREATE INDEX assignments_listed ON assignments (server_id, stream_token) WHERE removed_ms IS NULL',
      'CREATE INDEX assignments_by_token ON assignments (stream_token) WHERE removed_ms IS NULL',
      'CREATE INDEX assignments_removed ON assignments (server_id, removed_generation) WHERE removed_ms IS NOT NULL',
      `CREATE TABLE idempotency_keys (
        user_id TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        body_hash TEXT NOT NULL,
        session_id TEXT NOT NULL,
        created_ms BIGINT NOT NULL,
        PRIMARY KEY (user_id, idempotency_key)
      )`,
      'CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_ms)',
      `CREATE TABLE slot_places (
        stream_token TEXT PRIMARY KEY,
        country TEXT,
        latitude DOUBLE PRECISION NOT NULL,
        longitude DOUBLE PRECISION NOT NULL,
        seen_ms BIGINT NOT NULL
      )`,
      'CREATE TABLE job_locks (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until_ms BIGINT NOT NULL)',
    ],
    [
      'ALTER TABLE nodes ADD COLUMN reset_day INTEGER NOT NULL DEFAULT 1',
      `ALTER TABLE nodes ADD COLUMN traffic_count TEXT NOT NULL DEFAULT 'both'`,
      'ALTER TABLE nodes ADD COLUMN sustained_kbps BIGINT',
    ],
    [
      'ALTER TABLE nodes ADD COLUMN ip6 TEXT',
      'ALTER TABLE nodes ADD COLUMN ip6_ok INTEGER NOT NULL DEFAULT 0',
      'ALTER TABLE nodes ADD COLUMN stats_port INTEGER NOT NULL DEFAULT 0',
      `CREATE TABLE dns_records (
        host_name TEXT PRIMARY KEY,
        node_ip TEXT NOT NULL,
        node_ip6 TEXT,
        a TEXT,
        aaaa TEXT,
        version INTEGER NOT NULL,
        ok INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        next_ms BIGINT NOT NULL,
        claimed_until_ms BIGINT NOT NULL,
        error TEXT
      )`,
      'CREATE INDEX dns_records_due ON dns_records (next_ms) WHERE ok = 0',
    ],
    [
      `CREATE TABLE latencies (
        cell TEXT NOT NULL,
        server_id TEXT NOT NULL,
        samples INTEGER NOT NULL,
        rtt_ms DOUBLE PRECISION NOT NULL,
        seen_ms BIGINT NOT NULL,
        PRIMARY KEY (cell, server_id)
      )`,
      'CREATE INDEX latencies_by_age ON latencies (seen_ms)',
    ],
    [
      // Of a stream that has moved there: when, from which node, and until when it may be read there.
      'ALTER TABLE assignments ADD COLUMN moved_ms BIGINT',
      'ALTER TABLE assignments ADD COLUMN pull_from TEXT',
      'ALTER TABLE assignments ADD COLUMN pull_until_ms BIGINT',
      'CREATE INDEX assignments_moved ON assignments (stream_token) WHERE moved_ms IS NOT NULL',
      'CREATE INDEX assignments_pulling ON assignments (pull_from) WHERE pull_from IS NOT NULL',
    ],
  ],
};
