import { isDeepStrictEqual } from 'node:util';
import type { Millis } from '../shared/clock.ts';
import type { InsideServer } from '../shared/inside-server.ts';
import { enoughForPlayerMs } from '../shared/latency-budget.ts';
import type { Logger } from '../shared/logger.ts';
import { maskedAddress, maskedText } from '../shared/masked-address.ts';
import { shortenId } from '../shared/redact.ts';
import { type AccessRow, AccessTable } from './access.ts';
import { DoorCounts } from './door-counts.ts';
import { listenOptions } from './door-options.ts';
import type { GopCacheLimits } from './gop-cache.ts';
import { type AccessQuestion, HeldCallers } from './held-callers.ts';
import { Hub } from './hub.ts';
import { type Door, DoorListeners } from './listeners.ts';
import { Pulls } from './pulls.ts';
import { Refusals } from './refusals.ts';
import { SessionChecks } from './session-checks.ts';
import { Player, Publisher } from './sessions.ts';
import type { BridgeSettings } from './settings.ts';
import { SRT_STATS_FIELDS, type SrtEngine, type SrtEngineFactory, type SrtEvent } from './srt-engine.ts';
import type { LeaveReason, StreamHappening } from './stream-event.ts';

export type { BridgeSettings } from './settings.ts';

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
  /** Unix ms. */
  wallClock: () => number;
  onEvent: (publisherId: string, happening: StreamHappening) => void;
  /** With `asksAccess` whoever has an id is asked for here, and `answer` has to follow. */
  ask?: (question: AccessQuestion) => void;
}

const gopOf = ({ playerJoin, gopMaxBytes, gopMaxMs }: BridgeSettings): GopCacheLimits | undefined =>
  playerJoin === 'last-key-frame' ? { maxBytes: gopMaxBytes, maxMs: gopMaxMs } : undefined;

type Accepted = Extract<SrtEvent, { type: 'accepted' }>;
type Caller = Pick<Accepted, 'streamId' | 'address'>;

const SLOTS = 1024;
/** srt's code for who is not authorised. */
const DENIED_CODE = 1401;
/** A connection that was given up for its silence has been silent for nearly the idle timeout: arrivals are seen every 200 ms. */
const TIMEOUT_MARGIN_MS: Millis = 500;
/** Visits come every 2 ms or so: the one that is nearest to the tick is taken. */
const VISIT_MARGIN_MS: Millis = 1;
const ARRIVALS = SRT_STATS_FIELDS.indexOf('pktRecvUniqueTotal');

/**
 * The SRT side of a node: three listeners, admission by stream id, and the hub between them. Owns the engine; everything it does
 * happens in `pump`, which the engine's wake-up calls, in `tick`, and in the commands.
 */
export class SlsBridge {
  readonly counters = {
    accepted: 0,
    refused: 0,
    takeovers: 0,
    messages: 0,
    wakeups: 0,
    kicked: 0,
    slowPlayers: 0,
    bitrateClosed: 0,
  };
  readonly doorCounts = new DoorCounts();
  lastRefusal: Refusal | undefined;
  readonly #deps: Omit<BridgeDeps, 'settings'>;
  #settings: BridgeSettings;
  #gop: GopCacheLimits | undefined;
  readonly #engine: SrtEngine;
  readonly #hub: Hub;
  readonly #access: AccessTable;
  readonly #checks: SessionChecks;
  readonly #refusals: Refusals;
  readonly #held = new HeldCallers();
  readonly #pulls: Pulls;
  readonly #doors: Record<Door, DoorListeners>;
  /** See `visit`. */
  #isVisited = false;
  #nextVisitMs: Millis = 0;
  #stopping = false;
  #draining = false;

  constructor(deps: BridgeDeps) {
    this.#deps = deps;
    const { settings } = deps;
    this.#settings = settings;
    this.#gop = gopOf(settings);
    this.#engine = deps.engine.create({
      tickMs: settings.tickMs,
      slots: SLOTS,
      takeoverSilenceMs: settings.takeoverSilenceMs,
      onWake: () => this.pump(),
    });
    this.#hub = new Hub(this.#engine, () => this.#gop);
    this.#access = new AccessTable(this.#engine, settings);
    this.#refusals = new Refusals({
      access: this.#access,
      isDraining: () => this.#draining || this.#stopping,
      tell: deps.onEvent,
    });
    this.#checks = new SessionChecks({
      slowPolicy: () => this.#settings.playerSlow,
      stats: (of, out) => this.stats(of, out),
      ceilingKbps: (publisherId) => this.#access.ceilingKbps(publisherId),
      cut: (session, why) => this.#cut(session, why),
      hold: (player) => this.#hub.hold(player),
      resume: (player) => this.#hub.resume(player),
      tell: deps.onEvent,
    });
    this.#pulls = new Pulls({
      connect: (options) => this.#engine.connect({ ...options, peerIdleTimeoutMs: settings.peerIdleTimeoutMs }),
      close: (socket) => this.#engine.close(socket),
      isSentHere: (publisherId) => this.#isSentHere(publisherId),
      isActive: (publisherId, socket) => this.#hub.isActive(publisherId, socket),
      onFailure: (publisherId, address, why) =>
        deps.logger.warn('a stream cannot be read from its former node; it is tried again', {
          ...{ stream: shortenId(publisherId), address: maskedAddress(address), reason: why },
        }),
    });
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

  /** Where bonded encoders' packets go to without a socket; undefined where they need one, to the port of the door. */
  get inside(): InsideServer | undefined {
    return this.#settings.engine.bond === 'direct' ? this.#engine.inside : undefined;
  }

  /** Without connections to other nodes that have brought nothing yet: nobody may be sending there. */
  *publishers(): Iterable<Publisher> {
    for (const publisher of this.#hub.publishers())
      if (publisher.source !== 'pull' || publisher.messages > 0) yield publisher;
  }

  players(): Iterable<Player> {
    return this.#hub.players();
  }

  /** Somebody publishes or plays. */
  get hasSessions(): boolean {
    return this.#hub.hasSessions;
  }

  /** The publisher behind an SRT socket. */
  publisher(socket: number): Publisher | undefined {
    return this.#hub.publisher(socket);
  }

  /** The publisher id that an encoder with this stream id is let in as, in whatever dialect. */
  publisherIdOf(streamId: string): string | undefined {
    return this.#access.publisherIdOf(streamId);
  }

  /** The stream that an encoder has meant by its stream id, even if it is a player's; undefined = nobody's. */
  publisherMeantBy(streamId: string): string | undefined {
    return this.#access.meantBy(streamId, 'publish');
  }

  /** libsrt's statistics of a session into `out`; false when its socket is gone. */
  stats(of: Publisher | Player, out: Float64Array): boolean {
    if (!this.#engine.stats(of.socket, out)) return false;
    if (of instanceof Publisher) of.noteArrivals(out[ARRIVALS]!, this.#deps.clock());
    return true;
  }

  /**
   * Other settings. Those of the listeners and the engine (ports, `refuse`, `engine`, `sharesLatency`, `peerIdleTimeoutMs`,
   * `takeoverSilenceMs`, `tickMs`, `udpBufferBytes`) stay as they were.
   */
  configure(settings: BridgeSettings): void {
    const { peerIdleTimeoutMs, tickMs, engine, sharesLatency } = this.#settings;
    this.#settings = { ...settings, peerIdleTimeoutMs, tickMs, engine, sharesLatency };
    const gop = gopOf(settings);
    if (!isDeepStrictEqual(gop, this.#gop)) this.#gop = gop;
    this.#access.configure(settings);
  }

  addRow(row: AccessRow): void {
    this.#access.put(row, this.#deps.wallClock());
    this.#pulls.put(row, this.#deps.clock());
  }

  /** Ceiling and expiry hold for live sessions at once, the other limits for those that come. */
  updateRow(row: AccessRow): void {
    const before = this.#access.publisherOf(row.player);
    this.#access.put(row, this.#deps.wallClock());
    if (before !== row.publisher) this.#pulls.remove(row.player);
    this.#pulls.put(row, this.#deps.clock());
    if (before !== undefined && before !== row.publisher) {
      this.#cutPlayers(row.player, 'revoked');
      if (!this.#access.hasPublisher(before)) this.#cutPublisher(before, 'revoked');
    }
    if (this.#access.isExpired(row.player)) this.#cutPlayers(row.player, 'expired');
    if (this.#access.isExpired(row.publisher)) this.#cutPublisher(row.publisher, 'expired');
  }

  /** Cuts the players of the row and, where it was the last row of its publisher id, the publisher. */
  removeRow(row: AccessRow): void {
    this.#pulls.remove(row.player);
    const removed = this.#access.remove(row.player);
    if (!removed) return;
    this.#cutPlayers(row.player, 'revoked');
    if (removed.wasLast) this.#cutPublisher(removed.publisher, 'revoked');
  }

  kickPublisher(publisherId: string): void {
    this.#cutPublisher(publisherId, 'kicked');
  }

  kickPlayers(playerId: string): void {
    this.#cutPlayers(playerId, 'kicked');
  }

  /** @param key of a player: see `Player.key` */
  kickSocket(key: string): void {
    for (const player of this.#hub.players()) if (player.key === key) this.#cut(player, 'kicked');
  }

  /** The answer to a question. A caller that is gone by now is passed over. */
  answer(socket: number, isAllowed: boolean): void {
    const event = this.#held.release(socket);
    if (!event) return;
    if (isAllowed) this.#enter(event, this.#deps.clock());
    else this.#turnAway(event, this.#deps.clock());
  }

  /** While on, nobody new may publish. */
  drain(on: boolean): void {
    this.#draining = on;
    this.#engine.refusePublishers(on);
  }

  /** The bonded encoder behind this socket has begun anew: its old session may be replaced at once. */
  yieldBonded(socket: number): void {
    if (this.#hub.publisher(socket)?.source === 'srtla') this.#engine.yieldPublisher(socket);
  }

  /** Events of the engine that wait for `pump`. */
  get queuedEvents(): number {
    return this.#engine.queuedEvents();
  }

  /** Takes everything the engine has ready. */
  pump(): void {
    this.#take(this.#deps.clock());
    // Whoever visits needs no waking.
    if (!this.#isVisited) this.#engine.rearm();
  }

  /**
   * Instead of wake-ups of the engine's own: this thread comes by every few ms anyway, because the links are busy. A thread that sleeps
   * until something is due, and then wakes this one, costs more than looking.
   */
  visit(now: Millis): void {
    this.#isVisited = true;
    if (now < this.#nextVisitMs) return;
    this.#nextVisitMs = now + this.#settings.tickMs - VISIT_MARGIN_MS;
    this.#engine.look();
    this.#take(now);
  }

  /** No more visits: the engine wakes this thread again. */
  leave(): void {
    if (!this.#isVisited) return;
    this.#isVisited = false;
    this.pump();
  }

  #take(now: Millis): void {
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
  }

  /** Second-scale deadlines, and libsrt's log. */
  tick(now: Millis): void {
    const expired = this.#access.expire(this.#deps.wallClock());
    for (const player of expired.players) this.#cutPlayers(player, 'expired');
    for (const publisher of expired.publishers) this.#cutPublisher(publisher, 'expired');
    for (const publisher of this.#hub.publishers()) {
      this.#tellPulled(publisher);
      this.#checks.publisher(publisher, now);
    }
    for (const player of this.#hub.players()) this.#checks.player(player, now);
    this.#pulls.tick(now);
    this.#hub.closeIdlePlayers(this.#settings.playerWaitMs, now);
    for (const socket of this.#held.overdue(now)) this.answer(socket, false);
    this.#refusals.tick(now);
    const log = this.#engine.takeLog();
    for (const line of log.lines) this.#deps.logger.debug('libsrt', { level: line.level, text: maskedText(line.text) });
    if (log.dropped > 0) this.#deps.logger.debug('libsrt wrote more than was kept', { dropped: log.dropped });
  }

  /** Nobody new is admitted any more. */
  stopAdmitting(): void {
    this.#stopping = true;
    this.#pulls.stop();
    this.#engine.refuseAll(true);
  }

  /** Tells every encoder that the session is over. */
  closePublishers(): void {
    for (const publisher of this.#hub.publishers()) this.#cut(publisher, 'stopping');
  }

  /** The longest latency among the players, or of an encoder that shares it with them: until then their buffers still play. */
  longestPlayerLatencyMs(): Millis {
    let longest = 0;
    for (const player of this.#hub.players())
      if (player.sentMessages > 0) longest = Math.max(longest, player.playsOutMs);
    return longest;
  }

  close(): void {
    this.#engine.dispose();
  }

  #cutPublisher(publisherId: string, why: LeaveReason): void {
    for (const publisher of this.#hub.publishers())
      if (publisher.publisherId === publisherId) this.#cut(publisher, why);
  }

  #cutPlayers(playerId: string, why: LeaveReason): void {
    for (const player of this.#hub.players()) if (player.playerId === playerId) this.#cut(player, why);
  }

  /** What libsrt had buffered of a publisher is lost. The engine says when the socket is gone. */
  #cut(session: Publisher | Player, why: LeaveReason): void {
    if (why === 'kicked') this.counters.kicked++;
    else if (why === 'slow') this.counters.slowPlayers++;
    else if (why === 'bitrate') this.counters.bitrateClosed++;
    session.leaves ??= why;
    this.#engine.close(session.socket);
  }

  #handle(event: SrtEvent, now: Millis): void {
    switch (event.type) {
      case 'accepted':
        this.#accepted(event, now);
        break;
      case 'refused':
        this.#refused(this.#doorOf(event.listener), event, event.code, now);
        break;
      case 'broken':
        this.#broken(event.socket, now);
        break;
      case 'ended':
        this.#ended(event.socket, now);
        break;
      case 'connected':
        this.#connected(event, now);
        break;
      case 'connect-failed':
        this.#pulls.failed(event.socket, event.message, now);
        break;
      default:
        break;
    }
  }

  /** A connection to another node is a publisher from its first message on. */
  #tellPulled(publisher: Publisher): void {
    if (publisher.source !== 'pull' || publisher.messages === 0 || publisher.isTold) return;
    publisher.isTold = true;
    const { publisherId, source, address, latencyMs, encrypted } = publisher;
    this.#deps.onEvent(publisherId, { type: 'publisher-up', source, address, latencyMs, encrypted });
  }

  #connected({ socket, latencyMs }: { socket: number; latencyMs: Millis }, now: Millis): void {
    const pulled = this.#pulls.connected(socket);
    if (!pulled) return;
    const { publisherId, host: address, port, isEncrypted: encrypted } = pulled;
    const facts = { socket, publisherId, address, port, latencyMs, encrypted };
    this.#hub.addPublisher(new Publisher({ ...facts, source: 'pull', sinceMs: now }));
  }

  /** An encoder holds the id here, and is not so silent that another might replace it. */
  #isSentHere(publisherId: string): boolean {
    const now = this.#deps.clock();
    for (const publisher of this.#hub.publishers()) {
      if (publisher.publisherId !== publisherId || publisher.source === 'pull' || publisher.ending) continue;
      if (publisher.silentMs(now) < this.#settings.takeoverSilenceMs) return true;
    }
    return false;
  }

  #accepted(event: Accepted, now: Millis): void {
    const door = this.#doorOf(event.listener);
    this.counters.accepted++;
    this.doorCounts.accepted(door);
    const { ask } = this.#deps;
    if (!this.#settings.asksAccess || !ask) this.#enter(event, now);
    else if (this.#held.hold(event, now)) {
      const { socket, streamId, address, port } = event;
      ask({ socket, role: door === 'play' ? 'player' : 'publisher', streamId, address, port });
    } else this.#turnAway(event, now);
  }

  #enter(event: Accepted, now: Millis): void {
    const door = this.#doorOf(event.listener);
    if (door === 'play') this.#acceptedPlayer(event, now);
    else this.#acceptedPublisher(event, door === 'bond' ? 'srtla' : 'srt', now);
  }

  #turnAway(event: Accepted, now: Millis): void {
    this.#engine.close(event.socket);
    this.#refused(this.#doorOf(event.listener), event, DENIED_CODE, now);
  }

  #acceptedPublisher(event: Accepted, source: Publisher['source'], now: Millis): void {
    const { streamId: publisherId, address, latencyMs, encrypted } = event;
    if (!this.#access.hasPublisher(publisherId) || this.#access.isExpired(publisherId) || this.#stopping) {
      // Its id was taken away after the engine let it in.
      this.#engine.close(event.socket);
      return;
    }
    const publisher = new Publisher({ ...event, publisherId, source, sinceMs: now });
    const caller = { source, address };
    const replaced = this.#hub.publisher(event.replaces);
    if (event.replaces !== 0) {
      this.counters.takeovers++;
      if (replaced) replaced.leaves ??= 'taken-over';
      this.#deps.onEvent(publisherId, { type: 'publisher-takeover', ...caller });
    }
    const isShared = this.#settings.sharesLatency[source];
    this.#access.agreed(publisherId, isShared ? latencyMs : 0);
    for (const player of this.#hub.players())
      if (isShared && player.publisherId === publisherId) playByEncoder(player, latencyMs);
    this.#hub.addPublisher(publisher);
    this.#deps.onEvent(publisherId, { type: 'publisher-up', ...caller, latencyMs, encrypted });
  }

  #acceptedPlayer(event: Accepted, now: Millis): void {
    const { streamId: playerId, address, port, latencyMs } = event;
    const publisherId = this.#access.publisherOf(playerId);
    if (publisherId === undefined || this.#access.isExpired(playerId) || this.#stopping) {
      this.#engine.close(event.socket);
      return;
    }
    const player = new Player({ ...event, playerId, publisherId, sinceMs: now });
    for (const publisher of this.#hub.publishers())
      if (publisher.publisherId === publisherId && this.#settings.sharesLatency[publisher.source])
        playByEncoder(player, publisher.latencyMs);
    this.#hub.addPlayer(player);
    this.#deps.onEvent(publisherId, { type: 'player-up', playerId, address, port, latencyMs });
  }

  /** The end of arrival: of a publisher its tail is still to come. */
  #broken(socket: number, now: Millis): void {
    const publisher = this.#hub.publisher(socket);
    if (!publisher) return;
    publisher.ending = true;
    const silentMs = Math.round(publisher.silentMs(now));
    if (publisher.leaves !== undefined || silentMs < this.#settings.peerIdleTimeoutMs - TIMEOUT_MARGIN_MS) return;
    publisher.leaves = 'timeout';
    const { publisherId, source, address } = publisher;
    this.#deps.onEvent(publisherId, { type: 'publisher-timeout', silentMs, source, address });
  }

  #ended(socket: number, now: Millis): void {
    this.#held.release(socket);
    const gone = this.#hub.remove(socket, now);
    if (!gone) {
      this.#pulls.ended(socket, 0, now);
      return;
    }
    const { publisherId, address, leaves: why = 'ended' } = gone;
    const isPulled = gone instanceof Publisher && gone.source === 'pull';
    if (isPulled) this.#pulls.ended(socket, gone.messages, now);
    // Of a connection that has brought nothing nobody was told.
    if (isPulled && gone.messages === 0) return;
    if (isPulled) this.#tellPulled(gone);
    const words = { why, seconds: Math.round((now - gone.sinceMs) / 1000), address };
    if (gone instanceof Publisher) {
      const { source, messages } = gone;
      this.#deps.onEvent(publisherId, { type: 'publisher-down', ...words, source, messages });
      if (!isPulled) this.#pulls.hurry(publisherId, now);
    } else {
      const { playerId, port, sentMessages: messages, droppedMessages: dropped } = gone;
      this.#deps.onEvent(publisherId, { type: 'player-down', ...words, playerId, port, messages, dropped });
    }
  }

  #refused(door: Door, { streamId, address }: Caller, code: number, now: Millis): void {
    this.counters.refused++;
    this.doorCounts.refused(door, code);
    this.lastRefusal = { atMs: now, door, shortId: shortenId(streamId), code };
    const source = door === 'bond' ? 'srtla' : 'srt';
    if (door === 'play' || !this.#refusals.note({ streamId, source, address }, code, now))
      this.#deps.logger.debug('caller refused', {
        door,
        id: shortenId(streamId),
        code,
        address: maskedAddress(address),
      });
  }

  #doorOf(listener: number): Door {
    if (this.#doors.play.has(listener)) return 'play';
    return this.#doors.bond.has(listener) ? 'bond' : 'publish';
  }
}

/** The encoder's latency is the player's too. */
const playByEncoder = (player: Player, encoderMs: Millis): void => {
  player.playsOutMs = Math.max(player.playsOutMs, enoughForPlayerMs(encoderMs));
};
