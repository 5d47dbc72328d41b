import type { Settings } from '../config/schema.ts';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { Database } from './database/database.ts';
import type { Permits } from './database/permits.ts';
import type { DnsKeeper } from './dns/dns-keeper.ts';
import type { IngestHints } from './nodes/ingest-hints.ts';
import type { LinkReports } from './nodes/link-reports.ts';
import type { NodeKind } from './nodes/node-rows.ts';
import type { NodeSignals } from './nodes/node-signals.ts';
import type { Provisioner } from './nodes/provisioner.ts';

/** What nodes, placement and sessions share. */
export interface RelayCore {
  readonly db: Database;
  readonly settings: Settings;
  readonly logger: Logger;
  /** Monotonic. */
  readonly clock: () => Millis;
  /** Unix ms. */
  readonly unixNow: () => Millis;
  readonly planeId: string;
  /** What a start waits for the node's word. */
  readonly startWaitMs: Millis;
  readonly signals: NodeSignals;
  readonly links: LinkReports;
  readonly hints: IngestHints;
  /** Choices of nodes of this process: those that wait for their turn must not hold the database's connections meanwhile. */
  readonly placing: Permits;
  readonly dns: DnsKeeper;
  readonly provisioners: Readonly<Record<NodeKind, Provisioner>>;
}

export const leaseMsOf = ({ settings }: Pick<RelayCore, 'settings'>): Millis =>
  settings.controlPlane.leaseTimeoutSeconds * 1_000;
