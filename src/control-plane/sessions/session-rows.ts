import type { Queries } from '../database/database.ts';
import type { Health } from '../nodes/node-health.ts';
import type { NodeKind } from '../nodes/node-rows.ts';
import type { NodeStatus } from '../protocol.ts';

/** `stopped` once `stopped_ms` is set. */
export type SessionStatus = 'provisioning' | 'active' | 'stopped';

export type StopReason =
  | 'client'
  | 'superseded'
  | 'lease_expired'
  | 'revoked'
  | 'admin'
  /** Its node went before anything was sent, and no other could be had. */
  | 'no_capacity';

/** A row of `sessions`; see relays-schema.ts. */
export interface SessionRow {
  readonly session_id: string;
  readonly user_id: string;
  /** Empty: the client has not given one. */
  readonly connection_id: string;
  readonly slot_number: number;
  readonly stream_token: string;
  readonly host_name: string | null;
  readonly status: SessionStatus;
  readonly provision_step: string;
  readonly region: string;
  readonly region_asked: string;
  readonly requested_by: string;
  readonly pair_token: string;
  readonly relay_ws_token: string;
  readonly started_ms: number;
  readonly activated_ms: number | null;
  readonly stopped_ms: number | null;
  readonly stop_reason: StopReason | null;
  readonly lease_until_ms: number;
  readonly last_heartbeat_ms: number | null;
}

/** A session with its node; null where it has none at the moment. */
export interface PlacedSession extends SessionRow {
  readonly assignment_id: string | null;
  readonly assigned_ms: number | null;
  readonly added_generation: number | null;
  readonly last_ingest_ms: number | null;
  readonly server_id: string | null;
  readonly kind: NodeKind | null;
  readonly ip: string | null;
  readonly host: string | null;
  readonly srtla_port: number | null;
  readonly play_port: number | null;
  readonly node_status: NodeStatus | null;
  readonly health: Health | null;
  readonly not_ready: string | null;
  readonly applied_generation: number | null;
  readonly last_seen_ms: number | null;
  /** Its host name leads to this node; null where nobody here makes DNS entries. */
  readonly dns_ok: number | null;
}

/** The newest assignment of a session is the one that counts; once it is released only for a session that has ended. */
const PLACED = `SELECT s.*, a.assignment_id, a.assigned_ms, a.added_generation, a.last_ingest_ms, n.server_id, n.kind, n.ip, n.host,
     n.srtla_port, n.play_port, n.status AS node_status, n.health, n.not_ready, n.applied_generation, n.last_seen_ms, d.ok AS dns_ok
   FROM sessions s
   LEFT JOIN assignments a ON a.session_id = s.session_id AND (a.released_ms IS NULL OR s.stopped_ms IS NOT NULL)
     AND NOT EXISTS (SELECT 1 FROM assignments later WHERE later.session_id = a.session_id AND later.ordinal > a.ordinal)
   LEFT JOIN nodes n ON n.server_id = a.server_id
   LEFT JOIN dns_records d ON d.host_name = s.host_name`;

export const sessionById = (db: Queries, sessionId: string): Promise<PlacedSession | undefined> =>
  db.first<PlacedSession>(`${PLACED} WHERE s.session_id = ?`, [sessionId]);

export const openSession = (db: Queries, userId: string, connectionId: string): Promise<PlacedSession | undefined> =>
  db.first<PlacedSession>(`${PLACED} WHERE s.user_id = ? AND s.connection_id = ? AND s.stopped_ms IS NULL`, [
    userId,
    connectionId,
  ]);

/** The newest first. */
export const openSessionsOf = (db: Queries, userId: string): Promise<PlacedSession[]> =>
  db.all<PlacedSession>(`${PLACED} WHERE s.user_id = ? AND s.stopped_ms IS NULL ORDER BY s.started_ms DESC`, [userId]);

export const openSessionsOfToken = (db: Queries, streamToken: string): Promise<PlacedSession[]> =>
  db.all<PlacedSession>(`${PLACED} WHERE s.stream_token = ? AND s.stopped_ms IS NULL`, [streamToken]);

export const allOpenSessions = (db: Queries): Promise<PlacedSession[]> =>
  db.all<PlacedSession>(`${PLACED} WHERE s.stopped_ms IS NULL ORDER BY s.started_ms DESC`);

export const provisioningSessions = (db: Queries): Promise<PlacedSession[]> =>
  db.all<PlacedSession>(`${PLACED} WHERE s.stopped_ms IS NULL AND s.status = 'provisioning'`);
