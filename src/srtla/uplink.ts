import type { Millis } from '../shared/clock.ts';
import { type AuthFailures, TRY } from './auth-failures.ts';
import { HANDSHAKE, MOST_HOP_ROUND_TRIP_MS, PADDED_BYTES, SESSION_SILENT_MS, SRT_TYPE } from './constants.ts';
import { COUNTER, type Counters } from './counters.ts';
import type { Group } from './group.ts';
import type { Link } from './link.ts';
import { parseTelemetry, TELEMETRY } from './packet.ts';
import { type AckWriter, writePaddedEcho } from './packet-build.ts';
import type { Feedback } from './repair/feedback.ts';
import { ARRIVAL } from './repair/loss-detector.ts';
import type { Repair } from './repair/repair.ts';
import { ACK_ACK } from './repair/round-trip.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';
import {
  ackNumber,
  controlType,
  DROP_REQUEST_BYTES,
  destinationId,
  firstDropped,
  handshakeSocketId,
  handshakeType,
  initialSequence,
  isFilterControl,
  isRetransmission,
  isWholeHandshake,
  lastDropped,
  sequenceNumber,
  streamIdOf,
  timestampUs,
} from './srt-header.ts';
import type { SrtlaOutbox } from './types.ts';

/** Shorter keepalives carry no timestamp; they are echoed in a length that carriers let through. */
const TIMESTAMPED_KEEPALIVE_BYTES = 10;

/** What registered links send: keepalives are echoed, SRT packets are acknowledged and go to the session that they belong to. */
export class Uplink {
  readonly #sessions: Sessions;
  readonly #counters: Counters;
  readonly #acks: AckWriter;
  readonly #feedback: Feedback;
  readonly #failures: AuthFailures;
  readonly #echo = new Uint8Array(PADDED_BYTES);

  constructor(sessions: Sessions, counters: Counters, acks: AckWriter, feedback: Feedback, failures: AuthFailures) {
    this.#sessions = sessions;
    this.#counters = counters;
    this.#acks = acks;
    this.#feedback = feedback;
    this.#failures = failures;
  }

  keepalive(packet: Uint8Array, link: Link, now: Millis, out: SrtlaOutbox): void {
    this.#counters.count(COUNTER.keepalives);
    if (packet.length < TIMESTAMPED_KEEPALIVE_BYTES) {
      writePaddedEcho(this.#echo, packet);
      out.sendToLink(link.peer, this.#echo);
      return;
    }
    out.sendToLink(link.peer, packet);
    const result = parseTelemetry(packet, link.telemetry);
    if (result === TELEMETRY.read) link.telemetryMs = now;
    else if (result === TELEMETRY.unknown) this.#counters.count(COUNTER.telemetryUnknown);
  }

  data(packet: Uint8Array, link: Link, now: Millis, out: SrtlaOutbox): void {
    const { group } = link;
    this.#countSrt(link, packet.length, now);
    link.dataPackets += 1;
    const retransmitted = isRetransmission(packet);
    if (retransmitted) link.retransmittedPackets += 1;
    // Whatever becomes of the packet, this link has delivered it: that is what senders want to know.
    if (link.addUnacked(sequenceNumber(packet), now)) this.flushAck(link, out);
    const session = this.#routed(packet, group);
    if (session === undefined) return;
    link.lastDataMs = now;
    group.lastDataMs = now;
    session.lastDataMs = now;
    group.lastDataLink = link;
    const { repair } = session;
    if (session !== group.current) this.#forward(session, packet, out);
    else if (repair !== undefined && !isFilterControl(packet))
      this.#repaired(session, repair, packet, retransmitted, link, now, out);
    else {
      if (!retransmitted && !isFilterControl(packet)) {
        group.clock.read(timestampUs(packet));
        link.flow.original(sequenceNumber(packet), true, group.clock, now);
        link.uniquePackets += 1;
      }
      this.#forward(session, packet, out);
    }
  }

  /** At once, whatever its order: the server plays by stamps. What has come already goes no further. */
  #repaired(
    session: Session,
    repair: Repair,
    packet: Uint8Array,
    retransmitted: boolean,
    link: Link,
    now: Millis,
    out: SrtlaOutbox,
  ): void {
    const { clock } = link.group;
    const sequence = sequenceNumber(packet);
    if (retransmitted) clock.peek(timestampUs(packet));
    else clock.read(timestampUs(packet));
    const arrival = repair.detector.arrived(sequence, retransmitted, link, clock, now);
    if (arrival === ARRIVAL.duplicate) {
      link.duplicatePackets += 1;
      if (retransmitted && repair.mayLack(sequence, now)) {
        repair.ring?.touch(sequence, now);
        this.#forward(session, packet, out);
      } else this.#counters.count(COUNTER.duplicatesDropped);
    } else {
      if (!retransmitted) link.uniquePackets += 1;
      this.#forward(session, packet, out);
      repair.ring?.put(sequence, packet, now);
    }
    this.#feedback.judge(session, repair, now, out);
  }

  control(packet: Uint8Array, link: Link, now: Millis, out: SrtlaOutbox): void {
    this.#countSrt(link, packet.length, now);
    const type = controlType(packet);
    if (type === SRT_TYPE.handshake && destinationId(packet) === 0) {
      this.#handshake(packet, link, now, out);
      return;
    }
    const session = this.#routed(packet, link.group);
    if (session === undefined) return;
    const { repair } = session;
    if (type === SRT_TYPE.ackAck && repair !== undefined) this.#ackAck(session, repair, packet, link, now, out);
    else if (type !== SRT_TYPE.shutdown) {
      if (type === SRT_TYPE.dropRequest && packet.length >= DROP_REQUEST_BYTES)
        repair?.detector.dropped(firstDropped(packet), lastDropped(packet));
      this.#forward(session, packet, out);
    } else if (!this.#sessions.holdShutdown(session, packet, now)) this.#counters.count(COUNTER.shutdownRepeated);
  }

  /** The answers to the other copies of an ACK tell the server nothing, and the later ones a wrong round trip. */
  #ackAck(session: Session, repair: Repair, packet: Uint8Array, link: Link, now: Millis, out: SrtlaOutbox): void {
    const answer = repair.roundTrip.answered(ackNumber(packet), now);
    if (answer === ACK_ACK.repeated) {
      this.#counters.count(COUNTER.ackAcksRepeated);
      return;
    }
    if (answer !== ACK_ACK.unknown) link.roundTrip.add(repair.roundTrip.lastMs);
    if (answer === ACK_ACK.slow) {
      this.#counters.count(COUNTER.ackAcksSlow);
      return;
    }
    this.#forward(session, packet, out);
  }

  /** Lists what has arrived on this link since its last SRTLA ACK. */
  flushAck(link: Link, out: SrtlaOutbox): void {
    this.#counters.count(COUNTER.srtlaAcks);
    out.sendToLink(link.peer, this.#acks.write(link.unacked, link.unackedCount));
    link.clearUnacked();
  }

  #countSrt(link: Link, bytes: number, now: Millis): void {
    link.countSrt(bytes, now);
    link.group.totalBytes += bytes;
  }

  /** The session whose server socket the packet names. Nothing else passes: a registered link is still a stranger. */
  #routed(packet: Uint8Array, group: Group): Session | undefined {
    const destination = destinationId(packet);
    const { current, closing } = group;
    if (destination !== 0) {
      if (current !== undefined && current.serverId === destination) return current;
      for (let i = 0; i < closing.length; i++) if (closing[i]!.serverId === destination) return closing[i];
    }
    const accepted = current !== undefined && current.state === 'accepted';
    this.#counters.count(accepted ? COUNTER.foreignDestination : COUNTER.beforeAcceptance);
    return undefined;
  }

  #handshake(packet: Uint8Array, link: Link, now: Millis, out: SrtlaOutbox): void {
    if (!isWholeHandshake(packet)) {
      this.#counters.count(COUNTER.handshakeTruncated);
      return;
    }
    const { group } = link;
    const type = handshakeType(packet);
    const encoderId = handshakeSocketId(packet);
    let session: Session | undefined;
    if (type === HANDSHAKE.induction) session = this.#sessionForInduction(group, encoderId, now, out);
    else if (type === HANDSHAKE.conclusion && group.current?.encoderId === encoderId) {
      session = this.#conclusion(group.current, packet, link, now, out);
    } else this.#counters.count(COUNTER.handshakeUnexpected);
    if (session === undefined) return;
    group.handshakeLink = link;
    this.#forward(session, packet, out);
  }

  /** Retransmitted inductions keep their session (the server's cookie depends on its port); a new encoder gets a new one. */
  #sessionForInduction(group: Group, encoderId: number, now: Millis, out: SrtlaOutbox): Session | undefined {
    const { current } = group;
    if (current !== undefined) {
      const same = current.encoderId === encoderId;
      if (same && current.state === 'handshaking') return current;
      const known = same || encoderId === group.retiredEncoderId;
      const leaving = same && current.shutdown !== undefined;
      if (known && !leaving && now - current.lastSignMs <= SESSION_SILENT_MS) {
        this.#counters.count(COUNTER.inductionLate);
        return undefined;
      }
    }
    if (!group.takeSessionToken(now)) {
      this.#counters.count(COUNTER.sessionsOverBudget);
      return undefined;
    }
    this.#sessions.supersede(group, now, out);
    return this.#sessions.open(group, encoderId, now, out);
  }

  /** Accepted sessions pay as well: on their port, too, the server would hear a conclusion with another passphrase. */
  #conclusion(session: Session, packet: Uint8Array, link: Link, now: Millis, out: SrtlaOutbox): Session | undefined {
    const tried = this.#failures.take(session.lastTry, packet, link.address, now);
    if (tried === TRY.delayed) {
      this.#counters.count(COUNTER.conclusionsDelayed);
      return undefined;
    }
    if (session.state !== 'handshaking') return session;
    const { group } = session;
    group.streamId = streamIdOf(packet);
    // An encoder that was refused, or not heard, may try again with the same socket id, and count and stamp from the beginning.
    group.clock.read(timestampUs(packet));
    session.firstSequence = initialSequence(packet);
    session.stampOffsetMs = now - group.clock.millis;
    if (tried === TRY.fresh) session.rejectionCode = 0;
    if (tried === TRY.fresh || now - session.concludedMs > MOST_HOP_ROUND_TRIP_MS) session.concludedMs = now;
    if (session.started) return session;
    session.started = true;
    out.event({ type: 'session-started', group: group.name, session: session.id, streamId: group.streamId });
    return session;
  }

  #forward(session: Session, packet: Uint8Array, out: SrtlaOutbox): void {
    this.#counters.count(COUNTER.toServer);
    out.sendToServer(session.id, packet);
  }
}
