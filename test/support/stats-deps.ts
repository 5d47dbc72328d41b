import { loadSettings } from '../../src/config/resolve.ts';
import type { Settings } from '../../src/config/schema.ts';
import type { DataPlaneSnapshot } from '../../src/data-plane/snapshot.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { DirectoryFile } from '../../src/sls-bridge/directory-file.ts';
import type { StatsDeps } from '../../src/stats/deps.ts';
import { KeyStore } from '../../src/stats/key-store.ts';
import { temporaryFolder } from './data-dir.ts';
import { dataPlaneSnapshot } from './snapshots.ts';

export const ADMIN = 'a'.repeat(32);

export interface TestDeps extends StatsDeps {
  readonly folder: string;
  /** What `snapshot()` answers. */
  view: DataPlaneSnapshot;
  /** What the clock shows, ms. */
  now: number;
}

const settingsOf = (env: Record<string, string>): Settings => {
  const loaded = loadSettings({ argv: [], env, cwd: '/', readFile: () => undefined });
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
  return loaded.settings;
};

/** What the HTTP servers need: a real directory and key store in a folder of their own, a snapshot that the test chooses. */
export const statsDeps = async (
  rows: readonly { publisher: string; player: string; description?: string }[] = [],
  env: Record<string, string> = {},
): Promise<TestDeps> => {
  const folder = temporaryFolder();
  const store = await DirectoryFile.open(folder);
  await store.remove(store.directory.rows()[0]!.publisher);
  for (const row of rows) await store.add(row);
  const { keys } = await KeyStore.open(folder, ADMIN);
  const deps: TestDeps = {
    folder,
    view: dataPlaneSnapshot(),
    now: 1_000,
    snapshot: () => deps.view,
    directory: store.directory,
    store,
    keys,
    settings: settingsOf(env),
    logger: silentLogger,
    clock: () => deps.now,
    version: '0.1.0',
    runtimeToken: 'runtime-token',
  };
  return deps;
};
