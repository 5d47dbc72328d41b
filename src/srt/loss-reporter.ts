import type { Millis } from '../shared/clock.ts';
import { NEVER } from '../srtla/constants.ts';
import { NakRangeWriter } from './control-packet.ts';
import type { LossList } from './loss-list.ts';
import type { PeerLine } from './peer-line.ts';
import type { ReorderTolerance } from './reorder-tolerance.ts';
import { sequenceDistance, sequencePlus } from './sequence.ts';
import type { SmoothedRtt } from './smoothed-rtt.ts';

/** A question is sent twice, so far apart: no sender answers both, and it is hardly ever lost. */
const COPY_AFTER_MS: Millis = 8;
/** Where the answer comes sooner than so many of these, one does. */
const COPY_SHARE = 2.5;
/** Repeats are not closer than this. */
const LEAST_REPEAT_MS: Millis = 20;
/** What is only late has come by then, however few packets there are; and waiting for it takes no more of the latency than this. */
const MOST_HOLD_MS: Millis = 50;
const HOLD_SHARE = 1 / 8;
/** With time for so many more questions, each is given time to be answered, variations included; with less, only some of it. */
const CALM_TRIES = 3;
/** With so few round trips left, what was asked for twice already is asked for every half of one. */
const LAST_ROUND_TRIPS = 2;
/** NAKs that one call may send: 728 ranges. The rest is due at the next. */
const MOST_NAKS = 4;

/** Until when a packet is of use that is missing in front of this sequence number. */
export interface Deadlines {
  /** Infinite where nothing behind it has come. */
  neededMs(sequence: number): Millis;
}

/**
 * Asks a sender for what is missing: once it is no longer taken for late, then again and again, as NAKREPORT promises, until it has come
 * or is of no use. A sender that has answered lately ignores the repeats; one that has lost the question does not.
 */
export class LossReporter {
  readonly #losses: LossList;
  readonly #line: PeerLine;
  readonly #rtt: SmoothedRtt;
  readonly #tolerance: ReorderTolerance;
  readonly #deadlines: Deadlines;
  readonly #nak: NakRangeWriter;
  readonly #holdMs: Millis;
  /** The last range in the list has not been asked for, and others before it may not. */
  #hasFresh = false;
  naksSent = 0;
  /** Sequence numbers that were asked for, each counted once. */
  lostPackets = 0;

  constructor(
    peerId: number,
    losses: LossList,
    line: PeerLine,
    rtt: SmoothedRtt,
    tolerance: ReorderTolerance,
    deadlines: Deadlines,
    latencyMs: Millis,
  ) {
    this.#losses = losses;
    this.#line = line;
    this.#rtt = rtt;
    this.#tolerance = tolerance;
    this.#deadlines = deadlines;
    this.#nak = new NakRangeWriter(peerId);
    this.#holdMs = Math.min(MOST_HOLD_MS, latencyMs * HOLD_SHARE);
  }

  /** `first` to `last` are missing, before `newest`, which has come. */
  gap(first: number, last: number, newest: number, now: Millis): void {
    this.#losses.append(first, last, sequencePlus(newest, this.#tolerance.packets), now);
    this.#hasFresh = true;
  }

  /** `newest` has come: asks for what is now held for lost. */
  arrived(newest: number, now: Millis): void {
    if (!this.#hasFresh) return;
    const losses = this.#losses;
    let range = losses.count;
    while (range > 0 && losses.askedMsOf(range - 1) === NEVER) range -= 1;
    for (; range < losses.count && !this.#nak.isFull; range++) {
      if (sequenceDistance(newest, losses.ripeOf(range)) < 0) break;
      this.#ask(range, now);
    }
    this.#hasFresh = range < losses.count;
    if (!this.#nak.isEmpty) this.#send(now);
  }

  /** Asks for what has been held for long enough, and again for what did not come. */
  tick(now: Millis): void {
    const losses = this.#losses;
    if (losses.count === 0) return;
    const rttMs = this.#rtt.ms;
    let naks = 0;
    for (let range = 0; range < losses.count; range++) {
      const asks = losses.asksOf(range);
      const sinceMs = now - (asks === 0 ? losses.sinceMsOf(range) : losses.askedMsOf(range));
      if (sinceMs < COPY_AFTER_MS) continue;
      const leftMs = this.#deadlines.neededMs(losses.lastOf(range)) - now;
      if (leftMs < rttMs / 2 || sinceMs < this.#waitMs(asks, leftMs)) continue;
      this.#ask(range, now);
      if (!this.#nak.isFull) continue;
      this.#send(now);
      naks += 1;
      if (naks === MOST_NAKS) return;
    }
    if (!this.#nak.isEmpty) this.#send(now);
  }

  /** From the last of so many questions to the next. */
  #waitMs(asks: number, leftMs: Millis): Millis {
    if (asks === 0) return this.#holdMs;
    const rttMs = this.#rtt.ms;
    const isCopied = rttMs > COPY_SHARE * COPY_AFTER_MS;
    if (isCopied && asks % 2 === 1) return COPY_AFTER_MS;
    if (asks > 3 && leftMs < LAST_ROUND_TRIPS * rttMs) return Math.max(LEAST_REPEAT_MS, rttMs / 2);
    const { patienceMs } = this.#rtt;
    const answerMs = leftMs > CALM_TRIES * patienceMs ? patienceMs : rttMs + this.#rtt.variationMs;
    return Math.max(LEAST_REPEAT_MS, isCopied ? answerMs - COPY_AFTER_MS : answerMs);
  }

  #ask(range: number, now: Millis): void {
    const losses = this.#losses;
    const first = losses.firstOf(range);
    const last = losses.lastOf(range);
    if (losses.askedMsOf(range) === NEVER) this.lostPackets += sequenceDistance(last, first) + 1;
    losses.asked(range, now);
    this.#nak.add(first, last);
  }

  #send(now: Millis): void {
    this.naksSent += 1;
    this.#line.send(this.#nak.end(this.#line.stampUs(now)), now);
  }
}
