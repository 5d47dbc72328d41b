import { createHash, timingSafeEqual } from 'node:crypto';
import { type TrafficCount, trafficPeriodLeftMs, trafficPeriodOf } from '../../shared/traffic-period.ts';
import type { Queries } from '../database/database.ts';
import type { Candidate } from '../placement/placement.ts';
import type { NodeStatus } from '../protocol.ts';
import type { Health, HealthState } from './node-health.ts';

/** `tributary`: registers and asks by itself. `sls`: is polled, and given ids through its API. */
export type NodeKind = 'tributary' | 'sls';

/** A row of `nodes`; see relays-schema.ts. */
export interface NodeRow {
  readonly server_id: string;
  readonly kind: NodeKind;
  readonly key_hash: string | null;
  readonly api_url: string | null;
  readonly api_key: string | null;
  readonly instance: string | null;
  readonly provider: string;
  readonly region: string;
  readonly host: string;
  readonly ip: string;
  readonly ip6: string | null;
  readonly ip6_ok: number;
  readonly stats_port: number;
  readonly version: string;
  readonly srtla_port: number;
  readonly play_port: number;
  readonly status: NodeStatus;
  readonly max_sessions: number;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly monthly_cap_bytes: number | null;
  readonly port_kbps: number | null;
  readonly reset_day: number;
  readonly traffic_count: TrafficCount;
  readonly sustained_kbps: number | null;
  readonly health: Health;
  readonly health_score: number | null;
  readonly health_leaning: number;
  readonly health_missed: number;
  readonly health_parts: string | null;
  readonly not_ready: string | null;
  readonly self_draining: number;
  readonly publishers: number;
  readonly players: number;
  readonly month: string | null;
  readonly month_bytes: number;
  readonly clock_skew_ms: number | null;
  readonly held: number;
  readonly conflicts: string | null;
  readonly generation: number;
  readonly applied_generation: number;
  readonly older_generation: number | null;
  readonly confirm_generation: number | null;
  readonly last_seen_ms: number | null;
  readonly next_look_ms: number;
  readonly created_ms: number;
}

export const nodeById = (db: Queries, serverId: string): Promise<NodeRow | undefined> =>
  db.first<NodeRow>('SELECT * FROM nodes WHERE server_id = ?', [serverId]);

export const allNodes = (db: Queries): Promise<NodeRow[]> => db.all<NodeRow>('SELECT * FROM nodes ORDER BY server_id');

const PLACEMENT_COLUMNS = [
  ...([
    'server_id',
    'kind',
    'region',
    'ip',
    'ip6',
    'ip6_ok',
    'status',
    'health',
    'health_score',
    'self_draining',
  ] as const),
  ...(['not_ready', 'latitude', 'longitude', 'max_sessions', 'monthly_cap_bytes', 'month', 'month_bytes'] as const),
  ...(['reset_day', 'traffic_count', 'sustained_kbps', 'port_kbps'] as const),
] as const;

/** What of a node placement looks at: reading all of it is most of what a start in a large fleet takes, with the lock held. */
export type PlacementRow = Pick<NodeRow, (typeof PLACEMENT_COLUMNS)[number]>;

export const nodesToPlace = (db: Queries): Promise<PlacementRow[]> =>
  db.all<PlacementRow>(`SELECT ${PLACEMENT_COLUMNS.join(', ')} FROM nodes WHERE status <> 'inactive'`);

export const keyHash = (key: string): string => createHash('sha256').update(key).digest('hex');

export const isKeyOf = ({ key_hash }: Pick<NodeRow, 'key_hash'>, key: string): boolean =>
  key_hash !== null && timingSafeEqual(Buffer.from(key_hash), Buffer.from(keyHash(key)));

export const healthStateOf = ({ health, health_score, health_leaning, health_missed }: NodeRow): HealthState => ({
  health,
  score: health_score ?? undefined,
  leaning: health_leaning,
  missed: health_missed,
});

/** A stream that goes on after its session, or before it is known again, counts while it was reported within this time. */
export const INGEST_COUNTS_MS = 30_000;

/** Open sessions of each node, and streams on it whose session has ended and that are still sending. */
const COUNTS = `SELECT server_id, COUNT(DISTINCT stream_token) AS sessions FROM assignments
   WHERE removed_ms IS NULL AND (released_ms IS NULL OR last_ingest_ms > ?) GROUP BY server_id`;

export const sessionCounts = async (db: Queries, unixMs: number): Promise<ReadonlyMap<string, number>> => {
  const rows = await db.all<{ server_id: string; sessions: number }>(COUNTS, [unixMs - INGEST_COUNTS_MS]);
  return new Map(rows.map(({ server_id, sessions }) => [server_id, sessions]));
};

/** Counted bytes of the running period; what a node has said of one that is over says nothing. */
export const usedBytesOf = (
  { month, month_bytes, reset_day }: Pick<NodeRow, 'month' | 'month_bytes' | 'reset_day'>,
  unixMs: number,
): number => (month === trafficPeriodOf(unixMs, reset_day) ? month_bytes : 0);

/** The node as placement sees it. */
export const candidateOf = (
  row: PlacementRow,
  sessions: number,
  unixMs: number,
  latencies?: ReadonlyMap<string, number>,
): Candidate => ({
  serverId: row.server_id,
  region: row.region,
  status: row.status,
  health: row.health,
  healthScore: row.health_score ?? undefined,
  isRefusing: row.self_draining === 1 || row.not_ready !== null,
  position:
    row.latitude === null || row.longitude === null ? undefined : { latitude: row.latitude, longitude: row.longitude },
  rttMs: latencies?.get(row.server_id),
  maxSessions: row.max_sessions,
  sessions,
  traffic: {
    monthlyCapBytes: row.monthly_cap_bytes ?? undefined,
    usedBytes: usedBytesOf(row, unixMs),
    leftMs: trafficPeriodLeftMs(unixMs, row.reset_day),
    count: row.traffic_count,
    sustainedKbps: row.sustained_kbps ?? undefined,
    portKbps: row.port_kbps ?? undefined,
  },
});
