import type { Millis } from '../../shared/clock.ts';
import { FOREVER } from '../constants.ts';
import type { Link } from '../link.ts';

/** Silence that is nothing special while data flows. */
const FRESH_MS: Millis = 60;
const SILENCE_WEIGHT = 4;
/** A link that has carried no data is a last resort among those that are heard. */
const UNKNOWN_MS: Millis = 1_000;
/** `maxLinksPerGroup` at most. */
const MOST_LINKS = 64;

/**
 * Which links are good for an answer: those with the shortest way, and heard just now. A link that has gone silent while others speak
 * is worse by the length of its silence, since it may be dead.
 */
export class LinkChoice {
  readonly #costs = new Float64Array(MOST_LINKS);

  /** The `rank`-th best (0 = best) of the active ones among `links`, round robin; undefined where none is active. */
  ranked(links: readonly Link[], rank: number, now: Millis): Link | undefined {
    const count = Math.min(links.length, MOST_LINKS);
    let active = 0;
    for (let i = 0; i < count; i++) {
      const link = links[i]!;
      const isActive = link.confirmed && link.isActive(now);
      this.#costs[i] = isActive ? cost(link, now) : FOREVER;
      if (isActive) active += 1;
    }
    if (active === 0) return undefined;
    for (let left = rank % active; ; left--) {
      const best = this.#cheapest(count);
      if (left === 0) return links[best];
      this.#costs[best] = FOREVER;
    }
  }

  #cheapest(count: number): number {
    let best = 0;
    for (let i = 1; i < count; i++) if (this.#costs[i]! < this.#costs[best]!) best = i;
    return best;
  }
}

const cost = (link: Link, now: Millis): Millis => {
  const silentMs = Math.max(0, now - link.lastHeardMs - FRESH_MS);
  return (link.flow.isKnown ? link.flow.lagMs : UNKNOWN_MS) + SILENCE_WEIGHT * silentMs;
};
