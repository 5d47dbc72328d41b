import type { Millis } from '../shared/clock.ts';
import type { Cookies } from './cookie.ts';
import {
  type AgreedTerms,
  type ConclusionRequest,
  conclusionResponse,
  HANDSHAKE_TYPE,
  inductionResponse,
  readConclusion,
  readHandshake,
  rejection,
} from './handshake.ts';

/** A caller with a good cookie that nobody has said yes or no to. */
export interface Asking {
  readonly request: ConclusionRequest;
  /** Names where it calls from. */
  readonly peer: number;
  /** Its conclusion as it came, and when. */
  readonly packet: Uint8Array;
  readonly arrivedMs: Millis;
}

export interface ListenerOutbox {
  /** The bytes are the callee's. */
  reply(peer: number, packet: Uint8Array): void;
  /** To be answered with `accept` or `reject`, at once or later; once for all repeats of a caller. */
  asks(asking: Asking): void;
}

export interface ListenerLimits {
  /** Callers that wait for an answer; one more is passed over, and comes again by itself. */
  readonly mostWaiting: number;
  /** A caller that nobody answers is forgotten after so long: it has given up. */
  readonly waitMs: Millis;
  /** Answers to strangers in a second: those beyond are passed over, and come again. */
  readonly answersPerSecond: number;
}

export const DEFAULT_LISTENER_LIMITS: ListenerLimits = { mostWaiting: 256, waitMs: 8_000, answersPerSecond: 10_000 };

/** A caller that has heard nothing may have missed its answer: some never ask again. */
const REPEAT_AFTER_MS: Millis = 250;
const MOST_REPEATS = 4;

interface Accepted {
  readonly asking: Asking;
  readonly terms: AgreedTerms;
  readonly startMs: Millis;
  repeatMs: Millis;
  repeats: number;
}

/**
 * So long after its end, or after it was turned away, copies of a caller's question may still be under way. Not longer: there are encoders that begin
 * with the same numbers each time.
 */
const COPIES_MS: Millis = 3_000;
const MOST_SETTLED = 1_024;

/** Of one caller's session: the cookie is made of its address, and another one of the same socket begins with another number. */
const nameOf = ({
  cookie,
  socketId,
  initialSequence,
}: Pick<ConclusionRequest, 'cookie' | 'socketId' | 'initialSequence'>): string =>
  `${cookie} ${socketId} ${initialSequence}`;

/**
 * Lets callers in, or turns them away (spec: srt.md §1). Nothing is kept of anybody who has not brought a cookie back; then little, and for a
 * while. What comes never makes it throw. Pure: who may come in is asked outside, and may take its time.
 */
export class SrtListener {
  readonly #cookies: Cookies;
  readonly #limits: ListenerLimits;
  readonly #out: ListenerOutbox;
  readonly #waiting = new Map<string, Asking>();
  readonly #accepted = new Map<string, Accepted>();
  /** Callers that were turned away, with the code, and those whose session is over, with 0; the oldest first. */
  readonly #settled = new Map<string, { readonly code: number; readonly sinceMs: Millis }>();
  #second = Number.NEGATIVE_INFINITY;
  #answers = 0;

  constructor(cookies: Cookies, out: ListenerOutbox, limits: ListenerLimits = DEFAULT_LISTENER_LIMITS) {
    this.#cookies = cookies;
    this.#out = out;
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * A packet to socket 0.
   * @param peer names where it is from @param address the same as bytes, with the port: what the cookie is made of
   */
  receive(packet: Uint8Array, peer: number, address: Uint8Array, now: Millis): void {
    const handshake = readHandshake(packet);
    if (!handshake) return;
    if (handshake.type === HANDSHAKE_TYPE.induction) {
      if (this.#mayAnswer(now)) this.#out.reply(peer, inductionResponse(packet, this.#cookies.make(address, now), 0));
      return;
    }
    // A wrong cookie is not answered: whoever forges an address would have others answered.
    if (handshake.type !== HANDSHAKE_TYPE.conclusion || !this.#cookies.isGood(handshake.cookie, address, now)) return;
    const name = nameOf(handshake);
    const accepted = this.#accepted.get(name);
    if (accepted) {
      this.#answer(accepted, now);
      return;
    }
    const settled = this.#settled.get(name);
    if (settled && now - settled.sinceMs < COPIES_MS) {
      if (settled.code !== 0 && this.#mayAnswer(now)) this.#out.reply(peer, rejection(packet, settled.code, 0));
      return;
    }
    if (this.#waiting.has(name) || !this.#mayAnswer(now)) return;
    const judged = readConclusion(packet, handshake);
    if ('reject' in judged) {
      this.#out.reply(peer, rejection(packet, judged.reject, 0));
      return;
    }
    if (this.#waiting.size >= this.#limits.mostWaiting) return;
    const asking: Asking = { request: judged.request, peer, packet: packet.slice(), arrivedMs: now };
    this.#waiting.set(name, asking);
    this.#out.asks(asking);
  }

  /**
   * Lets a caller in. Its clock, of all stamps that it gets, begins with this answer.
   * @returns false where it does not wait any more
   */
  accept(asking: Asking, terms: AgreedTerms, now: Millis): boolean {
    const name = nameOf(asking.request);
    if (this.#waiting.get(name) !== asking) return false;
    this.#waiting.delete(name);
    const accepted: Accepted = { asking, terms, startMs: now, repeatMs: now, repeats: 0 };
    this.#accepted.set(name, accepted);
    this.#answer(accepted, now);
    return true;
  }

  /** @param code of `REJECT`, or 1000 and above @returns false where it does not wait any more */
  reject(asking: Asking, code: number): boolean {
    const name = nameOf(asking.request);
    if (this.#waiting.get(name) !== asking) return false;
    this.#waiting.delete(name);
    this.#settle(name, code, asking.arrivedMs);
    this.#out.reply(asking.peer, rejection(asking.packet, code, 0));
    return true;
  }

  /** Something has come from a caller that was let in: it has its answer. Its repeats are answered all the same. */
  heard({ request }: Asking): void {
    const accepted = this.#accepted.get(nameOf(request));
    if (accepted) accepted.repeats = MOST_REPEATS;
  }

  /** Its session is over. */
  forget({ request }: Asking, now: Millis): void {
    const name = nameOf(request);
    this.#accepted.delete(name);
    this.#waiting.delete(name);
    this.#settle(name, 0, now);
  }

  /** To be called every 50 ms or so. */
  tick(now: Millis): void {
    for (const [name, { arrivedMs }] of this.#waiting) {
      if (now - arrivedMs <= this.#limits.waitMs) break;
      this.#waiting.delete(name);
    }
    for (const accepted of this.#accepted.values())
      if (accepted.repeats < MOST_REPEATS && now - accepted.repeatMs >= REPEAT_AFTER_MS) {
        accepted.repeats++;
        this.#answer(accepted, now);
      }
  }

  /** With the time of its clock: whoever takes this copy for the first begins with the same moment. */
  #answer(accepted: Accepted, now: Millis): void {
    const { asking, terms, startMs } = accepted;
    accepted.repeatMs = now;
    const stampUs = Math.round((now - startMs) * 1_000) % 2 ** 32;
    this.#out.reply(asking.peer, conclusionResponse(asking.packet, asking.request, terms, stampUs));
  }

  #settle(name: string, code: number, now: Millis): void {
    this.#settled.delete(name);
    this.#settled.set(name, { code, sinceMs: now });
    if (this.#settled.size > MOST_SETTLED) this.#settled.delete(this.#settled.keys().next().value!);
  }

  #mayAnswer(now: Millis): boolean {
    if (now - this.#second >= 1_000) {
      this.#second = now;
      this.#answers = 0;
    }
    return ++this.#answers <= this.#limits.answersPerSecond;
  }
}
