import type { Millis } from '../shared/clock.ts';
import { RateWindow } from '../shared/rate-window.ts';
import { Batch } from './batch.ts';
import type { KeepaliveFields } from './keepalive.ts';
import { LinkQuality } from './link-quality.ts';
import type { Profile } from './profile.ts';
import { SequenceLog } from './sequence-log.ts';
import { type InFlight, SequenceSet } from './sequence-set.ts';

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
  /** From echoed keepalives; undefined where they carry no time. */
  rttMs: Millis | undefined;
  sendErrors: number;
  /** Since anything but REG2 and REG_NGP came; undefined before the first. */
  lastHeardMs: Millis | undefined;
}

/** One uplink: window, packets in flight, life signs, timers. Time comes with each call. */
export class LinkCore {
  readonly id: number;
  readonly log: InFlight;
  readonly quality = new LinkQuality();
  /** Undefined where nothing waits. */
  readonly batch: Batch | undefined;
  readonly #profile: Profile;
  readonly #rate = new RateWindow(1_000, 10);
  readonly #since: Millis;
  #upMs: Millis = Number.NEGATIVE_INFINITY;
  /** The quality is looked at: its books are kept. */
  readonly #judged: boolean;
  /** In thousandths of a packet. */
  window: number;
  /** The user's; fades out on weak links. */
  priority = 1;
  recoversFast = false;
  /** What it tells the receiver that it is, across sockets. */
  connectionId = 0;
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
  /** A keepalive with a time is out, and its echo has not come. */
  awaitsEcho = false;
  /** The socket has been opened anew: REG2 goes out at the next tick. */
  fresh = false;
  /** The receiver does not want it before this. */
  refusedUntil: Millis = Number.NEGATIVE_INFINITY;
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
    this.#judged = profile.choice === 'enhanced';
    this.log = profile.window.inFlight === 'ring' ? new SequenceLog() : new SequenceSet();
    this.batch = profile.batch === undefined ? undefined : new Batch(profile.batch);
  }

  alive(now: Millis): boolean {
    return this.registered && now - this.lastHeard < this.#profile.linkTimeoutMs;
  }

  /** The larger, the sooner this link is chosen. */
  score(): number {
    const score = Math.floor(this.window / (this.log.inFlight + 1));
    return this.priority === 1 ? score : score * this.#priorityFactor();
  }

  /** Counts an SRT datagram that goes out here; `sequence` below 0 for SRT control, which is never in flight. */
  sent(bytes: number, sequence: number, now: Millis): void {
    this.sentPackets++;
    this.sentBytes += bytes;
    this.lastSrtSent = now;
    this.#rate.add(bytes, now);
    if (sequence < 0) return;
    this.log.add(sequence);
    if (this.#judged) this.quality.sent(now);
  }

  kbps(now: Millis): number {
    return (this.#rate.perSecond(now, this.#since) * 8) / 1000;
  }

  /** An SRTLA ACK lists this number. False where it was not sent here (lately). */
  acknowledge(sequence: number, now: Millis): boolean {
    if (!this.log.acknowledge(sequence)) return false;
    if (this.#judged) this.quality.proof(now);
    if (this.log.inFlight * 1000 > this.window) this.grow(this.#profile.window.ackBusyStep);
    return true;
  }

  /** Any number on an SRTLA ACK opens the window of every link that has been heard from. */
  grow(step: number): void {
    this.window = Math.min(this.window + step, this.#profile.window.max);
  }

  /** An SRT NAK lists this number. False where it was not sent here (lately). */
  lost(sequence: number, now: Millis): boolean {
    if (!this.log.remove(sequence)) return false;
    this.nakedPackets++;
    if (this.#judged) this.quality.nak(now);
    this.window = Math.max(this.window - this.#profile.window.nakStep, this.#profile.window.min);
    return true;
  }

  keepaliveDue(now: Millis): boolean {
    const { when, idleMs, intervalMs } = this.#profile.keepalive;
    if (when === 'idle' && now - this.lastSrtSent < idleMs) return false;
    return now - this.lastKeepalive >= intervalMs;
  }

  rttIsStale(now: Millis): boolean {
    return now - Math.max(this.quality.rttAtMs, this.#upMs) > this.#profile.keepalive.staleRttMs;
  }

  keepaliveFields(now: Millis): KeepaliveFields {
    return {
      connectionId: this.connectionId,
      window: this.window,
      inFlightPackets: this.log.inFlight,
      rttMs: this.quality.rttMs ?? 0,
      nakCount: this.nakedPackets,
      bytesPerSecond: this.#rate.perSecond(now, this.#since),
    };
  }

  comeUp(now: Millis): void {
    this.up = true;
    this.everUp = true;
    this.#upMs = now;
    this.quality.up(now);
  }

  /** Out of use: nothing came for too long. */
  timeOut(): void {
    this.window = this.#profile.window.afterTimeout;
    this.log.clear();
    this.batch?.clear();
  }

  /** From 1 at a window of 10 packets to the user's priority at 20 (§6.3). */
  #priorityFactor(): number {
    const share = Math.min(1, Math.max(0, (this.window - 10_000) / 10_000));
    return 1 + (this.priority - 1) * share;
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
      bitrateKbps: this.kbps(now),
      nakedPackets: this.nakedPackets,
      rttMs: this.quality.rttMs,
      sendErrors: this.sendErrors,
      lastHeardMs: this.lastHeard === Number.NEGATIVE_INFINITY ? undefined : now - this.lastHeard,
    };
  }
}
