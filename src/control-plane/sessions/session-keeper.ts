import type { Millis } from '../../shared/clock.ts';
import type { Job } from '../jobs.ts';
import { INGEST_COUNTS_MS } from '../nodes/node-rows.ts';
import { leaseMsOf, type RelayCore } from '../relay-context.ts';
import type { Slots } from '../slots/slots.ts';
import { endSession } from './end-session.ts';
import { GapWatch } from './gap-watch.ts';
import { endPulls } from './migrate-session.ts';
import { type PlacedSession, provisioningSessions } from './session-rows.ts';
import { moveSession, provision } from './start-session.ts';
import { sweep } from './sweep.ts';

const REAP_EVERY_MS: Millis = 60_000;
const SWEEP_EVERY_MS: Millis = 5_000;
/** A node that has said nothing of a stream for this long may not have got it. */
const STUCK_MS: Millis = 15_000;
/** One that lives, and does not take it all the same. */
const DEAF_MS: Millis = 45_000;
/** The plugin gives up after this long, too. */
const GIVE_UP_MS: Millis = 180_000;
const KEYS_KEPT_MS: Millis = 3_600_000;
const SESSIONS_KEPT_MS: Millis = 400 * 86_400_000;
const ASSIGNMENTS_KEPT_MS: Millis = 40 * 86_400_000;
const PLACES_KEPT_MS: Millis = 30 * 86_400_000;

/**
 * Ends sessions whose lease is over and whose stream does not send.
 * @returns how many
 */
export const reap = async (core: RelayCore): Promise<number> => {
  const unixMs = core.unixNow();
  const silentSince = unixMs - INGEST_COUNTS_MS;
  const expired = await core.db.all<{ session_id: string }>(
    `SELECT s.session_id FROM sessions s WHERE s.stopped_ms IS NULL AND s.lease_until_ms < ?
     AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.session_id = s.session_id AND a.removed_ms IS NULL AND a.last_ingest_ms > ?)`,
    [unixMs, silentSince],
  );
  let count = 0;
  for (const { session_id } of expired) {
    const isEnded = await core.db.transaction(
      async (tx) => {
        // It may have been renewed since it was looked for.
        const renewed = await tx.first('SELECT 1 AS found FROM sessions WHERE session_id = ? AND lease_until_ms >= ?', [
          session_id,
          unixMs,
        ]);
        return !renewed && (await endSession(tx, session_id, 'lease_expired', unixMs));
      },
      { repeatable: true },
    );
    if (isEnded) count++;
  }
  if (count > 0) core.logger.info('sessions without a client ended', { sessions: count });
  return count;
};

const isStuck = (session: PlacedSession, unixMs: Millis): boolean => {
  if (session.server_id === null) return true;
  const waitedMs = unixMs - (session.assigned_ms ?? 0);
  const isLost = session.health === 'unhealthy' || session.node_status === 'inactive';
  const isSilent = (session.last_seen_ms ?? 0) < (session.assigned_ms ?? 0);
  return (waitedMs > STUCK_MS && (isLost || isSilent)) || waitedMs > DEAF_MS;
};

/** Gives sessions whose stream has not come about on their node another one, and ends those that wait for too long. */
export const moveStuck = async (core: RelayCore, slots: Pick<Slots, 'byToken'>): Promise<void> => {
  for (const session of await provisioningSessions(core.db)) {
    const unixMs = core.unixNow();
    if (!isStuck(session, unixMs)) continue;
    const { session_id, server_id, started_ms } = session;
    const label = (await slots.byToken(session.stream_token))?.label ?? '';
    const isMoved = await moveSession(core, session, label, server_id === null ? [] : [server_id]);
    if (isMoved) {
      core.logger.info('a session moved before its stream began', { session: session_id, node: server_id });
      await provision(core, session_id, label, 0);
    } else if (unixMs - started_ms > GIVE_UP_MS)
      await core.db.transaction((tx) => endSession(tx, session_id, 'no_capacity', unixMs), { repeatable: true });
  }
};

const prune = async ({ db, unixNow }: RelayCore): Promise<void> => {
  const unixMs = unixNow();
  await db.run('DELETE FROM idempotency_keys WHERE created_ms < ?', [unixMs - KEYS_KEPT_MS]);
  await db.run('DELETE FROM assignments WHERE removed_ms < ?', [unixMs - ASSIGNMENTS_KEPT_MS]);
  await db.run('DELETE FROM sessions WHERE stopped_ms < ?', [unixMs - SESSIONS_KEPT_MS]);
  await db.run('DELETE FROM slot_places WHERE seen_ms < ?', [unixMs - PLACES_KEPT_MS]);
  await db.run('DELETE FROM latencies WHERE seen_ms < ?', [unixMs - PLACES_KEPT_MS]);
  await db.run('DELETE FROM node_generations WHERE generation < ?', [unixMs - ASSIGNMENTS_KEPT_MS]);
  await db.run('DELETE FROM job_locks WHERE until_ms < ?', [unixMs - KEYS_KEPT_MS]);
};

const sweepAll = async (core: RelayCore): Promise<void> => {
  await sweep(core);
  await endPulls(core);
};

export const sessionJobs = (core: RelayCore, slots: Pick<Slots, 'byToken'>): Job[] => {
  const watch = new GapWatch(leaseMsOf(core), REAP_EVERY_MS);
  return [
    {
      name: 'lease-watch',
      everyMs: REAP_EVERY_MS,
      // On each process: whichever has the lock knows by itself whether clients could renew their leases.
      isShared: false,
      run: async () => {
        await core.db.first('SELECT 1 AS one');
        if (watch.look(core.clock(), core.unixNow())) await reap(core);
      },
    },
    { name: 'sweep', everyMs: SWEEP_EVERY_MS, isShared: true, run: () => sweepAll(core) },
    { name: 'stuck-sessions', everyMs: SWEEP_EVERY_MS, isShared: true, run: () => moveStuck(core, slots) },
    { name: 'prune', everyMs: 5 * 60_000, isShared: true, run: () => prune(core) },
  ];
};
