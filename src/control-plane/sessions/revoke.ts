import type { RelayCore } from '../relay-context.ts';
import type { StreamRevoker } from '../slots/slots.ts';
import { endSession } from './end-session.ts';
import { openSessionsOfToken } from './session-rows.ts';
import { sweep } from './sweep.ts';

/** Ends sessions of tokens and takes their streams off every node at once, the lingering ones too. */
export const createRevoker = (core: RelayCore): StreamRevoker => ({
  revoke: async ({ streamTokens, reason }) => {
    await core.db.transaction(
      async (tx) => {
        const unixMs = core.unixNow();
        for (const token of streamTokens) {
          for (const { session_id } of await openSessionsOfToken(tx, token))
            await endSession(tx, session_id, 'revoked', unixMs);
          await tx.run(
            `UPDATE assignments SET linger_until_ms = ?, removal = 'revoked' WHERE stream_token = ? AND removed_ms IS NULL`,
            [unixMs, token],
          );
        }
      },
      { repeatable: true },
    );
    await sweep(core, streamTokens);
    core.logger.info('streams revoked', { streams: streamTokens.length, reason });
  },
});
