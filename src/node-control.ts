import type { Settings } from './config/schema.ts';
import { ControlClient } from './control-client/control-client.ts';
import { ControlFile } from './control-client/control-file.ts';
import { MonthlyTraffic } from './control-client/monthly-traffic.ts';
import { PlaneHttp } from './control-client/plane-http.ts';
import { PlaneRows } from './control-client/plane-rows.ts';
import { ingestsOf, linkStreamsOf, sessionBytesOf } from './control-client/report.ts';
import { TrafficWarning } from './control-client/traffic-warning.ts';
import type { HeartbeatRequest, RegisterRequest } from './control-plane/protocol.ts';
import { commonNow } from './data-plane/common-clock.ts';
import type { DataPlaneHost } from './data-plane/host.ts';
import { type Millis, monotonicNow } from './shared/clock.ts';
import type { Logger } from './shared/logger.ts';
import { trafficPeriodOf } from './shared/traffic-period.ts';
import type { DirectoryFile } from './sls-bridge/directory-file.ts';
import { addressViewOf } from './stats/access.ts';
import { linksAnswer } from './stats/compat-links.ts';
import type { ControlStatus } from './stats/control-status.ts';
import type { StatsDeps } from './stats/deps.ts';
import type { NodeWatch } from './stats/node-watch.ts';
import { placeOfStream } from './stats/stream-place.ts';

/** The control plane of a node, and what the node shows it. */
export interface ControlTarget {
  serverId: string;
  nodeKey: string;
  /** Undefined while it is not known. */
  url: () => string | undefined;
  /** What clients are told where the settings have no public address: the plane sees the node on loopback. */
  publicIp?: string;
}

/** Of the settings; undefined where they name none. */
export const controlTargetOf = ({ control }: Settings): ControlTarget | undefined => {
  const { url, serverId, nodeKey } = control;
  return url === undefined || serverId === undefined || nodeKey === undefined
    ? undefined
    : { serverId, nodeKey, url: () => url };
};

export interface NodeControlOptions {
  target: ControlTarget;
  settings: Settings;
  plane: DataPlaneHost;
  store: DirectoryFile;
  watch: NodeWatch;
  carriers: StatsDeps['carriers'];
  linkNames: StatsDeps['linkNames'];
  snapshot: StatsDeps['snapshot'];
  /** TCP. */
  ports: { stats: number; links: number };
  version: string;
  logger: Logger;
}

const TRAFFIC_EVERY_MS: Millis = 5_000;
const TRAFFIC_STORED_EVERY_MS: Millis = 60_000;

/** A node's tie to its control plane: composes the client with what it reports and what it governs. */
export class NodeControl {
  readonly #file: ControlFile;
  readonly #client: ControlClient;
  readonly #rows: PlaneRows;
  readonly #traffic: MonthlyTraffic;
  readonly #options: NodeControlOptions;
  #timer: NodeJS.Timeout | undefined;
  readonly #warning: TrafficWarning;
  #storedMs: Millis = monotonicNow();

  private constructor(options: NodeControlOptions, file: ControlFile) {
    const { target, plane, store, version, logger } = options;
    this.#options = options;
    this.#warning = new TrafficWarning(options.logger);
    this.#file = file;
    this.#traffic = new MonthlyTraffic(
      trafficPeriodOf(Date.now(), options.settings.traffic.resetDay),
      file.state.traffic,
    );
    const { instance } = file.state;
    this.#rows = new PlaneRows({
      store,
      file,
      settled: () => plane.settled(),
      onHeld: (held) => {
        logger.error('the control plane takes many stream ids away at once: they stay until it confirms that', {
          rows: held.length,
        });
        for (const { publisher } of held)
          plane.events.add({ atMs: commonNow(), wallMs: Date.now(), publisherId: publisher, type: 'removal-held' });
      },
      clock: monotonicNow,
      logger,
    });
    this.#client = new ControlClient({
      http: new PlaneHttp({ ...target, instance, version }),
      rows: this.#rows,
      instance,
      facts: () => this.#facts(),
      vitals: () => this.#vitals(),
      linkStreams: () => this.#linkStreams(),
      clock: monotonicNow,
      random: Math.random,
      logger,
    });
  }

  /** Begins to look for the plane, and waits for nothing. @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE */
  static async start(options: NodeControlOptions): Promise<NodeControl> {
    const { settings, logger } = options;
    const file = await ControlFile.open(settings.dataDir, logger);
    // The plane tells a node that was started anew from another one with its name: it must be the same after a crash.
    await file.trySave({}, logger);
    const control = new NodeControl(options, file);
    control.#client.start();
    control.#timer = setInterval(() => control.#lookAtTraffic(), TRAFFIC_EVERY_MS).unref();
    return control;
  }

  get status(): ControlStatus {
    return this.#client.status;
  }

  /** Rows of the node's own that the plane may take over. @returns false where no plane governs the node yet @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE */
  handOver(players: readonly string[]): Promise<boolean> {
    return this.#rows.handOver(players);
  }

  /** The plane has begun, or has moved. */
  hurry(): void {
    this.#client.hurry();
  }

  /** After the settings have changed. */
  settingsChanged(): void {
    this.#lookAtTraffic();
    this.#client.factsChanged();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#lookAtTraffic();
    await this.#client.stop();
    await this.#file.trySave({ traffic: this.#traffic.traffic }, this.#options.logger);
  }

  #lookAtTraffic(): void {
    const { settings, snapshot, logger } = this.#options;
    this.#traffic.look(sessionBytesOf(snapshot()), trafficPeriodOf(Date.now(), settings.traffic.resetDay));
    this.#warning.look(this.#traffic.traffic, settings.traffic.count, settings.control.monthlyCapGb);
    const now = monotonicNow();
    if (now - this.#storedMs < TRAFFIC_STORED_EVERY_MS) return;
    this.#storedMs = now;
    void this.#file.trySave({ traffic: this.#traffic.traffic }, logger);
  }

  #facts(): ReturnType<ConstructorParameters<typeof ControlClient>[0]['facts']> {
    const { target, settings, snapshot, ports, version } = this.#options;
    const { control, publicHost } = settings;
    const publicIp = settings.publicIp ?? target.publicIp;
    const { srtla, publish, play } = snapshot().ports;
    const facts: Omit<RegisterRequest, 'protocol' | 'serverId' | 'instance'> = {
      version,
      region: control.region ?? '',
      provider: control.provider ?? '',
      ...(publicIp === undefined ? {} : { publicIp }),
      ...(settings.publicIp6 === undefined ? {} : { publicIp6: settings.publicIp6 }),
      ...(publicHost === undefined ? {} : { publicHost }),
      ports: { srtla, publish, play, ...ports },
      limits: {
        maxSessions: control.maxSessions,
        ...(control.monthlyCapGb > 0
          ? { monthlyCapBytes: Math.min(control.monthlyCapGb * 1e9, Number.MAX_SAFE_INTEGER) }
          : {}),
        resetDay: settings.traffic.resetDay,
        count: settings.traffic.count,
        ...(settings.traffic.sustainedMbps > 0 ? { sustainedKbps: settings.traffic.sustainedMbps * 1_000 } : {}),
        ...(control.portMbps > 0 ? { portKbps: control.portMbps * 1_000 } : {}),
      },
      ...(control.position ? { position: control.position } : {}),
    };
    return facts;
  }

  #vitals(): Omit<HeartbeatRequest, 'planeId' | 'generation' | 'held'> {
    const { snapshot, watch, carriers } = this.#options;
    const view = snapshot();
    this.#lookAtTraffic();
    const { month, receivedBytes, sentBytes } = this.#traffic.traffic;
    return {
      uptimeMs: Math.round(view.uptimeMs),
      unixMs: Date.now(),
      draining: watch.draining,
      notReady: [...watch.notReady],
      score: watch.score,
      parts: { ...watch.healthParts },
      sessions: {
        publishers: view.publishers.length,
        players: view.players.length,
        groups: view.srtla.groups.length,
      },
      traffic: { month, receivedBytes: Math.round(receivedBytes), sentBytes: Math.round(sentBytes) },
      ingesting: ingestsOf(view, (group) => placeOfStream(group.links, carriers)).filter(({ publisher }) =>
        this.#rows.knows(publisher),
      ),
    };
  }

  #linkStreams(): ReturnType<typeof linkStreamsOf> {
    const { snapshot, linkNames, carriers } = this.#options;
    const view = snapshot();
    // As whoever has a player id sees them: without the part of each address that points at a person.
    return linkStreamsOf(
      view,
      (publisherId) =>
        linksAnswer(view, {
          mode: 'managed',
          publisherCount: 0,
          publisherOfPlayer: () => publisherId,
          privileged: false,
          addresses: addressViewOf(undefined),
          streamId: publisherId,
          names: linkNames,
          databases: carriers.databases,
        }).groups[0]?.connections ?? [],
    ).filter(({ publisher }) => this.#rows.knows(publisher));
  }
}
