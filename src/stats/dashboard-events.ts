import type { StreamEvent } from '../data-plane/event-history.ts';
import { publicStreamName, shortenId } from '../shared/redact.ts';
import type { LeaveReason, PublisherSource, RefusalReason } from '../sls-bridge/stream-event.ts';
import type { EventView, Tone } from './dashboard-types.ts';

const LEFT: Readonly<Record<LeaveReason, string>> = {
  ended: 'ended by itself',
  timeout: 'nothing came any more',
  'taken-over': 'another encoder took over',
  kicked: 'disconnected by the operator',
  revoked: 'its id was revoked',
  expired: 'its id has expired',
  bitrate: 'above its bitrate ceiling',
  slow: 'could not keep up',
  waited: 'waited too long for the stream',
  stopping: 'the node stopped',
  'data-plane': 'the data plane failed',
};

const REFUSED: Readonly<Record<RefusalReason, string>> = {
  'unknown-id': 'unknown stream id',
  'wrong-role': 'a player id was used to send, or a publisher id to play',
  'in-use': 'the stream id is in use by another sender',
  overload: 'a limit is reached',
  passphrase: 'wrong or missing passphrase',
  latency: 'it asks for more latency than is allowed',
  expired: 'its id has expired',
  draining: 'the node is draining',
  denied: 'the authorisation hook has said no',
  other: 'refused in the handshake',
};

const LINK_LEFT: Readonly<Record<string, string>> = {
  timeout: 'silent for too long',
  evicted: 'made room for a newer one',
  moved: 'it joined another group',
  rebound: 'its NAT gave it another address',
  'group-ended': 'the sender stopped',
};

const mbps = (kbps: number): string => `${(kbps / 1_000).toFixed(1)} Mbit/s`;
const duration = (seconds: number): string => {
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};
const times = (count: number): string => (count > 1 ? ` (${count} times)` : '');
const WAYS: Readonly<Record<PublisherSource, string>> = {
  srtla: 'bonded',
  srt: 'plain SRT',
  pull: 'from its former node',
};
const way = (source: PublisherSource): string => WAYS[source];

/**
 * An event in a sentence.
 * @param from what stands for an address: itself, the carrier, or nothing where strangers read along
 */
export const eventWords = (event: StreamEvent, from: (address: string) => string): { tone: Tone; text: string } => {
  const at = (address: string): string => {
    const name = from(address);
    return name === '' ? '' : ` ${name}`;
  };
  const who = (playerId: string, address: string): string =>
    from(address) === '' ? 'A player' : `Player ${shortenId(playerId)} from ${from(address)}`;
  switch (event.type) {
    case 'link-joined':
      return { tone: 'good', text: `Link${at(event.address)} joined` };
    case 'link-left':
      return { tone: 'warn', text: `Link${at(event.address)} left: ${LINK_LEFT[event.why] ?? event.why}` };
    case 'publisher-up': {
      const secret = event.encrypted ? ', encrypted' : '';
      return { tone: 'good', text: `Stream started (${way(event.source)}, latency ${event.latencyMs} ms${secret})` };
    }
    case 'publisher-down':
      return {
        tone: event.why === 'ended' || event.why === 'stopping' ? 'neutral' : 'bad',
        text: `Stream ended after ${duration(event.seconds)}: ${LEFT[event.why]}`,
      };
    case 'publisher-refused':
      return { tone: 'bad', text: `Encoder${at(event.address)} refused${times(event.times)}: ${REFUSED[event.why]}` };
    case 'session-rejected':
      return { tone: 'bad', text: `Bonded encoder turned down${times(event.times)}: ${REFUSED[event.why]}` };
    case 'publisher-takeover':
      return { tone: 'warn', text: `A new encoder${at(event.address)} took over` };
    case 'publisher-timeout':
      return { tone: 'bad', text: `Encoder given up: silent for ${duration(Math.round(event.silentMs / 1_000))}` };
    case 'player-up':
      return { tone: 'good', text: `${who(event.playerId, event.address)} connected` };
    case 'player-down':
      return {
        tone: event.why === 'ended' || event.why === 'stopping' ? 'neutral' : 'warn',
        text: `${who(event.playerId, event.address)} left after ${duration(event.seconds)}: ${LEFT[event.why]}`,
      };
    case 'player-dropped':
      return { tone: 'warn', text: `${who(event.playerId, event.address)} missed ${event.messages} messages` };
    case 'bitrate-exceeded':
      return { tone: 'warn', text: `${mbps(event.kbps)}, above the ceiling of ${mbps(event.ceilingKbps)}` };
    case 'bitrate-closed':
      return { tone: 'bad', text: `Closed: ${mbps(event.kbps)}, above the ceiling of ${mbps(event.ceilingKbps)}` };
    case 'quality':
      return { tone: 'neutral', text: `Quality: ${event.from} → ${event.to} (${event.reason})` };
    case 'removal-held':
      return { tone: 'warn', text: 'The control plane has left this id out: it stays until that is confirmed' };
    case 'latency-short': {
      const whose = event.playerId === undefined ? 'The latency' : "A player's latency";
      const rtt = Math.round(event.rttMs);
      return { tone: 'warn', text: `${whose} of ${event.latencyMs} ms is short for ${rtt} ms of round trip: raise it` };
    }
  }
};

/** Events that a feed holds, newest first. */
export const FEED_EVENTS = 40;

/** The latest events of all streams, each under a number. */
export class EventFeed {
  #latest: readonly { readonly id: number; readonly event: StreamEvent }[] = [];
  #count = 0;
  /** In words, until the next event. */
  readonly #views = new Map<string, readonly EventView[]>();

  add(event: StreamEvent): void {
    this.#latest = [{ id: ++this.#count, event }, ...this.#latest].slice(0, FEED_EVENTS);
    this.#views.clear();
  }

  /** @param reader who reads: each kind of reader has one `from` @param from see `eventWords` */
  latest(reader: string, from: (address: string) => string): readonly EventView[] {
    const views = this.#views.get(reader) ?? this.#latest.map(({ id, event }) => ({ id, ...viewOf(event, from) }));
    this.#views.set(reader, views);
    return views;
  }
}

const viewOf = (event: StreamEvent, from: (address: string) => string): Omit<EventView, 'id'> => ({
  atMs: event.wallMs,
  stream: publicStreamName(event.publisherId),
  type: event.type,
  ...eventWords(event, from),
});

/** The history of a stream, newest first. */
export const eventViews = (events: readonly StreamEvent[], from: (address: string) => string): EventView[] =>
  events.map((event, index) => ({ id: index, ...viewOf(event, from) })).reverse();
