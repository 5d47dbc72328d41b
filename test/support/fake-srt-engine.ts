import type {
  SrtAccess,
  SrtConnectOptions,
  SrtEngine,
  SrtEvent,
  SrtListenOptions,
  SrtRole,
  SrtStatsField,
} from '../../src/sls-bridge/srt-engine.ts';
import { SRT_SLOT_BYTES, SRT_STATS_FIELDS } from '../../src/sls-bridge/srt-engine.ts';

/** An SRT engine without a network: tests put events and messages in, and read what was sent. */
export class FakeSrtEngine implements SrtEngine {
  readonly slots = 64;
  readonly arena = new Uint8Array(this.slots * SRT_SLOT_BYTES);
  readonly lengths = new Int32Array(this.slots);
  readonly sourceTimesUs = new Float64Array(this.slots);
  readonly runs = new Int32Array(this.slots * 3);
  readonly allowed = new Map<string, SrtAccess>();
  readonly listeners = new Map<number, SrtListenOptions>();
  readonly closed: number[] = [];
  readonly yielded: number[] = [];
  /** Messages that each socket was sent, in order. */
  readonly sent = new Map<number, Uint8Array[]>();
  /** Sockets whose send buffer is full. */
  readonly full = new Set<number>();
  refusing = false;
  refusingPublishers = false;
  /** What `stats` answers; fields that are not here are 0. */
  readonly figures = new Map<number, Partial<Record<SrtStatsField, number>>>();
  disposed = false;
  looked = 0;
  rearmed = 0;
  #events: SrtEvent[] = [];
  #pending: { socket: number; messages: Uint8Array[] }[] = [];
  #next = 1;
  readonly #times = new Map<number, number[]>();
  clockUs = 1_000_000;

  listen(options: SrtListenOptions): number {
    this.listeners.set(this.#next, options);
    return this.#next++;
  }
  listenerPort(listener: number): number {
    return this.listeners.get(listener)?.port || 40_000 + listener;
  }
  closeListener(listener: number): void {
    this.listeners.delete(listener);
  }
  connect(_options: SrtConnectOptions): number {
    return this.#next++;
  }
  allow(role: SrtRole, streamId: string, access: SrtAccess): void {
    this.allowed.set(`${role} ${streamId}`, access);
    this.refused.delete(`${role} ${streamId}`);
  }
  /** What is known to be refused. */
  readonly refused = new Set<string>();
  forbid(role: SrtRole, streamId: string, known = false): void {
    this.allowed.delete(`${role} ${streamId}`);
    if (known) this.refused.add(`${role} ${streamId}`);
    else this.refused.delete(`${role} ${streamId}`);
  }
  yieldPublisher(socket: number): void {
    this.yielded.push(socket);
  }
  refuseAll(refuse: boolean): void {
    this.refusing = refuse;
  }
  refusePublishers(refuse: boolean): void {
    this.refusingPublishers = refuse;
  }

  happen(event: SrtEvent): void {
    this.#events.push(event);
  }
  arrive(socket: number, ...messages: Uint8Array[]): void {
    this.#pending.push({ socket, messages });
  }
  sourceTimesOf(socket: number): readonly number[] {
    return this.#times.get(socket) ?? [];
  }
  texts(socket: number): string[] {
    return (this.sent.get(socket) ?? []).map((bytes) => new TextDecoder().decode(bytes));
  }

  takeEvents(): SrtEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
  queuedEvents(): number {
    return this.#events.length;
  }
  look(): void {
    this.looked++;
  }
  receive(): number {
    let slot = 0;
    let runs = 0;
    while (this.#pending.length > 0 && slot + this.#pending[0]!.messages.length <= this.slots) {
      const { socket, messages } = this.#pending.shift()!;
      this.runs.set([socket, slot, messages.length], runs * 3);
      for (const message of messages) {
        this.arena.set(message, slot * SRT_SLOT_BYTES);
        this.lengths[slot] = message.length;
        this.sourceTimesUs[slot] = this.clockUs++;
        slot++;
      }
      runs++;
    }
    return runs;
  }
  send(sockets: Int32Array, socketCount: number, firstSlot: number, slotCount: number, dropped: Float64Array): void {
    for (let i = 0; i < socketCount; i++) {
      for (let slot = firstSlot; slot < firstSlot + slotCount; slot++) {
        const start = slot * SRT_SLOT_BYTES;
        const length = this.lengths[slot]!;
        if (this.sendMessage(sockets[i]!, this.arena.subarray(start, start + length), 0) < 0) dropped[i]!++;
      }
    }
  }
  sendMessage(socket: number, message: Uint8Array, sourceTimeUs: number): number {
    if (this.full.has(socket)) return -1;
    const times = this.#times.get(socket) ?? [];
    times.push(sourceTimeUs);
    this.#times.set(socket, times);
    const sent = this.sent.get(socket) ?? [];
    sent.push(message.slice());
    this.sent.set(socket, sent);
    return message.length;
  }
  rearm(): void {
    this.rearmed++;
  }
  stats(socket: number, out: Float64Array): boolean {
    const figures = this.figures.get(socket);
    SRT_STATS_FIELDS.forEach((name, index) => {
      out[index] = figures?.[name] ?? 0;
    });
    return true;
  }
  close(socket: number): void {
    if (this.closed.includes(socket)) return;
    this.closed.push(socket);
    this.#events.push({ type: 'ended', socket });
  }
  takeLog(): { lines: { level: number; text: string }[]; dropped: number } {
    return { lines: [], dropped: 0 };
  }
  dispose(): void {
    this.disposed = true;
  }
}
