import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Millis } from './clock.ts';
import { codeOf } from './errors.ts';

/** A file that is being written changes many times. */
const SETTLE_MS: Millis = 250;
/** Some file systems, and a file that is mounted by itself, do not tell what changes. */
const LOOK_EVERY_MS: Millis = 60_000;

/**
 * Tells when the content of files is another one. Their folders are watched, for editors and Kubernetes put a new file in the place of the old
 * one, and whatever happens there is reason to look: of a file behind a link only the link's neighbours are seen. Files need not be there.
 */
export class FileWatch {
  readonly #onChange: () => void;
  #files: readonly string[];
  /** What was told of last, and what was found last. */
  #seen: string;
  #found: string | undefined;
  #watchers: FSWatcher[] = [];
  #settling: NodeJS.Timeout | undefined;
  readonly #looking: NodeJS.Timeout;

  /** @param files absolute */
  constructor(files: readonly string[], onChange: () => void) {
    this.#onChange = onChange;
    this.#files = files;
    this.#seen = digestOf(files);
    this.#watchFolders();
    this.#looking = setInterval(() => this.#lookAnew(), LOOK_EVERY_MS).unref();
  }

  /** What the files hold now: taken before they are loaded, for `follow`. */
  mark(): string {
    return digestOf(this.#files);
  }

  /**
   * Files that were loaded.
   * @param mark of before that: what has changed since is told of, but for files that were not followed yet
   */
  follow(files: readonly string[], mark: string): void {
    this.#seen = isDeepStrictEqual(files, this.#files) ? mark : digestOf(files);
    this.#files = files;
    this.#watchFolders();
    this.#settle();
  }

  close(): void {
    clearInterval(this.#looking);
    clearTimeout(this.#settling);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #lookAnew(): void {
    this.#watchFolders();
    this.#look();
  }

  #look(): void {
    const found = digestOf(this.#files);
    if (found === this.#seen) return;
    // Half of a file that is being written is nothing to tell of: it has to stay what it is.
    if (found !== this.#found) {
      this.#found = found;
      this.#settle();
      return;
    }
    this.#seen = found;
    this.#onChange();
  }

  /** Anew each time: a folder that was put in the place of another one is not the one that is watched. */
  #watchFolders(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [...new Set(this.#files.map((path) => dirname(path)))].flatMap((folder) => {
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#settle());
        watcher.on('error', () => watcher.close());
        return [watcher];
      } catch {
        // Not there, or no more watches to be had: looking now and then has to do.
        return [];
      }
    });
  }

  /** Not put off by further changes: in a folder with much going on there would never be an end. */
  #settle(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.#look();
    }, SETTLE_MS).unref();
  }
}

const digestOf = (files: readonly string[]): string => {
  const digest = createHash('sha256');
  for (const path of files) {
    const content = contentOf(path);
    digest.update(`${typeof content === 'string' ? content : content.length}\n`).update(content);
  }
  return digest.digest('hex');
};

/** Or the code of the reason why there is none. */
const contentOf = (path: string): Buffer | string => {
  try {
    return readFileSync(path);
  } catch (error) {
    return codeOf(error) ?? 'unknown';
  }
};
