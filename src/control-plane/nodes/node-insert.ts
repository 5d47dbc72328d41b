import type { Queries } from '../database/database.ts';
import { keyHash, type NodeKind } from './node-rows.ts';

export interface NewNode {
  readonly serverId: string;
  readonly kind: NodeKind;
  /** SHA-256 of the node's key; none for a node of the old stack. */
  readonly keyHash: string | null;
  readonly apiUrl?: string;
  readonly apiKey?: string;
  readonly provider: string;
  readonly region: string;
  readonly host: string;
  readonly ip: string;
  readonly maxSessions: number;
  readonly latitude?: number | undefined;
  readonly longitude?: number | undefined;
}

/** Adds a node of which nothing has been heard yet. @returns false where there is one of this id */
export const insertNode = async (db: Queries, node: NewNode, unixMs: number): Promise<boolean> => {
  const { serverId, kind, keyHash, apiUrl, apiKey, provider, region, host, ip, maxSessions } = node;
  const added = await db.run(
    `INSERT INTO nodes (server_id, kind, key_hash, api_url, api_key, provider, region, host, ip, version, srtla_port, play_port, status,
       max_sessions, latitude, longitude, health, health_leaning, health_missed, self_draining, publishers, players, month_bytes, held,
       generation, applied_generation, next_look_ms, created_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', 5000, 4000, 'active', ?, ?, ?, 'unknown', 0, 0, 0, 0, 0, 0, 0, 0, 0, ?, ?)
     ON CONFLICT (server_id) DO NOTHING`,
    [
      serverId,
      kind,
      keyHash,
      apiUrl ?? null,
      apiKey ?? null,
      provider,
      region,
      host,
      ip,
      maxSessions,
      node.latitude ?? null,
      node.longitude ?? null,
      unixMs,
      unixMs,
    ],
  );
  return added > 0;
};

/** The node that is started beside this plane has a key of its own from the start, in place of the one it had. */
export const knowLocalNode = async (
  db: Queries,
  { serverId, key }: { serverId: string; key: string },
  unixMs: number,
): Promise<void> => {
  const hash = keyHash(key);
  const unknown = { provider: '', region: '', host: '', ip: '', maxSessions: 0 };
  if (!(await insertNode(db, { serverId, kind: 'tributary', keyHash: hash, ...unknown }, unixMs)))
    await db.run(`UPDATE nodes SET key_hash = ? WHERE server_id = ? AND kind = 'tributary'`, [hash, serverId]);
};
