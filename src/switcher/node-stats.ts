import { messageOf } from '../shared/errors.ts';
import type { Answer } from './reading.ts';

const ANSWER_WITHIN_MS = 2_500;
const MAX_ANSWER_BYTES = 1_048_576;

/** Asks the node how the stream of a player id is doing. Never throws: what went wrong is in the answer. */
export const askStats = async (node: string, player: string): Promise<Answer> => {
  try {
    const answer = await fetch(`${node}/stats/${encodeURIComponent(player)}`, {
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    if (answer.status === 404) return { ok: false, why: 'the node does not know this stream: is the player id right?' };
    if (answer.status === 429)
      return { ok: false, why: 'the node has had too many requests of this address: raise http.statsPerMinute' };
    if (!answer.ok) return { ok: false, why: `the node answers with status ${answer.status}` };
    if (Number(answer.headers.get('content-length') ?? 0) > MAX_ANSWER_BYTES)
      return { ok: false, why: 'what answers is no node' };
    return { ok: true, body: await answer.json() };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { ok: false, why: `the node does not answer (${messageOf(cause)})` };
  }
};
