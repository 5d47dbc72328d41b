import type { Millis } from '../shared/clock.ts';

/** For so long what the hook has allowed stands in for it. */
export const ALLOWED_FOR_MS: Millis = 24 * 3_600_000;
const MOST_IDS = 10_000;

export type WhenDown = 'cached' | 'open' | 'closed';
/** What came of asking: `down` is no answer, or none that decides. */
export type HookVerdict = 'allowed' | 'denied' | 'down';

/** What the authorisation hook has said lately, by role and id; decides where it says nothing. Pure. */
export class AllowedIds {
  /** When it was last allowed; longest ago first. */
  readonly #allowed = new Map<string, Millis>();

  /** @param key of role and id @returns whether the caller comes in */
  decide(key: string, verdict: HookVerdict, whenDown: WhenDown, now: Millis): boolean {
    if (verdict === 'allowed') {
      this.#allowed.delete(key);
      this.#allowed.set(key, now);
      if (this.#allowed.size > MOST_IDS) this.#allowed.delete(this.#allowed.keys().next().value!);
      return true;
    }
    if (verdict === 'denied') {
      this.#allowed.delete(key);
      return false;
    }
    if (whenDown !== 'cached') return whenDown === 'open';
    const atMs = this.#allowed.get(key);
    return atMs !== undefined && now - atMs <= ALLOWED_FOR_MS;
  }
}
