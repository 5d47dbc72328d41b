import type { Millis } from '../shared/clock.ts';
import { RateWindow } from '../shared/rate-window.ts';
import type { Profile } from './profile.ts';
import { SequenceLog } from './sequence-log.ts';

export type LinkState = 'joining' | 'up' | 'dead';

export interface SenderLinkSnapshot {
  id: number;
  state: LinkState;
  blocked: boolean;
  /** Packets; the window's thousandths divided out. */
  windowPackets: number;
  inFlightPackets: number;
  sentPackets: number;
  sentBytes: number;
  receivedPackets: number;
  /** UDP payload of SRT datagrams sent in the last second. */
  bitrateKbps: number;
  nakedPackets: number;
  sendErrors: number;
  /** Since anything but REG2 and REG_NGP came; undefined before the first. */
  lastHeardMs: Millis | undefined;
}

/** One uplink: window, packets in flight, life signs, timers. Time comes with each call. */
export class LinkCore {
  readonly id: number;
  readonly log = new SequenceLog();
  readonly #profile: Profile;
  readonly #rate = new RateWindow(1_000, 10);
  readonly #since: Millis;
  /** In thousandths of a packet. */
  window: number;
  blocked = false;
  /** The receiver has confirmed this link with REG3 under the present group id. */
  registered = false;
  /** As last announced by an event. */
  up = false;
  everUp = false;
  lastHeard: Millis = Number.NEGATIVE_INFINITY;
  lastSrtSent: Millis = Number.NEGATIVE_INFINITY;
  lastProbe: Millis = Number.NEGATIVE_INFINITY;
  lastKeepalive: Millis = Number.NEGATIVE_INFINITY;
  sentPackets = 0;
  sentBytes = 0;
  receivedPackets = 0;
  nakedPackets = 0;
  sendErrors = 0;

  constructor(id: number, profile: Profile, now: Millis) {
    this.id = id;
    this.#profile = profile;
    this.#since = now;
    this.window = profile.window.initial;
  }

  alive(now: Millis): boolean {
    return this.registered && now - this.lastHeard < this.#profile.linkTimeoutMs;
  }

  /** The larger, the sooner this link is chosen. */
  score(): number {
    return Math.floor(this.window / (this.log.inFlight + 1));
  }

  /** Counts an SRT datagram that goes out here; `sequence` below 0 for SRT control, which is never in flight. */
  sent(bytes: number, sequence: number, now: Millis): void {
    this.sentPackets++;
    this.sentBytes += bytes;
    this.lastSrtSent = now;
    this.#rate.add(bytes, now);
    if (sequence >= 0) this.log.add(sequence);
  }

  /** An SRTLA ACK lists this number. False where it was not sent here (lately). */
  acknowledge(sequence: number): boolean {
    if (!this.log.acknowledge(sequence)) return false;
    if (this.log.inFlight * 1000 > this.window) this.grow(this.#profile.window.ackBusyStep);
    return true;
  }

  /** Any number on an SRTLA ACK opens the window of every link that has been heard from. */
  grow(step: number): void {
    this.window = Math.min(this.window + step, this.#profile.window.max);
  }

  /** An SRT NAK lists this number. False where it was not sent here (lately). */
  lost(sequence: number): boolean {
    if (!this.log.remove(sequence)) return false;
    this.nakedPackets++;
    this.window = Math.max(this.window - this.#profile.window.nakStep, this.#profile.window.min);
    return true;
  }

  keepaliveDue(now: Millis): boolean {
    const { when, idleMs, intervalMs } = this.#profile.keepalive;
    if (when === 'idle' && now - this.lastSrtSent < idleMs) return false;
    return now - this.lastKeepalive >= intervalMs;
  }

  /** Out of use: nothing came for too long. */
  timeOut(): void {
    this.window = this.#profile.window.afterTimeout;
    this.log.clear();
  }

  snapshot(now: Millis): SenderLinkSnapshot {
    return {
      id: this.id,
      state: this.alive(now) ? 'up' : this.everUp ? 'dead' : 'joining',
      blocked: this.blocked,
      windowPackets: this.window / 1000,
      inFlightPackets: this.log.inFlight,
      sentPackets: this.sentPackets,
      sentBytes: this.sentBytes,
      receivedPackets: this.receivedPackets,
      bitrateKbps: (this.#rate.perSecond(now, this.#since) * 8) / 1000,
      nakedPackets: this.nakedPackets,
      sendErrors: this.sendErrors,
      lastHeardMs: this.lastHeard === Number.NEGATIVE_INFINITY ? undefined : now - this.lastHeard,
    };
  }
}
