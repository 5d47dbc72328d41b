import {
  loadAddon,
  type NativeSrtEngine,
  SRT_SLOT_BYTES,
  SRT_STATS_FIELDS,
  type SrtConnectOptions,
  type SrtEngineOptions,
  type SrtEvent,
  type SrtListenOptions,
  type SrtStatsField,
} from '../../src/shared/addon.ts';
import { libsrtEngine } from '../../src/sls-bridge/native.ts';
import type { SrtEngineFactory } from '../../src/sls-bridge/srt-engine.ts';

/** The event of one type. */
export type EventOf<T extends SrtEvent['type']> = Extract<SrtEvent, { type: T }>;

export interface Message {
  bytes: Uint8Array;
  sourceTimeUs: number;
}

/** Waits until `probe` gives something. @throws Error that names `what` */
export const until = async <T>(
  what: string,
  probe: () => T | undefined | null | false,
  timeoutMs = 10_000,
): Promise<T> => {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > endMs) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await turn(2);
  }
};

/** Lets other work happen. */
export const turn = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** SRT's clock, µs: libsrt and Node read the same monotonic clock. */
export const srtNowUs = (): number => Number(process.hrtime.bigint() / 1000n);

const LISTEN: SrtListenOptions = {
  host: '127.0.0.1',
  port: 0,
  role: 'publish',
  refuse: 'reject',
  closesPerMinute: 5,
  latencyFloorMs: 0,
  reorderTolerancePackets: 0,
  peerIdleTimeoutMs: 5_000,
  bufferBytes: 32 * 1024 * 1024,
  flowWindowPackets: 25_600,
  udpBufferBytes: 4 * 1024 * 1024,
  backlog: 100,
};

/** What peers stand on: libsrt, unless a test file has chosen another engine for all of its own. */
export const peerEngines: {
  readonly kind: 'libsrt' | 'direct';
  create: (options: SrtEngineOptions) => NativeSrtEngine;
  /** For a bridge. */
  factory: () => SrtEngineFactory;
} = { kind: 'libsrt', create: (options) => loadAddon().createSrtEngine(options), factory: libsrtEngine };

/** An engine that takes whatever there is at each wake-up and keeps it for the test. */
export class Peer {
  readonly engine: NativeSrtEngine;
  readonly events: (SrtEvent & { atMs: number })[] = [];
  readonly received = new Map<number, Message[]>();
  wakes = 0;
  /** Called for each run of a batch, while its slots are filled. */
  onRun: (socket: number, firstSlot: number, count: number) => void = () => {};
  readonly #stats = new Float64Array(SRT_STATS_FIELDS.length);

  constructor(options: Partial<SrtEngineOptions> = {}) {
    this.engine = peerEngines.create({
      tickMs: 5,
      slots: 256,
      takeoverSilenceMs: 1_000,
      onWake: () => this.pump(),
      ...options,
    });
  }

  pump(): void {
    this.wakes++;
    this.take();
    this.engine.rearm();
  }

  /** Without opening the gate again. */
  take(): void {
    this.#takeEvents();
    for (let runs = this.engine.receive(); runs > 0; runs = this.engine.receive()) this.#takeRuns(runs);
    this.#takeEvents();
  }

  listen(options: Partial<SrtListenOptions> = {}): { listener: number; port: number } {
    const listener = this.engine.listen({ ...LISTEN, ...options });
    return { listener, port: this.engine.listenerPort(listener) };
  }

  call(port: number, streamId: string, options: Partial<SrtConnectOptions> = {}): number {
    return this.engine.connect({
      host: '127.0.0.1',
      port,
      streamId,
      latencyMs: 120,
      connectTimeoutMs: 3_000,
      reads: false,
      ...options,
    });
  }

  /** Calls and waits until it is connected. */
  async join(port: number, streamId: string, options: Partial<SrtConnectOptions> = {}): Promise<number> {
    const socket = this.call(port, streamId, options);
    const outcome = await this.outcome(socket);
    if (outcome.type !== 'connected') throw new Error(`caller of ${streamId}: ${JSON.stringify(outcome)}`);
    return socket;
  }

  outcome(socket: number): Promise<EventOf<'connected'> | EventOf<'connect-failed'>> {
    return until('the outcome of a call', () => this.find('connected', socket) ?? this.find('connect-failed', socket));
  }

  ofType<T extends SrtEvent['type']>(type: T): (EventOf<T> & { atMs: number })[] {
    return this.events.filter((event) => event.type === type) as (EventOf<T> & { atMs: number })[];
  }

  find<T extends 'connected' | 'connect-failed' | 'broken' | 'ended'>(type: T, socket: number) {
    return this.ofType(type).find((event) => (event as { socket: number }).socket === socket);
  }

  accepted(streamId: string, nth = 0): Promise<EventOf<'accepted'> & { atMs: number }> {
    const probe = () => this.ofType('accepted').filter((event) => event.streamId === streamId)[nth];
    return until(`"${streamId}" to be accepted`, probe);
  }

  ended(socket: number) {
    return until(`socket ${socket} to end`, () => this.find('ended', socket));
  }

  messages(socket: number): Message[] {
    return this.received.get(socket) ?? [];
  }

  /** One of libsrt's figures; undefined when the socket is gone. */
  stat(socket: number, field: SrtStatsField): number | undefined {
    return this.engine.stats(socket, this.#stats) ? this.#stats[SRT_STATS_FIELDS.indexOf(field)] : undefined;
  }

  #takeEvents(): void {
    const atMs = performance.now();
    for (const event of this.engine.takeEvents()) this.events.push({ ...event, atMs });
  }

  #takeRuns(runs: number): void {
    const { engine } = this;
    for (let at = 0; at < runs * 3; at += 3) {
      const [socket, first, count] = engine.runs.subarray(at, at + 3) as unknown as [number, number, number];
      const messages = this.messages(socket);
      for (let slot = first; slot < first + count; slot++) {
        const start = slot * SRT_SLOT_BYTES;
        const bytes = engine.arena.slice(start, start + engine.lengths[slot]!);
        messages.push({ bytes, sourceTimeUs: engine.sourceTimesUs[slot]! });
      }
      this.received.set(socket, messages);
      this.onRun(socket, first, count);
    }
  }
}

/** A message that names itself: its number in the first four bytes, then a pattern. */
export const numbered = (index: number, length = 1316): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let i = 4; i < length; i++) bytes[i] = (index * 31 + i) & 255;
  new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
};

export const numberOf = (message: Message): number =>
  new DataView(message.bytes.buffer, message.bytes.byteOffset).getUint32(0);

/** Sends messages `from` to `to` (exclusive) at `perMs`, as an encoder does. */
export const stream = async (
  peer: Peer,
  socket: number,
  from: number,
  to: number,
  { perMs = 1, length = 1316 }: { perMs?: number; length?: number } = {},
): Promise<void> => {
  const startMs = performance.now();
  for (let i = from; i < to; ) {
    const due = Math.min(to, from + Math.floor((performance.now() - startMs) * perMs) + 1);
    for (; i < due; i++) {
      const sent = peer.engine.sendMessage(socket, numbered(i, length), 0);
      if (sent !== length) throw new Error(`message ${i} was not sent: ${sent}`);
    }
    await turn(2);
  }
};
