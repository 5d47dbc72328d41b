import type { Millis } from '../shared/clock.ts';
import type { AccessTable } from './access.ts';
import { RefusalDigest } from './refusal-digest.ts';
import { type RefusalReason, refusalReason, type StreamHappening } from './stream-event.ts';

type Refused = Extract<StreamHappening, { type: 'publisher-refused' }>;

const REJECT_OVERLOAD = 1402;
const REJECT_NOT_FOUND = 1404;

export interface RefusalsDeps {
  access: AccessTable;
  /** No new publisher is admitted at present. */
  isDraining: () => boolean;
  tell: (publisherId: string, happening: StreamHappening) => void;
}

/** Encoders that were turned away from a known stream: whose they are, why, and not each attempt by itself. */
export class Refusals {
  readonly #deps: RefusalsDeps;
  readonly #digest = new RefusalDigest<{ publisherId: string; happening: Refused }>();

  constructor(deps: RefusalsDeps) {
    this.#deps = deps;
  }

  /** @returns false when nobody has the id */
  note(caller: { streamId: string; source: 'srt' | 'srtla'; address: string }, code: number, now: Millis): boolean {
    const { source, address } = caller;
    const publisherId = this.#deps.access.meantBy(caller.streamId, 'publish');
    if (publisherId === undefined) return false;
    const why = this.#why(publisherId, code);
    const happening: Refused = { type: 'publisher-refused', why, code, times: 1, source, address };
    if (this.#digest.note(`${source} ${why} ${publisherId}`, { publisherId, happening }, now))
      this.#deps.tell(publisherId, happening);
    return true;
  }

  tick(now: Millis): void {
    this.#digest.tick(now, ({ publisherId, happening }, times) =>
      this.#deps.tell(publisherId, { ...happening, times }),
    );
  }

  #why(publisherId: string, code: number): RefusalReason {
    if (code === REJECT_NOT_FOUND && this.#deps.access.isExpired(publisherId)) return 'expired';
    if (code === REJECT_OVERLOAD && this.#deps.isDraining()) return 'draining';
    return refusalReason(code);
  }
}
