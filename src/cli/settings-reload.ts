import { closeSync, openSync } from 'node:fs';
import { type LoadedSettings, loadProcessSettings, type SettingProblems } from '../config/load.ts';
import { FileWatch } from '../shared/file-watch.ts';

/** Whether this process has a terminal that is there: one whose window was closed cannot be opened any more. */
export const hasTerminal = (): boolean => {
  try {
    closeSync(openSync('/dev/tty', 'r+'));
    return true;
  } catch {
    return false;
  }
};

/** Loads the settings of a running node again: when it is asked to, and when one of their files changes. */
export class SettingsReload {
  readonly #argv: readonly string[];
  readonly #take: (loaded: LoadedSettings | SettingProblems) => void;
  readonly #watch: FileWatch;
  #file: string | undefined;

  /** @param loaded what the node was started with */
  constructor(
    argv: readonly string[],
    loaded: LoadedSettings,
    take: (loaded: LoadedSettings | SettingProblems) => void,
  ) {
    this.#argv = argv;
    this.#take = take;
    this.#file = loaded.file;
    this.#watch = new FileWatch(loaded.files, () => this.reload());
  }

  reload(): void {
    const loaded = loadProcessSettings(this.#argv, this.#file);
    if (!('problems' in loaded)) this.#file = loaded.file;
    this.#watch.follow(loaded.files);
    this.#take(loaded);
  }

  close(): void {
    this.#watch.close();
  }
}
