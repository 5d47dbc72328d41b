/** Streams whose events are counted by themselves; the one that has been quiet for longest makes room. */
const MOST_STREAMS = 2_048;

/** What is counted: an event of a stream. */
interface Counted {
  readonly publisherId: string;
  readonly type: string;
}

const NONE: ReadonlyMap<string, number> = new Map();

/** How often what has happened, on the node and to each stream, since the start. */
export class EventCounts {
  readonly all = new Map<string, number>();
  /** Longest quiet first. */
  readonly #byStream = new Map<string, Map<string, number>>();

  count({ publisherId, type }: Counted): void {
    const counts = this.#byStream.get(publisherId) ?? new Map<string, number>();
    for (const map of [this.all, counts]) map.set(type, (map.get(type) ?? 0) + 1);
    this.#byStream.delete(publisherId);
    this.#byStream.set(publisherId, counts);
    if (this.#byStream.size <= MOST_STREAMS) return;
    for (const quietest of this.#byStream.keys()) {
      this.#byStream.delete(quietest);
      return;
    }
  }

  /** By type. */
  of(publisherId: string): ReadonlyMap<string, number> {
    return this.#byStream.get(publisherId) ?? NONE;
  }
}
