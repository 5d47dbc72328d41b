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
  readonly #weekly: WeeklyUpdate | undefined;
  #stopped = false;

  /** Begins to look for databases; nobody waits for them. */
  constructor({ dataDir, asn }: Pick<Settings, 'dataDir' | 'asn'>, logger: Logger) {
    const folder = asnFolder(dataDir);
    this.lookup = new AsnLookup({ search: asnSearchPath(dataDir), logger });
    const sources = asnSources(asn);
    if (asn.update === 'weekly') {
      if (sources.length === 0)
        logger.warn(
          'asn.update is weekly, but there is nothing to fetch: set asn.ipinfoToken, asn.maxmindKey or asn.url',
        );
      this.#weekly = new WeeklyUpdate({ folder, sources, logger, unixNow: Date.now });
    }
    void this.#begin(folder, logger);
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
    if (!this.#stopped) this.#weekly?.start();
  }
}
