import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { choosePublicHost } from './cli/public-host.ts';
import { importLines, importOldDataFolder } from './cli/sls-import.ts';
import { LiveSettings } from './config/live-settings.ts';
import { testHooksAllowed } from './config/load.ts';
import { settingValues } from './config/reference.ts';
import type { LoadedSettings, SettingProblems } from './config/resolve.ts';
import type { Settings } from './config/schema.ts';
import { commonNow } from './data-plane/common-clock.ts';
import { DataPlaneHost } from './data-plane/host.ts';
import type { DataPlaneSnapshot } from './data-plane/snapshot.ts';
import { obeyTestHooks } from './data-plane/test-hooks.ts';
import { AccessHook } from './hooks/access-hook.ts';
import { WebHooks } from './hooks/web-hooks.ts';
import { type ControlTarget, controlTargetOf, NodeControl } from './node-control.ts';
import { DOCS_DIR, type OpenServers, openServers, PAGES_DIR } from './node-servers.ts';
import { dataPlaneSettings, NodeSettings, redactionOf } from './node-settings.ts';
import { QualityBook } from './quality/quality-book.ts';
import { qualityRulesOf } from './quality/settings.ts';
import { ownAddressOf } from './shared/address.ts';
import { type Millis, monotonicNow } from './shared/clock.ts';
import { type DataDirLock, lockDataDir } from './shared/data-dir-lock.ts';
import { prepareDataDir, readDataFile, removeDataFile, writeDataFile } from './shared/data-file.ts';
import type { Logger } from './shared/logger.ts';
import { nodeSalt } from './shared/node-salt.ts';
import { setRedaction } from './shared/redact.ts';
import type { Row } from './sls-bridge/directory.ts';
import { DirectoryFile } from './sls-bridge/directory-file.ts';
import { DirectoryLife } from './sls-bridge/directory-life.ts';
import { FIXES, hasFixes, libsrtName, unfixedLibrary } from './sls-bridge/libsrt-fixes.ts';
import { loadedLibsrtPackage } from './sls-bridge/libsrt-package.ts';
import { LoopbackPlayers } from './sls-bridge/loopback-players.ts';
import { libsrtEngine } from './sls-bridge/native.ts';
import { NodeCarriers } from './stats/asn-node.ts';
import type { DashboardDeps } from './stats/dashboard-deps.ts';
import { ShareStore } from './stats/dashboard-shares.ts';
import { DocsLibrary } from './stats/docs/library.ts';
import type { HttpListener } from './stats/http-listener.ts';
import { KeyStore } from './stats/key-store.ts';
import { LinkNames } from './stats/link-names.ts';
import type { NodeWatch } from './stats/node-watch.ts';
import { PlainHttpWarning } from './stats/plain-http-warning.ts';
import type { NodePorts } from './stats/stream-urls.ts';

/** `DATA_DIR/runtime.json`, mode 0600: how the commands on this machine find the running node. */
export interface RuntimeFacts {
  pid: number;
  /** Opens `/v1/doctor`; made anew at every start. */
  token: string;
  /** An address on which it answers. */
  host: string;
  ports: {
    srtla: number[];
    publish: number;
    play: number;
    stats: number;
    links: number;
    dashboard?: number;
    tls?: number;
  };
}

export const RUNTIME_FILE = 'runtime.json';

/** HTTP answers within this share one snapshot: thousands of links take a millisecond or two to gather. */
const SNAPSHOT_AGE_MS: Millis = 20;
/** Of a stop, which may take 5 s; closing takes up to one. */
const HTTP_CLOSES_AFTER_MS: Millis = 3_400;
/** … and what its end means for streams is told within this time of it. */
const HOOKS_CLOSE_WITHIN_MS: Millis = 500;

const JUDGED_EVERY_MS: Millis = 1_000;

/** Judges the streams, and tells their history of each change. @returns what ends it */
const judgeStreams = (book: QualityBook, plane: DataPlaneHost, snapshot: () => DataPlaneSnapshot): (() => void) => {
  const timer = setInterval(() => {
    for (const { publisherId, from, to, reason } of book.look(snapshot(), monotonicNow()))
      plane.events.add({ atMs: commonNow(), wallMs: Date.now(), publisherId, type: 'quality', from, to, reason });
  }, JUDGED_EVERY_MS).unref();
  return () => clearInterval(timer);
};

/** A thread that hangs in native code holds its ports: the supervisor has to start the process anew. `process.exit` would wait for the thread. */
const giveUp = (logger: Logger): void => {
  logger.error('the data plane hangs and cannot be ended: the node ends itself');
  process.kill(process.pid, 'SIGKILL');
};

/**
 * @returns the package that libsrt is from
 * @throws TributaryError TRIBUTARY_ADDON_MISSING, TRIBUTARY_LIBSRT_MISSING, TRIBUTARY_LIBSRT_UNFIXED
 */
const checkLibsrt = (allowUnfixed: boolean, logger: Logger): string | undefined => {
  const facts = { version: libsrtEngine().version, package: loadedLibsrtPackage() };
  if (!hasFixes(facts)) {
    if (!allowUnfixed) throw unfixedLibrary(facts);
    logger.warn('libsrt is not known to have its security fixes, and the settings allow it', {
      library: libsrtName(facts),
      fixes: FIXES.join(', '),
    });
  }
  return facts.package && `${facts.package.name} ${facts.package.version}`;
};

/** Calls `make` at most once per `ageMs`. */
const cached = <T>(make: () => T, ageMs: Millis): (() => T) => {
  let value: { of: T; atMs: Millis } | undefined;
  return () => {
    const now = monotonicNow();
    if (!value || now - value.atMs >= ageMs) value = { of: make(), atMs: now };
    return value.of;
  };
};

export interface RelayNodeOptions {
  settings: Settings;
  logger: Logger;
  /** Of Tributary. */
  version: string;
  /** The admin key that the very first start has made, told this once, before anything else can fail. */
  onGeneratedKey: (key: string) => void;
  /** What the very first start has taken over from an old data folder, lines to print. */
  onImport: (lines: readonly string[]) => void;
  /** Called for each change of the settings. */
  onSettings?: (settings: Settings) => void;
  /** In place of what the settings say. */
  controlPlane?: ControlTarget;
}

/**
 * One relay node: the data plane, the stream directory, the keys and the HTTP servers, started and stopped in order.
 */
export class RelayNode {
  readonly facts: RuntimeFacts;
  readonly #dataDir: string;
  readonly #nodeSettings: NodeSettings;
  readonly #logger: Logger;
  readonly #plane: DataPlaneHost;
  readonly #store: DirectoryFile;
  readonly #life: DirectoryLife;
  readonly #carriers: NodeCarriers;
  readonly #preview: LoopbackPlayers | undefined;
  readonly #servers: readonly Pick<HttpListener, 'close'>[];
  readonly #watch: NodeWatch;
  readonly #lock: DataDirLock;
  readonly #control: NodeControl | undefined;
  readonly #endJudging: () => void;
  readonly #hooks: WebHooks;

  private constructor(parts: {
    facts: RuntimeFacts;
    dataDir: string;
    nodeSettings: NodeSettings;
    logger: Logger;
    plane: DataPlaneHost;
    store: DirectoryFile;
    life: DirectoryLife;
    carriers: NodeCarriers;
    preview: LoopbackPlayers | undefined;
    servers: readonly Pick<HttpListener, 'close'>[];
    watch: NodeWatch;
    lock: DataDirLock;
    control: NodeControl | undefined;
    endJudging: () => void;
    hooks: WebHooks;
  }) {
    this.facts = parts.facts;
    this.#dataDir = parts.dataDir;
    this.#nodeSettings = parts.nodeSettings;
    this.#logger = parts.logger;
    this.#plane = parts.plane;
    this.#store = parts.store;
    this.#life = parts.life;
    this.#carriers = parts.carriers;
    this.#preview = parts.preview;
    this.#servers = parts.servers;
    this.#watch = parts.watch;
    this.#lock = parts.lock;
    this.#control = parts.control;
    this.#endJudging = parts.endJudging;
    this.#hooks = parts.hooks;
  }

  /**
   * @throws TributaryError: a port in use, an unwritable data folder, a damaged data file, a missing addon or libsrt. Nothing stays
   * open then.
   */
  static async start(options: RelayNodeOptions): Promise<RelayNode> {
    const { dataDir } = options.settings;
    await prepareDataDir(dataDir);
    const lock = await lockDataDir(dataDir);
    try {
      return await RelayNode.#open(options, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  static async #open(options: RelayNodeOptions, lock: DataDirLock): Promise<RelayNode> {
    const { logger, version, onGeneratedKey, onImport } = options;
    const live = new LiveSettings(options.settings);
    const nodeSettings = new NodeSettings(live, logger);
    if (options.onSettings) live.onChange(options.onSettings);
    const settings = live.view;
    const { dataDir } = settings;
    // The thread loads it too; here it fails before anything is written.
    const srtPackage = checkLibsrt(settings.srt.allowUnfixedLibrary, logger);
    const imported = await importOldDataFolder(settings.dataDir);
    if (imported) onImport(importLines(imported.database, imported.counts));
    const salt = await nodeSalt(dataDir);
    setRedaction(redactionOf(settings, salt));
    const sources = { logger, clock: monotonicNow, unixNow: Date.now };
    const access = new AccessHook({ ...sources, settings: () => settings.hooks });
    const plane = new DataPlaneHost({
      settings: dataPlaneSettings(settings, salt),
      logger,
      testHooks: testHooksAllowed(),
      onStuck: () => giveUp(logger),
      onQuestion: (question, answer) => void access.isAllowed(question).then(answer),
    });
    const hooks = new WebHooks({ ...sources, settings: settings.hooks });
    plane.events.onEvent((event) => hooks.tell(event));
    plane.events.onEvent(access.take);
    const store = await DirectoryFile.open(settings.dataDir);
    const { keys, generated } = await KeyStore.open(settings.dataDir, settings.api.key);
    if (generated !== undefined) onGeneratedKey(generated);
    await plane.start(store.directory.admitted());
    store.directory.onChange(({ type, row }) => {
      if (type === 'added') plane.addRow(row);
      else if (type === 'updated') plane.updateRow(row);
      else plane.removeRow(row);
    });
    const graceMs = (): Millis => settings.streams.deleteGraceSeconds * 1_000;
    const life = new DirectoryLife({ store, graceMs, logger, clock: monotonicNow, unixNow: Date.now });
    life.start();
    const token = randomBytes(24).toString('hex');
    const carriers = new NodeCarriers(settings, logger);
    let preview: LoopbackPlayers | undefined;
    const snapshot = cached(() => plane.snapshot(), SNAPSHOT_AGE_MS);
    const quality = new QualityBook(settings.quality.mode, qualityRulesOf(settings.quality));
    const endJudging = judgeStreams(quality, plane, snapshot);
    try {
      const { directory } = store;
      let nodeControl: NodeControl | undefined;
      let open: OpenServers | undefined;
      const deps = {
        snapshot,
        control: plane,
        events: plane.events,
        directory,
        store,
        keys,
        carriers: carriers.lookup,
        quality: (publisherId: string) => quality.of(publisherId),
        hookFacts: () => hooks.facts(),
        historyOf: (publisherId: string) => open?.historyOf(publisherId),
        linkNames: new LinkNames(carriers.lookup),
        settings,
        plainHttp: new PlainHttpWarning(logger, monotonicNow),
        settingsState: () => nodeSettings.state,
        logger,
        clock: monotonicNow,
        unixNow: Date.now,
        controlStatus: () => nodeControl?.status,
        handOver: async (players: readonly string[]) => (await nodeControl?.handOver(players)) ?? false,
        version,
        srtPackage,
        runtimeToken: token,
        docs: new DocsLibrary(DOCS_DIR),
      };
      const { srtla, publish, play } = plane.snapshot().ports;
      const shares = await ShareStore.open(settings.dataDir);
      const portsNow = (): NodePorts => ({
        ...{ srtla, publish, play, stats: open?.stats.port ?? 0, links: open?.links.port ?? 0 },
        dashboard: open?.dashboard?.port,
      });
      const host = ownAddressOf(settings.bind);
      preview = settings.dashboard.preview ? new LoopbackPlayers(() => ({ host, port: play })) : undefined;
      const dashboardDeps = (watch: NodeWatch): DashboardDeps => ({
        ...deps,
        watch,
        shares,
        get publicHost() {
          return choosePublicHost(settings).host;
        },
        ports: portsNow,
        settingViews: () => settingValues(settings),
        pagesDir: PAGES_DIR,
        preview,
      });
      open = await openServers(deps, settings, settings.dashboard.enabled ? dashboardDeps : undefined);
      const { stats, links, dashboard, tls, watch } = open;
      const ports = {
        ...{ srtla, publish, play, stats: stats.port, links: links.port },
        ...(dashboard ? { dashboard: dashboard.port } : {}),
        ...(tls?.port ? { tls: tls.port } : {}),
      };
      if (testHooksAllowed()) obeyTestHooks(plane);
      const facts: RuntimeFacts = { pid: process.pid, token, host, ports };
      await writeDataFile(join(settings.dataDir, RUNTIME_FILE), `${JSON.stringify(facts)}\n`);
      const target = options.controlPlane ?? controlTargetOf(settings);
      nodeControl =
        target &&
        (await NodeControl.start({
          ...{ target, settings, plane, store, watch, snapshot, version, logger },
          ...{ carriers: deps.carriers, linkNames: deps.linkNames, ports: { stats: stats.port, links: links.port } },
        }));
      nodeSettings.tell({
        ...{ plane, salt, hooks, access, quality, carriers, keys, onGeneratedKey, logger },
        control: () => nodeControl,
      });
      const servers = [stats, links, ...(dashboard ? [dashboard] : []), ...(tls ? [tls] : [])];
      return new RelayNode({
        ...{ facts, dataDir, nodeSettings, logger, plane, store, life, carriers, preview, watch, servers, lock, hooks },
        control: nodeControl,
        endJudging,
      });
    } catch (error) {
      endJudging();
      carriers.stop();
      life.stop();
      await plane.stop();
      throw error;
    }
  }

  rows(): readonly Row[] {
    return this.#store.directory.rows();
  }

  snapshot(): DataPlaneSnapshot {
    return this.#plane.snapshot();
  }

  /** Takes new settings, or says in the log why not. */
  takeSettings(loaded: LoadedSettings | SettingProblems): void {
    this.#nodeSettings.take(loaded);
  }

  /** The control plane has begun, or is to be found elsewhere. */
  hurryControl(): void {
    this.#control?.hurry();
  }

  async stop(): Promise<void> {
    this.#logger.info('stopping');
    this.#endJudging();
    this.#life.stop();
    await this.#control?.stop();
    this.#carriers.stop();
    this.#preview?.close();
    this.#watch.noteStop();
    const ended = this.#plane.stop();
    // While players play out, whoever asks is told that the node is not ready. A slow HTTP client must not add its second to all of that.
    await Promise.race([ended, delay(HTTP_CLOSES_AFTER_MS, undefined, { ref: false })]);
    await Promise.all([ended, ...this.#servers.map((server) => server.close())]);
    await this.#hooks.stop(HOOKS_CLOSE_WITHIN_MS);
    await this.#forgetFacts();
    this.#lock.release();
    this.#logger.info('stopped');
  }

  /** Only what this node has written: another one may have been started on the folder since. */
  async #forgetFacts(): Promise<void> {
    const path = join(this.#dataDir, RUNTIME_FILE);
    const text = await readDataFile(path).catch(() => undefined);
    if (text?.includes(this.facts.token)) await removeDataFile(path);
  }
}
