import type { Millis } from '../shared/clock.ts';
import { ACK_EVERY_MS, NEVER } from '../srtla/constants.ts';
import { AckHistory } from './ack-history.ts';
import type { PeerLine } from './peer-line.ts';
import type { RateMeter } from './rate-meter.ts';
import { sequenceDistance } from './sequence.ts';
import type { SmoothedRtt } from './smoothed-rtt.ts';

/** A timer that is early by so much has not come too early. */
const TIMER_SLACK_MS: Millis = 1;
const LIGHT_EVERY_PACKETS = 64;
/** libsrt starts with it. We do not measure it: arrival times within a batch say nothing. */
const LINK_PACKETS_PER_SECOND = 1_000;

/** When a receiver acknowledges: every 10 ms, and in between every 64 packets (SRT specification §3.3). */
export class Acknowledger {
  readonly #line: PeerLine;
  readonly #rtt: SmoothedRtt;
  readonly #rates: RateMeter;
  readonly #history = new AckHistory();
  readonly #fullMs = new Float64Array(1).fill(NEVER);
  /** What the peer knows that we have, and what it has been told. */
  #confirmed: number;
  #told: number;
  /** What a light ACK has told it, which it does not confirm. */
  #toldLightly: number;
  #packets = 0;
  #lightDue = LIGHT_EVERY_PACKETS;

  constructor(line: PeerLine, rtt: SmoothedRtt, rates: RateMeter, firstSequence: number) {
    this.#line = line;
    this.#rtt = rtt;
    this.#rates = rates;
    this.#confirmed = firstSequence;
    this.#told = firstSequence;
    this.#toldLightly = firstSequence;
  }

  /** A data packet has come; `next` is the first number that has not. */
  packet(next: number, now: Millis): void {
    this.#packets += 1;
    if (this.#packets < this.#lightDue) return;
    this.#lightDue += LIGHT_EVERY_PACKETS;
    if (sequenceDistance(next, this.#toldLightly) <= 0) return;
    this.#toldLightly = next;
    this.#line.send(this.#line.write.lightAck(next, this.#line.stampUs(now)), now);
  }

  /** @returns whether a full ACK went out */
  tick(next: number, freePackets: number, now: Millis): boolean {
    const sinceMs = now - this.#fullMs[0]!;
    if (next === this.#confirmed || sinceMs < ACK_EVERY_MS - TIMER_SLACK_MS) return false;
    if (next === this.#told && sinceMs < this.#rtt.patienceMs) return false;
    const line = this.#line;
    const ack = line.write.fullAck(
      this.#history.add(next, now),
      next,
      this.#rtt.ms * 1_000,
      this.#rtt.variationMs * 1_000,
      freePackets,
      this.#rates.packetsPerSecond,
      LINK_PACKETS_PER_SECOND,
      this.#rates.bytesPerSecond,
      line.stampUs(now),
    );
    line.send(ack, now);
    this.#told = next;
    this.#toldLightly = next;
    this.#fullMs[0] = now;
    this.#packets = 0;
    this.#lightDue = LIGHT_EVERY_PACKETS;
    return true;
  }

  /** An ACKACK. Returns whether it brought a round trip. */
  confirmed(number: number, now: Millis): boolean {
    const history = this.#history;
    if (!history.answer(number)) return false;
    this.#rtt.add(now - history.answeredSentMs);
    if (sequenceDistance(history.answeredNext, this.#confirmed) > 0) this.#confirmed = history.answeredNext;
    return true;
  }

  /** The stream goes on elsewhere. */
  restart(next: number): void {
    this.#confirmed = next;
    this.#told = next;
    this.#toldLightly = next;
  }
}
