import type { Millis } from '../../shared/clock.ts';
import type { Usage } from '../accounts/relay-view.ts';
import type { Queries } from '../database/database.ts';

/** The start of the running month (UTC), Unix ms. */
export const periodStart = (unixMs: Millis): Millis => {
  const date = new Date(unixMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
};

/**
 * Seconds that a user's sessions have lasted in the running month. There is no allowance here: what is included is what was used, and nothing
 * is ever over it. Int32, as the plugin reads them.
 */
export const usageOf = async (db: Queries, userId: string, unixMs: Millis): Promise<Usage> => {
  const since = periodStart(unixMs);
  const row = await db.first<{ ms: number | null }>(
    `SELECT SUM(COALESCE(stopped_ms, ?) - CASE WHEN started_ms > ? THEN started_ms ELSE ? END) AS ms FROM sessions
     WHERE user_id = ? AND (stopped_ms IS NULL OR stopped_ms > ?)`,
    [unixMs, since, since, userId, since],
  );
  const consumed = Math.min(2_147_483_647, Math.max(0, Math.round((row?.ms ?? 0) / 1_000)));
  return { included_seconds: consumed, consumed_seconds: consumed, remaining_seconds: 0, overage_seconds: 0 };
};
