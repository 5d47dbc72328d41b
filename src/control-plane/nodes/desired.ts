import { formatEndpoint } from '../../shared/address.ts';
import type { Millis } from '../../shared/clock.ts';
import type { Queries, Transaction } from '../database/database.ts';
import type { Desired } from '../protocol.ts';

export const publisherIdOf = (streamToken: string): string => `live_${streamToken}`;
export const playerIdOf = (streamToken: string): string => `play_${streamToken}`;

/** The token of a publisher id that a plane has made, or undefined. */
export const tokenOfPublisher = (publisherId: string): string | undefined =>
  publisherId.startsWith('live_') ? publisherId.slice('live_'.length) : undefined;

/**
 * A new generation of a node's list, to be called in the transaction that changes the list. Made of the clock: a database that was put back
 * from a backup does not issue a number a second time.
 */
export const nextGeneration = async (tx: Transaction, serverId: string, unixMs: Millis): Promise<number> => {
  const row = await tx.first<{ generation: number }>(
    `UPDATE nodes SET generation = CASE WHEN generation >= ? THEN generation + 1 ELSE ? END WHERE server_id = ?
     RETURNING generation`,
    [unixMs, unixMs, serverId],
  );
  if (!row) throw new Error(`there is no node ${serverId}`);
  await tx.run('INSERT INTO node_generations (server_id, generation) VALUES (?, ?)', [serverId, row.generation]);
  return row.generation;
};

/** Generations that a node may have slept through; those before are taken for issued, whether they were or not. */
export const GENERATIONS_KEPT_MS: Millis = 30 * 86_400_000;

/**
 * Whether this database has issued a generation for this node. If not, the node has got it from a later state of the database, which has been
 * put back since; then a generation above it is issued whose lists remove nothing until one of them was acknowledged.
 */
export const meetGeneration = async (
  tx: Transaction,
  serverId: string,
  applied: number,
  unixMs: Millis,
): Promise<'known' | 'older'> => {
  if (applied === 0) return 'known';
  const [node, issued] = [
    await tx.first<{ generation: number }>('SELECT generation FROM nodes WHERE server_id = ?', [serverId]),
    await tx.first('SELECT generation FROM node_generations WHERE server_id = ? AND generation = ?', [
      serverId,
      applied,
    ]),
  ];
  const isForgotten = applied < unixMs - GENERATIONS_KEPT_MS;
  if (!node || issued || (isForgotten && applied < node.generation)) return 'known';
  const generation = await nextGeneration(tx, serverId, Math.max(unixMs, applied + 1));
  await tx.run('UPDATE nodes SET older_generation = ?, confirm_generation = NULL WHERE server_id = ?', [
    generation,
    serverId,
  ]);
  return 'older';
};

interface ListRow {
  readonly generation: number;
  readonly applied_generation: number;
  readonly older_generation: number | null;
  readonly confirm_generation: number | null;
  readonly held: number;
  readonly stream_token: string | null;
  readonly label: string | null;
  readonly pull_ip: string | null;
  readonly pull_port: number | null;
}

/** In one statement: the generation and the list are of one moment. */
const LIST = `SELECT n.generation, n.applied_generation, n.older_generation, n.confirm_generation, n.held, a.stream_token, a.label,
     f.ip AS pull_ip, f.play_port AS pull_port
   FROM nodes n LEFT JOIN assignments a ON a.server_id = n.server_id AND a.removed_ms IS NULL
   LEFT JOIN nodes f ON f.server_id = a.pull_from
   WHERE n.server_id = ? ORDER BY a.stream_token, a.assigned_ms`;

/**
 * What a node is to admit, where its generation is higher than `after`; undefined otherwise, and where there is no such node.
 *
 * `confirm`: what is missing since `after` is missing because sessions ended, each of which is on record; or an administrator said so.
 * Of a node that does not know any more what it has applied (`after` 0) nobody knows what is missing why, and while rows are held that nobody here knows of, only an administrator's word lets them go.
 */
export const readDesired = async (
  db: Queries,
  planeId: string,
  serverId: string,
  after: number,
): Promise<Desired | undefined> => {
  const rows = await db.all<ListRow>(LIST, [serverId]);
  const first = rows[0];
  if (!first || first.generation <= after) return undefined;
  const streams = new Map<string, Desired['streams'][number]>();
  for (const { stream_token: token, label, pull_ip, pull_port } of rows)
    if (token !== null)
      streams.set(token, {
        publisher: publisherIdOf(token),
        player: playerIdOf(token),
        ...(label ? { label } : {}),
        ...(pull_ip && pull_port ? { pullFrom: formatEndpoint(pull_ip, pull_port) } : {}),
      });
  const isOlder = first.older_generation !== null && first.applied_generation < first.older_generation;
  const isConfirmed =
    first.confirm_generation !== null && first.applied_generation < first.confirm_generation
      ? true
      : after > 0 && first.held === 0 && (await hasRecordedRemovals(db, serverId, after));
  return {
    planeId,
    generation: first.generation,
    streams: [...streams.values()],
    ...(isOlder ? { older: true } : isConfirmed ? { confirm: true } : {}),
  };
};

const hasRecordedRemovals = async (db: Queries, serverId: string, after: number): Promise<boolean> =>
  (await db.first(
    'SELECT 1 AS found FROM assignments WHERE server_id = ? AND removed_ms IS NOT NULL AND removed_generation > ? LIMIT 1',
    [serverId, after],
  )) !== undefined;

/** A node's word on what it has applied. */
export interface Applied {
  readonly generation: number;
  readonly held?: number;
}

/**
 * Keeps a node's acknowledgement, and makes sessions active whose stream it admits by now: what it has named as a conflict it does not.
 * @returns whether it is new
 */
export const acknowledge = async (
  tx: Transaction,
  serverId: string,
  { generation, held }: Applied,
  unixMs: Millis,
): Promise<boolean> => {
  const isNew =
    (await tx.run(
      `UPDATE nodes SET applied_generation = ?,
         older_generation = CASE WHEN older_generation <= ? THEN NULL ELSE older_generation END,
         confirm_generation = CASE WHEN confirm_generation <= ? THEN NULL ELSE confirm_generation END
       WHERE server_id = ? AND applied_generation < ? AND generation >= ?`,
      [generation, generation, generation, serverId, generation, generation],
    )) > 0;
  if (held !== undefined) await tx.run('UPDATE nodes SET held = ? WHERE server_id = ?', [held, serverId]);
  const waiting = await tx.all<{ session_id: string; stream_token: string }>(
    `SELECT s.session_id, s.stream_token FROM assignments a JOIN sessions s ON s.session_id = a.session_id
     WHERE a.server_id = ? AND a.removed_ms IS NULL AND a.released_ms IS NULL AND a.added_generation <= ?
       AND s.status = 'provisioning' AND s.stopped_ms IS NULL`,
    [serverId, generation],
  );
  const node = await tx.first<{ conflicts: string | null }>('SELECT conflicts FROM nodes WHERE server_id = ?', [
    serverId,
  ]);
  const conflicts = conflictsOf(node?.conflicts ?? null);
  for (const { session_id, stream_token } of waiting)
    if (!conflicts.includes(stream_token))
      await tx.run(
        `UPDATE sessions SET status = 'active', provision_step = 'ready', activated_ms = ?
         WHERE session_id = ? AND status = 'provisioning'`,
        [unixMs, session_id],
      );
  return isNew;
};

/** Tokens in the column `conflicts`: of streams of its list that a node does not take. */
export const conflictsOf = (text: string | null): readonly string[] =>
  text === null ? [] : (JSON.parse(text) as string[]);

/** Takes streams off a node's list. @returns whether there was anything to take */
export const removeFromList = async (
  tx: Transaction,
  serverId: string,
  assignmentIds: readonly string[],
  unixMs: Millis,
): Promise<boolean> => {
  let generation: number | undefined;
  for (const id of assignmentIds) {
    const listed = await tx.first('SELECT 1 AS found FROM assignments WHERE assignment_id = ? AND removed_ms IS NULL', [
      id,
    ]);
    if (!listed) continue;
    generation ??= await nextGeneration(tx, serverId, unixMs);
    await tx.run('UPDATE assignments SET removed_ms = ?, removed_generation = ? WHERE assignment_id = ?', [
      unixMs,
      generation,
      id,
    ]);
  }
  return generation !== undefined;
};
