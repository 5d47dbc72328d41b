import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import { observedLevel, QualityMachine } from './machine.ts';
import { groupOf, StreamWindow } from './stream-window.ts';
import {
  QUALITY_RULES,
  type Quality,
  type QualityInput,
  type QualityLevel,
  type QualityMode,
  type QualityReason,
  type QualityRules,
  type QualityState,
} from './types.ts';

export interface QualityChange {
  readonly publisherId: string;
  readonly from: QualityState;
  readonly to: QualityState;
  readonly reason: QualityReason;
}

/** A rate has to be another one for so long. */
const OBSERVED_AFTER_MS: Millis = 5_000;

/** The name of what arrives, which changes no faster than somebody can read. */
class Observer {
  readonly #rules: QualityRules;
  #state: QualityState | undefined;
  #level: QualityLevel = 'MEDIUM';
  #reason: QualityReason = 'start';
  #sinceMs: Millis;
  #next: QualityState | undefined;
  #nextMs: Millis = 0;

  constructor(now: Millis, rules: QualityRules) {
    this.#rules = rules;
    this.#sinceMs = now;
  }

  /** Undefined for the first seconds. */
  get quality(): Quality | undefined {
    if (this.#state === undefined) return undefined;
    return { state: this.#state, level: this.#level, reason: this.#reason, sinceMs: this.#sinceMs };
  }

  take({ linksHeard, deliveredKbps }: QualityInput, now: Millis): void {
    const known = this.#state === undefined || this.#state === 'ERROR' ? undefined : this.#level;
    const state: QualityState = linksHeard === 0 ? 'ERROR' : observedLevel(deliveredKbps, known, this.#rules);
    if (state === this.#state) {
      this.#next = undefined;
      return;
    }
    if (state !== this.#next) {
      this.#next = state;
      this.#nextMs = now;
    }
    const { errorAfterMs, errorEndsAfterMs } = this.#rules;
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

interface Entry {
  readonly window: StreamWindow;
  readonly judge: { readonly quality: Quality | undefined; take(input: QualityInput, now: Millis): unknown };
  lookedMs: Millis;
}

/** How long a stream is remembered that is not there: an encoder that starts anew goes on where it was. */
const REMEMBERED_MS: Millis = 60_000;

/** How good each live stream is. To be told once a second. Pure. */
export class QualityBook {
  readonly #mode: QualityMode;
  readonly #rules: QualityRules;
  readonly #streams = new Map<string, Entry>();

  constructor(mode: QualityMode, rules: QualityRules = QUALITY_RULES) {
    this.#mode = mode;
    this.#rules = rules;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Undefined where the stream is not live, or so new that nothing can be said. */
  of(publisherId: string): Quality | undefined {
    return this.#streams.get(publisherId)?.judge.quality;
  }

  /** @returns what has changed; the first state of a stream is no change */
  look(snapshot: DataPlaneSnapshot, now: Millis): QualityChange[] {
    const changes: QualityChange[] = [];
    for (const publisher of snapshot.publishers) {
      const { publisherId } = publisher;
      const entry = this.#entryOf(publisherId, now);
      const before = entry.judge.quality?.state;
      entry.lookedMs = now;
      entry.judge.take(entry.window.look(publisher, groupOf(snapshot, publisher)), now);
      const after = entry.judge.quality;
      if (before !== undefined && after !== undefined && after.state !== before)
        changes.push({ publisherId, from: before, to: after.state, reason: after.reason });
    }
    for (const [id, { lookedMs }] of this.#streams) if (now - lookedMs > REMEMBERED_MS) this.#streams.delete(id);
    return changes;
  }

  #entryOf(publisherId: string, now: Millis): Entry {
    let entry = this.#streams.get(publisherId);
    if (entry === undefined) {
      const judge = this.#mode === 'advise' ? new QualityMachine(now, this.#rules) : new Observer(now, this.#rules);
      entry = { window: new StreamWindow(), judge, lookedMs: now };
      this.#streams.set(publisherId, entry);
    }
    return entry;
  }
}
