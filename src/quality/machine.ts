import type { Millis } from '../shared/clock.ts';
import {
  QUALITY_LEVELS,
  QUALITY_RULES,
  type Quality,
  type QualityInput,
  type QualityLevel,
  type QualityReason,
  type QualityRules,
  type QualityState,
} from './types.ts';

/** For how long something has been so without a break. */
class Lasting {
  #sinceMs: Millis | undefined;

  /** @returns how long, ms; -1 while it is not so */
  note(isSo: boolean, now: Millis): Millis {
    if (!isSo) {
      this.#sinceMs = undefined;
      return -1;
    }
    this.#sinceMs ??= now;
    return now - this.#sinceMs;
  }

  forget(): void {
    this.#sinceMs = undefined;
  }
}

/**
 * The advice for one stream (spec: neighbours.md §4.4): down fast, up slowly, and more slowly each time that a climb has failed. Down and up
 * have timers of their own; an error ends by itself. Pure: time is a parameter.
 */
export class QualityMachine {
  rules: QualityRules;
  readonly #bad = new Lasting();
  readonly #veryBad = new Lasting();
  readonly #good = new Lasting();
  readonly #noLinks = new Lasting();
  readonly #links = new Lasting();
  #level: QualityLevel;
  #state: QualityState;
  #reason: QualityReason = 'start';
  #sinceMs: Millis;
  /** When the last step up was, and what the next one has to wait. The way back from an error is none. */
  #climbedMs: Millis = Number.NEGATIVE_INFINITY;
  #holdFactor = 1;

  constructor(now: Millis, rules: QualityRules = QUALITY_RULES, level: QualityLevel = 'MEDIUM') {
    this.rules = rules;
    this.#level = level;
    this.#state = level;
    this.#sinceMs = now;
  }

  get quality(): Quality {
    return { state: this.#state, level: this.#level, reason: this.#reason, sinceMs: this.#sinceMs };
  }

  /** Once a second or more often. @returns whether state or level have changed */
  take(input: QualityInput, now: Millis): boolean {
    const before = this.#state;
    const levelBefore = this.#level;
    if (this.#state === 'ERROR') this.#recover(input, now);
    else if (this.#noLinks.note(input.linksHeard === 0, now) >= this.rules.errorAfterMs) this.#fail(now);
    // What nothing has arrived from says nothing of a level.
    else if (input.linksHeard > 0) this.#judge(input, now);
    return this.#state !== before || this.#level !== levelBefore;
  }

  #fail(now: Millis): void {
    this.#enter('ERROR', 'no-links', now);
  }

  #recover(input: QualityInput, now: Millis): void {
    if (this.#links.note(input.linksHeard > 0, now) < this.rules.errorEndsAfterMs) return;
    // An unknown capacity is one that was there before, until something else shows.
    if (input.capacityKbps !== undefined) this.#level = this.#fitting(input.capacityKbps);
    this.#climbedMs = Number.NEGATIVE_INFINITY;
    this.#enter('RECOVERY', 'links-back', now);
  }

  #judge(input: QualityInput, now: Millis): void {
    const wrong = this.#wrongWith(input);
    const isVeryWrong = this.#isVeryWrong(input);
    const badMs = this.#bad.note(wrong !== undefined, now);
    const veryBadMs = this.#veryBad.note(isVeryWrong, now);
    const goodMs = this.#good.note(this.#isGood(input), now);
    const { downAfterMs, downFastAfterMs, trialMs } = this.rules;
    if (wrong !== undefined && (badMs >= downAfterMs || veryBadMs >= downFastAfterMs)) this.#down(input, wrong, now);
    else if (goodMs >= this.#upAfterMs(input)) this.#up(now);
    else if (this.#state === 'RECOVERY' && now - this.#sinceMs >= trialMs) {
      this.#holdFactor = 1;
      this.#enter(this.#level, 'clean', now);
    }
  }

  #wrongWith({
    lossPct,
    playerLossPct,
    rttMs = 0,
    bufferMs,
    latencyMs,
    capacityKbps,
    deliveredKbps,
  }: QualityInput): QualityReason | undefined {
    const rules = this.rules;
    const { rateKbps, downLossPct } = rules.levels[this.#level];
    if (lossPct > downLossPct) return 'loss';
    if (playerLossPct > rules.playerLossPct) return 'player-loss';
    if (rttMs > latencyMs * rules.downRttShare) return 'round-trip';
    if (bufferMs !== undefined && bufferMs < latencyMs * rules.downBufferShare) return 'buffer';
    if (capacityKbps !== undefined) return capacityKbps < rateKbps * rules.downCapacityFactor ? 'capacity' : undefined;
    return deliveredKbps < rateKbps * rules.downDeliveredShare ? 'rate' : undefined;
  }

  #isVeryWrong({ lossPct, rttMs = 0, latencyMs, capacityKbps, deliveredKbps }: QualityInput): boolean {
    const rules = this.rules;
    if (lossPct > rules.fastLossPct || rttMs > latencyMs * rules.fastRttShare) return true;
    return capacityKbps === undefined && deliveredKbps < rules.levels[this.#level].rateKbps * rules.fastDeliveredShare;
  }

  #isGood({ lossPct, playerLossPct, rttMs = 0, latencyMs, capacityKbps, deliveredKbps }: QualityInput): boolean {
    const rules = this.rules;
    const next = QUALITY_LEVELS[QUALITY_LEVELS.indexOf(this.#level) - 1];
    if (next === undefined) return false;
    if (lossPct >= rules.upLossPct || playerLossPct > rules.playerLossPct) return false;
    if (rttMs >= latencyMs * rules.upRttShare) return false;
    if (capacityKbps !== undefined) return capacityKbps > rules.levels[next].rateKbps * rules.upCapacityFactor;
    return deliveredKbps > rules.levels[this.#level].rateKbps * rules.upDeliveredShare;
  }

  #upAfterMs({ capacityKbps }: QualityInput): Millis {
    const { upAfterMs, probeAfterMs, upAfterMostMs } = this.rules;
    return Math.min(upAfterMostMs, (capacityKbps === undefined ? probeAfterMs : upAfterMs) * this.#holdFactor);
  }

  #down(input: QualityInput, reason: QualityReason, now: Millis): void {
    const { trialMs, upAfterMs, probeAfterMs, upAfterMostMs } = this.rules;
    const isFallBack = now - this.#climbedMs < trialMs;
    if (isFallBack && Math.min(upAfterMs, probeAfterMs) * this.#holdFactor < upAfterMostMs) this.#holdFactor *= 2;
    const index = QUALITY_LEVELS.indexOf(this.#level);
    const below = QUALITY_LEVELS[Math.min(index + 1, QUALITY_LEVELS.length - 1)]!;
    const fitting = input.capacityKbps === undefined ? below : this.#fitting(input.capacityKbps);
    this.#level = QUALITY_LEVELS.indexOf(fitting) > index ? fitting : below;
    if (this.#state === this.#level) this.#forget();
    else this.#enter(this.#level, reason, now);
  }

  #up(now: Millis): void {
    this.#level = QUALITY_LEVELS[QUALITY_LEVELS.indexOf(this.#level) - 1]!;
    this.#climbedMs = now;
    this.#enter('RECOVERY', 'clean', now);
  }

  #fitting(capacityKbps: number): QualityLevel {
    const { levels, fitShare } = this.rules;
    return QUALITY_LEVELS.find((level) => levels[level].rateKbps <= capacityKbps * fitShare) ?? 'VERY_LOW';
  }

  #enter(state: QualityState, reason: QualityReason, now: Millis): void {
    this.#state = state;
    this.#reason = reason;
    this.#sinceMs = now;
    this.#forget();
  }

  #forget(): void {
    for (const timer of [this.#bad, this.#veryBad, this.#good, this.#noLinks, this.#links]) timer.forget();
  }
}

/** What a stream is called by the rate that arrives, with a band in which it keeps its name. */
export const observedLevel = (
  deliveredKbps: number,
  before: QualityLevel | undefined,
  { levels, observeHysteresis }: QualityRules = QUALITY_RULES,
): QualityLevel => {
  const above = (share: number): QualityLevel =>
    QUALITY_LEVELS.find((level) => deliveredKbps >= levels[level].rateKbps * share) ?? 'VERY_LOW';
  // A level is reached at its rate and left below it by the band.
  const reached = above(1);
  if (before === undefined) return reached;
  const [at, now] = [QUALITY_LEVELS.indexOf(before), QUALITY_LEVELS.indexOf(reached)];
  if (now <= at) return reached;
  return deliveredKbps >= levels[before].rateKbps * (1 - observeHysteresis) ? before : reached;
};
