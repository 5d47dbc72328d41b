import type { Millis } from '../shared/clock.ts';
import { Backoff } from './backoff.ts';

/**
 * `enrolling`: this process has not been taken in, or not any more: the plane says no. `online`. `degraded`: something has failed since the
 * plane was last heard. `offline`: it has not been heard for 30 s.
 */
export type SessionState = 'enrolling' | 'online' | 'degraded' | 'offline';

/** What is asked of the plane. */
export type Call = 'register' | 'heartbeat' | 'desired' | 'applied' | 'links';

/**
 * `away`: no answer, or one that says that the plane cannot. `refused`: the plane does not want this node, until an operator mends it.
 * `unknown`: it wants it to register.
 */
export type Failure = 'away' | 'refused' | 'unknown';

export const OFFLINE_AFTER_MS: Millis = 30_000;
/** A question for a list that is open for so long is not failing: it waits for something new. */
const OPEN_MS: Millis = 1_000;
const RETRY = { firstMs: 1_000, mostMs: 15_000 };
/** Nothing but an operator helps: asked again so that nobody has to restart the node afterwards. */
const REFUSED = { firstMs: 5_000, mostMs: 60_000 };

/** What the plane's answer means for the session. @param status HTTP @param code of an `ErrorBody`, where there was one */
export const failureOf = (status: number, code: string | undefined): Failure => {
  if (status >= 500 || status === 429 || status === 408) return 'away';
  return code === 'node_unknown' ? 'unknown' : 'refused';
};

/**
 * How a node stands with its control plane, and when it asks again. Time is a parameter; whoever holds the session makes the requests, and
 * tells what came of them.
 */
export class ControlSession {
  readonly #retry: Backoff;
  readonly #refusals: Backoff;
  readonly #heartbeatMs: Millis;
  readonly #failing = new Set<Call>();
  #isRegistered = false;
  /** Whether the plane knows what the node says of itself now. */
  #isTold = true;
  /** Of the question for a list that is open. */
  #openSinceMs: Millis | undefined;
  #isRefused = false;
  /** The plane was heard, or the session began. */
  #heardMs: Millis;
  #wasHeard = false;
  #nextMs: Millis;

  /** @param random 0 to 1, for jitter */
  constructor(now: Millis, heartbeatMs: Millis, random: () => number) {
    this.#heartbeatMs = heartbeatMs;
    this.#retry = new Backoff({ ...RETRY, random });
    this.#refusals = new Backoff({ ...REFUSED, random });
    this.#heardMs = now;
    this.#nextMs = now;
  }

  state(now: Millis): SessionState {
    if (this.#isRefused) return 'enrolling';
    if (now - this.#heardMs > OFFLINE_AFTER_MS) return 'offline';
    if (!this.#wasHeard) return 'enrolling';
    const isOpen = this.#openSinceMs !== undefined && now - this.#openSinceMs >= OPEN_MS;
    const failing = this.#failing.size - Number(isOpen && this.#failing.has('desired'));
    return failing > 0 || !this.#isRegistered ? 'degraded' : 'online';
  }

  /** A question for a list is on its way; `succeeded` or `failed` tells what came of it. */
  waits(now: Millis): void {
    this.#openSinceMs = now;
  }

  /** There is nothing to say any more that would tell whether it comes through. */
  isDone(call: 'links'): void {
    this.#failing.delete(call);
  }

  /** Everything but `register` waits for this. */
  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  /** What the session itself asks next, and in how many ms. */
  next(now: Millis): { call: 'register' | 'heartbeat'; inMs: Millis } {
    return {
      call: this.#isRegistered && this.#isTold ? 'heartbeat' : 'register',
      inMs: Math.max(0, this.#nextMs - now),
    };
  }

  /** Since the plane was heard; undefined before. */
  silentMs(now: Millis): Millis | undefined {
    return this.#wasHeard ? now - this.#heardMs : undefined;
  }

  /** @returns true where the call had failed before, or the plane had never been heard: the others need not wait for the end of their pauses */
  succeeded(call: Call, now: Millis): boolean {
    const isBack = this.#failing.has(call) || !this.#wasHeard;
    if (call === 'desired') this.#openSinceMs = undefined;
    this.#heardMs = now;
    this.#wasHeard = true;
    this.#isRefused = false;
    this.#failing.delete(call);
    // The generation in them acknowledges a list as well.
    if (call === 'heartbeat' || call === 'desired') this.#failing.delete('applied');
    if (call === 'register') this.#isRegistered = true;
    // The plane was away as a whole, and is back.
    if (call === 'register' || (isBack && call === 'heartbeat')) this.#failing.clear();
    if (call !== 'register' && call !== 'heartbeat') return isBack;
    this.#retry.reset();
    this.#refusals.reset();
    // The plane chooses no node of which it has heard nothing but the name.
    this.#nextMs = call === 'register' ? now : now + this.#heartbeatMs;
    return isBack;
  }

  /** @returns true where the caller has to wait for the session before it asks again */
  failed(call: Call, failure: Failure, now: Millis): boolean {
    this.#failing.add(call);
    if (call === 'register' && this.#isRegistered) this.#isTold = false;
    if (call === 'desired') this.#openSinceMs = undefined;
    if (failure === 'away') {
      if (call === 'register' || call === 'heartbeat') this.#nextMs = now + this.#retry.next();
      return false;
    }
    // The plane was heard, whatever it said.
    this.#heardMs = now;
    this.#wasHeard = true;
    this.#isRegistered = false;
    if (failure === 'refused') {
      this.#isRefused = true;
      this.#nextMs = now + this.#refusals.next();
    } else this.#nextMs = now + (call === 'register' ? this.#retry.next() : 0);
    return true;
  }

  /** What the node says of itself has changed: it registers once more, and stays registered meanwhile. */
  tellAnew(now: Millis): void {
    this.#isTold = false;
    this.#nextMs = Math.min(this.#nextMs, now);
  }

  /** A registration with what the node says of itself now is on its way. */
  tells(): void {
    this.#isTold = true;
  }

  /** Ask at once: there is a reason to think that the plane is there. */
  hurry(now: Millis): void {
    this.#retry.reset();
    this.#nextMs = Math.min(this.#nextMs, now);
  }
}
