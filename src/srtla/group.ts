import type { Millis } from '../shared/clock.ts';
import { GroupAdmission } from './admission.ts';
import {
  FOREVER,
  HALF_ID_BYTES,
  NEVER,
  SESSION_BURST,
  SESSIONS_PER_SECOND,
  SHUTDOWN_MARGIN_MS,
  SHUTDOWN_MAX_SKEW_MS,
} from './constants.ts';
import type { Link } from './link.ts';
import type { LossCounts } from './repair/loss-detector.ts';
import type { Session } from './session.ts';
import { TimestampClock } from './skew.ts';

const NO_LOSSES: LossCounts = { lost: 0, falselyLost: 0, repaired: 0, unrepaired: 0, duplicates: 0, restarts: 0 };

/** A bonded set of links, known by the id that its sender and we have drawn together. */
export class Group {
  /** 256 bytes: the sender's half, then ours. */
  readonly id: Uint8Array;
  /** `0x` and the first 8 bytes: the name that people see. */
  readonly name: string;
  /** In which its id was issued. */
  readonly idPeriod: number;
  readonly createdMs: Millis;

  /** Any datagram of a link, or a registration that concerned it. */
  lastHeardMs: Millis;
  /** SRT data of any link. */
  lastDataMs: Millis = NEVER;
  /** A session was accepted, now or before: its encoder is no stranger. */
  everAccepted = false;
  /** In order of registration. */
  readonly links: Link[] = [];
  totalBytes = 0;
  /** New addresses that its links were given by their NATs. */
  rebinds = 0;
  readonly admission: GroupAdmission;

  current: Session | undefined;
  /** Superseded or ended ones whose port is still open. */
  readonly closing: Session[] = [];
  /** The encoder id of the session before `current`: its late copies are no new session. 0 = none. */
  retiredEncoderId = 0;
  /** What the last conclusion asked for. */
  streamId: string | undefined;
  readonly clock = new TimestampClock();
  /** Of the latest session. */
  readonly losses: LossCounts = { ...NO_LOSSES };

  lastDataLink: Link | undefined;
  handshakeLink: Link | undefined;
  /** Of the last NAK. */
  nakLink: Link | undefined;

  #lastLinkNumber = 0;
  #sessionTokens = SESSION_BURST;
  #sessionTokensMs: Millis;

  constructor(id: Uint8Array, idPeriod: number, now: Millis) {
    this.id = id;
    this.idPeriod = idPeriod;
    this.admission = new GroupAdmission(now);
    this.name = nameOf(id);
    this.createdMs = now;
    this.lastHeardMs = now;
    this.#sessionTokensMs = now;
  }

  get hasAcceptedSession(): boolean {
    return this.current?.state === 'accepted' || this.closing.some((session) => session.serverId !== 0);
  }

  /** For the next link: 1 to 255, none of those that the group has. */
  nextLinkNumber(): number {
    do this.#lastLinkNumber = (this.#lastLinkNumber % 255) + 1;
    while (this.links.some((link) => link.number === this.#lastLinkNumber));
    return this.#lastLinkNumber;
  }

  /** The confirmed link that was heard last. */
  get freshest(): Link | undefined {
    let best: Link | undefined;
    for (let i = 0; i < this.links.length; i++) {
      const link = this.links[i]!;
      if (link.confirmed && (best === undefined || link.lastHeardMs > best.lastHeardMs)) best = link;
    }
    return best;
  }

  addLink(link: Link): void {
    this.links.push(link);
  }

  removeLink(link: Link): void {
    const index = this.links.indexOf(link);
    if (index >= 0) this.links.splice(index, 1);
    if (this.lastDataLink === link) this.lastDataLink = undefined;
    if (this.handshakeLink === link) this.handshakeLink = undefined;
    if (this.nakLink === link) this.nakLink = undefined;
  }

  /** False when the group opens sessions faster than any encoder restarts. */
  takeSessionToken(now: Millis): boolean {
    const refilled = this.#sessionTokens + (Math.max(0, now - this.#sessionTokensMs) * SESSIONS_PER_SECOND) / 1000;
    this.#sessionTokens = Math.min(SESSION_BURST, refilled);
    this.#sessionTokensMs = now;
    if (this.#sessionTokens < 1) return false;
    this.#sessionTokens -= 1;
    return true;
  }

  /** Delays are relative to one session's clock, and losses are a session's. */
  beginSession(): void {
    for (const link of this.links) link.flow.clear();
    Object.assign(this.losses, NO_LOSSES);
  }

  /** Smallest delay over all links; infinite while unknown. */
  smallestDelayMs(now: Millis): Millis {
    let smallest = FOREVER;
    for (const link of this.links) smallest = Math.min(smallest, link.flow.delay.smallestMs(now));
    return smallest;
  }

  /** How long a SHUTDOWN waits so that data it has overtaken on a faster link passes first. */
  shutdownHoldMs(now: Millis): Millis {
    const smallest = this.smallestDelayMs(now);
    let skew = 0;
    for (const link of this.links) skew = Math.max(skew, link.flow.delay.largestMs(now) - smallest);
    return Math.min(skew, SHUTDOWN_MAX_SKEW_MS) + SHUTDOWN_MARGIN_MS;
  }

  hasSenderHalf(id: Uint8Array): boolean {
    for (let i = 0; i < HALF_ID_BYTES; i++) if (this.id[i] !== id[i]) return false;
    return true;
  }
}

const nameOf = (id: Uint8Array): string => {
  let text = '0x';
  for (let i = 0; i < 8; i++) text += id[i]!.toString(16).padStart(2, '0');
  return text;
};
