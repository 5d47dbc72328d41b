import { randomBytes } from 'node:crypto';
import {
  type NativeUdpEngine,
  type NativeUdpOptions,
  SRT_STATS_FIELDS,
  type SrtAccess,
  type SrtConnectOptions,
  type SrtEngineOptions,
  type SrtEvent,
  type SrtListenOptions,
  type SrtRole,
} from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { type LatencyMode, playerDelayMs } from '../shared/latency-budget.ts';
import type { SrtEngine } from '../sls-bridge/srt-engine.ts';
import { Cookies } from '../srt/cookie.ts';
import { createCookieMac, createSrtCrypto } from '../srt/crypto-shell.ts';
import type { Asking } from '../srt/listener.ts';
import { PacketStore } from '../srt/packet-store.ts';
import { SrtServer } from '../srt/server.ts';
import { destinationId } from '../srtla/srt-header.ts';
import { checkAccess } from './access-check.ts';
import { Admission } from './admission.ts';
import { Batch } from './batch.ts';
import { Callers } from './callers.ts';
import { EngineSession } from './engine-session.ts';
import { InsideWay } from './inside-way.ts';
import { Listening } from './listening.ts';
import { PortTable } from './port-table.ts';
import { UdpPorts } from './udp-ports.ts';
import { WakeGate } from './wake-gate.ts';

/** 384 MiB of packets, all streams together. */
const MOST_PACKETS = 262_144;
const MOST_TICK_MS: Millis = 10;
const SAMPLE_MS: Millis = 250;
const TRIM_MS: Millis = 5_000;
/**
 * Packets are handed over together once in so long, less the haste of timers: each player gets its own in one go. Nobody waits for it: they are played
 * by their stamps.
 */
const COLLECT_MS: Millis = 9;
/** Refusals that wait to be told of. */
const MOST_REFUSALS = 1_024;
const COALESCE_MS: Millis = 2;
/** Whoever is closed before it knows that it is connected takes it for a failure of another kind. */
const CLOSE_AFTER_MS: Millis = 30;
const NO_ADDRESS = new Uint8Array(0);
const NO_SOCKET = -1;
const LOOPBACK = { address: '127.0.0.1', port: 0 };

export interface DirectDeps {
  readonly createUdp: (options: NativeUdpOptions) => NativeUdpEngine;
  /** ms of the system's monotonic clock, which is SRT's too. */
  readonly clock: () => Millis;
  readonly latencyMode: LatencyMode;
  /** Whoever hands bonded packets in asks for the missing ones. */
  readonly bondLossReports: 'own' | 'upstream';
}

/** SRT of our own behind the interface that libsrt has in the addon: `src/srt` on the addon's UDP sockets, in the thread of its owner. */
export class DirectEngine implements SrtEngine {
  readonly inside: InsideWay;
  readonly #deps: DirectDeps;
  readonly #tickMs: Millis;
  readonly #udp: UdpPorts;
  readonly #store = new PacketStore(MOST_PACKETS);
  readonly #server: SrtServer;
  readonly #admission: Admission;
  readonly #callers: Callers;
  readonly #batch: Batch;
  readonly #gate: WakeGate;
  readonly #ports: PortTable;
  readonly #listeners = new Map<number, Listening>();
  readonly #sessions = new Map<number, EngineSession>();
  /** Those with packets to be read. */
  readonly #readable: EngineSession[] = [];
  #events: SrtEvent[] = [];
  #refusals = 0;
  /** Negative, so that none is libsrt's. */
  #nextListener = -1;
  /** Where the packet in hand has come in. */
  #current: Listening | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #times = new Float64Array(4);
  /** A batch was full: what is left goes with the next one. */
  #isHandingOver = false;
  #isDisposed = false;

  constructor(options: SrtEngineOptions, deps: DirectDeps) {
    this.#deps = deps;
    this.#tickMs = Math.min(MOST_TICK_MS, Math.max(1, options.tickMs));
    this.#batch = new Batch(options.slots, this.#store);
    this.#admission = new Admission(options.takeoverSilenceMs);
    this.#gate = new WakeGate(options.tickMs, deps.clock, () => this.#hasSomething, options.onWake);
    this.#server = new SrtServer(
      {
        cookies: new Cookies(createCookieMac(randomBytes)),
        store: this.#store,
        random: () => randomBytes(4).readInt32BE(),
      },
      {
        send: (peer, header, payload, offset, length) => {
          if (peer < 0) this.inside.put(peer, header);
          else this.#udp.send(peer, header, payload, offset, length);
        },
        asks: (asking) => this.#asked(asking),
        deliver: (session, slot) => this.#delivered(session, slot),
        broken: (session) => this.#broken(session),
        ended: (session) => this.#ended(session),
      },
    );
    this.#callers = new Callers({
      server: this.#server,
      admission: this.#admission,
      crypto: createSrtCrypto(),
      releaseAtArrival: deps.latencyMode === 'shared',
      bondLossReports: deps.bondLossReports,
      clock: deps.clock,
      tell: (event) => this.#tell(event),
      closeSoon: (session) => setTimeout(() => this.#closeNow(session), CLOSE_AFTER_MS),
      entered: (socket, listening, asking, latencyMs) => this.#entered(socket, listening, asking, latencyMs),
    });
    this.#udp = new UdpPorts({
      create: deps.createUdp,
      clock: deps.clock,
      coalesceMs: COALESCE_MS,
      onPacket: (socket, packet, peer, now) => this.#packet(socket, packet, peer, now),
      onBatch: (now) => this.#took(now),
    });
    this.#ports = new PortTable(this.#udp);
    this.inside = new InsideWay({
      receive: (packet, peer, address, now) => {
        if (packet.length >= LEAST_PACKET_BYTES && destinationId(packet) === 0) this.#current = this.#insideListening;
        this.#server.receive(packet, peer, address, now);
      },
    });
  }

  get arena(): Uint8Array {
    return this.#batch.arena;
  }

  get lengths(): Int32Array {
    return this.#batch.lengths;
  }

  get sourceTimesUs(): Float64Array {
    return this.#batch.sourceTimesUs;
  }

  get runs(): Int32Array {
    return this.#batch.runs;
  }

  listen(options: SrtListenOptions): number {
    this.#assertLive();
    const number = this.#nextListener;
    const socket = options.isInside === true ? NO_SOCKET : this.#ports.open(options);
    const listening = new Listening(number, socket, options, randomBytes(4).readInt32BE());
    this.#nextListener -= 1;
    this.#listeners.set(number, listening);
    this.#ports.listens(listening);
    return number;
  }

  listenerPort(listener: number): number {
    const listening = this.#listeners.get(listener);
    return listening && listening.socket !== NO_SOCKET ? this.#udp.portOf(listening.socket) : 0;
  }

  closeListener(listener: number): void {
    const listening = this.#listeners.get(listener);
    if (!listening) return;
    this.#listeners.delete(listener);
    this.#ports.listensNoMore(listening);
  }

  /** @throws Error always: this engine calls nobody */
  connect(_options: SrtConnectOptions): number {
    throw Object.assign(new Error('this SRT engine does not call'), { code: 'SRT_EINVOP' });
  }

  allow(role: SrtRole, streamId: string, access: SrtAccess): void {
    this.#assertLive();
    checkAccess(access);
    this.#admission.allow(role, streamId, access);
  }

  forbid(role: SrtRole, streamId: string, known = false): void {
    this.#admission.forbid(role, streamId, known);
  }

  yieldPublisher(socket: number): void {
    this.#admission.yield(socket);
  }

  refuseAll(refuse: boolean): void {
    this.#admission.refusesAll = refuse;
  }

  refusePublishers(refuse: boolean): void {
    this.#admission.refusesPublishers = refuse;
  }

  takeEvents(): SrtEvent[] {
    const events = this.#events;
    if (events.length === 0) return events;
    this.#events = [];
    this.#refusals = 0;
    return events;
  }

  queuedEvents(): number {
    return this.#events.length;
  }

  look(): void {
    if (this.#isDisposed) return;
    this.#udp.pump();
    const now = this.#deps.clock();
    if (now - this.#times[TICKED]! >= this.#tickMs / 2) this.#tick(now);
  }

  receive(): number {
    const batch = this.#batch;
    batch.begin();
    const readable = this.#readable;
    const times = this.#times;
    if (!this.#isHandingOver) {
      if (!this.#isDue) return 0;
      times[HANDED] = this.#deps.clock();
    }
    let kept = 0;
    for (let i = 0; i < readable.length; i++) {
      const session = readable[i]!;
      if (!batch.isFull) batch.take(session);
      if (session.waiting.count > 0) {
        readable[kept] = session;
        kept += 1;
      } else if (session.isOver) this.#finish(session);
    }
    readable.length = kept;
    this.#isHandingOver = kept > 0;
    return batch.runCount;
  }

  send(sockets: Int32Array, socketCount: number, firstSlot: number, slotCount: number, dropped: Float64Array): void {
    const now = this.#deps.clock();
    const batch = this.#batch;
    for (let i = 0; i < socketCount; i++) {
      const player = this.#sessions.get(sockets[i]!);
      if (!player) {
        dropped[i]! += slotCount;
        continue;
      }
      this.#delay(player, batch.sourceOf(firstSlot));
      for (let slot = firstSlot; slot < firstSlot + slotCount; slot++) {
        const stored = batch.storedAt(slot);
        if (stored < 0 || !this.#server.offer(player.socket, stored, now)) dropped[i]! += 1;
      }
    }
    this.#udp.flush();
  }

  sendMessage(socket: number, message: Uint8Array, sourceTimeUs: number, from = 0): number {
    const player = this.#sessions.get(socket);
    if (!player) return -2;
    const now = this.#deps.clock();
    const stored = this.#batch.keep(message, sourceTimeUs === 0 ? now : sourceTimeUs / 1_000);
    if (stored < 0) return -1;
    this.#delay(player, from);
    const isTaken = this.#server.offer(socket, stored, now);
    this.#store.release(stored);
    this.#udp.flush();
    return isTaken ? message.length : -1;
  }

  rearm(): void {
    this.#gate.open();
  }

  stats(socket: number, out: Float64Array): boolean {
    if (out.length < SRT_STATS_FIELDS.length) throw new TypeError('there is no room for all figures');
    return this.#server.stats(socket, out, this.#deps.clock());
  }

  close(socket: number): void {
    const session = this.#sessions.get(socket);
    if (!session) return;
    if (!session.isOver) this.#closeNow(socket);
    this.#drop(session);
    this.#finish(session);
    this.#gate.consider();
  }

  takeLog(): { lines: { level: number; text: string }[]; dropped: number } {
    return { lines: [], dropped: 0 };
  }

  dispose(): void {
    if (this.#isDisposed) return;
    for (const socket of [...this.#sessions.keys()]) this.#server.close(socket, this.#deps.clock());
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#gate.close();
    this.#batch.begin();
    this.#ports.dispose();
    this.#udp.dispose();
  }

  /** What was read last is over, and its place may be written to by others, who then `send` it. */
  endBatch(): void {
    this.#batch.begin();
  }

  get #hasSomething(): boolean {
    return this.#events.length > 0 || this.#isDue;
  }

  /** Packets wait to be read, and the last ones were read long enough ago. */
  get #isDue(): boolean {
    return this.#readable.length > 0 && this.#deps.clock() - this.#times[HANDED]! >= COLLECT_MS;
  }

  get #insideListening(): Listening | undefined {
    for (const listening of this.#listeners.values()) if (listening.socket === NO_SOCKET) return listening;
    return undefined;
  }

  #packet(socket: number, packet: Uint8Array, peer: number, now: Millis): void {
    if (packet.length < LEAST_PACKET_BYTES) return;
    if (destinationId(packet) !== 0) {
      this.#server.receive(packet, peer, NO_ADDRESS, now);
      return;
    }
    const listening = this.#ports.listeningOn(socket);
    if (!listening) return;
    this.#current = listening;
    this.#server.receive(packet, peer, this.#udp.addressBytes(peer), now);
  }

  #asked(asking: Asking): void {
    const listening = this.#current;
    if (!listening) return;
    const from = asking.peer < 0 ? LOOPBACK : this.#udp.endpoint(asking.peer);
    this.#callers.judge(asking, listening, from, this.#deps.clock());
    // Its time begins when the answer comes: nothing else may hold that up.
    this.#udp.flush();
  }

  #entered(socket: number, listening: Listening, { peer }: Asking, latencyMs: Millis): void {
    const { role } = listening.options;
    this.#sessions.set(socket, new EngineSession({ socket, role, peer, listening, latencyMs }));
    if (peer >= 0) this.#udp.hold(peer);
    this.#ports.entered(listening);
    this.#timer ??= setTimeout(() => this.#tick(this.#deps.clock()), this.#tickMs);
  }

  #closeNow(session: number): void {
    if (this.#isDisposed) return;
    this.#server.close(session, this.#deps.clock());
    this.#udp.flush();
    this.inside.announce();
  }

  #delivered(socket: number, slot: number): void {
    const session = this.#sessions.get(socket);
    if (!session || this.#isDisposed) {
      this.#store.release(slot);
      return;
    }
    if (session.waiting.count === 0) this.#readable.push(session);
    session.waiting.push(slot);
  }

  #broken(socket: number): void {
    if (!this.#sessions.has(socket)) return;
    this.#admission.broke(socket);
    this.#tell({ type: 'broken', socket });
  }

  /** The server knows it no more. What it has handed over is still read. */
  #ended(socket: number): void {
    const session = this.#sessions.get(socket);
    if (!session) return;
    session.isOver = true;
    if (session.waiting.count === 0) this.#finish(session);
  }

  #drop({ waiting }: EngineSession): void {
    while (waiting.count > 0) this.#store.release(waiting.shift());
  }

  #finish(session: EngineSession): void {
    const { socket, peer, listening } = session;
    if (!this.#sessions.delete(socket)) return;
    this.#admission.release(socket);
    // What is still to be said to it goes first.
    this.#udp.flush();
    if (peer >= 0 && !this.#isDisposed) this.#udp.release(peer);
    this.#ports.left(listening);
    this.#tell({ type: 'ended', socket });
    if (this.#sessions.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(event: SrtEvent): void {
    if (event.type === 'refused') {
      if (this.#refusals >= MOST_REFUSALS) return;
      this.#refusals += 1;
    }
    this.#events.push(event);
  }

  /** A publisher whose latency is longer than the player's is played by the publisher's. */
  #delay(player: EngineSession, source: number): void {
    if (this.#deps.latencyMode !== 'shared') return;
    const publisher = this.#sessions.get(source);
    if (!publisher) return;
    const delayMs = playerDelayMs(publisher.latencyMs, player.latencyMs);
    if (delayMs === player.delayMs) return;
    player.delayMs = delayMs;
    this.#server.delay(player.socket, delayMs);
  }

  #took(now: Millis): void {
    if (now - this.#times[TICKED]! >= this.#tickMs && this.#sessions.size > 0) this.#tick(now);
    else this.#gate.consider();
  }

  #tick(now: Millis): void {
    const times = this.#times;
    times[TICKED] = now;
    // Whoever looks by himself is earlier than the timer.
    this.#timer?.refresh();
    this.#server.tick(now);
    if (now - times[SAMPLED]! >= SAMPLE_MS) {
      times[SAMPLED] = now;
      this.#sample(now);
    }
    if (now - times[TRIMMED]! >= TRIM_MS) {
      times[TRIMMED] = now;
      this.#store.trim();
    }
    this.#udp.flush();
    this.inside.announce();
    this.#gate.consider();
  }

  #sample(now: Millis): void {
    for (const session of this.#sessions.values()) {
      if (session.role !== 'publish') continue;
      const packets = this.#server.receivedPackets(session.socket);
      if (packets === session.arrivals) continue;
      session.arrivals = packets;
      this.#admission.arrived(session.socket, now);
    }
  }

  #assertLive(): void {
    if (this.#isDisposed) throw disposedError();
  }
}

export const disposedError = (): Error =>
  Object.assign(new Error('this engine is disposed of'), { code: 'SRT_DISPOSED' });

const TICKED = 0;
const SAMPLED = 1;
const TRIMMED = 2;
const HANDED = 3;
const LEAST_PACKET_BYTES = 16;
