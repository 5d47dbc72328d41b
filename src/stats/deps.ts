import type { Settings } from '../config/schema.ts';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { StreamDirectory } from '../sls-bridge/directory.ts';
import type { DirectoryStore } from '../sls-bridge/directory-file.ts';
import type { KeyStore } from './key-store.ts';

/** What the HTTP servers of a node need of it. */
export interface StatsDeps {
  /** The latest view of the data plane. Called for every request: it must be at hand. */
  snapshot: () => DataPlaneSnapshot;
  directory: StreamDirectory;
  store: DirectoryStore;
  keys: KeyStore;
  settings: Pick<Settings, 'http' | 'stats'>;
  logger: Logger;
  clock: () => Millis;
  /** Of Tributary. */
  version: string;
  /** Opens `/v1/doctor` to programs of this machine's user; new at every start. */
  runtimeToken: string;
}
