import type { Millis } from '../../shared/clock.ts';
import type { Counters } from '../counters.ts';
import type { Link } from '../link.ts';
import type { Session } from '../session.ts';
import { HandoverRing } from './handover-ring.ts';
import { LossDetector } from './loss-detector.ts';
import { PlayClock } from './play-clock.ts';
import { RoundTrip } from './round-trip.ts';
import { SequenceWindow } from './sequence-window.ts';

/** Where the server's answer names no latency: the longest that a node allows by default. */
const UNKNOWN_LATENCY_MS: Millis = 10_000;

/** What one session needs so that nothing of it is lost, and nothing is sent twice. */
export class Repair {
  readonly roundTrip = new RoundTrip();
  readonly ring = new HandoverRing();
  readonly play: PlayClock;
  readonly detector: LossDetector;
  readonly window: SequenceWindow;
  /** The best link, as of the last tick. */
  best: Link | undefined;

  // The server's clock, for the packets that we write in its name.
  #serverStampUs = 0;
  #serverStampMs: Millis;

  /** `latencyMs`: as the server's answer names it, or -1. */
  constructor(session: Session, latencyMs: Millis, counters: Counters, now: Millis) {
    const { links, losses } = session.group;
    this.window = new SequenceWindow(session.firstSequence);
    this.play = new PlayClock(session.stampOffsetMs, latencyMs < 0 ? UNKNOWN_LATENCY_MS : latencyMs, now);
    this.detector = new LossDetector(this.window, links, this.roundTrip, this.play, losses, counters);
    this.#serverStampMs = now;
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
