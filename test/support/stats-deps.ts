import { resolve } from 'node:path';
import { loadSettings } from '../../src/config/resolve.ts';
import type { Settings } from '../../src/config/schema.ts';
import type { DataPlaneSnapshot } from '../../src/data-plane/snapshot.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import type { Row } from '../../src/sls-bridge/directory.ts';
import { DirectoryFile } from '../../src/sls-bridge/directory-file.ts';
import { carriersOff } from '../../src/stats/carrier.ts';
import type { StatsDeps, StreamEventView } from '../../src/stats/deps.ts';
import { DocsLibrary } from '../../src/stats/docs/library.ts';
import { KeyStore } from '../../src/stats/key-store.ts';
import { LinkNames } from '../../src/stats/link-names.ts';
import { temporaryFolder } from './data-dir.ts';
import { dataPlaneSnapshot } from './snapshots.ts';

const DOCS_DIR = resolve(import.meta.dirname, '../../docs');

export const ADMIN = 'a'.repeat(32);

export interface TestDeps extends StatsDeps {
  settings: Settings;
  readonly folder: string;
  /** What `snapshot()` answers. */
  view: DataPlaneSnapshot;
  /** What the clock shows, ms. */
  now: number;
  /** What the wall clock shows, Unix ms. */
  unixMs: number;
  /** What the data plane was told, in order. */
  readonly commands: readonly string[];
  /** By publisher id. */
  readonly history: Map<string, StreamEventView[]>;
  /** Whoever listens to events. */
  readonly listeners: Set<Parameters<StatsDeps['events']['onEvent']>[0]>;
}

const settingsOf = (env: Record<string, string>): Settings => {
  const loaded = loadSettings({ argv: [], env, cwd: '/', readFile: () => undefined });
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
  return loaded.settings;
};

/** What the HTTP servers need: a real directory and key store in a folder of their own, a snapshot that the test chooses. */
export const statsDeps = async (
  rows: readonly Row[] = [],
  env: Record<string, string> = {},
  folder = temporaryFolder(),
): Promise<TestDeps> => {
  let deps: TestDeps | undefined;
  const store = await DirectoryFile.open(
    folder,
    () => deps?.unixMs ?? 0,
    () => rows,
  );
  const { keys } = await KeyStore.open(folder, ADMIN);
  const commands: string[] = [];
  const history = new Map<string, StreamEventView[]>();
  const listeners: TestDeps['listeners'] = new Set();
  const made: TestDeps = {
    folder,
    view: dataPlaneSnapshot(),
    now: 1_000,
    unixMs: 1_790_000_000_000,
    commands,
    history,
    control: {
      kickPublisher: (id) => commands.push(`kick publisher ${id}`),
      kickPlayers: (id) => commands.push(`kick players ${id}`),
      kickSocket: (key) => commands.push(`kick socket ${key}`),
      drain: (on) => commands.push(`drain ${on}`),
    },
    listeners,
    events: {
      of: (id) => history.get(id) ?? [],
      onEvent: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    unixNow: () => made.unixMs,
    snapshot: () => made.view,
    directory: store.directory,
    store,
    keys,
    carriers: carriersOff,
    quality: () => undefined,
    linkNames: new LinkNames(carriersOff),
    settings: settingsOf(env),
    logger: silentLogger,
    clock: () => made.now,
    controlStatus: () => undefined,
    version: '0.1.0',
    runtimeToken: 'runtime-token',
    docs: new DocsLibrary(DOCS_DIR),
  };
  deps = made;
  return made;
};
