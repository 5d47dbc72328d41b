import { type NativeUdpEngine, UDP_NEXT, UDP_SLOT_BYTES } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { ANSWER_RATES, JOIN_RATES } from './answer-budget.ts';
import { BatchedLink, type CreateUdpEngine, createServerSockets, UdpWatch } from './batched-sockets.ts';
import { IDLE_TICK_MS } from './constants.ts';
import { HopLoss } from './hop-loss.ts';
import { LinkSockets, type ListeningSocket } from './link-sockets.ts';
import { createSrtlaCore } from './receiver.ts';
import { SendTable } from './send-table.ts';
import { NOWHERE, type ServerSockets } from './server-way-sockets.ts';
import { ShellBase } from './shell-base.ts';
import { createMac } from './shell-mac.ts';
import { bufferBytesOf, type SrtlaReceiver, type SrtlaShellOptions } from './shell-types.ts';
import { SlotViews } from './slot-views.ts';
import type { PeerId, SessionId, SrtlaCore, SrtlaOutbox, SrtlaSnapshot } from './types.ts';

const SLOTS = 512;
const SEND_ENTRIES = 2_048;
const SCRATCH_BYTES = 256 * 1024;
const BUSY_PACKETS_PER_SECOND = 2_000;
const DEFAULT_COALESCE_MS: Millis = 2;
/** Batches in a row, after which timers and others get their turn. */
const BATCHES_PER_TURN = 8;
/** Arrival times are in steps of ¼ ms: a number that is handed on is allocated, unless it is the one of the datagram before. */
const ARRIVAL_STEPS_PER_MS = 4;

/**
 * The SRTLA receiver on the addon's sockets: datagrams come in batches, are read where they lie and go on from there. In steady state
 * nothing is allocated for a datagram. Nothing here blocks.
 */
export class BatchedShell extends ShellBase implements SrtlaReceiver, SrtlaOutbox {
  readonly transport = 'batched';
  readonly transportNote = undefined;
  readonly #options: SrtlaShellOptions;
  readonly #udp: NativeUdpEngine;
  readonly #core: SrtlaCore;
  readonly #links: LinkSockets<BatchedLink>;
  readonly #server: ServerSockets;
  readonly #watch: UdpWatch;
  readonly #hop: HopLoss | undefined;
  readonly #views: SlotViews;
  /** By number of the socket. */
  readonly #isLinkSocket: boolean[] = [];

  // Of the addon's memory.
  readonly #lengths: Int32Array;
  readonly #sockets: Int32Array;
  readonly #peers: Int32Array;
  readonly #arrivals: Float64Array;
  readonly #send: SendTable;

  /** Sessions whose socket may be closed once what is waiting has gone out. */
  readonly #ending: SessionId[] = [];
  /** The datagram that is being handled is sent on from its slot. */
  #received: Uint8Array | undefined;
  #receivedAt = 0;
  /** Time of the batch, and of the arrival of the last datagram. Never plain number fields: those would allocate at each reading. */
  #now: Millis | undefined;
  #arrival: Millis | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerMs: Millis = 0;
  #tickedMs: Millis = 0;
  readonly #coalesceMs: Millis;
  /** While it is busy, this looks for datagrams. */
  #pacer: NodeJS.Timeout | undefined;
  /** See `Visited`. */
  #isVisiting = false;
  #closed: Promise<void> | undefined;
  readonly #pumpAgain = (): void => this.#pump();
  readonly #fromInside = (session: SessionId, packet: Uint8Array): void => {
    this.#core.fromServer(session, packet, this.#now as Millis, this);
  };

  private constructor(options: SrtlaShellOptions, create: CreateUdpEngine) {
    super(options);
    this.#options = options;
    this.#hop = options.hopLoss && !options.inside ? new HopLoss(options.hopLoss) : undefined;
    this.#coalesceMs = options.coalesceMs ?? DEFAULT_COALESCE_MS;
    const udp = create({
      slots: SLOTS,
      sendEntries: SEND_ENTRIES,
      scratchBytes: SCRATCH_BYTES,
      busyPacketsPerSecond: BUSY_PACKETS_PER_SECOND,
      paces: this.#coalesceMs > 0,
      registrations: {
        ...ANSWER_RATES,
        joinSourceBurst: JOIN_RATES.sourceBurst,
        joinSourcePerSecond: JOIN_RATES.sourcePerSecond,
      },
      onWake: this.#pumpAgain,
    });
    this.#udp = udp;
    this.#lengths = udp.lengths;
    this.#sockets = udp.sockets;
    this.#peers = udp.peers;
    this.#arrivals = udp.arrivalsMs;
    this.#send = new SendTable(udp, SLOTS * UDP_SLOT_BYTES);
    this.#views = new SlotViews(udp.arena, SLOTS, UDP_SLOT_BYTES);
    const bufferBytes = bufferBytesOf(options);
    const bind = async (address: string, port: number): Promise<BatchedLink> => {
      const link = BatchedLink.bind(udp, address, port, bufferBytes);
      this.#isLinkSocket[link.socket] = true;
      return link;
    };
    this.#links = new LinkSockets(bind, bufferBytes, options.logger);
    this.#server = createServerSockets(udp, options, bufferBytes);
    if (options.inside) options.inside.onWaiting = () => this.#takeInside();
    const grantedBytes = (): number => Math.min(...this.sockets.map(({ receiveBufferBytes }) => receiveBufferBytes));
    this.#watch = new UdpWatch(udp, bufferBytes, grantedBytes, options.logger);
    this.#core = createSrtlaCore(
      options.settings,
      udp,
      options.random,
      createMac(options.random),
      options.inside !== undefined,
    );
  }

  /** @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED; nothing stays open then */
  static async open(options: SrtlaShellOptions, create: CreateUdpEngine): Promise<BatchedShell> {
    const shell = new BatchedShell(options, create);
    try {
      for (const port of options.ports) shell.ports.push(await shell.#links.listen(options.addresses, port));
    } catch (error) {
      shell.#udp.dispose();
      throw error;
    }
    shell.#arm();
    return shell;
  }

  get sockets(): readonly ListeningSocket[] {
    return this.#links.sockets;
  }

  snapshot(now: Millis): SrtlaSnapshot {
    const { groups, counters } = this.#core.snapshot(now);
    return { groups, counters: { ...counters, ...this.#watch.counters(), ...this.#hop?.counters() } };
  }

  localPortOf(session: SessionId): number | undefined {
    return this.#closed === undefined ? this.#server.localPortOf(session) : undefined;
  }

  sessionOfLocalPort(port: number): SessionId | undefined {
    return this.#closed === undefined ? this.#server.sessionOfLocalPort(port) : undefined;
  }

  adjust(addresses: readonly string[]): Promise<void> {
    return this.#closed ?? this.#links.adjust(addresses, this.ports);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  sendToLink(peer: PeerId, bytes: Uint8Array): void {
    this.#put(peer, bytes);
  }

  sendToServer(session: SessionId, bytes: Uint8Array): void {
    const { inside } = this.#options;
    if (inside !== undefined) {
      const isInHand = this.#received !== undefined;
      inside.receive(session, bytes, isInHand ? (this.#arrival as Millis) : this.#options.clock());
      return;
    }
    if (this.#hop?.losesToServer()) return;
    const to = this.#server.destinationOf(session);
    if (to !== NOWHERE) this.#put(to, bytes);
  }

  openSession(session: SessionId, encoderId: number): void {
    if (this.#options.inside) {
      this.#options.inside.open(session);
      return;
    }
    try {
      this.#server.open(session, encoderId);
    } catch (error) {
      // No descriptors left, or a server whose port is none: the session times out, the others go on.
      this.#watch.serverFailed(error);
    }
  }

  closeSession(session: SessionId): void {
    this.#ending.push(session);
  }

  /** Takes what there is. */
  #pump(): void {
    for (let batch = 0; this.#closed === undefined; batch++) {
      if (batch === BATCHES_PER_TURN) {
        setImmediate(this.#pumpAgain);
        return;
      }
      const now = this.#options.clock();
      this.#now = now;
      const count = this.#udp.receive(now);
      for (let slot = 0; slot < count; slot++) this.#take(slot);
      this.#received = undefined;
      this.#options.inside?.take(this.#fromInside);
      if (now - this.#tickedMs >= this.#timerMs) this.#tick(now);
      else this.#flush();
      // The idle pace is too slow for what may have begun now.
      if (this.#timerMs === IDLE_TICK_MS && this.#core.nextTickMs() !== IDLE_TICK_MS) this.#arm();
      if (count === SLOTS) continue;
      const next = this.#udp.rearm();
      if (next === UDP_NEXT.more) continue;
      if (next === UDP_NEXT.later) this.#pumpLater(now);
      else this.#leave();
      return;
    }
  }

  #pumpLater(now: Millis): void {
    if (this.#options.visited) {
      this.#isVisiting = true;
      this.#options.visited.visit(now);
    }
    if (this.#pacer === undefined) this.#pacer = setTimeout(this.#pumpAgain, this.#coalesceMs);
    else this.#pacer.refresh();
  }

  #leave(): void {
    if (!this.#isVisiting) return;
    this.#isVisiting = false;
    this.#options.visited?.leave();
  }

  #take(slot: number): void {
    const bytes = this.#views.of(slot, this.#lengths[slot]!);
    const socket = this.#sockets[slot]!;
    this.#received = bytes;
    this.#receivedAt = slot * UDP_SLOT_BYTES;
    if (this.#isLinkSocket[socket] === true) {
      const arrival = Math.floor(this.#arrivals[slot]! * ARRIVAL_STEPS_PER_MS) / ARRIVAL_STEPS_PER_MS;
      if (arrival !== this.#arrival) this.#arrival = arrival;
      this.#core.receive(bytes, this.#peers[slot]!, this.#arrival as Millis, this);
    } else {
      if (this.#hop?.losesFromServer()) return;
      const session = this.#server.sessionOf(socket, this.#peers[slot]!, bytes);
      this.#core.fromServer(session, bytes, this.#now as Millis, this);
    }
  }

  /** The server speaks by itself. */
  #takeInside(): void {
    if (this.#closed !== undefined) return;
    this.#now = this.#options.clock();
    this.#options.inside?.take(this.#fromInside);
    this.#flush();
  }

  #put(to: number, bytes: Uint8Array): void {
    if (bytes === this.#received) this.#send.putSlot(to, this.#receivedAt, bytes.length);
    else this.#send.putCopy(to, bytes);
  }

  #flush(): void {
    this.#send.flush();
    if (this.#ending.length === 0) return;
    for (const session of this.#ending) (this.#options.inside ?? this.#server).close(session);
    this.#ending.length = 0;
  }

  #tick(now: Millis): void {
    this.#tickedMs = now;
    this.#core.tick(now, this);
    this.#options.inside?.take(this.#fromInside);
    this.#flush();
    this.#watch.look(now);
    if (this.#core.nextTickMs() === this.#timerMs) this.#timer?.refresh();
    else this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timerMs = this.#core.nextTickMs();
    this.#timer = setTimeout(() => this.#tick(this.#options.clock()), this.#timerMs);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#pacer);
    this.#leave();
    this.#core.stop(this.#options.clock(), this);
    this.#flush();
    await this.#links.close();
    this.#watch.dispose();
  }
}
