import type { Millis } from '../../shared/clock.ts';
import { NEVER } from '../constants.ts';
import type { Counters } from '../counters.ts';
import type { Link } from '../link.ts';
import type { Session } from '../session.ts';
import { HandoverRing, type RingMemory } from './handover-ring.ts';
import { LossDetector } from './loss-detector.ts';
import { PlayClock } from './play-clock.ts';
import { RoundTrip } from './round-trip.ts';
import { SequenceWindow, sequenceDistance } from './sequence-window.ts';

/** What the server asks for so soon after it was handed over has only just crossed; a server elsewhere is given its round trip on top. */
const CROSSING_MS: Millis = 10;
/** Questions of the server's for what was given up go on this often. */
const PASS_EVERY_MS: Millis = 1_000;

/** Where the server's answer names no latency: the longest that a node allows by default. */
const UNKNOWN_LATENCY_MS: Millis = 10_000;

/** What one session needs so that nothing of it is lost, and nothing is sent twice. */
export class Repair {
  readonly roundTrip = new RoundTrip();
  /** Absent where nothing can get lost on the way to the server. */
  readonly ring: HandoverRing | undefined;
  readonly play: PlayClock;
  readonly detector: LossDetector;
  readonly window: SequenceWindow;
  /** The best link, as of the last tick. */
  best: Link | undefined;

  /** How long after its hand-over a packet counts as missing where the server says so. */
  readonly crossingMs: Millis;
  #acknowledged: number;
  #passedMs: Millis = NEVER;

  // The server's clock, for the packets that we write in its name.
  #serverStampUs = 0;
  #serverStampMs: Millis;

  /** `latencyMs`: as the server's answer names it, or -1. */
  constructor(session: Session, latencyMs: Millis, memory: RingMemory | undefined, counters: Counters, now: Millis) {
    const { links, losses } = session.group;
    this.ring = memory && new HandoverRing(memory);
    this.window = new SequenceWindow(session.firstSequence);
    this.play = new PlayClock(session.stampOffsetMs, latencyMs < 0 ? UNKNOWN_LATENCY_MS : latencyMs, now);
    this.detector = new LossDetector(this.window, links, this.roundTrip, this.play, losses, counters);
    this.#serverStampMs = now;
    this.#acknowledged = session.firstSequence;
    this.crossingMs = Number.isNaN(session.hopRoundTripMs) ? CROSSING_MS : CROSSING_MS + session.hopRoundTripMs;
  }

  /** The server has acknowledged everything before this number. */
  acknowledged(next: number): void {
    this.#acknowledged = next;
  }

  /** The encoder sends it once more although it has come: the server may lack it, and not know yet that there is something to lack. */
  mayLack(sequence: number, now: Millis): boolean {
    const { ring } = this;
    return (
      ring !== undefined &&
      sequenceDistance(sequence, this.#acknowledged) >= 0 &&
      ring.has(sequence) &&
      now - ring.handedMsOf(sequence) >= this.crossingMs
    );
  }

  /** The numbers of one NAK of the server's that were given up may be asked for. */
  mayPass(now: Millis): boolean {
    if (now !== this.#passedMs && now - this.#passedMs < PASS_EVERY_MS) return false;
    this.#passedMs = now;
    return true;
  }

  /** A packet of the server's: `stampUs` as int32. */
  serverStamp(stampUs: number, now: Millis): void {
    this.#serverStampUs = stampUs;
    this.#serverStampMs = now;
  }

  /** As int32. */
  serverStampUs(now: Millis): number {
    return (this.#serverStampUs + (now - this.#serverStampMs) * 1_000) | 0;
  }
}
