import type { Millis } from '../../shared/clock.ts';
import type { Queries, Transaction } from '../database/database.ts';
import type { Ingest, Position } from '../protocol.ts';
import { tokenOfPublisher } from './desired.ts';

/** Degrees: what is measured from anywhere in such a square is taken for the same way. */
const CELL_DEGREES = 2;
/** From so many on, what was measured is better than what the map lets expect; and so many the average looks back over. */
const ENOUGH_SAMPLES = 20;
const KEPT_MS: Millis = 30 * 86_400_000;
/** A stream that stands still measures nothing. */
const FRESH_MS: Millis = 2_000;

/** `25 -1`: squares of 2°. */
export const cellOf = ({ latitude, longitude }: Position): string =>
  `${Math.floor(latitude / CELL_DEGREES)} ${Math.floor(longitude / CELL_DEGREES)}`;

interface Sum {
  samples: number;
  rttMs: number;
}

/**
 * Adds the round trips of the streams in a heartbeat to what is known of the way from their places to this node.
 * @param strangers tokens that are not on the node's list
 */
export const noteLatencies = async (
  tx: Transaction,
  serverId: string,
  ingesting: readonly Ingest[],
  strangers: ReadonlySet<string>,
  unixMs: Millis,
): Promise<void> => {
  const cells = new Map<string, Sum>();
  for (const { publisher, place, rttMs, lastPayloadMs } of ingesting) {
    const token = tokenOfPublisher(publisher);
    if (token === undefined || strangers.has(token) || rttMs === undefined || lastPayloadMs > FRESH_MS) continue;
    if (place?.latitude === undefined || place.longitude === undefined) continue;
    const cell = cellOf({ latitude: place.latitude, longitude: place.longitude });
    const sum = cells.get(cell) ?? { samples: 0, rttMs: 0 };
    cells.set(cell, { samples: sum.samples + 1, rttMs: sum.rttMs + rttMs });
  }
  for (const [cell, { samples, rttMs }] of cells)
    await tx.run(
      `INSERT INTO latencies (cell, server_id, samples, rtt_ms, seen_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (cell, server_id) DO UPDATE SET seen_ms = excluded.seen_ms,
         rtt_ms = latencies.rtt_ms + (excluded.rtt_ms - latencies.rtt_ms) * excluded.samples
           / (CASE WHEN latencies.samples < ${ENOUGH_SAMPLES} THEN latencies.samples ELSE ${ENOUGH_SAMPLES} END + excluded.samples),
         samples = CASE WHEN latencies.samples < 1000000 THEN latencies.samples + excluded.samples ELSE latencies.samples END`,
      [cell, serverId, samples, rttMs / samples, unixMs],
    );
};

/** Round trips, ms, from a place to the nodes to which they were measured often enough. */
export const latenciesFrom = async (
  db: Queries,
  from: Position,
  unixMs: Millis,
): Promise<ReadonlyMap<string, Millis>> => {
  const rows = await db.all<{ server_id: string; rtt_ms: number }>(
    'SELECT server_id, rtt_ms FROM latencies WHERE cell = ? AND samples >= ? AND seen_ms > ?',
    [cellOf(from), ENOUGH_SAMPLES, unixMs - KEPT_MS],
  );
  return new Map(rows.map(({ server_id, rtt_ms }) => [server_id, rtt_ms]));
};
