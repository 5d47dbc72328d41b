import type { Millis } from '../../shared/clock.ts';
import { ACK_EVERY_MS } from '../constants.ts';
import { COUNTER, type Counters } from '../counters.ts';
import type { Group } from '../group.ts';
import { LinkOutlet } from '../link-outlet.ts';
import type { Session } from '../session.ts';
import type { SrtlaOutbox } from '../types.ts';
import { LinkChoice } from './link-choice.ts';
import { EVERY_LINK, TWICE } from './loss-detector.ts';
import { isRangeStart, NakWriter, nakWord, nakWords } from './nak-packet.ts';
import { QuestionList } from './questions.ts';
import type { Repair } from './repair.ts';
import { STATE, sequenceDistance, sequencePlus } from './sequence-window.ts';

/** A larger range in a NAK of the server's is none that concerns us. */
const MOST_IN_RANGE = 8_192;

/**
 * What goes back to the encoder while a session is under repair: our own NAKs instead of the SRT server's, which knows neither links nor
 * what is only late; and ACKs, thinned on the links that are not the best one.
 */
export class Feedback {
  readonly #counters: Counters;
  readonly #outlet: LinkOutlet;
  readonly #choice = new LinkChoice();
  readonly #questions = new QuestionList();
  readonly #nak = new NakWriter();

  constructor(counters: Counters) {
    this.#counters = counters;
    this.#outlet = new LinkOutlet(counters);
  }

  /** Something has arrived, or time has passed: asks for what is certainly lost. */
  judge(session: Session, repair: Repair, now: Millis, out: SrtlaOutbox): void {
    repair.detector.judge(now, this.#questions);
    if (!this.#questions.isEmpty) this.#ask(session, repair, now, out);
  }

  /** Time has passed: asks again for what did not come. */
  tick(session: Session, repair: Repair, now: Millis, out: SrtlaOutbox): void {
    if (repair.play.isDue(now)) repair.play.tick(session.group.smallestDelayMs(now), now);
    repair.detector.tick(now, this.#questions);
    repair.best = this.#choice.ranked(session.group.links, 0, now);
    if (!this.#questions.isEmpty) this.#ask(session, repair, now, out);
  }

  /**
   * The server lacks these. What has not arrived is our own concern; what has was lost on the way to the server: it is handed over again,
   * or where there is no copy any more asked for.
   */
  serverNak(session: Session, repair: Repair, nak: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    this.#counters.count(COUNTER.naksFiltered);
    const words = nakWords(nak);
    for (let i = 0; i < words; i++) {
      const word = nakWord(nak, i);
      const first = word & 0x7fffffff;
      let count = 1;
      if (isRangeStart(word) && i + 1 < words) {
        i += 1;
        count = sequenceDistance(nakWord(nak, i) & 0x7fffffff, first) + 1;
        if (count > MOST_IN_RANGE) continue;
      }
      for (let step = 0; step < count; step++) this.#serverLacks(session, repair, sequencePlus(first, step), now, out);
    }
    if (!this.#questions.isEmpty) this.#ask(session, repair, now, out);
  }

  /** An ACK to every active link: each of them to the best one, to the others one in 10 ms × their number. */
  ack(group: Group, repair: Repair, packet: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    const best = repair.best ?? group.freshest;
    if (best === undefined) {
      this.#counters.count(COUNTER.serverNoLink);
      return;
    }
    const { links } = group;
    const pauseMs = links.length * ACK_EVERY_MS - ACK_EVERY_MS / 2;
    for (let i = 0; i < links.length; i++) {
      const link = links[i]!;
      if (link !== best && !(link.confirmed && link.isActive(now))) continue;
      if (link.flow.takesAck(link === best ? 0 : pauseMs, now)) this.#outlet.send(link, packet, out);
      else this.#counters.count(COUNTER.acksThinned);
    }
  }

  #serverLacks(session: Session, repair: Repair, sequence: number, now: Millis, out: SrtlaOutbox): void {
    const { window, ring } = repair;
    if (!window.has(sequence)) return;
    const state = window.stateOf(sequence);
    // A server that waits for what we have given up waits for ever: its own question goes on, now and then.
    if (state === STATE.givenUp && repair.mayPass(now)) this.#questions.ask(sequence, 0);
    if (state < STATE.arrived || ring === undefined) return;
    if (!ring.has(sequence)) {
      this.#counters.count(COUNTER.hopLosses);
      repair.detector.lostAgain(sequence, now, this.#questions);
    } else if (now - ring.handedMsOf(sequence) >= repair.crossingMs) {
      this.#counters.count(COUNTER.hopLosses);
      this.#counters.count(COUNTER.hopResent);
      ring.touch(sequence, now);
      out.sendToServer(session.id, ring.packetOf(sequence));
    }
  }

  #ask(session: Session, repair: Repair, now: Millis, out: SrtlaOutbox): void {
    const { group } = session;
    while (!this.#questions.isEmpty) {
      const { rank } = this.#questions;
      this.#nak.begin(repair.serverStampUs(now), session.encoderId);
      this.#questions.take(rank, this.#nak);
      const packet = this.#nak.end();
      if (packet === undefined) return;
      this.#counters.count(COUNTER.naksSent);
      if (rank === EVERY_LINK) this.#outlet.broadcast(group, packet, now, out);
      else if (rank === TWICE) this.#twice(group, repair, packet, now, out);
      else this.#outlet.send(this.#choice.ranked(group.links, rank, now) ?? group.freshest, packet, out);
    }
  }

  /** On the best link, and on the next one or where that is much slower on the best again. */
  #twice(group: Group, repair: Repair, packet: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    const best = this.#choice.ranked(group.links, 0, now) ?? group.freshest;
    const next = this.#choice.ranked(group.links, 1, now);
    this.#outlet.send(best, packet, out);
    if (best === undefined) return;
    const isNear = next?.flow.isKnown === true && next.flow.lagMs - best.flow.lagMs < repair.roundTrip.smallestMs(now);
    this.#outlet.send(isNear ? next : best, packet, out);
  }
}
