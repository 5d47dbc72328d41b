import type { Millis } from '../shared/clock.ts';
import { observedLevel } from './machine.ts';
import type { Quality, QualityInput, QualityLevel, QualityReason, QualityRules, QualityState } from './types.ts';

/** A rate has to be another one for so long. */
const OBSERVED_AFTER_MS: Millis = 5_000;

/** The name of what arrives, which changes no faster than somebody can read. */
export class QualityObserver {
  rules: QualityRules;
  #state: QualityState | undefined;
  #level: QualityLevel = 'MEDIUM';
  #reason: QualityReason = 'start';
  readonly startedMs: Millis;
  #sinceMs: Millis;
  #next: QualityState | undefined;
  #nextMs: Millis = 0;

  constructor(now: Millis, rules: QualityRules) {
    this.rules = rules;
    this.startedMs = now;
    this.#sinceMs = now;
  }

  /** Undefined for the first seconds. */
  get quality(): Quality | undefined {
    if (this.#state === undefined) return undefined;
    return { state: this.#state, level: this.#level, reason: this.#reason, sinceMs: this.#sinceMs };
  }

  take({ linksHeard, deliveredKbps }: QualityInput, now: Millis): void {
    const known = this.#state === undefined || this.#state === 'ERROR' ? undefined : this.#level;
    const state: QualityState = linksHeard === 0 ? 'ERROR' : observedLevel(deliveredKbps, known, this.rules);
    if (state === this.#state) {
      this.#next = undefined;
      return;
    }
    if (state !== this.#next) {
      this.#next = state;
      this.#nextMs = now;
    }
    const { errorAfterMs, errorEndsAfterMs } = this.rules;
    const afterMs = state === 'ERROR' ? errorAfterMs : this.#state === 'ERROR' ? errorEndsAfterMs : OBSERVED_AFTER_MS;
    if (now - this.#nextMs < afterMs) return;
    this.#reason =
      this.#state === undefined
        ? 'start'
        : state === 'ERROR'
          ? 'no-links'
          : this.#state === 'ERROR'
            ? 'links-back'
            : 'rate';
    if (state !== 'ERROR') this.#level = state as QualityLevel;
    this.#state = state;
    this.#sinceMs = now;
    this.#next = undefined;
  }
}
