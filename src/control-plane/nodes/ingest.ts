import type { Millis } from '../../shared/clock.ts';
import { chunksOf } from '../database/chunks.ts';
import type { Queries, Transaction } from '../database/database.ts';
import { INGEST_COUNTS_MS } from './node-rows.ts';

/** A lease is renewed once so much of it is gone: not with each word of a node. */
const RENEW_AFTER_MS: Millis = 15_000;

/** What a node's list holds: of anything else its word counts for nothing. */
export const listedTokens = async (db: Queries, serverId: string): Promise<ReadonlySet<string>> => {
  const rows = await db.all<{ stream_token: string }>(
    'SELECT DISTINCT stream_token FROM assignments WHERE server_id = ? AND removed_ms IS NULL',
    [serverId],
  );
  return new Set(rows.map(({ stream_token }) => stream_token));
};

/**
 * Streams that a node has just reported as sending: their sessions live on. One whose lease has expired while its stream went on, or
 * came back in time, is open again.
 * @returns tokens that are not on the node's list
 */
export const noteIngest = async (
  tx: Transaction,
  serverId: string,
  tokens: readonly string[],
  leaseMs: Millis,
  unixMs: Millis,
): Promise<string[]> => {
  const listed = await listedTokens(tx, serverId);
  const all = [...new Set(tokens)];
  const known = all.filter((token) => listed.has(token));
  for (const chunk of chunksOf(known)) await noteChunk(tx, serverId, chunk, leaseMs, unixMs);
  return all.filter((token) => !listed.has(token));
};

/** A few statements however many streams there are. */
const noteChunk = async (
  tx: Transaction,
  serverId: string,
  tokens: readonly string[],
  leaseMs: Millis,
  unixMs: Millis,
): Promise<void> => {
  const these = `server_id = ? AND stream_token IN (${tokens.map(() => '?').join(', ')}) AND removed_ms IS NULL`;
  await tx.run(`UPDATE assignments SET last_ingest_ms = ? WHERE ${these}`, [unixMs, serverId, ...tokens]);
  await tx.run(
    `UPDATE sessions SET lease_until_ms = ? WHERE stopped_ms IS NULL AND lease_until_ms < ?
     AND session_id IN (SELECT session_id FROM assignments WHERE ${these} AND released_ms IS NULL)`,
    [unixMs + leaseMs, unixMs + leaseMs - RENEW_AFTER_MS, serverId, ...tokens],
  );
  const expired = await tx.all<{ stream_token: string }>(
    `SELECT DISTINCT stream_token FROM assignments WHERE ${these} AND removal IS NULL AND released_ms IS NOT NULL
     AND EXISTS (SELECT 1 FROM sessions s WHERE s.session_id = assignments.session_id AND s.stop_reason = 'lease_expired')`,
    [serverId, ...tokens],
  );
  for (const { stream_token } of expired) await reopenExpired(tx, serverId, stream_token, unixMs + leaseMs);
};

const reopenExpired = async (tx: Transaction, serverId: string, token: string, leaseUntilMs: Millis): Promise<void> => {
  const expired = await tx.first<{ session_id: string; assignment_id: string }>(
    `SELECT s.session_id, a.assignment_id FROM assignments a JOIN sessions s ON s.session_id = a.session_id
     WHERE a.server_id = ? AND a.stream_token = ? AND a.removed_ms IS NULL AND a.removal IS NULL
       AND a.released_ms IS NOT NULL AND s.stop_reason = 'lease_expired'
       AND NOT EXISTS (SELECT 1 FROM assignments later WHERE later.session_id = a.session_id AND later.ordinal > a.ordinal)
       AND NOT EXISTS (SELECT 1 FROM sessions o WHERE o.stopped_ms IS NULL AND (o.stream_token = s.stream_token
         OR (o.user_id = s.user_id AND o.connection_id = s.connection_id)))
     ORDER BY s.started_ms DESC LIMIT 1`,
    [serverId, token],
  );
  if (!expired) return;
  await tx.run('UPDATE assignments SET released_ms = NULL, linger_until_ms = NULL WHERE assignment_id = ?', [
    expired.assignment_id,
  ]);
  await tx.run(
    `UPDATE sessions SET stopped_ms = NULL, stop_reason = NULL, status = 'active', lease_until_ms = ? WHERE session_id = ?`,
    [leaseUntilMs, expired.session_id],
  );
};

/** Tokens on a node's list that were reported as sending within the last half minute. */
export const ingestingOf = async (db: Queries, serverId: string, unixMs: Millis): Promise<ReadonlySet<string>> => {
  const rows = await db.all<{ stream_token: string }>(
    'SELECT DISTINCT stream_token FROM assignments WHERE server_id = ? AND removed_ms IS NULL AND last_ingest_ms > ?',
    [serverId, unixMs - INGEST_COUNTS_MS],
  );
  return new Set(rows.map(({ stream_token }) => stream_token));
};
