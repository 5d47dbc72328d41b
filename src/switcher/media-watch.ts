import type { Millis } from '../shared/clock.ts';

/** How a media source of OBS is doing. */
export interface MediaStatus {
  /** As OBS has it, such as `OBS_MEDIA_STATE_PLAYING`. */
  readonly state: string;
  /** Where it is, ms; undefined where OBS does not say. */
  readonly cursorMs: number | undefined;
}

/** States in which something plays, or is about to. */
const BUSY = new Set([
  'OBS_MEDIA_STATE_PLAYING',
  'OBS_MEDIA_STATE_OPENING',
  'OBS_MEDIA_STATE_BUFFERING',
  'OBS_MEDIA_STATE_PAUSED',
]);
const PLAYING = 'OBS_MEDIA_STATE_PLAYING';
/** It may open and close once by itself. */
const STILL_AFTER_MS: Millis = 5_000;
const IDLE_LOOKS = 2;
/** It has to get the time to open. */
const AGAIN_AFTER_MS: Millis = 10_000;

/**
 * When a media source is to be started anew: while the stream is there, and it has ended, or what it shows stands still. Pure.
 */
export class MediaWatch {
  #idle = 0;
  #cursorMs: number | undefined;
  #movedMs: Millis = 0;
  /** It has been seen to move: of a source that never tells where it is nothing can be said. */
  #hasMoved = false;
  #restartedMs: Millis = Number.NEGATIVE_INFINITY;

  /** Once a second. @param isLive the stream is there @returns whether to start the source anew */
  take({ state, cursorMs }: MediaStatus, isLive: boolean, now: Millis): boolean {
    if (!isLive) {
      this.#begin();
      return false;
    }
    this.#idle = BUSY.has(state) ? 0 : this.#idle + 1;
    if (cursorMs !== this.#cursorMs || state !== PLAYING) {
      this.#hasMoved = this.#cursorMs !== undefined && cursorMs !== undefined && cursorMs !== this.#cursorMs;
      this.#cursorMs = cursorMs;
      this.#movedMs = now;
    }
    const isStill = this.#hasMoved && now - this.#movedMs >= STILL_AFTER_MS;
    if ((this.#idle < IDLE_LOOKS && !isStill) || now - this.#restartedMs < AGAIN_AFTER_MS) return false;
    this.#begin();
    this.#restartedMs = now;
    return true;
  }

  #begin(): void {
    this.#idle = 0;
    this.#cursorMs = undefined;
    this.#hasMoved = false;
  }
}
