import type { Millis } from '../shared/clock.ts';
import { GROUP_ID_BYTES, HALF_ID_BYTES, REG_BYTES } from '../srtla/constants.ts';
import { buildRegistration } from '../srtla/packet-build.ts';
import type { RegistrationRules } from './profile.ts';
import type { LinkId, RandomBytes } from './sender-types.ts';
import { TYPE } from './wire.ts';

/**
 * The group's side of registration (SRTLA specification §2.1, §6.2): one REG1 at a time on one link, its retries, the group id.
 * The receiver writes its half into the id, and a receiver that has forgotten it writes a new half.
 */
export class Registration {
  readonly #rules: RegistrationRules;
  readonly #random: RandomBytes;
  #id: Uint8Array;
  #reg1: Uint8Array;
  #reg2: Uint8Array;
  #link: LinkId | undefined;
  #since: Millis = 0;
  #lastReg1: Millis = 0;
  #awaitingReg3Since: Millis | undefined;
  /** The best of the links that the receiver does not know, while others may still answer. */
  #offer: { link: LinkId; rttMs: Millis; since: Millis; answers: Set<LinkId> } | undefined;
  /** The receiver has given this group an id at least once. */
  accepted = false;

  constructor(rules: RegistrationRules, random: RandomBytes) {
    this.#rules = rules;
    this.#random = random;
    this.#id = Uint8Array.from(random(GROUP_ID_BYTES));
    this.#reg1 = buildRegistration(TYPE.reg1, this.#id);
    this.#reg2 = buildRegistration(TYPE.reg2, this.#id);
  }

  get reg1(): Uint8Array {
    return this.#reg1;
  }

  /** Before a receiver has answered this is the probe with a made-up id. */
  get reg2(): Uint8Array {
    return this.#reg2;
  }

  /** A REG1 is out and has no answer yet, or will be once all links have answered. */
  get asking(): boolean {
    return this.#link !== undefined || this.#offer !== undefined;
  }

  /** REG_NGP on `link` while no link is up, `rttMs` after its probe. True: send REG1 there now. */
  begin(link: LinkId, rttMs: Millis, now: Millis): boolean {
    if (this.#link !== undefined || this.#awaitsReg3(now) || (this.accepted && !this.#rules.asksAgain)) return false;
    if (this.#rules.reg1On === 'lowest-rtt') {
      this.#collect(link, rttMs, now);
      return false;
    }
    this.#start(link, now);
    return true;
  }

  /** Gives a REG1 up whose time is over: its link. */
  expire(now: Millis): LinkId | undefined {
    const link = this.#link;
    if (link === undefined || now - this.#since < this.#rules.reg1TimeoutMs) return undefined;
    this.#link = undefined;
    return link;
  }

  /** The link on which REG1 is to be sent (again) now, if any. `links`: how many may still answer the probe. */
  due(links: number, now: Millis): LinkId | undefined {
    if (this.#offer !== undefined) {
      const { link, since, answers } = this.#offer;
      if (answers.size < links && now - since < this.#rules.collectMs) return undefined;
      this.#start(link, now);
      return link;
    }
    if (this.#link === undefined || now - this.#lastReg1 < this.#rules.reg1RetryMs) return undefined;
    this.#lastReg1 = now;
    return this.#link;
  }

  /** The receiver's REG2. True where it answers the REG1 that is out: the id is taken over. */
  answer(reg2: Uint8Array, now: Millis): boolean {
    if (this.#link === undefined || reg2.length !== REG_BYTES) return false;
    for (let i = 0; i < HALF_ID_BYTES; i++) if (reg2[2 + i] !== this.#reg1[2 + i]) return false;
    this.#id = Uint8Array.from(reg2.subarray(2));
    this.#reg1 = buildRegistration(TYPE.reg1, this.#id);
    this.#reg2 = buildRegistration(TYPE.reg2, this.#id);
    this.#link = undefined;
    this.#awaitingReg3Since = now;
    this.accepted = true;
    return true;
  }

  /** A link has got its REG3. */
  confirmed(): void {
    this.#awaitingReg3Since = undefined;
  }

  refused(link: LinkId): void {
    if (this.#link === link) this.#link = undefined;
    if (this.#offer?.link === link) this.#offer = undefined;
  }

  forget(link: LinkId): void {
    this.refused(link);
  }

  /** As if the program had been started now: another id, and no group. */
  restart(): void {
    this.#id = Uint8Array.from(this.#random(GROUP_ID_BYTES));
    this.#reg1 = buildRegistration(TYPE.reg1, this.#id);
    this.#reg2 = buildRegistration(TYPE.reg2, this.#id);
    this.#link = undefined;
    this.#offer = undefined;
    this.#awaitingReg3Since = undefined;
    this.accepted = false;
  }

  #start(link: LinkId, now: Millis): void {
    this.#offer = undefined;
    this.#link = link;
    this.#since = now;
    this.#lastReg1 = now;
    if (this.#rules.freshId) this.#reg1 = buildRegistration(TYPE.reg1, Uint8Array.from(this.#random(GROUP_ID_BYTES)));
  }

  #collect(link: LinkId, rttMs: Millis, now: Millis): void {
    const offer = this.#offer;
    if (offer === undefined) this.#offer = { link, rttMs, since: now, answers: new Set([link]) };
    else {
      offer.answers.add(link);
      if (rttMs >= offer.rttMs) return;
      offer.link = link;
      offer.rttMs = rttMs;
    }
  }

  /** A REG_NGP that was on its way while REG2 came in must not start a second group. */
  #awaitsReg3(now: Millis): boolean {
    return this.#awaitingReg3Since !== undefined && now - this.#awaitingReg3Since < this.#rules.reg1TimeoutMs;
  }
}
