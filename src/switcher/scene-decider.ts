import type { Reading, SceneMap } from './types.ts';

export interface DeciderRules {
  readonly scenes: SceneMap;
  /** So many readings in a row have to ask for the same scene. */
  readonly retries: number;
  /** The way back from the scene of `gone` is taken at the first reading. */
  readonly instantRecovery: boolean;
}

/**
 * Which scene is to be shown (spec: neighbours.md §2B.1). Readings are counted by the scene they ask for, so that two levels with one scene do not
 * disturb each other. A scene that is not in the map is one that somebody has chosen by hand, and stays. Pure.
 */
export class SceneDecider {
  readonly #rules: DeciderRules;
  readonly #mapped: ReadonlySet<string>;
  #wanted: string | undefined;
  #times = 0;

  constructor(rules: DeciderRules) {
    this.#rules = rules;
    this.#mapped = new Set(Object.values(rules.scenes));
  }

  /**
   * Once a second, and at once where something is pushed.
   * @param current the scene that is shown
   * @returns the scene to change to; undefined where nothing is to change
   */
  take(reading: Reading, current: string): string | undefined {
    if (!this.#mapped.has(current)) return this.#forget();
    // Neither for nor against what was counted so far.
    if (reading.kind === 'unsure') return undefined;
    const { scenes, retries, instantRecovery } = this.#rules;
    const wanted = reading.kind === 'gone' ? scenes.gone : scenes[reading.level];
    if (wanted === current) return this.#forget();
    this.#times = wanted === this.#wanted ? this.#times + 1 : 1;
    this.#wanted = wanted;
    const isRecovery = instantRecovery && reading.kind === 'live' && current === scenes.gone;
    if (!isRecovery && this.#times < retries) return undefined;
    this.#forget();
    return wanted;
  }

  #forget(): undefined {
    this.#wanted = undefined;
    this.#times = 0;
  }
}
