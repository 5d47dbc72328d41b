import type { Millis } from '../shared/clock.ts';
import { RateWindow } from '../shared/rate-window.ts';
import { BitrateCeiling, CEILING_WINDOW_MS } from './bitrate-ceiling.ts';
import { ContinuityCheck } from './mpegts/continuity.ts';
import { SlowPlayer } from './slow-player.ts';
import type { LeaveReason, PublisherSource } from './stream-event.ts';

/** The bitrate shown is an average over this long; it falls to 0 within it when a publisher stalls. */
const BITRATE_WINDOW_MS: Millis = 2_000;

export type PublisherWarning = 'latency-short' | 'bitrate-exceeded';

/** One publishing SRT socket. A stream may have several for a moment: the one that plays out its tail, and its successor. */
export class Publisher {
  readonly socket: number;
  readonly publisherId: string;
  /** `pull`: read from another node. */
  readonly source: PublisherSource;
  readonly address: string;
  readonly port: number;
  readonly latencyMs: Millis;
  readonly encrypted: boolean;
  readonly sinceMs: Millis;
  messages = 0;
  payloadBytes = 0;
  /** The end of arrival was seen: what comes now is its tail. */
  ending = false;
  /** Of one that reads from another node: its first message was noticed. */
  isTold = false;
  /** Why it was closed by us; undefined while it was not. */
  leaves: LeaveReason | undefined;
  readonly ceiling = new BitrateCeiling();
  readonly continuity = new ContinuityCheck();
  /** Its latency is less than four round trips. */
  isLatencyShort = false;
  /** When a payload packet was last seen to have reached libsrt; NaN before the first. */
  lastArrivalAtMs: Millis = Number.NaN;
  #arrivals = 0;
  readonly #lately = new RateWindow(CEILING_WINDOW_MS, 20);
  readonly #rate = new RateWindow(BITRATE_WINDOW_MS, 20);
  #firstMs: Millis = Number.NaN;

  constructor(facts: {
    socket: number;
    publisherId: string;
    source: PublisherSource;
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
    this.#lately.add(bytes, now);
  }

  /** @param packets payload packets that libsrt has received of it up to now */
  noteArrivals(packets: number, now: Millis): void {
    if (packets === this.#arrivals) return;
    this.#arrivals = packets;
    this.lastArrivalAtMs = now;
  }

  /** Since its last payload packet reached libsrt; since it connected while none has. */
  silentMs(now: Millis): Millis {
    return now - (Number.isNaN(this.lastArrivalAtMs) ? this.sinceMs : this.lastArrivalAtMs);
  }

  /** Mean of the window that is held against a ceiling; less while it is younger than that. */
  ceilingWindowKbps(now: Millis): number {
    return (this.#lately.perSecond(now, Number.NEGATIVE_INFINITY) * 8) / 1000;
  }

  /** What is wrong with it now, in the words of the events. */
  warnings(): PublisherWarning[] {
    const all: PublisherWarning[] = [];
    if (this.isLatencyShort) all.push('latency-short');
    if (this.ceiling.isExceeded) all.push('bitrate-exceeded');
    return all;
  }

  bitrateKbps(now: Millis): number {
    return this.messages === 0 ? 0 : (this.#rate.perSecond(now, this.#firstMs) * 8) / 1000;
  }
}

/** One reading SRT socket. `waiting` for a publisher, `joining` until a clean point, `playing`. */
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
  /** Why it was closed by us; undefined while it was not. */
  leaves: LeaveReason | undefined;
  /** It has not kept up: it is `joining`, but given nothing until its send buffer has drained. */
  isHeld = false;
  /** Held as it is, it gets the next message. */
  isProbed = false;
  /** Number of the next message of the last group of pictures that it gets; NaN once it has all of them. */
  catchUpAt = Number.NaN;
  readonly pace = new SlowPlayer();
  isLatencyShort = false;
  /** How long after its way to the player a packet is still played. */
  playsOutMs: Millis;
  /** Handed to libsrt. */
  sentMessages = 0;
  /** Withheld from it, because its buffer was full or it was held. */
  missedMessages = 0;
  /** Handed to libsrt, and given up by it as too late. */
  givenUpMessages = 0;

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
    this.playsOutMs = facts.latencyMs;
    this.sinceMs = facts.sinceMs;
    this.waitingSinceMs = facts.sinceMs;
  }

  /** Names this connection: libsrt does not use a socket's number again. */
  get key(): string {
    return String(this.socket);
  }

  get droppedMessages(): number {
    return this.missedMessages + this.givenUpMessages;
  }
}
