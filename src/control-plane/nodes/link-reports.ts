import type { Millis } from '../../shared/clock.ts';
import type { Database } from '../database/database.ts';
import { LINKS_VALID_MS, type LinkReport } from '../protocol.ts';

/** `per_link` of `relay/active`; the OBS plugin reads the seven members that every receiver has. */
export interface PerLink {
  readonly stream_id: string;
  readonly connections: readonly LinkReport[];
}

interface Report {
  readonly connections: readonly LinkReport[];
  readonly atMs: Millis;
}

const INT32_MAX = 2_147_483_647;
/** Streams that are remembered; the one that was heard of longest ago goes first. */
const MAX_STREAMS = 20_000;

const TOPIC = 'links ';
/** Longest message between processes that share a database. */
const MAX_MESSAGE_BYTES = 7_900;

/**
 * What nodes have last said of the links of each stream. In memory: it is of no use a few seconds later. Processes that share a database tell
 * each other, since a node and a client may ask different ones.
 */
export class LinkReports {
  readonly #reports = new Map<string, Report>();
  readonly #db: Database;
  readonly #end: () => void;

  constructor(db: Database, clock: () => Millis) {
    this.#db = db;
    this.#end = db.subscribe((message) => {
      if (!message.startsWith(TOPIC)) return;
      const { id, links } = JSON.parse(message.slice(TOPIC.length)) as { id: string; links: LinkReport[] };
      this.put(id, links, clock());
    });
  }

  /** `put` here and on every other process. */
  share(publisherId: string, connections: readonly LinkReport[], now: Millis): void {
    this.put(publisherId, connections, now);
    if (this.#db.driver === 'sqlite') return;
    // Many links may be too long for a message: the newest ones, which come last, are left out then.
    for (let count = connections.length; count >= 0; count--) {
      const message = TOPIC + JSON.stringify({ id: publisherId, links: connections.slice(0, count) });
      if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) continue;
      this.#db.publish(message);
      return;
    }
  }

  stop(): void {
    this.#end();
  }

  /** @param now monotonic */
  put(publisherId: string, connections: readonly LinkReport[], now: Millis): void {
    this.#reports.delete(publisherId);
    this.#reports.set(publisherId, { connections, atMs: now });
    if (this.#reports.size > MAX_STREAMS) this.#reports.delete(this.#reports.keys().next().value!);
  }

  /**
   * The links as they are by now: their last packets are older than when they were reported. Never absent, since the plugin would go on to
   * show what it has; without links where nothing was heard for five seconds.
   */
  of(publisherId: string, now: Millis): PerLink {
    const report = this.#reports.get(publisherId);
    const ageMs = report ? now - report.atMs : Number.POSITIVE_INFINITY;
    if (!report || ageMs >= LINKS_VALID_MS) return { stream_id: publisherId, connections: [] };
    return {
      stream_id: publisherId,
      connections: report.connections.map((link) => ({
        ...link,
        last_ms_ago: Math.min(INT32_MAX, Math.round(link.last_ms_ago + ageMs)),
      })),
    };
  }

  /** Takes away what counts no more. */
  forgetOld(now: Millis): void {
    for (const [id, { atMs }] of this.#reports) if (now - atMs >= LINKS_VALID_MS) this.#reports.delete(id);
  }
}
