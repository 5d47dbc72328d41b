import type { StreamEvent } from '../sls-bridge/stream-event.ts';

export interface EventsMessage {
  type: 'events';
  /** Main writes it into the header's `eventsSeen` when it has taken the message. */
  sequence: number;
  events: readonly StreamEvent[];
}

/** Events that may wait for main; what happens beyond them is lost to the history, and counted. */
export const MAX_WAITING_EVENTS = 1_024;

/** Stream events on their way to main, in order. One message at a time is on its way, so that a main that is away is not buried. */
export class EventOutlet {
  lost = 0;
  #waiting: StreamEvent[] = [];
  #sequence = 0;
  readonly #post: (message: EventsMessage) => void;
  readonly #seen: () => number;

  constructor(post: (message: EventsMessage) => void, seen: () => number) {
    this.#post = post;
    this.#seen = seen;
  }

  put(event: StreamEvent): void {
    if (this.#waiting.length === MAX_WAITING_EVENTS) this.lost++;
    else this.#waiting.push(event);
    this.flush();
  }

  /** Sends what is there, unless main has not taken the last message yet. */
  flush(): void {
    if (this.#waiting.length === 0 || this.#seen() !== this.#sequence) return;
    this.#sequence = (this.#sequence + 1) | 0;
    this.#post({ type: 'events', sequence: this.#sequence, events: this.#waiting });
    this.#waiting = [];
  }
}
