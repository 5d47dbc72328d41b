import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { publicStreamName, shortenId } from '../shared/redact.ts';
import { type AccessRow, AccessTable } from './access.ts';
import { Hub } from './hub.ts';
import { type Door, DoorListeners } from './listeners.ts';
import { Player, Publisher } from './sessions.ts';
import type { SrtEngine, SrtEngineFactory, SrtEvent } from './srt-engine.ts';

type Refuse = 'close' | 'reject';

export interface BridgeSettings {
  publishPort: number;
  playPort: number;
  bondPort: number;
  refuse: { publish: Refuse; play: Refuse; bond: Refuse };
  latencyFloorMs: Millis;
  latencyCeilingMs: Millis;
  peerIdleTimeoutMs: Millis;
  takeoverSilenceMs: Millis;
  tickMs: Millis;
  udpBufferBytes: number;
  /** 0 = players wait for their publisher without limit. */
  playerWaitMs: Millis;
  playersPerId: number;
}

export type BridgeEvent =
  | { type: 'publisher-up'; publisher: Publisher }
  | { type: 'publisher-down'; publisher: Publisher }
  | { type: 'player-up'; player: Player }
  | { type: 'player-down'; player: Player };

/** The last refused caller. */
export interface Refusal {
  atMs: Millis;
  door: Door;
  shortId: string;
  code: number;
}

export interface BridgeDeps {
  engine: SrtEngineFactory;
  settings: BridgeSettings;
  logger: Logger;
  clock: () => Millis;
  onEvent: (event: BridgeEvent) => void;
}

/** Our own code beside srt's 1400s: the caller wants more latency than the node allows (406 = unacceptable). */
const REJECT_LATENCY = 1406;
/** Behind SRTLA packets come out of order; until they are put in order, libsrt must be patient. */
const BOND_REORDER_TOLERANCE_PACKETS = 200;
const SLOTS = 1024;
/** Latency × bitrate that one session may hold: 10 s at 25 Mbit/s. libsrt takes the memory only as it is used. */
const SESSION_BUFFER_BYTES = 32 * 1024 * 1024;
const FLOW_WINDOW_PACKETS = 25_600;
const CLOSES_PER_MINUTE = 5;
const PASSPHRASE_TRIES_PER_SECOND = 1;
const BACKLOG = 100;

/**
 * The SRT side of a node: three listeners, admission by stream id, and the hub between them. Owns the engine; everything it does
 * happens in `pump`, which the engine's wake-up calls, and in `tick`.
 */
export class SlsBridge {
  readonly counters = { accepted: 0, refused: 0, takeovers: 0, messages: 0, wakeups: 0 };
  lastRefusal: Refusal | undefined;
  readonly #deps: BridgeDeps;
  readonly #engine: SrtEngine;
  readonly #hub: Hub;
  readonly #access: AccessTable;
  readonly #doors: Record<Door, DoorListeners>;
  #stopping = false;

  constructor(deps: BridgeDeps) {
    this.#deps = deps;
    const { settings } = deps;
    this.#engine = deps.engine.create({
      tickMs: settings.tickMs,
      slots: SLOTS,
      takeoverSilenceMs: settings.takeoverSilenceMs,
      onWake: () => this.pump(),
    });
    this.#hub = new Hub(this.#engine);
    this.#access = new AccessTable(this.#engine, settings.playersPerId);
    const door = (name: Door, port: number, portSetting: string): DoorListeners =>
      new DoorListeners(name, this.#engine, { port, portSetting, listen: listenOptions(name, settings) }, deps.logger);
    this.#doors = {
      publish: door('publish', settings.publishPort, 'SRT_SENDER_PORT'),
      bond: door('bond', settings.bondPort, 'TRIBUTARY_SRT_BOND_PORT'),
      play: door('play', settings.playPort, 'SRT_PLAYER_PORT'),
    };
  }

  /** @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED; the engine is disposed then. */
  open(addresses: readonly string[]): void {
    try {
      this.#doors.bond.open(['127.0.0.1']);
      this.#doors.publish.open(addresses);
      this.#doors.play.open(addresses);
    } catch (error) {
      this.#engine.dispose();
      throw error;
    }
  }

  adjust(addresses: readonly string[]): void {
    this.#doors.publish.adjust(addresses);
    this.#doors.play.adjust(addresses);
  }

  port(door: Door): number {
    return this.#doors[door].port;
  }

  publishers(): Iterable<Publisher> {
    return this.#hub.publishers();
  }

  players(): Iterable<Player> {
    return this.#hub.players();
  }

  /** libsrt's statistics of a socket into `out`; false when it is gone. */
  stats(socket: number, out: Float64Array): boolean {
    return this.#engine.stats(socket, out);
  }

  addRow(row: AccessRow): void {
    this.#access.add(row);
  }

  /** Running sessions go on; players that wait are sent away. */
  removeRow(row: AccessRow): void {
    this.#access.remove(row);
    this.#hub.revokePlayerId(row.player);
  }

  /** The bonded encoder behind this socket has begun anew: its old session may be replaced at once. */
  yieldBonded(socket: number): void {
    if (this.#hub.publisher(socket)?.source === 'srtla') this.#engine.yieldPublisher(socket);
  }

  /** Takes everything the engine has ready. */
  pump(): void {
    const now = this.#deps.clock();
    this.counters.wakeups++;
    for (const event of this.#engine.takeEvents()) this.#handle(event, now);
    for (let runs = this.#engine.receive(); runs > 0; runs = this.#engine.receive()) {
      const table = this.#engine.runs;
      for (let at = 0; at < runs * 3; at += 3) {
        this.counters.messages += table[at + 2]!;
        this.#hub.deliver(table[at]!, table[at + 1]!, table[at + 2]!, now);
      }
    }
    for (const event of this.#engine.takeEvents()) this.#handle(event, now);
    this.#engine.rearm();
  }

  /** Second-scale deadlines, and libsrt's log. */
  tick(now: Millis): void {
    this.#hub.closeIdlePlayers(this.#deps.settings.playerWaitMs, now);
    const log = this.#engine.takeLog();
    for (const line of log.lines) this.#deps.logger.debug('libsrt', { level: line.level, text: line.text });
    if (log.dropped > 0) this.#deps.logger.debug('libsrt wrote more than was kept', { dropped: log.dropped });
  }

  /** Nobody new is admitted any more. */
  stopAdmitting(): void {
    this.#stopping = true;
    this.#engine.refuseAll(true);
  }

  /** Tells every encoder that the session is over. */
  closePublishers(): void {
    for (const publisher of this.#hub.publishers()) this.#engine.close(publisher.socket);
  }

  /** The longest latency among the players: until then their buffers still play. */
  longestPlayerLatencyMs(): Millis {
    let longest = 0;
    for (const player of this.#hub.players())
      if (player.sentMessages > 0) longest = Math.max(longest, player.latencyMs);
    return longest;
  }

  close(): void {
    this.#engine.dispose();
  }

  #handle(event: SrtEvent, now: Millis): void {
    switch (event.type) {
      case 'accepted':
        this.#accepted(event, now);
        break;
      case 'refused':
        this.#refused(this.#doorOf(event.listener), event.streamId, event.code, event.address, now);
        break;
      case 'broken': {
        const publisher = this.#hub.publisher(event.socket);
        if (publisher) publisher.ending = true;
        break;
      }
      case 'ended':
        this.#ended(event.socket, now);
        break;
      default:
        break;
    }
  }

  #accepted(event: Extract<SrtEvent, { type: 'accepted' }>, now: Millis): void {
    const door = this.#doorOf(event.listener);
    const { settings, logger } = this.#deps;
    if (event.latencyMs > settings.latencyCeilingMs) {
      this.#refused(door, event.streamId, REJECT_LATENCY, event.address, now);
      this.#engine.close(event.socket);
      return;
    }
    this.counters.accepted++;
    if (door === 'play') this.#acceptedPlayer(event, now);
    else {
      if (event.replaces !== 0) this.counters.takeovers++;
      const publisher = new Publisher({
        ...event,
        publisherId: event.streamId,
        source: door === 'bond' ? 'srtla' : 'srt',
        sinceMs: now,
      });
      this.#hub.addPublisher(publisher);
      logger.info('publisher connected', {
        stream: publicStreamName(event.streamId),
        source: publisher.source,
        latencyMs: event.latencyMs,
        takeover: event.replaces !== 0,
      });
      this.#deps.onEvent({ type: 'publisher-up', publisher });
    }
  }

  #acceptedPlayer(event: Extract<SrtEvent, { type: 'accepted' }>, now: Millis): void {
    const publisherId = this.#access.publisherOf(event.streamId);
    if (publisherId === undefined || this.#stopping) {
      this.#engine.close(event.socket);
      return;
    }
    const player = new Player({ ...event, playerId: event.streamId, publisherId, sinceMs: now });
    this.#hub.addPlayer(player);
    this.#deps.logger.info('player connected', { stream: publicStreamName(publisherId), latencyMs: event.latencyMs });
    this.#deps.onEvent({ type: 'player-up', player });
  }

  #ended(socket: number, now: Millis): void {
    const gone = this.#hub.remove(socket, now);
    if (!gone) return;
    const seconds = Math.round((now - gone.sinceMs) / 1000);
    const stream = publicStreamName(gone.publisherId);
    if (gone instanceof Publisher) {
      this.#deps.logger.info('publisher left', { stream, source: gone.source, seconds, messages: gone.messages });
      this.#deps.onEvent({ type: 'publisher-down', publisher: gone });
    } else {
      this.#deps.logger.info('player left', {
        stream,
        seconds,
        messages: gone.sentMessages,
        dropped: gone.droppedMessages,
      });
      this.#deps.onEvent({ type: 'player-down', player: gone });
    }
  }

  #refused(door: Door, streamId: string, code: number, address: string, now: Millis): void {
    this.counters.refused++;
    this.lastRefusal = { atMs: now, door, shortId: shortenId(streamId), code };
    this.#deps.logger.debug('caller refused', { door, id: shortenId(streamId), code, address });
  }

  #doorOf(listener: number): Door {
    if (this.#doors.play.has(listener)) return 'play';
    return this.#doors.bond.has(listener) ? 'bond' : 'publish';
  }
}

const listenOptions = (door: Door, settings: BridgeSettings) => ({
  role: door === 'play' ? ('play' as const) : ('publish' as const),
  refuse: settings.refuse[door],
  closesPerMinute: CLOSES_PER_MINUTE,
  // All bonded encoders come from loopback; the SRTLA core knows their addresses, and holds them back itself.
  passphraseTriesPerSecond: door === 'bond' ? 0 : PASSPHRASE_TRIES_PER_SECOND,
  latencyFloorMs: door === 'play' ? 0 : settings.latencyFloorMs,
  reorderTolerancePackets: door === 'bond' ? BOND_REORDER_TOLERANCE_PACKETS : 0,
  peerIdleTimeoutMs: settings.peerIdleTimeoutMs,
  bufferBytes: SESSION_BUFFER_BYTES,
  flowWindowPackets: FLOW_WINDOW_PACKETS,
  udpBufferBytes: settings.udpBufferBytes,
  backlog: BACKLOG,
});
