import type { EventView } from '../../stats/dashboard-types.ts';
import { clock } from '../format.ts';
import { stay } from '../route.ts';

export interface EventListProps {
  events: readonly EventView[];
  /** Names of streams; none: of one stream only. */
  names?: ReadonlyMap<string, string>;
  empty?: string;
}

/** What has happened, newest first. Rows keep their places and change their text, so that nothing moves under the reader. */
export const EventList = ({ events, names, empty = 'Nothing has happened yet.' }: EventListProps) =>
  events.length === 0 ? (
    <p class="faint">{empty}</p>
  ) : (
    <ol class="events">
      {events.map((event, index) => (
        <li key={index} data-tone={event.tone}>
          <time dateTime={new Date(event.atMs).toISOString()}>{clock(event.atMs)}</time>
          <span class="event-text">
            {event.text}
            {names && (
              <a class="event-stream" href={`/streams/${event.stream}`} onClick={stay}>
                {names.get(event.stream) ?? event.stream}
              </a>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
