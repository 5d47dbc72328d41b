import { SETTING_PATHS, type SettingPath, type Settings } from './schema.ts';

type Listener = (settings: Settings, changed: ReadonlySet<SettingPath>) => void;

/** The settings that a node runs with, which change while it does. */
export class LiveSettings {
  /** Reads what is in effect at the time: to be kept and asked again. A block that is taken out of it stays as it was. */
  readonly view: Settings;
  readonly #listeners: Listener[] = [];
  #now: Settings;

  constructor(settings: Settings) {
    this.#now = settings;
    const view = {};
    for (const head of new Set(SETTING_PATHS.map((path) => path.split('.')[0] as keyof Settings)))
      Object.defineProperty(view, head, { enumerable: true, get: () => this.#now[head] });
    this.view = view as Settings;
  }

  /** As they are now, for good. */
  get now(): Settings {
    return this.#now;
  }

  /** @param listener must not throw */
  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  replace(settings: Settings, changed: Iterable<SettingPath>): void {
    this.#now = settings;
    const paths = new Set(changed);
    for (const listener of this.#listeners) listener(settings, paths);
  }
}
