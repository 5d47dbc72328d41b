import type { Millis } from '../shared/clock.ts';
import { HANDSHAKE, MAX_DATAGRAM_BYTES, RETURN_SILENT_MS, SRT_HEADER_BYTES, SRT_TYPE } from './constants.ts';
import { COUNTER, type Counters } from './counters.ts';
import type { Group } from './group.ts';
import type { Link } from './link.ts';
import { LinkOutlet } from './link-outlet.ts';
import { classify, KIND } from './packet.ts';
import type { Feedback } from './repair/feedback.ts';
import { RingMemory } from './repair/handover-ring.ts';
import { Repair } from './repair/repair.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';
import {
  ACK_BYTES,
  ackNumber,
  acknowledgedSequence,
  agreedLatencyMs,
  controlType,
  firstLost,
  handshakeSocketId,
  handshakeType,
  isRejection,
  isWholeHandshake,
  lastLost,
  sequenceAfter,
  timestampUs,
} from './srt-header.ts';
import type { SessionId, SrtlaOutbox } from './types.ts';

const NOT_CONTROL = 0;

/** What the SRT server sends, and on which links it goes back (SRTLA specification §5.4). */
export class ReturnPath {
  readonly #sessions: Sessions;
  readonly #counters: Counters;
  readonly #feedback: Feedback;
  /** Losses are detected exactly. */
  readonly #exact: boolean;
  readonly #outlet: LinkOutlet;
  readonly #memory: RingMemory | undefined;

  /** @param losesNothing the way to the server, which needs no copies then */
  constructor(sessions: Sessions, counters: Counters, feedback: Feedback, exact: boolean, losesNothing: boolean) {
    this.#sessions = sessions;
    this.#counters = counters;
    this.#outlet = new LinkOutlet(counters);
    this.#feedback = feedback;
    this.#exact = exact;
    this.#memory = losesNothing ? undefined : new RingMemory();
  }

  fromServer(id: SessionId, packet: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    const session = this.#sessions.get(id);
    if (session === undefined) this.#counters.count(COUNTER.serverUnknownSession);
    else if (packet.length < SRT_HEADER_BYTES) this.#counters.count(COUNTER.serverTooShort);
    else if (packet.length > MAX_DATAGRAM_BYTES) this.#counters.count(COUNTER.serverTooLong);
    else {
      const kind = classify(packet);
      if (kind === KIND.srtData) this.#relay(session, NOT_CONTROL, packet, now, out);
      else if (kind === KIND.srtControl) this.#relay(session, controlType(packet), packet, now, out);
      else this.#counters.count(COUNTER.serverUnknownType);
    }
  }

  #relay(session: Session, type: number, packet: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    if (type === SRT_TYPE.handshake) this.#learn(session, packet, now, out);
    const { group } = session;
    if (group.current !== undefined && group.current !== session) {
      // The encoder of this session is gone, and some encoders would take its packets for the new one's.
      this.#counters.count(COUNTER.serverSuperseded);
    } else if (session.repair !== undefined) this.#repaired(session, session.repair, type, packet, now, out);
    else if (type === SRT_TYPE.ack) this.#outlet.broadcast(group, packet, now, out);
    else if (type === SRT_TYPE.nak) this.#outlet.send(this.#nakLink(session, packet, now), packet, out);
    else this.#other(session, type, packet, now, out);
    if (type === SRT_TYPE.shutdown) this.#sessions.endedByServer(session, now, out);
  }

  #repaired(session: Session, repair: Repair, type: number, packet: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    repair.serverStamp(timestampUs(packet), now);
    if (type === SRT_TYPE.ack) {
      const number = ackNumber(packet);
      if (number !== 0) repair.roundTrip.sent(number, now);
      if (packet.length >= ACK_BYTES) repair.acknowledged(acknowledgedSequence(packet));
      this.#feedback.ack(session.group, repair, packet, now, out);
    } else if (type === SRT_TYPE.nak) this.#feedback.serverNak(session, repair, packet, now, out);
    else this.#other(session, type, packet, now, out);
  }

  #other(session: Session, type: number, packet: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    const { group } = session;
    if (type === SRT_TYPE.shutdown) this.#outlet.broadcast(group, packet, now, out);
    // Once, and where the question came from: some encoders begin anew at each copy.
    else if (type === SRT_TYPE.handshake) this.#outlet.send(group.handshakeLink ?? returnLink(group, now), packet, out);
    else this.#outlet.send(returnLink(group, now), packet, out);
  }

  #learn(session: Session, packet: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    if (!isWholeHandshake(packet)) return;
    const type = handshakeType(packet);
    if (type === HANDSHAKE.conclusion) {
      this.#sessions.accept(session, handshakeSocketId(packet), now, out);
      if (session.started && session.acceptedMs === now && Number.isNaN(session.hopRoundTripMs))
        session.hopRoundTripMs = now - session.concludedMs;
      // Not before: whoever is turned away shall cost no memory.
      if (this.#exact && session.state === 'accepted')
        session.repair ??= new Repair(session, agreedLatencyMs(packet), this.#memory, this.#counters, now);
    } else if (isRejection(type)) this.#sessions.reject(session, type, now, out);
  }

  /** A new loss is reported on the best link; a report that repeats an older one goes on the next, should the best have failed. */
  #nakLink(session: Session, packet: Uint8Array, now: Millis): Link | undefined {
    const { group } = session;
    const first = firstLost(packet);
    const last = lastLost(packet);
    const repeats = first >= 0 && session.highestNaked >= 0 && !sequenceAfter(first, session.highestNaked);
    if (last >= 0 && (session.highestNaked < 0 || sequenceAfter(last, session.highestNaked))) {
      session.highestNaked = last;
    }
    const link = repeats ? nextActive(group, now) : returnLink(group, now);
    group.nakLink = link;
    return link;
  }
}

/** The last link with SRT data (a keepalive moves nothing), unless it has been silent and another was heard since. */
const returnLink = (group: Group, now: Millis): Link | undefined => {
  const last = group.lastDataLink ?? group.handshakeLink;
  if (last !== undefined && now - last.lastHeardMs <= RETURN_SILENT_MS) return last;
  const fresh = group.freshest;
  if (last === undefined) return fresh;
  return fresh !== undefined && fresh.lastHeardMs > last.lastHeardMs ? fresh : last;
};

/** Round robin behind the link of the last NAK. */
const nextActive = (group: Group, now: Millis): Link | undefined => {
  const { links } = group;
  const start = group.nakLink === undefined ? -1 : links.indexOf(group.nakLink);
  for (let i = 1; i <= links.length; i++) {
    const link = links[(start + i) % links.length]!;
    if (link.confirmed && link.isActive(now)) return link;
  }
  return returnLink(group, now);
};
