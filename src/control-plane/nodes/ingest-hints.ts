import type { Millis } from '../../shared/clock.ts';
import { INGEST_COUNTS_MS } from './node-rows.ts';

const MAX_HINTS = 10_000;

/**
 * Streams that some node takes although no session has them there: of a database that was put back, or of a session that has just been ended
 * while its phone goes on. A new session of such a stream is best where it is. In memory: a hint may be missing.
 */
export class IngestHints {
  readonly #hints = new Map<string, { serverId: string; atMs: Millis }>();

  put(streamToken: string, serverId: string, now: Millis): void {
    this.#hints.delete(streamToken);
    this.#hints.set(streamToken, { serverId, atMs: now });
    if (this.#hints.size > MAX_HINTS) this.#hints.delete(this.#hints.keys().next().value!);
  }

  of(streamToken: string, now: Millis): string | undefined {
    const hint = this.#hints.get(streamToken);
    return hint && now - hint.atMs < INGEST_COUNTS_MS ? hint.serverId : undefined;
  }
}
