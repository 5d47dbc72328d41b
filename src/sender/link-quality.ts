import type { Millis } from '../shared/clock.ts';
import { RateWindow } from '../shared/rate-window.ts';

const YOUNG_MS = 30_000;
const BURST_NAKS = 5;
const BURST_WINDOW_MS = 1_000;
const BURST_MS = 3_000;
const GATE_PACKETS = 32;
const CONGESTED_MS = 10_000;
/** Packets that may be in flight whatever the delay: SRTLA ACKs come by the ten. */
const SMALLEST_CAP = 20;
const WEAK_WINDOW = 2_000;
const LOSSY_SHARE = 0.2;

/**
 * What a link has shown lately, and what it weighs for it (SRTLA specification §6.4). Where that gives a rule without its number, the
 * number here is ours: `weak` is a window of 2 packets, `loss degraded` a fifth of the last two seconds reported lost, and the
 * congestion target is what the link delivered when losses came in a burst, for 10 s.
 */
export class LinkQuality {
  /** Smoothed, from echoed keepalives; undefined before the first. */
  rttMs: Millis | undefined;
  rttAtMs: Millis = Number.NEGATIVE_INFINITY;
  /** An SRTLA ACK has freed a packet of this link. */
  lastProofMs: Millis = Number.NEGATIVE_INFINITY;
  lastNakMs: Millis = Number.NEGATIVE_INFINITY;
  naks = 0;
  #upMs: Millis = Number.NEGATIVE_INFINITY;
  #burstMs: Millis = Number.NEGATIVE_INFINITY;
  #burstStartMs: Millis = Number.NEGATIVE_INFINITY;
  #burstNaks = 0;
  readonly #delivered = new RateWindow(2_000, 10);
  readonly #sent = new RateWindow(2_000, 10);
  readonly #lost = new RateWindow(2_000, 10);
  #congestedPerSecond = 0;
  /** Kept from `refresh` to `refresh`. */
  #weight = 1;
  #cap = Number.POSITIVE_INFINITY;
  /** Not to be used while a good link exists. */
  degraded = false;

  /** The link is up (again): it begins anew. */
  up(now: Millis): void {
    this.#upMs = now;
    this.lastProofMs = now;
    this.lastNakMs = Number.NEGATIVE_INFINITY;
    this.#burstMs = Number.NEGATIVE_INFINITY;
    this.#congestedPerSecond = 0;
  }

  rtt(sampleMs: Millis, now: Millis): void {
    this.rttMs = this.rttMs === undefined ? sampleMs : (7 * this.rttMs + sampleMs) / 8;
    this.rttAtMs = now;
  }

  sent(now: Millis): void {
    this.#sent.add(1, now);
  }

  proof(now: Millis): void {
    this.lastProofMs = now;
    this.#delivered.add(1, now);
  }

  nak(now: Millis): void {
    this.naks++;
    this.lastNakMs = now;
    this.#lost.add(1, now);
    if (now - this.#burstStartMs > BURST_WINDOW_MS) {
      this.#burstStartMs = now;
      this.#burstNaks = 0;
    }
    if (++this.#burstNaks < BURST_NAKS) return;
    this.#burstMs = now;
    this.#congestedPerSecond = this.#delivered.perSecond(now, this.#upMs);
  }

  /** No proof of delivery while much is in flight: data goes elsewhere. */
  gated(inFlight: number, now: Millis): boolean {
    if (inFlight < GATE_PACKETS) return false;
    const patienceMs = Math.min(3_000, Math.max(1_000, 4 * (this.rttMs ?? 0)));
    return now - this.lastProofMs > patienceMs;
  }

  /** Nothing has been heard for long enough to take its traffic away. */
  stalled(lastHeardMs: Millis, now: Millis): boolean {
    return now - lastHeardMs > Math.max(250, 2 * (this.rttMs ?? 0));
  }

  full(inFlight: number): boolean {
    return inFlight >= this.#cap;
  }

  /** Factor on the classic score; of the last `refresh`. */
  get weight(): number {
    return this.#weight;
  }

  /** Every tick. */
  refresh(window: number, now: Millis): void {
    const perSecond = this.#delivered.perSecond(now, this.#upMs);
    this.#cap =
      this.rttMs === undefined || perSecond === 0
        ? Number.POSITIVE_INFINITY
        : Math.max(SMALLEST_CAP, (1.5 * perSecond * this.rttMs) / 1_000);
    const sent = this.#sent.total(now);
    this.degraded = window <= WEAK_WINDOW || (sent >= SMALLEST_CAP && this.#lost.total(now) > sent * LOSSY_SHARE);
    this.#weight = this.#quality(now) * this.#fade(perSecond, now) * (this.rttMs === undefined ? 0.8 : 1);
  }

  /** What the window gains each second by the time that has passed since the last loss. */
  recoveryStep(now: Millis): number {
    const ageMs = now - this.lastNakMs;
    if (ageMs > 10_000) return 60;
    if (ageMs > 7_000) return 30;
    if (ageMs > 5_000) return 15;
    return ageMs > 2_000 ? 7 : 0;
  }

  #quality(now: Millis): number {
    const bonus = this.rttMs === undefined ? 1 : 1 + 0.03 * Math.max(0, (200 - this.rttMs) / 200);
    const ageMs = now - this.lastNakMs;
    if (ageMs === Number.POSITIVE_INFINITY) return 1.1 * bonus;
    if (now - this.#upMs < YOUNG_MS) return 0.98 * bonus;
    const burst = now - this.#burstMs < BURST_MS ? 0.7 : 1;
    return (1 - 0.5 * Math.exp(-ageMs / 2_000)) * burst * bonus;
  }

  /** From 1 at 80 % of the congestion target down to 0.1 at the target. */
  #fade(perSecond: number, now: Millis): number {
    if (this.#congestedPerSecond === 0 || now - this.#burstMs > CONGESTED_MS) return 1;
    const over = (perSecond / this.#congestedPerSecond - 0.8) / 0.2;
    return 1 - 0.9 * Math.min(1, Math.max(0, over));
  }
}
