import type { Millis } from '../shared/clock.ts';
import { RateWindow } from '../shared/rate-window.ts';

/** The bitrate shown is an average over this long; it falls to 0 within it when a publisher stalls. */
const BITRATE_WINDOW_MS: Millis = 2_000;

/** One publishing SRT socket. A stream may have several for a moment: the one that plays out its tail, and its successor. */
export class Publisher {
  readonly socket: number;
  readonly publisherId: string;
  readonly source: 'srt' | 'srtla';
  readonly address: string;
  readonly port: number;
  readonly latencyMs: Millis;
  readonly encrypted: boolean;
  readonly sinceMs: Millis;
  messages = 0;
  payloadBytes = 0;
  /** The end of arrival was seen: what comes now is its tail. */
  ending = false;
  readonly #rate = new RateWindow(BITRATE_WINDOW_MS, 20);
  #firstMs: Millis = Number.NaN;

  constructor(facts: {
    socket: number;
    publisherId: string;
    source: 'srt' | 'srtla';
    address: string;
    port: number;
    latencyMs: Millis;
    encrypted: boolean;
    sinceMs: Millis;
  }) {
    this.socket = facts.socket;
    this.publisherId = facts.publisherId;
    this.source = facts.source;
    this.address = facts.address;
    this.port = facts.port;
    this.latencyMs = facts.latencyMs;
    this.encrypted = facts.encrypted;
    this.sinceMs = facts.sinceMs;
  }

  count(messages: number, bytes: number, now: Millis): void {
    if (this.messages === 0) this.#firstMs = now;
    this.messages += messages;
    this.payloadBytes += bytes;
    this.#rate.add(bytes, now);
  }

  bitrateKbps(now: Millis): number {
    return this.messages === 0 ? 0 : (this.#rate.perSecond(now, this.#firstMs) * 8) / 1000;
  }
}

/** One reading SRT socket. `waiting` for a publisher, `joining` until the next clean point, `playing`. */
export class Player {
  readonly socket: number;
  readonly playerId: string;
  readonly publisherId: string;
  readonly address: string;
  readonly port: number;
  readonly latencyMs: Millis;
  readonly sinceMs: Millis;
  state: 'waiting' | 'joining' | 'playing' = 'waiting';
  /** Since when it waits; NaN while it does not. */
  waitingSinceMs: Millis;
  /** Its id was taken away: it plays on, but it waits no longer. */
  revoked = false;
  sentMessages = 0;
  droppedMessages = 0;

  constructor(facts: {
    socket: number;
    playerId: string;
    publisherId: string;
    address: string;
    port: number;
    latencyMs: Millis;
    sinceMs: Millis;
  }) {
    this.socket = facts.socket;
    this.playerId = facts.playerId;
    this.publisherId = facts.publisherId;
    this.address = facts.address;
    this.port = facts.port;
    this.latencyMs = facts.latencyMs;
    this.sinceMs = facts.sinceMs;
    this.waitingSinceMs = facts.sinceMs;
  }
}
