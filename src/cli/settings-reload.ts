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

type Take = (loaded: LoadedSettings | SettingProblems) => void;

/** Loads the settings of a node again: when it is asked to, and when one of their files changes. */
export class SettingsReload {
  readonly #argv: readonly string[];
  readonly #watch: FileWatch;
  #file: string | undefined;
  #take: Take | undefined;
  /** Before anybody could take them. */
  #wasAsked = false;

  /** @param loaded what the node is started with */
  constructor(argv: readonly string[], loaded: LoadedSettings) {
    this.#argv = argv;
    this.#file = loaded.file;
    this.#watch = new FileWatch(loaded.files, () => this.reload());
  }

  /** The node is up: from now on it takes what is loaded, and at once what has changed while it started. */
  begin(take: Take): void {
    this.#take = take;
    if (this.#wasAsked) this.reload();
  }

  reload(): void {
    if (!this.#take) {
      this.#wasAsked = true;
      return;
    }
    const mark = this.#watch.mark();
    const loaded = loadProcessSettings(this.#argv, this.#file);
    if (!('problems' in loaded)) this.#file = loaded.file;
    this.#watch.follow(loaded.files, mark);
    this.#take(loaded);
  }

  close(): void {
    this.#watch.close();
  }
}
