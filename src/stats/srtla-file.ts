import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { SrtlaDocument } from './compat-vvlive.ts';

/** Readable by the group: the program that reads it runs as another user. */
const MODE = 0o640;

/**
 * `FOLDER/srtla_stats_{port}.json`, replaced as a whole each time (spec: neighbours.md §4.5). A folder that cannot be written to is said once, and the
 * node goes on.
 */
export class SrtlaFile {
  readonly path: string;
  readonly #logger: Logger;
  #writing: Promise<void> | undefined;
  #hasFailed = false;

  constructor(folder: string, port: number, logger: Logger) {
    this.path = join(folder, `srtla_stats_${port}.json`);
    this.#logger = logger;
  }

  /** Does nothing while the last one is not done: the disk is slower than the clock. */
  write(document: SrtlaDocument): Promise<void> {
    this.#writing ??= this.#replace(document).finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Never throws. */
  async #replace(document: SrtlaDocument): Promise<void> {
    // A name that nobody can have put a link under.
    const partial = `${this.path}.${randomBytes(6).toString('hex')}.partial`;
    try {
      await writeFile(partial, `${JSON.stringify(document)}\n`, { mode: MODE, flag: 'wx' });
      await rename(partial, this.path);
      this.#hasFailed = false;
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {});
      if (!this.#hasFailed)
        this.#logger.error('the statistics of links cannot be written for others', {
          path: this.path,
          error: codeOf(error) ?? messageOf(error),
          mend: 'make the folder writable for the user that runs the node, or set stats.srtlaFolder to another one',
        });
      this.#hasFailed = true;
    }
  }

  /** Leaves nothing that could be taken for now: readers keep what they have read last. @param last has no links */
  async remove(last: SrtlaDocument): Promise<void> {
    await this.#writing;
    await this.write(last);
    await rm(this.path, { force: true }).catch(() => {});
  }
}
