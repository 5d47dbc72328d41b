import { randomUUID } from 'node:crypto';
import type { Transaction } from '../database/database.ts';
import { wantRecord } from '../dns/wanted.ts';
import { nextGeneration } from '../nodes/desired.ts';
import { latenciesFrom } from '../nodes/latencies.ts';
import { candidateOf, INGEST_COUNTS_MS, type NodeKind, nodesToPlace, sessionCounts } from '../nodes/node-rows.ts';
import { type Placement, place } from '../placement/placement.ts';
import { AUTO, regionPosition } from '../placement/regions.ts';
import type { Position } from '../protocol.ts';
import type { RelayCore } from '../relay-context.ts';

/** Under this lock nodes are chosen and counted. */
export const PLACEMENT_LOCK = 'placement';

/** Where a stream came from last counts for the next session for so long. */
const PLACE_KEPT_MS = 30 * 86_400_000;

export interface PlaceRequest {
  readonly sessionId: string;
  readonly userId: string;
  readonly streamToken: string;
  readonly label: string;
  /** A region's name, or `auto`. */
  readonly region: string;
  readonly excluded: readonly string[];
  /** It moves away from a node, which it may be read from until then (Unix ms): it goes elsewhere, and DNS is not touched. */
  readonly move?: { readonly fromId: string; readonly untilMs: number };
}

export interface PlacedStream extends Placement {
  readonly assignmentId: string;
  readonly kind: NodeKind;
  /** Of the list that has the stream. */
  readonly generation: number;
  /** The list did not have it before. */
  readonly isListChanged: boolean;
}

interface Listed {
  readonly assignment_id: string;
  readonly server_id: string;
  readonly added_generation: number;
  readonly last_ingest_ms: number | null;
  readonly pull_from: string | null;
  readonly pull_until_ms: number | null;
}

/**
 * Chooses a node and counts the stream there, all in the transaction, which holds `PLACEMENT_LOCK`: nobody else chooses between the two. The
 * stream's former assignments are released already.
 */
export const placeStream = async (
  tx: Transaction,
  core: RelayCore,
  request: PlaceRequest,
): Promise<PlacedStream | { refused: 'none' | 'full' }> => {
  const { streamToken, sessionId, userId, label, region, excluded, move } = request;
  const unixMs = core.unixNow();
  // All at once: each would be a way to the server and back, with the lock held.
  const [listed, nodes, counts, from, ordinal] = await Promise.all([
    tx.all<Listed>(
      `SELECT assignment_id, server_id, added_generation, last_ingest_ms, pull_from, pull_until_ms FROM assignments
       WHERE stream_token = ? AND removed_ms IS NULL ORDER BY assigned_ms DESC`,
      [streamToken],
    ),
    nodesToPlace(tx),
    sessionCounts(tx, unixMs),
    placeOf(tx, streamToken, unixMs),
    tx.first<{ next: number }>('SELECT COALESCE(MAX(ordinal), 0) + 1 AS next FROM assignments WHERE session_id = ?', [
      sessionId,
    ]),
  ]);
  const latencies = from && (await latenciesFrom(tx, from, unixMs));
  const isIngesting = ({ last_ingest_ms }: Listed): boolean => (last_ingest_ms ?? 0) > unixMs - INGEST_COUNTS_MS;
  // Where it is sending now counts more than where it was last.
  const home = listed.find(isIngesting) ?? listed[0];
  const hint = core.hints.of(streamToken, core.clock());
  const result = place(
    nodes.map((row) => candidateOf(row, counts.get(row.server_id) ?? 0, unixMs, latencies)),
    {
      region,
      place: from ?? (region === AUTO ? undefined : regionPosition(region)),
      sticky: move
        ? undefined
        : home
          ? { serverId: home.server_id, isCounted: isIngesting(home) }
          : hint === undefined
            ? undefined
            : { serverId: hint, isCounted: false },
      excluded,
    },
  );
  if ('refused' in result) return result;
  const { serverId, reason, score } = result;
  // The newest list that has had it since: the node's word on that one is good for the stream.
  const before = listed.filter(({ server_id }) => server_id === serverId);
  const known = move ? undefined : before.at(-1)?.added_generation;
  const generation = known ?? (await nextGeneration(tx, serverId, unixMs));
  const assignmentId = randomUUID();
  const lastIngestMs = before.find(({ last_ingest_ms }) => last_ingest_ms !== null)?.last_ingest_ms ?? null;
  // Whoever starts anew while it moves goes on being read from where it is sent to.
  const pulling = before.find(({ pull_from }) => pull_from !== null);
  await tx.run(
    `INSERT INTO assignments (assignment_id, session_id, user_id, stream_token, label, server_id, reason, score, ordinal, assigned_ms,
       added_generation, last_ingest_ms, moved_ms, pull_from, pull_until_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      assignmentId,
      sessionId,
      userId,
      streamToken,
      label,
      serverId,
      reason,
      score,
      ordinal?.next ?? 1,
      unixMs,
      generation,
      lastIngestMs,
      move ? unixMs : null,
      move?.fromId ?? pulling?.pull_from ?? null,
      move?.untilMs ?? pulling?.pull_until_ms ?? null,
    ],
  );
  for (const { assignment_id, added_generation } of before)
    await tx.run(
      `UPDATE assignments SET removed_ms = ?, removed_generation = ?, removal = 'superseded' WHERE assignment_id = ?`,
      [unixMs, added_generation, assignment_id],
    );
  const node = nodes.find(({ server_id }) => server_id === serverId)!;
  if (core.dns.isActive && !move) {
    const session = await tx.first<{ host_name: string | null }>(
      'SELECT host_name FROM sessions WHERE session_id = ?',
      [sessionId],
    );
    if (session?.host_name) await wantRecord(tx, session.host_name, node, unixMs);
  }
  return { ...result, assignmentId, kind: node.kind, generation, isListChanged: before.length === 0 };
};

const placeOf = async (tx: Transaction, streamToken: string, unixMs: number): Promise<Position | undefined> =>
  tx.first<Position>('SELECT latitude, longitude FROM slot_places WHERE stream_token = ? AND seen_ms > ?', [
    streamToken,
    unixMs - PLACE_KEPT_MS,
  ]);
