import type { Millis } from '../../shared/clock.ts';
import { FOREVER, LINK_ACTIVE_MS, NEVER } from '../constants.ts';
import { COUNTER, type Counters } from '../counters.ts';
import type { Link } from '../link.ts';
import type { TimestampClock } from '../skew.ts';
import { LinkChoice } from './link-choice.ts';
import { OpenQuestions } from './open-questions.ts';
import type { PlayClock } from './play-clock.ts';
import type { RoundTrip } from './round-trip.ts';
import { type SequenceWindow, STATE, sequenceDistance, sequencePlus } from './sequence-window.ts';

/** Missing numbers cost time: a session may open so many at once, and so many more each tick (15,000 a second). */
const MOST_CREDIT = 8_192;
const CREDIT_PER_TICK = 150;
/** Numbers that are judged for one packet; the rest has time until the next. */
const MOST_JUDGED = 512;
/** Ranks whose way back is worked out once a tick; higher ones are as the last. */
const RANKS = 16;
/** A larger step forward is no loss, and neither is one to before the window: strays. So many in a row, and the session goes on there. */
const MAX_STEP_PACKETS = 8_192;
const MOST_STRAYS = 32;
/** On top of the largest delay that a silent link has shown: a share of its spread, within bounds. */
const MARGIN_SHARE = 0.25;
const LEAST_MARGIN_MS: Millis = 10;
const MOST_MARGIN_MS: Millis = 100;
/** The skew that a silent link may cost, whatever an encoder's stamps say. */
const MOST_SKEW_MS: Millis = 2_000;
/** A link that is new may be slower than all others: nothing is known of it. */
const NEW_LINK_MS: Millis = 3_000;
const NEW_LINK_GRACE_MS: Millis = 250;
/** Between an encoder's reading of a NAK and the retransmission: it paces what it sends. */
const PACING_MS: Millis = 15;
/** A repeat is not sent sooner than this behind the one before. */
const LEAST_REPEAT_MS: Millis = 20;

const SENT = 0;
const DUE = 1;
const UNTIL = 2;
const SMALLEST = 3;
const SLOWEST_ANSWER = 4;
const ROUND_TRIP = 5;
const TIMES = 6;

/** What became of a packet. */
export const ARRIVAL = { original: 0, repaired: 1, late: 2, duplicate: 3, untracked: 4 } as const;

/**
 * To which links a question goes: 0 is the best one, 1 the next, …; `TWICE` when it must not be lost: two copies that arrive together, since
 * an encoder answers a later one again; `EVERY_LINK` when there is no time for another.
 */
export const EVERY_LINK = 255;
export const TWICE = 254;
export const MOST_RANK = 253;
/** With little time left: after two single ones, up to this try, twice; then everywhere, since the best link may be dead. */
const MOST_TWICE = 3;

/** What the detector counts, for the group's lifetime. */
export interface LossCounts {
  /** Sequence numbers that were asked for because they were certainly lost. */
  lost: number;
  /** Of these, those whose original came after all. */
  falselyLost: number;
  repaired: number;
  /** Nobody waits for them any more: it was too late, or the encoder dropped them. */
  unrepaired: number;
  duplicates: number;
  restarts: number;
}

/** Where questions go: called for each number, grouped by rank afterwards. */
export interface Questions {
  ask(sequence: number, rank: number): void;
}

/**
 * Decides for one session which packets are lost, and when to ask for them.
 *
 * A missing packet is certainly lost when no link can carry it any more: each has delivered a later one (a link is first in, first
 * out; one that has been seen to reorder gets its own reorder depth on top), or by its delay would have. Retransmissions are
 * judged by the same rule: whatever the encoder has sent after it must have read the question proves that the answer, too, is lost.
 */
export class LossDetector {
  readonly window: SequenceWindow;
  readonly #links: readonly Link[];
  readonly #roundTrip: RoundTrip;
  readonly #play: PlayClock;
  readonly #choice = new LinkChoice();
  readonly #counts: LossCounts;
  readonly #counters: Counters;
  /** The oldest that has not been judged: everything before it has arrived, is asked for or given up. */
  #cursor: number;
  /** The first that has arrived after the cursor, while that one is missing; -1 = to be looked up. */
  #opener = -1;
  #strays = 0;

  readonly #open = new OpenQuestions();
  /** Missing numbers that may still be opened. */
  #credit = MOST_CREDIT;
  /** By rank: from a question to the encoder's reading of it; NaN = not worked out since the last tick. */
  readonly #answerDelaysMs = new Float64Array(RANKS).fill(Number.NaN);

  /** Times that are handed from method to method, and those that are worked out in `tick`: in an array, so that none is allocated. */
  readonly #times = new Float64Array(TIMES).fill(FOREVER);
  #blamed = 0;

  constructor(
    window: SequenceWindow,
    links: readonly Link[],
    roundTrip: RoundTrip,
    play: PlayClock,
    counts: LossCounts,
    counters: Counters,
  ) {
    this.window = window;
    this.#links = links;
    this.#roundTrip = roundTrip;
    this.#play = play;
    this.#counts = counts;
    this.#counters = counters;
    this.#cursor = sequencePlus(window.newest, 1);
  }

  get askedCount(): number {
    return this.#open.count;
  }

  /** A data packet has come by `link`; `clock` has read its stamp, or peeked at that of a retransmission. Returns a value of `ARRIVAL`. */
  arrived(sequence: number, retransmitted: boolean, link: Link, clock: TimestampClock, now: Millis): number {
    const { window } = this;
    const step = sequenceDistance(sequence, window.newest);
    let arrival: number = ARRIVAL.original;
    if (step > MAX_STEP_PACKETS || step - 1 > this.#credit || (step <= 0 && !window.has(sequence))) {
      this.#strays += 1;
      if (this.#strays < MOST_STRAYS || retransmitted) return ARRIVAL.untracked;
      this.#restart(sequence);
      window.advance(sequence);
    } else if (step > 0) {
      this.#credit -= step - 1;
      window.advance(sequence);
    } else {
      const state = window.stateOf(sequence);
      if (state >= STATE.arrived) {
        arrival = ARRIVAL.duplicate;
        if (state === STATE.repaired && !retransmitted) {
          this.#falselyLost(sequence);
          window.set(sequence, STATE.arrived);
        }
      } else if (retransmitted) {
        arrival = ARRIVAL.repaired;
        this.#counts.repaired += 1;
        this.#counters.count(COUNTER.packetsRepaired);
      } else if (state === STATE.asked) {
        arrival = ARRIVAL.late;
        this.#falselyLost(sequence);
      }
      if (state === STATE.givenUp) this.#counts.unrepaired -= 1;
    }
    this.#strays = 0;
    if (!retransmitted) link.flow.original(sequence, arrival !== ARRIVAL.duplicate, clock, now);
    if (arrival === ARRIVAL.duplicate) {
      this.#counts.duplicates += 1;
      return arrival;
    }
    window.set(sequence, retransmitted ? STATE.repaired : STATE.arrived);
    // A repaired one stays charged to the link that has lost it.
    if (!retransmitted) window.setCarrier(sequence, link.number);
    // A retransmission carries the stamp of the original, which the clock has not read.
    window.setSentMs(sequence, retransmitted ? clock.pastMillis : clock.millis);
    if (this.#opener >= 0 && sequenceDistance(sequence, this.#opener) < 0) this.#opener = -1;
    return arrival;
  }

  /** Asks for everything that has become certain. */
  judge(now: Millis, out: Questions): void {
    const { window } = this;
    for (let judged = 0; judged < MOST_JUDGED; judged++) {
      if (sequenceDistance(window.newest, this.#cursor) < 0) return;
      if (!window.has(this.#cursor)) {
        this.#cursor = window.oldest;
        this.#opener = -1;
      }
      if (window.stateOf(this.#cursor) !== STATE.missing) {
        judged -= 1;
        this.#cursor = sequencePlus(this.#cursor, 1);
        this.#opener = -1;
        continue;
      }
      if (this.#opener < 0) this.#opener = window.nextArrived(this.#cursor);
      const times = this.#times;
      times[SENT] = window.sentMsOf(this.#opener);
      this.#due(times[SENT]!, now);
      if (!this.#isCertain(this.#cursor, now) && !this.#isHopeless(now)) return;
      this.#firstAsk(this.#cursor, now, out);
      this.#cursor = sequencePlus(this.#cursor, 1);
    }
  }

  /** Learns what the links are like now, asks again for what certainly did not come, and gives up what cannot be played any more. */
  tick(now: Millis, out: Questions): void {
    this.#learn(now);
    this.judge(now, out);
    const open = this.#open;
    if (open.count === 0) return;
    const { window } = this;
    const slowestMs = this.#times[SLOWEST_ANSWER]!;
    let kept = 0;
    for (let i = 0; i < open.count; i++) {
      const sequence = open.sequences[i]!;
      if (!window.has(sequence) || window.stateOf(sequence) !== STATE.asked) continue;
      const playMs = open.playMs[i]!;
      if (now > playMs) {
        window.set(sequence, STATE.givenUp);
        this.#counts.unrepaired += 1;
        this.#counters.count(COUNTER.packetsUnrepaired);
        continue;
      }
      if (kept !== i) open.move(i, kept);
      if (this.#isDue(kept, now)) {
        const tries = open.tries[kept]!;
        const rank = rankOf(tries, playMs - now, slowestMs);
        this.#note(kept, tries, rank, now);
        out.ask(sequence, rank);
      }
      kept += 1;
    }
    open.count = kept;
  }

  /** The SRT server lacks a packet that has arrived, and there is no copy: it has to come again. */
  lostAgain(sequence: number, now: Millis, out: Questions): void {
    const { window } = this;
    this.#due(window.sentMsOf(sequence), now);
    if (now > this.#times[DUE]!) return;
    this.#opener = -1;
    this.#askFirst(sequence, now, out);
  }

  /** The encoder will not send these any more. */
  dropped(first: number, last: number): void {
    const { window } = this;
    const count = sequenceDistance(last, first);
    if (count < 0 || count > this.#credit) return;
    this.#credit -= count;
    for (let i = 0; i <= count; i++) {
      const sequence = sequencePlus(first, i);
      if (!window.has(sequence)) continue;
      const state = window.stateOf(sequence);
      if (state !== STATE.missing && state !== STATE.asked) continue;
      window.set(sequence, STATE.givenUp);
      this.#counts.unrepaired += 1;
      this.#counters.count(COUNTER.packetsUnrepaired);
    }
  }

  #restart(sequence: number): void {
    this.window.restart(sequence);
    this.#cursor = sequence;
    this.#opener = -1;
    this.#open.count = 0;
    this.#counts.restarts += 1;
    this.#counters.count(COUNTER.lossRestarts);
    for (const link of this.#links) link.flow.clear();
  }

  /** It is certainly lost, and to be played at `DUE`. */
  #firstAsk(sequence: number, now: Millis, out: Questions): void {
    const { window } = this;
    if (now > this.#times[DUE]!) {
      window.set(sequence, STATE.givenUp);
      this.#counts.unrepaired += 1;
      this.#counters.count(COUNTER.packetsUnrepaired);
      return;
    }
    this.#counts.lost += 1;
    this.#counters.count(COUNTER.packetsLost);
    this.#blame(sequence);
    this.#askFirst(sequence, now, out);
  }

  #askFirst(sequence: number, now: Millis, out: Questions): void {
    const at = this.#open.add();
    if (at < 0) {
      this.window.set(sequence, STATE.givenUp);
      this.#counts.unrepaired += 1;
      this.#counters.count(COUNTER.packetsUnrepaired);
      return;
    }
    this.window.set(sequence, STATE.asked);
    this.#open.sequences[at] = sequence;
    this.#open.playMs[at] = this.#times[DUE]!;
    this.#note(at, 0, 0, now);
    out.ask(sequence, 0);
  }

  /** `DUE` of what was stamped then. No encoder's stamp is believed to lie further ahead than links differ. */
  #due(sentMs: Millis, now: Millis): void {
    this.#times[DUE] = Math.min(sentMs + this.#play.offsetMs, now + this.#play.latencyMs + MOST_SKEW_MS);
  }

  /** Question number `tries + 1` goes out for this entry. */
  #note(at: number, tries: number, rank: number, now: Millis): void {
    this.#open.askedMs[at] = now;
    this.#open.tries[at] = Math.min(MOST_RANK, tries + 1);
    this.#open.answerMs[at] = now + this.#answerDelayMs(rank, now);
  }

  /** The retransmission is certainly lost, or there is no time to wait for certainty. */
  #isDue(at: number, now: Millis): boolean {
    const times = this.#times;
    const sinceMs = now - this.#open.askedMs[at]!;
    if (sinceMs < LEAST_REPEAT_MS) return false;
    if (this.#isAnswerLost(at, now)) return true;
    if (sinceMs < times[ROUND_TRIP]! + PACING_MS) return false;
    const playMs = this.#open.playMs[at]!;
    // The last moment for an answer by the slowest link: once, without certainty.
    if (this.#open.tries[at] === 1 && now >= playMs - times[SLOWEST_ANSWER]!) return true;
    // Certain at `until` at the latest; would a question still help then?
    return times[UNTIL]! > playMs - times[ROUND_TRIP]!;
  }

  /**
   * No link carries what was stamped at `SENT`: each has delivered a later one, or would have. Sets `#blamed` to a lone silent link, and
   * `UNTIL` to when the silent ones have been waited for.
   */
  #isCertain(sequence: number, now: Millis): boolean {
    const links = this.#links;
    const times = this.#times;
    let silent = 0;
    let certain = true;
    times[UNTIL] = NEVER;
    this.#blamed = 0;
    for (let i = 0; i < links.length; i++) {
      const { flow } = links[i]!;
      if (flow.isKnown && sequenceDistance(flow.newest, sequence) > 0) {
        const holdMs = flow.reorderMs;
        if (holdMs > 0 && now - flow.passedMs(sequence) < holdMs) certain = false;
        continue;
      }
      if (now < times[SENT]! + flow.latestDelayMs) {
        times[UNTIL] = Math.max(times[UNTIL]!, times[SENT]! + flow.latestDelayMs);
        certain = false;
      } else if (flow.latestDelayMs !== NEVER) {
        silent += 1;
        this.#blamed = links[i]!.number;
      }
    }
    if (silent !== 1 || !certain) this.#blamed = 0;
    return certain;
  }

  /** To wait until it is certain would cost the packet, while an answer by the slowest link is still in time if it is asked for now. */
  #isHopeless(now: Millis): boolean {
    const times = this.#times;
    const due = times[DUE]!;
    return times[UNTIL]! + times[ROUND_TRIP]! + PACING_MS > due && now >= due - times[SLOWEST_ANSWER]!;
  }

  /** The same for a retransmission, by stamps. Sets `UNTIL`: when it would be certain if all links stayed silent from now on. */
  #isAnswerLost(at: number, now: Millis): boolean {
    const links = this.#links;
    const stampMs = this.#open.answerMs[at]! - this.#times[SMALLEST]!;
    let until = NEVER;
    for (let i = 0; i < links.length; i++) {
      const { flow } = links[i]!;
      if (flow.newestSentMs - flow.reorderMs >= stampMs) continue;
      until = Math.max(until, stampMs + flow.latestDelayMs);
    }
    this.#times[UNTIL] = until;
    return now >= until;
  }

  #learn(now: Millis): void {
    const links = this.#links;
    const times = this.#times;
    this.#credit = Math.min(MOST_CREDIT, this.#credit + CREDIT_PER_TICK);
    this.#answerDelaysMs.fill(Number.NaN);
    let smallest = FOREVER;
    for (let i = 0; i < links.length; i++) smallest = Math.min(smallest, links[i]!.flow.delay.smallestMs(now));
    // Nobody carries data: what was known last must do.
    if (smallest === FOREVER) smallest = times[SMALLEST]!;
    let skew = 0;
    for (let i = 0; i < links.length; i++) {
      const { flow } = links[i]!;
      flow.tick(now);
      flow.relate(smallest, now);
      if (flow.isKnown) skew = Math.max(skew, flow.largestLagMs);
    }
    times[SMALLEST] = smallest;
    times[ROUND_TRIP] = this.#roundTrip.smallestMs(now);
    times[SLOWEST_ANSWER] = times[ROUND_TRIP]! + Math.min(skew, MOST_SKEW_MS) + PACING_MS;
    for (let i = 0; i < links.length; i++) links[i]!.flow.latestDelayMs = this.#latestDelayMs(links[i]!, now);
  }

  #latestDelayMs(link: Link, now: Millis): Millis {
    const { flow } = link;
    const smallest = this.#times[SMALLEST]!;
    if (!flow.isKnown) {
      const isNew = now - link.joinedMs < NEW_LINK_MS || now - this.#play.sinceMs < NEW_LINK_MS;
      return isNew && now - link.lastHeardMs < LINK_ACTIVE_MS ? smallest + NEW_LINK_GRACE_MS : NEVER;
    }
    const margin = Math.min(MOST_MARGIN_MS, Math.max(LEAST_MARGIN_MS, flow.spreadMs * MARGIN_SHARE));
    return smallest + Math.min(flow.largestLagMs, MOST_SKEW_MS) + margin + flow.reorderMs;
  }

  /** From a question of this rank to the encoder's reading of it, as of which its stamps are later. */
  #answerDelayMs(rank: number, now: Millis): Millis {
    const at = rank > MOST_RANK ? 0 : Math.min(rank, RANKS - 1);
    const known = this.#answerDelaysMs[at]!;
    if (!Number.isNaN(known)) return known;
    const links = this.#links;
    const link = this.#choice.ranked(links, at, now);
    let lag = 0;
    if (link?.flow.isKnown) {
      let fastest = FOREVER;
      for (let i = 0; i < links.length; i++) {
        const { flow } = links[i]!;
        if (flow.isKnown) fastest = Math.min(fastest, flow.lagMs);
      }
      lag = Math.max(0, link.flow.lagMs - fastest) + 2 * link.flow.jitterMs;
    }
    this.#answerDelaysMs[at] = this.#times[ROUND_TRIP]! + lag + PACING_MS;
    return this.#answerDelaysMs[at]!;
  }

  /** Who lost it, where that can be told: the one silent link, or the link that brought both neighbours. */
  #blame(sequence: number): void {
    const { window } = this;
    let number = this.#blamed;
    if (number === 0) {
      const before = sequencePlus(sequence, -1);
      const known = window.has(before) ? window.carrierOf(before) : 0;
      if (known !== 0 && this.#opener >= 0 && window.carrierOf(this.#opener) === known) number = known;
      else if (this.#links.length === 1) number = this.#links[0]!.number;
    }
    window.setCarrier(sequence, number);
    const link = number === 0 ? undefined : this.#linkOf(number);
    if (link !== undefined) link.lostPackets += 1;
  }

  #falselyLost(sequence: number): void {
    this.#counts.falselyLost += 1;
    this.#counters.count(COUNTER.packetsFalselyLost);
    const link = this.#linkOf(this.window.carrierOf(sequence));
    if (link !== undefined && link.falselyLostPackets < link.lostPackets) link.falselyLostPackets += 1;
  }

  #linkOf(number: number): Link | undefined {
    for (let i = 0; i < this.#links.length; i++) if (this.#links[i]!.number === number) return this.#links[i];
    return undefined;
  }
}

/** After so many tries, with so much time left. */
const rankOf = (tries: number, leftMs: Millis, slowestAnswerMs: Millis): number => {
  if (leftMs > 2 * slowestAnswerMs) return Math.min(MOST_RANK, tries);
  if (tries < 2) return 0;
  return tries > MOST_TWICE ? EVERY_LINK : TWICE;
};
