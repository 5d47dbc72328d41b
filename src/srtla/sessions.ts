import type { Millis } from '../shared/clock.ts';
import type { AuthFailures } from './auth-failures.ts';
import { FOREVER, MAX_CLOSING_SESSIONS, SESSION_LINGER_MS } from './constants.ts';
import { COUNTER, type Counters } from './counters.ts';
import type { Group } from './group.ts';
import { buildShutdown } from './packet-build.ts';
import { Session } from './session.ts';
import type { SessionId, SrtlaOutbox } from './types.ts';

/**
 * Opens, supersedes and ends SRT sessions. A SHUTDOWN never goes out at once: on bonded links it can overtake data that the
 * server would then refuse, so it waits for the largest skew of the group. The state diagram is in README.md.
 */
export class Sessions {
  readonly #counters: Counters;
  readonly #failures: AuthFailures;
  readonly #byId = new Map<SessionId, Session>();
  /** Those with a SHUTDOWN or an end to come. */
  readonly #due: Session[] = [];
  #lastId = 0;

  constructor(counters: Counters, failures: AuthFailures) {
    this.#counters = counters;
    this.#failures = failures;
  }

  get count(): number {
    return this.#byId.size;
  }

  get(id: SessionId): Session | undefined {
    return this.#byId.get(id);
  }

  open(group: Group, encoderId: number, now: Millis, out: SrtlaOutbox): Session {
    const session = new Session(++this.#lastId, group, encoderId, now);
    this.#byId.set(session.id, session);
    group.current = session;
    group.beginSession();
    this.#counters.count(COUNTER.sessionsOpened);
    out.openSession(session.id, encoderId);
    return session;
  }

  /** The server's conclusion response. */
  accept(session: Session, serverId: number, now: Millis, out: SrtlaOutbox): void {
    if (session.serverId !== 0 || serverId === 0) return;
    session.serverId = serverId;
    session.acceptedMs = now;
    this.#failures.accepted(session.lastTry, now);
    session.group.everAccepted = true;
    this.#counters.count(COUNTER.sessionsAccepted);
    out.event({ type: 'session-accepted', group: session.group.name, session: session.id, serverSocket: serverId });
    if (session.state === 'handshaking') session.state = 'accepted';
    // The encoder had given it up while the answer was on its way; the server must learn that too.
    else this.#superseded(session, now, out);
  }

  /** The server has turned the handshake down; `code` is its type. Repeated answers count once. */
  reject(session: Session, code: number, now: Millis, out: SrtlaOutbox): void {
    if (session.serverId !== 0) return;
    this.#failures.rejected(session.lastTry, code, now);
    if (session.rejectionCode === code) return;
    session.rejectionCode = code;
    this.#counters.count(COUNTER.sessionsRejected);
    out.event({ type: 'session-rejected', group: session.group.name, session: session.id, code });
  }

  /** The encoder's own SHUTDOWN. Returns false for a repeated one. */
  holdShutdown(session: Session, packet: Uint8Array, now: Millis): boolean {
    if (session.shutdown !== undefined || session.shutdownSent) return false;
    // A copy of its own: `slice` of a Buffer is a view of bytes that live for this call only.
    this.#schedule(session, new Uint8Array(packet), now + session.group.shutdownHoldMs(now));
    return true;
  }

  /** The encoder has begun anew: the group's current session is on its way out, and there is none. */
  supersede(group: Group, now: Millis, out: SrtlaOutbox): void {
    const session = group.current;
    if (session === undefined) return;
    const accepted = session.state === 'accepted';
    this.#startClosing(session, out);
    if (accepted) this.#superseded(session, now, out);
    // Its acceptance may be on the way back, and would leave the server with a session that nobody ends.
    else if (session.started && session.rejectionCode === 0) this.#closeAt(session, now + SESSION_LINGER_MS);
    else this.#end(session, out);
  }

  /** The server has ended it: nothing is to be said to it any more. */
  endedByServer(session: Session, now: Millis, out: SrtlaOutbox): void {
    this.#startClosing(session, out);
    session.shutdownSent = true;
    session.shutdown = undefined;
    session.shutdownAtMs = FOREVER;
    this.#closeAt(session, now + SESSION_LINGER_MS);
  }

  /** The group is going, long after its last datagram: SHUTDOWN for every accepted session now, the ports close a little later. */
  endAll(group: Group, now: Millis, out: SrtlaOutbox): void {
    const current = group.current;
    if (current !== undefined) this.#startClosing(current, out);
    for (let i = group.closing.length - 1; i >= 0; i--) {
      const session = group.closing[i]!;
      this.#sendShutdown(session, out);
      if (session.serverId === 0 && !session.started) this.#end(session, out);
      else this.#closeAt(session, Math.min(session.closeAtMs, now + SESSION_LINGER_MS));
    }
  }

  tick(now: Millis, out: SrtlaOutbox): void {
    for (let i = this.#due.length - 1; i >= 0; i--) {
      const session = this.#due[i]!;
      if (now >= session.shutdownAtMs) {
        this.#sendShutdown(session, out);
        this.#startClosing(session, out);
        this.#closeAt(session, now + SESSION_LINGER_MS);
      } else if (now >= session.closeAtMs) this.#end(session, out);
    }
  }

  /** Nothing waits any more: SHUTDOWNs at once, then every port closes. */
  stop(out: SrtlaOutbox): void {
    for (const session of [...this.#byId.values()]) {
      this.#sendShutdown(session, out);
      this.#end(session, out);
    }
  }

  #superseded(session: Session, now: Millis, out: SrtlaOutbox): void {
    this.#counters.count(COUNTER.sessionsSuperseded);
    const { id, serverId, group } = session;
    out.event({ type: 'session-superseded', group: group.name, session: id, serverSocket: serverId });
    if (session.shutdown !== undefined || session.shutdownSent) return;
    session.closeAtMs = FOREVER;
    this.#schedule(session, buildShutdown(session.serverId), now + session.group.shutdownHoldMs(now));
  }

  #startClosing(session: Session, out: SrtlaOutbox): void {
    if (session.state === 'closing') return;
    const { group } = session;
    session.state = 'closing';
    group.retiredEncoderId = session.encoderId;
    if (group.current === session) group.current = undefined;
    group.closing.push(session);
    if (group.closing.length <= MAX_CLOSING_SESSIONS) return;
    const oldest = group.closing[0]!;
    this.#sendShutdown(oldest, out);
    this.#end(oldest, out);
  }

  #schedule(session: Session, shutdown: Uint8Array, atMs: Millis): void {
    session.shutdown = shutdown;
    session.shutdownAtMs = atMs;
    this.#mind(session);
  }

  #closeAt(session: Session, atMs: Millis): void {
    session.closeAtMs = atMs;
    this.#mind(session);
  }

  #mind(session: Session): void {
    if (!this.#due.includes(session)) this.#due.push(session);
  }

  /** Once, and only to a server that has accepted. */
  #sendShutdown(session: Session, out: SrtlaOutbox): void {
    if (session.shutdownSent || session.serverId === 0) return;
    session.shutdownSent = true;
    this.#counters.count(COUNTER.toServer);
    out.sendToServer(session.id, session.shutdown ?? buildShutdown(session.serverId));
    session.shutdown = undefined;
    session.shutdownAtMs = FOREVER;
  }

  #end(session: Session, out: SrtlaOutbox): void {
    const { group } = session;
    session.state = 'closing';
    if (group.current === session) group.current = undefined;
    const index = group.closing.indexOf(session);
    if (index >= 0) group.closing.splice(index, 1);
    const due = this.#due.indexOf(session);
    if (due >= 0) this.#due.splice(due, 1);
    this.#byId.delete(session.id);
    session.repair?.ring?.release();
    session.repair = undefined;
    out.event({ type: 'session-ended', group: group.name, session: session.id });
    out.closeSession(session.id);
  }
}
