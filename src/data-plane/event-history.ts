import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';

export type { StreamEvent, StreamEventType, StreamHappening } from '../sls-bridge/stream-event.ts';

/** Events of a stream that are kept; the oldest make room. */
export const EVENTS_PER_STREAM = 200;
/** … of which at most so many tell of players: whoever has a player id must not push out what became of the encoder. */
export const PLAYER_EVENTS_PER_STREAM = 100;
/** Streams with events; the one that has been quiet for longest makes room. */
export const STREAMS_WITH_EVENTS = 2_048;

const isOfPlayer = ({ type }: StreamEvent): boolean => type.startsWith('player-');

/** Where the oldest event is: of players where there are too many of theirs. */
const leastNeeded = (events: readonly StreamEvent[]): number => {
  const ofPlayers = events.reduce((count, event) => count + Number(isOfPlayer(event)), 0);
  return ofPlayers > PLAYER_EVENTS_PER_STREAM ? events.findIndex(isOfPlayer) : 0;
};

/** What has happened to each stream lately. Held in memory on the main thread; it outlives the data-plane thread. */
export class EventHistory {
  readonly #logger: Logger;
  /** Longest quiet first. */
  readonly #byStream = new Map<string, StreamEvent[]>();
  readonly #listeners = new Set<(event: StreamEvent) => void>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The last 200 of a publisher id, oldest first; empty where there are none. */
  of(publisherId: string): readonly StreamEvent[] {
    return [...(this.#byStream.get(publisherId) ?? [])];
  }

  /** Called for each new event, of any stream. A listener that throws is logged, and disturbs nobody. @returns what ends it */
  onEvent(listener: (event: StreamEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(event: StreamEvent): void {
    const { publisherId } = event;
    const events = this.#byStream.get(publisherId) ?? [];
    events.push(event);
    if (events.length > EVENTS_PER_STREAM) events.splice(leastNeeded(events), 1);
    this.#byStream.delete(publisherId);
    this.#byStream.set(publisherId, events);
    if (this.#byStream.size > STREAMS_WITH_EVENTS) this.#forgetQuietest();
    for (const listener of [...this.#listeners]) this.#tell(listener, event);
  }

  /** The id belongs to nobody any more. */
  forget(publisherId: string): void {
    this.#byStream.delete(publisherId);
  }

  #forgetQuietest(): void {
    for (const quietest of this.#byStream.keys()) {
      this.#byStream.delete(quietest);
      return;
    }
  }

  #tell(listener: (event: StreamEvent) => void, event: StreamEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#logger.error('a listener of stream events failed', { type: event.type, error: messageOf(error) });
    }
  }
}
