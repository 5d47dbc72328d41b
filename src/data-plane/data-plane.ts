import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { AccessRow } from '../sls-bridge/access.ts';
import { srtBindAddresses } from '../sls-bridge/bind-addresses.ts';
import { type Refusal, SlsBridge } from '../sls-bridge/bridge.ts';
import type { AccessQuestion } from '../sls-bridge/held-callers.ts';
import type { Player, Publisher } from '../sls-bridge/sessions.ts';
import type { SrtEngineFactory } from '../sls-bridge/srt-engine.ts';
import type { StreamEvent, StreamHappening } from '../sls-bridge/stream-event.ts';
import { createSrtlaShell, type SrtlaReceiver } from '../srtla/index.ts';
import type { SrtlaEvent, SrtlaSettings, SrtlaSnapshot } from '../srtla/types.ts';
import { LinkEvents } from './link-events.ts';
import type { DataPlaneSettings } from './settings.ts';
import type { DataPlaneSnapshot } from './snapshot.ts';
import { logStreamEvent } from './stream-log.ts';

export interface DataPlaneDeps {
  settings: DataPlaneSettings;
  engine: SrtEngineFactory & { readonly version: string };
  logger: Logger;
  clock: () => Millis;
  /** Unix ms. */
  wallClock: () => number;
  onStreamEvent: (event: StreamEvent) => void;
  /** With `asksAccess` of the bridge: `answer` has to follow. */
  onQuestion: (question: AccessQuestion) => void;
}

const SECOND_MS = 1_000;
const ADDRESS_CHECK_MS = 10_000;
/** SHUTDOWNs cross loopback and leave on every active link within this. */
const SHUTDOWN_FLUSH_MS = 200;
const STOP_LIMIT_MS = 4_000;

/**
 * Everything that moves packets: the SRTLA receiver and the SRT bridge, and the wiring between them. Nothing here parses JSON,
 * serves HTTP or touches the disk.
 */
export class DataPlane {
  readonly #deps: DataPlaneDeps;
  /** What the core reads: see `configure`. */
  readonly #srtla: SrtlaSettings;
  readonly #bridge: SlsBridge;
  #shell: SrtlaReceiver | undefined;
  #timers: NodeJS.Timeout[] = [];
  readonly #links: LinkEvents;

  constructor(deps: DataPlaneDeps) {
    this.#deps = deps;
    this.#srtla = { ...deps.settings.srtla };
    this.#bridge = new SlsBridge({
      engine: deps.engine,
      settings: deps.settings.bridge,
      logger: deps.logger,
      clock: deps.clock,
      wallClock: deps.wallClock,
      onEvent: (publisherId, happening) => this.#happened(publisherId, happening),
      ask: deps.onQuestion,
    });
    this.#links = new LinkEvents({
      publisherOf: (socket) => this.#bridge.publisher(socket)?.publisherId,
      meantBy: (streamId) => this.#bridge.publisherMeantBy(streamId),
      tell: (publisherId, happening, atMs) => this.#tell(publisherId, happening, atMs),
    });
  }

  /** @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED; nothing stays open then. */
  async start(rows: readonly AccessRow[]): Promise<void> {
    const { settings, logger, clock } = this.#deps;
    for (const row of rows) this.#bridge.addRow(row);
    const addresses = srtBindAddresses(settings.bind, networkInterfaces());
    this.#bridge.open(addresses);
    try {
      this.#shell = await createSrtlaShell({
        addresses,
        ports: settings.srtla.ports,
        settings: this.#srtla,
        bondHost: '127.0.0.1',
        bondPort: () => this.#bridge.port('bond'),
        ...(this.#bridge.inside ? { inside: this.#bridge.inside } : {}),
        udpBufferBytes: settings.udpBufferBytes,
        transport: settings.srtla.transport,
        coalesceMs: settings.srtla.coalesceMs,
        hopLoss: settings.hopLoss,
        // Looking more seldom than the bridge would be woken saves nothing worth the delay.
        ...(settings.srtla.coalesceMs <= settings.bridge.tickMs ? { visited: this.#bridge } : {}),
        random: randomBytes,
        clock,
        logger,
        onEvent: (event) => this.#srtlaEvent(event),
      });
    } catch (error) {
      this.#bridge.close();
      throw error;
    }
    this.#timers.push(setInterval(() => this.#tick(), SECOND_MS));
    const isSpelledOut = addresses.some((address) => !settings.bind.includes(address));
    if (isSpelledOut) this.#timers.push(setInterval(() => this.#followAddresses(), ADDRESS_CHECK_MS));
  }

  /** Takes the times and ceilings of other settings; what the sockets were opened with stays. */
  configure({ srtla, bridge }: DataPlaneSettings): void {
    const { linkTimeoutMs, groupTimeoutMs, sessionTimeoutMs, maxGroupKbps, maxGroupPacketsPerSecond, ackFlushMs } =
      srtla;
    Object.assign(this.#srtla, {
      ...{ linkTimeoutMs, groupTimeoutMs, sessionTimeoutMs, maxGroupKbps, maxGroupPacketsPerSecond, ackFlushMs },
    });
    this.#bridge.configure(bridge);
  }

  addRow(row: AccessRow): void {
    this.#bridge.addRow(row);
  }

  updateRow(row: AccessRow): void {
    this.#bridge.updateRow(row);
  }

  removeRow(row: AccessRow): void {
    this.#bridge.removeRow(row);
  }

  kickPublisher(publisherId: string): void {
    this.#bridge.kickPublisher(publisherId);
  }

  kickPlayers(playerId: string): void {
    this.#bridge.kickPlayers(playerId);
  }

  kickSocket(key: string): void {
    this.#bridge.kickSocket(key);
  }

  answer(socket: number, isAllowed: boolean): void {
    this.#bridge.answer(socket, isAllowed);
  }

  drain(on: boolean): void {
    this.#bridge.drain(on);
  }

  get ports(): DataPlaneSnapshot['ports'] {
    return {
      srtla: this.#shell ? [...this.#shell.ports] : [],
      publish: this.#bridge.port('publish'),
      bond: this.#bridge.port('bond'),
      play: this.#bridge.port('play'),
    };
  }

  get counters(): Readonly<Record<string, number>> {
    const { counters, doorCounts, queuedEvents } = this.#bridge;
    return { ...counters, ...doorCounts.values, srtEventsQueued: queuedEvents };
  }

  get lastRefusal(): Refusal | undefined {
    return this.#bridge.lastRefusal;
  }

  srtla(now: Millis): SrtlaSnapshot {
    if (!this.#shell) return { groups: [], counters: {} };
    const snapshot = this.#shell.snapshot(now);
    // Whoever shows a group by its stream means the id, in whatever dialect the encoder has given it.
    for (const group of snapshot.groups)
      if (group.streamId !== undefined) group.streamId = this.#bridge.publisherIdOf(group.streamId) ?? group.streamId;
    return snapshot;
  }

  publishers(): Iterable<Publisher> {
    return this.#bridge.publishers();
  }

  players(): Iterable<Player> {
    return this.#bridge.players();
  }

  /** Somebody publishes or plays. */
  get isBusy(): boolean {
    return this.#bridge.hasSessions;
  }

  /** The bonded group that a publisher comes through; undefined for a plain one, and once its session is over. */
  groupOf(publisher: Publisher): string | undefined {
    return publisher.source === 'srtla' ? this.#shell?.groupOfServerSocket(publisher.socket) : undefined;
  }

  /** `SRT_STATS_FIELDS` in order; `out` keeps what it held when the socket is gone. */
  readStats(of: Publisher | Player, out: Float64Array): boolean {
    return this.#bridge.stats(of, out);
  }

  /** Admit nobody, tell encoders, let players play out, then close. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    this.#bridge.stopAdmitting();
    const playOutMs = Math.min(STOP_LIMIT_MS, this.#bridge.longestPlayerLatencyMs());
    this.#bridge.closePublishers();
    await elapse(SHUTDOWN_FLUSH_MS);
    if (playOutMs > SHUTDOWN_FLUSH_MS) await elapse(playOutMs - SHUTDOWN_FLUSH_MS);
    await this.#shell?.close();
    this.#bridge.close();
  }

  /** The machine may have got or lost an address. */
  #followAddresses(): void {
    const addresses = srtBindAddresses(this.#deps.settings.bind, networkInterfaces(), true);
    this.#bridge.adjust(addresses);
    void this.#shell?.adjust(addresses);
  }

  #tick(): void {
    const now = this.#deps.clock();
    this.#bridge.tick(now);
    this.#links.tick(now);
  }

  #happened(publisherId: string, happening: StreamHappening): void {
    this.#tell(publisherId, happening, this.#deps.clock());
    if (happening.type === 'publisher-up') this.#links.publisherUp();
  }

  #tell(publisherId: string, happening: StreamHappening, atMs: Millis): void {
    const { clock, wallClock, logger, onStreamEvent } = this.#deps;
    const wallMs = Math.round(wallClock() - (clock() - atMs));
    const event: StreamEvent = { atMs, wallMs, publisherId, ...happening };
    logStreamEvent(logger, event);
    onStreamEvent(event);
  }

  #srtlaEvent(event: SrtlaEvent): void {
    if (event.type === 'session-superseded') this.#bridge.yieldBonded(event.serverSocket);
    else if (event.type === 'group-created' || event.type === 'group-ended')
      this.#deps.logger.debug(event.type, { group: event.group });
    this.#links.take(event, this.#deps.clock());
  }
}

const elapse = (ms: Millis): Promise<void> => new Promise((done) => setTimeout(done, ms));
