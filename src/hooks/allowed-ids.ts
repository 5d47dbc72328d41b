import type { Millis } from '../shared/clock.ts';

/** For so long what the hook has allowed stands in for it. */
export const ALLOWED_FOR_MS: Millis = 24 * 3_600_000;
/** Whoever was sent away is not asked about for so long: an encoder that is sent away tries again within milliseconds. */
export const DENIED_FOR_MS: Millis = 2_000;
const MOST_IDS = 10_000;

export type WhenDown = 'cached' | 'open' | 'closed';
/** What came of asking: `down` is no answer, or none that decides. */
export type HookVerdict = 'allowed' | 'denied' | 'down';

/** What the authorisation hook has said lately, by role and id; decides where it says nothing. Pure. */
export class AllowedIds {
  /** When it was last allowed; longest ago first. */
  readonly #allowed = new Map<string, Millis>();
  readonly #denied = new Map<string, Millis>();

  /** It was sent away a moment ago: there is no need to ask again. */
  isDenied(key: string, now: Millis): boolean {
    const atMs = this.#denied.get(key);
    return atMs !== undefined && now - atMs < DENIED_FOR_MS;
  }

  /** @param key of role and id @returns whether the caller comes in */
  decide(key: string, verdict: HookVerdict, whenDown: WhenDown, now: Millis): boolean {
    const isIn = this.#judge(key, verdict, whenDown, now);
    if (isIn) this.#denied.delete(key);
    else note(this.#denied, key, now);
    return isIn;
  }

  #judge(key: string, verdict: HookVerdict, whenDown: WhenDown, now: Millis): boolean {
    if (verdict === 'allowed') note(this.#allowed, key, now);
    else if (verdict === 'denied') this.#allowed.delete(key);
    if (verdict !== 'down') return verdict === 'allowed';
    if (whenDown !== 'cached') return whenDown === 'open';
    const atMs = this.#allowed.get(key);
    return atMs !== undefined && now - atMs <= ALLOWED_FOR_MS;
  }
}

/** The newest last; the oldest makes room. */
const note = (moments: Map<string, Millis>, key: string, now: Millis): void => {
  moments.delete(key);
  moments.set(key, now);
  if (moments.size > MOST_IDS) moments.delete(moments.keys().next().value!);
};
