import { type Current, reading } from '../shared/current.ts';
import type { StreamParts } from './metrics-view.ts';

/** Whoever was shown at the last scrape counts for more, so that two of about the same size do not take turns. */
const SHOWN_BONUS = 2;
/** Before those that send nothing. */
const WATCHED_KBPS = 1;

const weight = ({ publisher, group, players }: StreamParts): number =>
  Math.max(publisher?.bitrateKbps ?? 0, ((group?.windowBytes ?? 0) * 8) / 5_000) +
  (players.length > 0 ? WATCHED_KBPS : 0);

interface Most {
  readonly maxStreams: number;
  readonly maxLinks: number;
}

/**
 * Which streams and links are shown one by one, so that whoever stores the metrics is safe from a node with too many: the largest, and those
 * that were shown before.
 */
export class MetricsChoice {
  readonly #most: () => Most;
  #shown = new Set<string>();

  constructor(most: Current<Most>) {
    this.#most = reading(most);
  }

  get maxStreams(): number {
    return this.#most().maxStreams;
  }

  get maxLinks(): number {
    return this.#most().maxLinks;
  }

  /** Largest first. @param parts by publisher id */
  streams(parts: ReadonlyMap<string, StreamParts>): [publisherId: string, parts: StreamParts][] {
    const rank = (id: string, one: StreamParts): number => weight(one) * (this.#shown.has(id) ? SHOWN_BONUS : 1);
    const ranked = [...parts].map(([id, one]) => ({ id, one, rank: rank(id, one) }));
    ranked.sort((a, b) => b.rank - a.rank);
    const chosen = ranked.slice(0, this.maxStreams);
    this.#shown = new Set(chosen.map(({ id }) => id));
    return chosen.map(({ id, one }) => [id, one]);
  }
}
