import type { Millis } from '../shared/clock.ts';
import type { LinkCore } from './link-core.ts';

/** Highest score; the first in the list on a tie (SRTLA specification §6.1). */
export const chooseClassic = (links: readonly LinkCore[], now: Millis): LinkCore | undefined => {
  let best: LinkCore | undefined;
  let bestScore = -1;
  for (let i = 0; i < links.length; i++) {
    const link = links[i]!;
    if (!link.alive(now)) continue;
    const score = link.score();
    if (score <= bestScore) continue;
    best = link;
    bestScore = score;
  }
  return best;
};

const SWITCH_FACTOR = 1.1;
const DEGRADED_WEIGHT = 0.02;
const PROBE_EVERY = 100;

/**
 * The choice of `snd`'s enhanced mode (§6.4): the classic score times what the link's quality weighs, and another link only where it is
 * a tenth better. Links that are gated, stalled or full take data only where no other is left.
 */
export class EnhancedChoice {
  #last: LinkCore | undefined;
  #dataPackets = 0;
  /** For SRT control and first copies. */
  choose(links: readonly LinkCore[], data: boolean, now: Millis): LinkCore | undefined {
    const best = this.#best(links, data, now) ?? chooseClassic(links, now);
    const last = this.#last;
    if (best === undefined || last === undefined || best === last || !usable(last, data, now)) {
      if (data) this.#last = best;
      return best;
    }
    const good = anyGood(links, data, now);
    if (weighed(best, good) <= weighed(last, good) * SWITCH_FACTOR && links.includes(last)) return last;
    if (data) this.#last = best;
    return best;
  }

  /** For retransmissions: no sticking to the last link. */
  best(links: readonly LinkCore[], now: Millis): LinkCore | undefined {
    return this.#best(links, true, now) ?? chooseClassic(links, now);
  }

  /** A gated link that gets a copy of this data packet too, to show whether it delivers: 1 in 100. */
  probe(links: readonly LinkCore[], chosen: LinkCore, now: Millis): LinkCore | undefined {
    if (++this.#dataPackets % PROBE_EVERY !== 0) return undefined;
    for (let i = 0; i < links.length; i++) {
      const link = links[i]!;
      if (link !== chosen && link.alive(now) && link.quality.gated(link.log.inFlight, now)) return link;
    }
    return undefined;
  }

  #best(links: readonly LinkCore[], data: boolean, now: Millis): LinkCore | undefined {
    const good = anyGood(links, data, now);
    let best: LinkCore | undefined;
    let bestScore = -1;
    for (let i = 0; i < links.length; i++) {
      const link = links[i]!;
      if (!usable(link, data, now)) continue;
      const score = weighed(link, good);
      if (score <= bestScore) continue;
      best = link;
      bestScore = score;
    }
    return best;
  }
}

const usable = (link: LinkCore, data: boolean, now: Millis): boolean => {
  if (!link.alive(now)) return false;
  if (!data) return true;
  const { quality, log } = link;
  return !quality.gated(log.inFlight, now) && !quality.stalled(link.lastHeard, now) && !quality.full(log.inFlight);
};

const anyGood = (links: readonly LinkCore[], data: boolean, now: Millis): boolean => {
  for (let i = 0; i < links.length; i++) if (!links[i]!.quality.degraded && usable(links[i]!, data, now)) return true;
  return false;
};

const weighed = (link: LinkCore, good: boolean): number =>
  link.score() * link.quality.weight * (good && link.quality.degraded ? DEGRADED_WEIGHT : 1);
