import { mkdir } from 'node:fs/promises';
import type { Settings } from '../config/schema.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { AsnLookup } from './asn.ts';
import { asnFolder, asnSearchPath } from './asn-files.ts';
import { asnSources } from './asn-sources.ts';
import { WeeklyUpdate } from './asn-weekly.ts';

/** The carriers of a running node: the lookup, and what keeps its databases fresh. */
export class NodeCarriers {
  readonly lookup: AsnLookup;
  readonly #folder: string;
  readonly #logger: Logger;
  #weekly: WeeklyUpdate | undefined;
  #begun = false;
  #stopped = false;

  /** Begins to look for databases; nobody waits for them. */
  constructor({ dataDir, asn }: Pick<Settings, 'dataDir' | 'asn'>, logger: Logger) {
    this.#folder = asnFolder(dataDir);
    this.#logger = logger;
    this.lookup = new AsnLookup({ search: asnSearchPath(dataDir), logger });
    this.configure(asn);
    void this.#begin(this.#folder, logger);
  }

  /** What is to be fetched from now on; a download that is under way comes to its end. */
  configure(asn: Settings['asn']): void {
    this.#weekly?.stop();
    this.#weekly = undefined;
    if (asn.update !== 'weekly') return;
    const sources = asnSources(asn);
    if (sources.length === 0)
      this.#logger.warn(
        'asn.update is weekly, but there is nothing to fetch: set asn.ipinfoToken, asn.maxmindKey or asn.url',
      );
    this.#weekly = new WeeklyUpdate({ folder: this.#folder, sources, logger: this.#logger, unixNow: Date.now });
    if (this.#begun && !this.#stopped) this.#weekly.start();
  }

  stop(): void {
    this.#stopped = true;
    this.lookup.close();
    this.#weekly?.stop();
  }

  /** A folder that is not there could not be watched. */
  async #begin(folder: string, logger: Logger): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) =>
      logger.warn('the folder of the carrier database cannot be made', { folder, reason: messageOf(error) }),
    );
    this.lookup.watch();
    await this.lookup.look();
    this.#begun = true;
    if (!this.#stopped) this.#weekly?.start();
  }
}
