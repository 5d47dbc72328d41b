import type { Millis } from '../shared/clock.ts';

/** Refusals of one kind within this long are told as one. */
export const DIGEST_MS: Millis = 10_000;
/** Kinds (stream and reason) that are followed at once; what is beyond them is not told, only counted by the caller. */
const MAX_KINDS = 1_024;

interface Kind<T> {
  sinceMs: Millis;
  times: number;
  latest: T;
}

/**
 * Callers that are refused try again and again: the first refusal of a kind is told at once, the others of the next ten seconds together at
 * their end.
 */
export class RefusalDigest<T> {
  readonly #kinds = new Map<string, Kind<T>>();

  /** @returns true when this one is to be told now */
  note(kind: string, refusal: T, now: Millis): boolean {
    const known = this.#kinds.get(kind);
    if (known) {
      known.times++;
      known.latest = refusal;
      return false;
    }
    if (this.#kinds.size === MAX_KINDS) return false;
    this.#kinds.set(kind, { sinceMs: now, times: 0, latest: refusal });
    return true;
  }

  /** Calls `tell` for every kind whose ten seconds are over and that has more to tell. */
  tick(now: Millis, tell: (refusal: T, times: number) => void): void {
    for (const [key, kind] of this.#kinds) {
      if (now - kind.sinceMs < DIGEST_MS) continue;
      if (kind.times === 0) {
        this.#kinds.delete(key);
        continue;
      }
      tell(kind.latest, kind.times);
      kind.sinceMs = now;
      kind.times = 0;
    }
  }
}
