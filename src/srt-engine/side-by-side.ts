import {
  type NativeSrtEngine,
  SRT_REJECT,
  SRT_SLOT_BYTES,
  SRT_STATS_FIELDS,
  type SrtAccess,
  type SrtConnectOptions,
  type SrtEngineOptions,
  type SrtEvent,
  type SrtListenOptions,
  type SrtRole,
} from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import type { SrtEngine } from '../sls-bridge/srt-engine.ts';
import { type DirectDeps, DirectEngine, disposedError } from './direct-engine.ts';
import { Holders } from './holders.ts';

const SAMPLE_MS: Millis = 250;
const ARRIVALS = SRT_STATS_FIELDS.indexOf('pktRecvTotal');

type Accepted = Extract<SrtEvent, { type: 'accepted' }>;

/**
 * Two engines as one: each listener says which of them it is for, and messages cross from one to the other through their arenas. Calls go
 * out through libsrt, which is not begun before somebody needs it.
 */
export class SideBySide implements SrtEngine {
  readonly #direct: DirectEngine;
  readonly #createLibsrt: () => NativeSrtEngine;
  readonly #clock: () => Millis;
  #libsrt: NativeSrtEngine | undefined;
  /** Whose batch is being read. */
  #reading: NativeSrtEngine;
  readonly #owners = new Map<number, NativeSrtEngine>();
  readonly #listeners = new Map<number, { readonly engine: NativeSrtEngine; readonly role: SrtRole }>();
  readonly #holders: Holders<NativeSrtEngine>;
  #sampledMs: Millis = 0;
  readonly #stats = new Float64Array(SRT_STATS_FIELDS.length);
  /** What libsrt has to be told of ids when it begins. */
  readonly #ids = new Map<string, (engine: NativeSrtEngine) => void>();
  #refusesAll = false;
  #refusesPublishers = false;
  #isLibsrtsTurn = true;
  #isDisposed = false;
  // Of one `send`: those of one engine, and where they stand in the list.
  #some = new Int32Array(16);
  #somePlaces = new Int32Array(16);
  #someDropped = new Float64Array(16);

  constructor(options: SrtEngineOptions, deps: DirectDeps, createLibsrt: () => NativeSrtEngine) {
    this.#direct = new DirectEngine(options, deps);
    this.#createLibsrt = createLibsrt;
    this.#clock = deps.clock;
    this.#reading = this.#direct;
    this.#holders = new Holders(options.takeoverSilenceMs);
  }

  get inside(): DirectEngine['inside'] {
    return this.#direct.inside;
  }

  get arena(): Uint8Array {
    return this.#reading.arena;
  }

  get lengths(): Int32Array {
    return this.#reading.lengths;
  }

  get sourceTimesUs(): Float64Array {
    return this.#reading.sourceTimesUs;
  }

  get runs(): Int32Array {
    return this.#reading.runs;
  }

  listen(options: SrtListenOptions): number {
    this.#assertLive();
    const engine = options.engine === 'libsrt' ? this.#withLibsrt() : this.#direct;
    const listener = engine.listen(options);
    this.#listeners.set(listener, { engine, role: options.role });
    return listener;
  }

  listenerPort(listener: number): number {
    this.#assertLive();
    return this.#listeners.get(listener)?.engine.listenerPort(listener) ?? 0;
  }

  closeListener(listener: number): void {
    this.#assertLive();
    this.#listeners.get(listener)?.engine.closeListener(listener);
  }

  connect(options: SrtConnectOptions): number {
    this.#assertLive();
    const engine = this.#withLibsrt();
    const socket = engine.connect(options);
    this.#owners.set(socket, engine);
    return socket;
  }

  allow(role: SrtRole, streamId: string, access: SrtAccess): void {
    this.#tellOfId(role, streamId, true, (engine) => engine.allow(role, streamId, access));
  }

  forbid(role: SrtRole, streamId: string, known = false): void {
    this.#tellOfId(role, streamId, known, (engine) => engine.forbid(role, streamId, known));
  }

  yieldPublisher(socket: number): void {
    this.#assertLive();
    this.#holders.yield(socket);
    this.#owners.get(socket)?.yieldPublisher(socket);
  }

  refuseAll(refuse: boolean): void {
    this.#assertLive();
    this.#refusesAll = refuse;
    this.#direct.refuseAll(refuse);
    this.#libsrt?.refuseAll(refuse);
  }

  refusePublishers(refuse: boolean): void {
    this.#refusesPublishers = refuse;
    this.#direct.refusePublishers(refuse);
    this.#libsrt?.refusePublishers(refuse);
  }

  takeEvents(): SrtEvent[] {
    this.#assertLive();
    const told: SrtEvent[] = [];
    for (const event of this.#direct.takeEvents()) this.#take(event, this.#direct, told);
    if (this.#libsrt) for (const event of this.#libsrt.takeEvents()) this.#take(event, this.#libsrt, told);
    return told;
  }

  queuedEvents(): number {
    return this.#direct.queuedEvents() + (this.#libsrt?.queuedEvents() ?? 0);
  }

  look(): void {
    this.#libsrt?.look();
    this.#direct.look();
    this.#sample();
  }

  /** libsrt's first, then the others. */
  receive(): number {
    this.#assertLive();
    if (this.#libsrt && this.#isLibsrtsTurn) {
      this.#reading = this.#libsrt;
      // Whatever of it the other engine was given is not what is there now.
      this.#direct.endBatch();
      const runs = this.#libsrt.receive();
      if (runs > 0) return runs;
    }
    this.#reading = this.#direct;
    const runs = this.#direct.receive();
    this.#isLibsrtsTurn = runs === 0;
    return runs;
  }

  send(sockets: Int32Array, socketCount: number, firstSlot: number, slotCount: number, dropped: Float64Array): void {
    this.#assertLive();
    const reading = this.#reading;
    if (!this.#libsrt || this.#countOf(sockets, socketCount, reading) === socketCount) {
      reading.send(sockets, socketCount, firstSlot, slotCount, dropped);
      return;
    }
    const other = reading === this.#direct ? this.#libsrt! : this.#direct;
    this.#sendSome(reading, sockets, socketCount, firstSlot, slotCount, dropped);
    copySlots(reading, other, firstSlot, slotCount);
    this.#sendSome(other, sockets, socketCount, firstSlot, slotCount, dropped);
  }

  sendMessage(socket: number, message: Uint8Array, sourceTimeUs: number, from?: number): number {
    this.#assertLive();
    return this.#owner(socket).sendMessage(socket, message, sourceTimeUs, from);
  }

  rearm(): void {
    this.#assertLive();
    this.#libsrt?.rearm();
    this.#direct.rearm();
    this.#sample();
  }

  stats(socket: number, out: Float64Array): boolean {
    this.#assertLive();
    return this.#owner(socket).stats(socket, out);
  }

  close(socket: number): void {
    this.#assertLive();
    this.#owner(socket).close(socket);
  }

  takeLog(): ReturnType<NativeSrtEngine['takeLog']> {
    this.#assertLive();
    return (this.#libsrt ?? this.#direct).takeLog();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#libsrt?.dispose();
    this.#direct.dispose();
  }

  #assertLive(): void {
    if (this.#isDisposed) throw disposedError();
  }

  /** Sockets that nobody knows are the reading engine's: it counts what it cannot send. */
  #owner(socket: number): NativeSrtEngine {
    return this.#owners.get(socket) ?? this.#direct;
  }

  #countOf(sockets: Int32Array, count: number, engine: NativeSrtEngine): number {
    let own = 0;
    for (let i = 0; i < count; i++) if (this.#owner(sockets[i]!) === engine) own += 1;
    return own;
  }

  /** To those of one engine. */
  #sendSome(
    engine: NativeSrtEngine,
    sockets: Int32Array,
    count: number,
    firstSlot: number,
    slotCount: number,
    dropped: Float64Array,
  ): void {
    if (this.#some.length < count) {
      this.#some = new Int32Array(count * 2);
      this.#somePlaces = new Int32Array(count * 2);
      this.#someDropped = new Float64Array(count * 2);
    }
    let some = 0;
    for (let i = 0; i < count; i++) {
      if (this.#owner(sockets[i]!) !== engine) continue;
      this.#some[some] = sockets[i]!;
      this.#somePlaces[some] = i;
      this.#someDropped[some] = 0;
      some += 1;
    }
    if (some > 0) engine.send(this.#some, some, firstSlot, slotCount, this.#someDropped);
    for (let i = 0; i < some; i++) dropped[this.#somePlaces[i]!]! += this.#someDropped[i]!;
  }

  #withLibsrt(): NativeSrtEngine {
    if (this.#libsrt) return this.#libsrt;
    const engine = this.#createLibsrt();
    this.#libsrt = engine;
    for (const tell of this.#ids.values()) tell(engine);
    engine.refuseAll(this.#refusesAll);
    engine.refusePublishers(this.#refusesPublishers);
    return engine;
  }

  /** Both may let somebody in: what they are told of ids is kept for the one that begins later. */
  #tellOfId(role: SrtRole, streamId: string, isKept: boolean, tell: (engine: NativeSrtEngine) => void): void {
    // First, so that what makes no sense changes nothing.
    tell(this.#direct);
    if (this.#libsrt) tell(this.#libsrt);
    if (isKept) this.#ids.set(`${role} ${streamId}`, tell);
    else this.#ids.delete(`${role} ${streamId}`);
  }

  #take(event: SrtEvent, engine: NativeSrtEngine, told: SrtEvent[]): void {
    if (event.type === 'accepted') {
      const entered = this.#enter(event, engine);
      told.push(entered);
      if (entered.type === 'refused') engine.close(event.socket);
      return;
    }
    if (event.type !== 'refused') {
      // One that was closed as soon as it had come in: nobody has heard of it.
      if (this.#owners.get(event.socket) !== engine) return;
      if (event.type === 'broken') this.#holders.yield(event.socket);
      if (event.type === 'ended' || event.type === 'connect-failed') {
        this.#owners.delete(event.socket);
        this.#holders.leave(event.socket);
      }
    }
    told.push(event);
  }

  #enter(event: Accepted, engine: NativeSrtEngine): SrtEvent {
    const { socket, listener, streamId, address, port } = event;
    const refused: SrtEvent = {
      ...{ type: 'refused', listener, streamId, address, port, code: SRT_REJECT.conflict, how: 'closed' },
    };
    // Two engines draw their numbers without asking each other.
    if (this.#owners.has(socket)) return refused;
    if (this.#listeners.get(listener)?.role === 'publish') {
      const replaces = this.#holders.enter(streamId, socket, engine, this.#clock());
      if (replaces === undefined) return refused;
      this.#owners.set(socket, engine);
      return event.replaces === 0 ? { ...event, replaces } : event;
    }
    this.#owners.set(socket, engine);
    return event;
  }

  #sample(): void {
    if (!this.#libsrt || this.#clock() - this.#sampledMs < SAMPLE_MS) return;
    this.#sampledMs = this.#clock();
    this.#holders.sample((socket, engine) => {
      engine.stats(socket, this.#stats);
      return this.#stats[ARRIVALS]!;
    }, this.#sampledMs);
  }
}

/** Messages as they lie, from one arena to the same place in another. */
const copySlots = (from: NativeSrtEngine, into: NativeSrtEngine, first: number, count: number): void => {
  const start = first * SRT_SLOT_BYTES;
  into.arena.set(from.arena.subarray(start, start + count * SRT_SLOT_BYTES), start);
  into.lengths.set(from.lengths.subarray(first, first + count), first);
  into.sourceTimesUs.set(from.sourceTimesUs.subarray(first, first + count), first);
};
