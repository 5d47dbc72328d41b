import type { Millis } from '../../shared/clock.ts';
import { countedBytes, trafficStateOf } from '../../shared/traffic-period.ts';
import { chunksOf } from '../database/chunks.ts';
import type { SqlValue, Transaction } from '../database/database.ts';
import { HEARTBEAT_EVERY_MS, type HeartbeatReply, type HeartbeatRequest, type Ingest } from '../protocol.ts';
import { leaseMsOf, type RelayCore } from '../relay-context.ts';
import { acknowledge, meetGeneration, readDesired, tokenOfPublisher } from './desired.ts';
import { noteIngest } from './ingest.ts';
import { noteLatencies } from './latencies.ts';
import { type NodeRow, usedBytesOf } from './node-rows.ts';
import { HEARTBEAT_SLACK_MS, noteLook, tellHealth } from './node-watch.ts';
import { appliedOf, tellOlder } from './register.ts';

/** A node whose clock is further off is told so: rows that expire would do so at another time there. */
const SKEW_MS: Millis = 5_000;

/** A place that stays the same is written down so often. */
const PLACE_AGAIN_MS: Millis = 3_600_000;
/** What of a difference cannot be the way there and back; an old node knows only when it has asked. */
const skewOf = ({ clock, unixMs }: HeartbeatRequest, arrivedMs: Millis): Millis => {
  if (!clock) return unixMs - arrivedMs;
  const certainMs = Math.max(0, Math.abs(clock.aheadMs) - clock.roundTripMs / 2);
  return Math.round(certainMs) * Math.sign(clock.aheadMs) || 0;
};
const isSkewed = (skewMs: number | null): boolean => Math.abs(skewMs ?? 0) > SKEW_MS;

/** @param strangers tokens that are not on the node's list */
const storePlaces = async (
  tx: Transaction,
  ingesting: readonly Ingest[],
  strangers: ReadonlySet<string>,
  unixMs: Millis,
): Promise<void> => {
  const rows = new Map<string, SqlValue[]>();
  for (const { publisher, place } of ingesting) {
    const token = tokenOfPublisher(publisher);
    if (token === undefined || strangers.has(token) || place?.latitude === undefined || place.longitude === undefined)
      continue;
    rows.set(token, [token, place.country ?? null, place.latitude, place.longitude, unixMs]);
  }
  for (const some of chunksOf([...rows.values()]))
    await tx.run(
      `INSERT INTO slot_places (stream_token, country, latitude, longitude, seen_ms) VALUES ${some.map(() => '(?, ?, ?, ?, ?)').join(', ')}
       ON CONFLICT (stream_token) DO UPDATE SET country = excluded.country, latitude = excluded.latitude,
         longitude = excluded.longitude, seen_ms = excluded.seen_ms
       WHERE slot_places.latitude <> excluded.latitude OR slot_places.longitude <> excluded.longitude
         OR slot_places.seen_ms < excluded.seen_ms - ${PLACE_AGAIN_MS}`,
      some.flat(),
    );
};

const store = async (
  tx: Transaction,
  node: NodeRow,
  said: HeartbeatRequest,
  skewMs: Millis,
  unixMs: Millis,
): Promise<void> => {
  const { sessions, traffic, notReady, parts } = said;
  await tx.run(
    `UPDATE nodes SET health_parts = ?, not_ready = ?, self_draining = ?, publishers = ?, players = ?, month = ?, month_bytes = ?,
       clock_skew_ms = ?, held = ?, last_seen_ms = ? WHERE server_id = ?`,
    [
      JSON.stringify(parts),
      notReady.length === 0 ? null : notReady.join('; '),
      said.draining ? 1 : 0,
      sessions.publishers,
      sessions.players,
      traffic.month,
      countedBytes(traffic, node.traffic_count),
      skewMs,
      said.held,
      unixMs,
      node.server_id,
    ],
  );
};

/** Logs that a node has come to 70 % and 95 % of its cap. */
const tellTraffic = (core: RelayCore, node: NodeRow, { traffic }: HeartbeatRequest, unixMs: Millis): void => {
  const capBytes = node.monthly_cap_bytes ?? undefined;
  const before = trafficStateOf(usedBytesOf(node, unixMs), capBytes);
  const after = { ...node, month: traffic.month, month_bytes: countedBytes(traffic, node.traffic_count) };
  const state = trafficStateOf(usedBytesOf(after, unixMs), capBytes);
  if (state === before) return;
  const fields = { node: node.server_id, usedBytes: after.month_bytes, capBytes };
  if (state === 'warning') core.logger.warn('a node has used 70 % of its traffic', fields);
  else if (state === 'drain')
    core.logger.error('a node has used 95 % of its traffic: it gets no new sessions until its period is over', fields);
  else core.logger.info('the traffic of a node is counted anew', fields);
};

/**
 * A heartbeat: how the node is, which streams send, what it has applied; the list where it does not have it yet.
 * @param arrivedMs of the request, Unix ms
 */
export const takeHeartbeat = async (
  core: RelayCore,
  node: NodeRow,
  said: HeartbeatRequest,
  arrivedMs: Millis,
): Promise<HeartbeatReply> => {
  const { server_id: serverId } = node;
  const unixMs = core.unixNow();
  const skewMs = skewOf(said, arrivedMs);
  const applied = appliedOf(said, core);
  const tokens = said.ingesting.flatMap(({ publisher }) => tokenOfPublisher(publisher) ?? []);
  const result = await core.db.transaction(
    async (tx) => {
      await store(tx, node, said, skewMs, unixMs);
      const health = await noteLook(tx, node, said.score, unixMs + HEARTBEAT_EVERY_MS + HEARTBEAT_SLACK_MS);
      const met = await meetGeneration(tx, serverId, applied, unixMs);
      const isNew = met === 'known' && (await acknowledge(tx, serverId, { generation: applied }, unixMs));
      const strangers = await noteIngest(tx, serverId, tokens, leaseMsOf(core), unixMs);
      await storePlaces(tx, said.ingesting, new Set(strangers), unixMs);
      await noteLatencies(tx, serverId, said.ingesting, new Set(strangers), unixMs);
      return { health, met, isNew, strangers };
    },
    { repeatable: true },
  );
  tellHealth(core, node, result.health);
  tellOlder(core, serverId, result.met);
  if (isSkewed(skewMs) !== isSkewed(node.clock_skew_ms))
    core.logger.warn(isSkewed(skewMs) ? "a node's clock is wrong, or ours is" : "a node's clock is right again", {
      node: serverId,
      skewMs,
    });
  if (said.held > 0 && node.held === 0)
    core.logger.error('a node keeps streams that its list leaves out, until an administrator confirms', {
      node: serverId,
      held: said.held,
    });
  tellTraffic(core, node, said, unixMs);
  for (const token of result.strangers) core.hints.put(token, serverId, core.clock());
  if (result.isNew) core.signals.appliedChanged(serverId);
  const desired = await readDesired(core.db, core.planeId, serverId, applied);
  return {
    planeId: core.planeId,
    unixMs: core.unixNow(),
    generation: desired?.generation ?? Math.max(applied, node.generation),
    status: node.status,
    ...(desired ? { desired } : {}),
  };
};
