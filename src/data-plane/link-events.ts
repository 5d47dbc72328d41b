import type { Millis } from '../shared/clock.ts';
import { RefusalDigest } from '../sls-bridge/refusal-digest.ts';
import { refusalReason, type StreamHappening } from '../sls-bridge/stream-event.ts';
import type { SrtlaEvent } from '../srtla/types.ts';

export interface LinkEventsDeps {
  /** The publisher id of a live SRT session, by the server's socket. */
  publisherOf: (serverSocket: number) => string | undefined;
  /** The publisher id that an encoder has meant by its stream id. */
  meantBy: (streamId: string) => string | undefined;
  tell: (publisherId: string, happening: StreamHappening, atMs: Millis) => void;
}

/** Links come before the stream is known: so many of their events wait for it. The oldest make room. */
export const MAX_WAITING_LINK_EVENTS = 64;

/** A handshake that is a rejection has srt's code added to this in its type. */
const HANDSHAKE_REJECTION = 1_000;

interface Group {
  publisherId: string | undefined;
  serverSocket: number | undefined;
  /** As the encoder asked for it. */
  streamId: string | undefined;
  waiting: { happening: StreamHappening; atMs: Millis }[];
}

type Rejection = Extract<StreamHappening, { type: 'session-rejected' }>;

/**
 * Finds out whose links they are. A group is a stranger until the SRT server has accepted a session of it; what its links did before that is
 * told then. A group that never gets that far leaves no trace. Bounded by the number of groups.
 */
export class LinkEvents {
  readonly #deps: LinkEventsDeps;
  readonly #groups = new Map<string, Group>();
  readonly #rejections = new RefusalDigest<{ publisherId: string; happening: Rejection }>();

  constructor(deps: LinkEventsDeps) {
    this.#deps = deps;
  }

  take(event: SrtlaEvent, now: Millis): void {
    const { group: name } = event;
    switch (event.type) {
      case 'group-created':
        this.#groups.set(name, { publisherId: undefined, serverSocket: undefined, streamId: undefined, waiting: [] });
        break;
      case 'group-ended':
        this.#groups.delete(name);
        break;
      case 'link-joined':
      case 'link-left':
        this.#link(name, event, now);
        break;
      case 'session-started': {
        const group = this.#groups.get(name);
        if (group) group.streamId = event.streamId;
        break;
      }
      case 'session-accepted': {
        const group = this.#groups.get(name);
        if (group) this.#bind(group, event.serverSocket);
        break;
      }
      case 'session-rejected':
        this.#rejected(name, event.code, now);
        break;
      default:
        break;
    }
  }

  /** A publisher has come: one of the groups may have been waiting for it. */
  publisherUp(): void {
    for (const group of this.#groups.values())
      if (group.serverSocket !== undefined && group.waiting.length > 0) this.#bind(group, group.serverSocket);
  }

  tick(now: Millis): void {
    this.#rejections.tick(now, ({ publisherId, happening }, times) =>
      this.#deps.tell(publisherId, { ...happening, times }, now),
    );
  }

  #link(name: string, event: Extract<SrtlaEvent, { type: 'link-joined' | 'link-left' }>, now: Millis): void {
    const group = this.#groups.get(name);
    if (!group) return;
    const { publisherId, waiting } = group;
    if (publisherId !== undefined) {
      this.#deps.tell(publisherId, event, now);
      return;
    }
    if (waiting.length === MAX_WAITING_LINK_EVENTS) waiting.shift();
    waiting.push({ happening: event, atMs: now });
  }

  /** The server's accept and its answer on the wire come in any order: whichever is later binds. */
  #bind(group: Group, serverSocket: number): void {
    group.serverSocket = serverSocket;
    const publisherId = this.#deps.publisherOf(serverSocket);
    if (publisherId === undefined) return;
    group.publisherId = publisherId;
    for (const { happening, atMs } of group.waiting.splice(0)) this.#deps.tell(publisherId, happening, atMs);
  }

  #rejected(name: string, onWire: number, now: Millis): void {
    const code = onWire - HANDSHAKE_REJECTION;
    const streamId = this.#groups.get(name)?.streamId;
    const publisherId = streamId === undefined ? undefined : this.#deps.meantBy(streamId);
    if (publisherId === undefined) return;
    const why = refusalReason(code);
    const happening: Rejection = { type: 'session-rejected', group: name, why, code, times: 1 };
    if (this.#rejections.note(`${code} ${publisherId}`, { publisherId, happening }, now))
      this.#deps.tell(publisherId, happening, now);
  }
}
