import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import { shown } from './timeline.ts';

const REMEMBERED_MS: Millis = 60 * 60_000;
const MAX_IDS = 20_000;

/** Which publisher ids were live within the last hour. */
export class RecentlyLive {
  readonly #lastSeen = new Map<string, Millis>();

  /** To be told of every state, or of one each second. */
  observe({ publishers }: Pick<DataPlaneSnapshot, 'publishers'>, now: Millis): void {
    for (const publisher of publishers) {
      if (!shown(publisher)) continue;
      // Back to the end: the map is in the order in which they were last seen.
      this.#lastSeen.delete(publisher.publisherId);
      this.#lastSeen.set(publisher.publisherId, now);
    }
    for (const [id, seen] of this.#lastSeen) {
      if (now - seen <= REMEMBERED_MS && this.#lastSeen.size <= MAX_IDS) break;
      this.#lastSeen.delete(id);
    }
  }

  /** @param withinMs at most the hour that is remembered */
  has(publisherId: string, now: Millis, withinMs: Millis = REMEMBERED_MS): boolean {
    const seen = this.#lastSeen.get(publisherId);
    return seen !== undefined && now - seen <= withinMs;
  }
}
