import type { FastifyReply, FastifyRequest } from 'fastify';
import { eventFacts, hookTypeOf } from '../hooks/hook-event.ts';
import type { Millis } from '../shared/clock.ts';
import type { AddressView } from '../shared/redact.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';
import type { Callers } from './callers.ts';
import type { StatsDeps } from './deps.ts';
import { sourceOf } from './request-budget.ts';

/** Clients at once. */
export const MAX_EVENT_CLIENTS = 64;
export const EVENT_CLIENTS_PER_SOURCE = 16;
/** Events that a client which comes back may still be told. */
export const KEPT_EVENTS = 1_000;
/** A client that reads so slowly that this much is waiting is let go, bytes; it comes back and is told the rest. */
const MAX_WAITING_BYTES = 256 * 1_024;
/** Well within the time after which an idle connection is closed. */
const KEEP_ALIVE_MS: Millis = 10_000;

export interface EventWish {
  /** Undefined: of every stream. */
  readonly publisherId: string | undefined;
  /** Undefined: of every type that is told outside. */
  readonly types: ReadonlySet<string> | undefined;
  readonly addresses: AddressView;
  /** `Last-Event-ID` of a client that comes back. */
  readonly lastId: string | undefined;
  /** Its right to be told; looked at before each event. */
  readonly mayStay: () => boolean;
}

interface Client extends EventWish {
  readonly reply: FastifyReply;
  readonly source: string;
}

interface Kept {
  readonly sequence: number;
  readonly event: StreamEvent;
}

/** Clients that are told by server-sent events what happens to streams. */
export class EventStream {
  readonly #deps: Pick<StatsDeps, 'events' | 'unixNow'>;
  readonly #callers: Callers;
  readonly #clients = new Set<Client>();
  /** Oldest first. */
  readonly #kept: Kept[] = [];
  /** Of this start of the node: numbers of an earlier one mean nothing. */
  readonly #epoch: string;
  #sequence = 0;
  #end: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: Pick<StatsDeps, 'events' | 'unixNow'>, callers: Callers) {
    this.#deps = deps;
    this.#callers = callers;
    this.#epoch = deps.unixNow().toString(36);
  }

  get clients(): number {
    return this.#clients.size;
  }

  start(): void {
    this.#end = this.#deps.events.onEvent((event) => this.#tell(event));
    this.#timer = setInterval(() => {
      for (const client of [...this.#clients]) this.#write(client, ':\n\n');
    }, KEEP_ALIVE_MS);
    this.#timer.unref();
  }

  /** Takes the request over. @returns whether there was room */
  open(request: FastifyRequest, reply: FastifyReply, wish: EventWish): boolean {
    const source = sourceOf(this.#callers.addressOf(request));
    const ofSource = [...this.#clients].filter((client) => client.source === source).length;
    if (this.#clients.size >= MAX_EVENT_CLIENTS || ofSource >= EVENT_CLIENTS_PER_SOURCE) return false;
    const client: Client = { ...wish, reply, source };
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // nginx gathers answers unless it is told otherwise.
      'x-accel-buffering': 'no',
    });
    reply.raw.on('error', () => reply.raw.destroy());
    reply.raw.on('close', () => this.#clients.delete(client));
    // With the number of now, so that a client that has been told nothing yet can come back, too.
    const id = wish.lastId === undefined ? `id: ${this.#idOf(this.#sequence)}\n` : '';
    reply.raw.write(`retry: 2000\n${id}\n`);
    this.#clients.add(client);
    if (wish.lastId !== undefined) this.#catchUp(client, wish.lastId);
    return true;
  }

  close(): void {
    this.#end?.();
    clearInterval(this.#timer);
    for (const { reply } of this.#clients) reply.raw.end();
  }

  #idOf(sequence: number): string {
    return `${this.#epoch}-${sequence}`;
  }

  #catchUp(client: Client, lastId: string): void {
    const [epoch, number] = lastId.split('-');
    const last = epoch === this.#epoch && /^\d{1,15}$/.test(number ?? '') ? Number(number) : undefined;
    const oldest = this.#kept[0]?.sequence ?? this.#sequence + 1;
    const isKnown = last !== undefined && last >= oldest - 1 && last <= this.#sequence;
    if (!isKnown) this.#write(client, `id: ${this.#idOf(this.#sequence)}\nevent: gap\ndata: {}\n\n`);
    else for (const kept of this.#kept) if (kept.sequence > last) this.#tellOne(client, kept);
  }

  #tell(event: StreamEvent): void {
    if (hookTypeOf(event.type) === undefined) return;
    const kept = { sequence: ++this.#sequence, event };
    this.#kept.push(kept);
    if (this.#kept.length > KEPT_EVENTS) this.#kept.shift();
    for (const client of [...this.#clients]) this.#tellOne(client, kept);
  }

  #tellOne(client: Client, { sequence, event }: Kept): void {
    const type = hookTypeOf(event.type)!;
    if (client.publisherId !== undefined && client.publisherId !== event.publisherId) return;
    if (client.types !== undefined && !client.types.has(type)) return;
    const data = JSON.stringify(eventFacts(event, { ids: true, addresses: client.addresses }));
    this.#write(client, `id: ${this.#idOf(sequence)}\nevent: ${type}\ndata: ${data}\n\n`);
  }

  #write(client: Client, text: string): void {
    const { raw } = client.reply;
    if (raw.destroyed) return;
    if (client.mayStay() && raw.writableLength <= MAX_WAITING_BYTES) raw.write(text);
    else {
      this.#clients.delete(client);
      raw.destroy();
    }
  }
}
