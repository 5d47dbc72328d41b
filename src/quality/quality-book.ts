import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import { QualityMachine } from './machine.ts';
import { QualityObserver } from './observer.ts';
import { groupOf, StreamWindow } from './stream-window.ts';
import {
  QUALITY_RULES,
  type QualityMode,
  type QualityReason,
  type QualityRules,
  type QualityState,
  type StreamQuality,
} from './types.ts';

export interface QualityChange {
  readonly publisherId: string;
  readonly from: QualityState;
  readonly to: QualityState;
  readonly reason: QualityReason;
}

interface Entry {
  readonly window: StreamWindow;
  readonly observer: QualityObserver;
  /** In `advise`. */
  machine: QualityMachine | undefined;
  lookedMs: Millis;
}

/** How long a stream is remembered that is not there: an encoder that starts anew goes on where it was. */
const REMEMBERED_MS: Millis = 60_000;

/** How good each live stream is. To be told once a second. Pure. */
export class QualityBook {
  #mode: QualityMode | 'off';
  #rules: QualityRules;
  readonly #streams = new Map<string, Entry>();

  constructor(mode: QualityMode | 'off', rules: QualityRules = QUALITY_RULES) {
    this.#mode = mode;
    this.#rules = rules;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Streams keep the level that they have, and are judged by these rules from the next look on. */
  configure(mode: QualityMode | 'off', rules: QualityRules): void {
    this.#mode = mode;
    this.#rules = rules;
    if (mode === 'off') this.#streams.clear();
    for (const entry of this.#streams.values()) {
      entry.observer.rules = rules;
      if (entry.machine) entry.machine.rules = rules;
      if (mode === 'observe') entry.machine = undefined;
    }
  }

  /** Undefined where the stream is not live or not judged. */
  of(publisherId: string): StreamQuality | undefined {
    const entry = this.#streams.get(publisherId);
    if (entry === undefined || this.#mode === 'off') return undefined;
    const { observer, machine } = entry;
    const observed = observer.quality;
    const judged = machine ? machine.quality : observed;
    return {
      mode: this.#mode,
      level: observed?.level,
      advice: machine?.quality.level,
      state: judged?.state,
      reason: judged?.reason ?? 'start',
      sinceMs: judged?.sinceMs ?? observer.startedMs,
    };
  }

  /** @returns what has changed; the first state of a stream is no change */
  look(snapshot: DataPlaneSnapshot, now: Millis): QualityChange[] {
    const changes: QualityChange[] = [];
    if (this.#mode === 'off') return changes;
    for (const publisher of snapshot.publishers) {
      const { publisherId } = publisher;
      const entry = this.#entryOf(publisherId, now);
      const before = this.of(publisherId)?.state;
      entry.lookedMs = now;
      const input = entry.window.look(publisher, groupOf(snapshot, publisher));
      entry.observer.take(input, now);
      entry.machine?.take(input, now);
      const after = this.of(publisherId);
      if (before !== undefined && after?.state !== undefined && after.state !== before)
        changes.push({ publisherId, from: before, to: after.state, reason: after.reason });
    }
    for (const [id, { lookedMs }] of this.#streams) if (now - lookedMs > REMEMBERED_MS) this.#streams.delete(id);
    return changes;
  }

  #entryOf(publisherId: string, now: Millis): Entry {
    let entry = this.#streams.get(publisherId);
    if (entry === undefined) {
      const observer = new QualityObserver(now, this.#rules);
      entry = { window: new StreamWindow(), observer, machine: undefined, lookedMs: now };
      this.#streams.set(publisherId, entry);
    }
    if (this.#mode === 'advise')
      entry.machine ??= new QualityMachine(now, this.#rules, entry.observer.quality?.level ?? 'MEDIUM');
    return entry;
  }
}
