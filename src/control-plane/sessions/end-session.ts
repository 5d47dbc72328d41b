import type { Millis } from '../../shared/clock.ts';
import type { Transaction } from '../database/database.ts';
import type { StopReason } from './session-rows.ts';
import { GRACE_WINDOW_SECONDS } from './session-view.ts';

/**
 * Ends an open session. Its stream stays on the node's list for the grace, so that a phone goes on while OBS is restarted, or leaves it with the
 * next sweep, which the caller makes at once.
 * @returns whether it was open
 */
export const endSession = async (
  tx: Transaction,
  sessionId: string,
  reason: StopReason,
  unixMs: Millis,
): Promise<boolean> => {
  const ended = await tx.run(
    `UPDATE sessions SET status = 'stopped', stopped_ms = ?, stop_reason = ? WHERE session_id = ? AND stopped_ms IS NULL`,
    [unixMs, reason, sessionId],
  );
  if (ended === 0) return false;
  const isCut = reason === 'revoked' || reason === 'admin';
  await releaseStream(tx, sessionId, unixMs, isCut);
  return true;
};

/** Frees the place of a session's stream on its node. */
export const releaseStream = async (
  tx: Transaction,
  sessionId: string,
  unixMs: Millis,
  isCut: boolean,
): Promise<void> => {
  await tx.run(
    `UPDATE assignments SET released_ms = ?, linger_until_ms = ?, removal = ? WHERE session_id = ? AND released_ms IS NULL`,
    [unixMs, isCut ? unixMs : unixMs + GRACE_WINDOW_SECONDS * 1_000, isCut ? 'revoked' : null, sessionId],
  );
};
