import type { Millis } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Database, Queries } from '../database/database.ts';
import type { Revocation, StreamRevoker } from '../slots/slots.ts';
import { newId } from './secrets.ts';

interface DueRow {
  id: string;
  stream_tokens: string;
  reason: string;
}

/** A revocation that is written down, and not carried out yet. */
export interface DueRevocation {
  readonly id: string;
  readonly revocation: Revocation;
}

/**
 * What must be cut is written down in the transaction that makes it so, and carried out afterwards: a process or a database that dies in
 * between delays it and loses nothing.
 */
export class Revocations {
  readonly #db: Database;
  readonly #revoker: StreamRevoker;
  readonly #logger: Logger;

  constructor(db: Database, revoker: StreamRevoker, logger: Logger) {
    this.#db = db;
    this.#revoker = revoker;
    this.#logger = logger;
  }

  /** Part of the transaction. Undefined: there is nothing to cut. */
  async note(revocation: Revocation, unixMs: Millis, tx: Queries): Promise<DueRevocation | undefined> {
    if (revocation.streamTokens.length === 0) return undefined;
    const id = newId('rev');
    await tx.run('INSERT INTO revocations_due (id, stream_tokens, reason, created_ms) VALUES (?, ?, ?, ?)', [
      id,
      JSON.stringify(revocation.streamTokens),
      revocation.reason,
      unixMs,
    ]);
    return { id, revocation };
  }

  /** After the transaction. Throws nothing: what fails now is done by `carryOutAll`, a minute later at the most. */
  async carryOut(due: DueRevocation | undefined): Promise<void> {
    if (!due) return;
    try {
      await this.#revoker.revoke(due.revocation);
      await this.#db.run('DELETE FROM revocations_due WHERE id = ?', [due.id]);
    } catch (error) {
      this.#logger.error('streams are not cut yet', { reason: due.revocation.reason, error: messageOf(error) });
    }
  }

  /** What an earlier attempt, or another process that died, has left. */
  async carryOutAll(): Promise<void> {
    const rows = await this.#db.all<DueRow>(
      'SELECT id, stream_tokens, reason FROM revocations_due ORDER BY created_ms',
    );
    for (const { id, stream_tokens, reason } of rows)
      await this.carryOut({
        id,
        revocation: {
          streamTokens: JSON.parse(stream_tokens) as string[],
          reason: reason as Revocation['reason'],
        },
      });
  }
}
