import type { Millis } from '../shared/clock.ts';
import { GROUP_ID_BYTES, HALF_ID_BYTES, REG_BYTES } from '../srtla/constants.ts';
import { buildRegistration } from '../srtla/packet-build.ts';
import type { Profile } from './profile.ts';
import type { LinkId, RandomBytes } from './sender-types.ts';
import { TYPE } from './wire.ts';

/**
 * The group's side of registration (SRTLA specification §2.1, §6.2): one REG1 at a time on one link, its retries, the group id.
 * The id is drawn once; the receiver writes its half into it, and a receiver that has forgotten it writes a new half.
 */
export class Registration {
  readonly #profile: Profile;
  readonly #id: Uint8Array;
  #reg1: Uint8Array;
  #reg2: Uint8Array;
  #link: LinkId | undefined;
  #since: Millis = 0;
  #lastReg1: Millis = 0;
  #awaitingReg3Since: Millis | undefined;
  /** The receiver has given this group an id at least once. */
  accepted = false;

  constructor(profile: Profile, random: RandomBytes) {
    this.#profile = profile;
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

  /** A REG1 is out and has no answer yet. */
  get asking(): boolean {
    return this.#link !== undefined;
  }

  /** REG_NGP on `link` while no link is up. True: send REG1 there now. */
  begin(link: LinkId, now: Millis): boolean {
    if (this.asking || this.#awaitsReg3(now)) return false;
    this.#link = link;
    this.#since = now;
    this.#lastReg1 = now;
    return true;
  }

  /** The link on which REG1 is to be repeated now, if any. Gives the attempt up when its time is over. */
  retry(now: Millis): LinkId | undefined {
    if (this.#link === undefined) return undefined;
    if (now - this.#since >= this.#profile.reg1TimeoutMs) {
      this.#link = undefined;
      return undefined;
    }
    if (now - this.#lastReg1 < this.#profile.reg1RetryMs) return undefined;
    this.#lastReg1 = now;
    return this.#link;
  }

  /** The receiver's REG2. True where it answers the REG1 that is out: the id is taken over. */
  answer(reg2: Uint8Array, now: Millis): boolean {
    if (!this.asking || reg2.length !== REG_BYTES) return false;
    for (let i = 0; i < HALF_ID_BYTES; i++) if (reg2[2 + i] !== this.#id[i]) return false;
    this.#id.set(reg2.subarray(2));
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
  }

  forget(link: LinkId): void {
    this.refused(link);
  }

  /** A REG_NGP that was on its way while REG2 came in must not start a second group. */
  #awaitsReg3(now: Millis): boolean {
    return this.#awaitingReg3Since !== undefined && now - this.#awaitingReg3Since < this.#profile.reg1TimeoutMs;
  }
}
