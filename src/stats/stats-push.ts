import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Millis } from '../shared/clock.ts';
import { bareKeyOf, RATE_LIMIT } from './access.ts';
import { LossMeter, pushMessage, type Subject } from './push-message.ts';
import { rawAnswer } from './raw-answer.ts';
import { RequestBudget, sourceOf } from './request-budget.ts';
import { publisherOf, type RouteContext } from './routes/context.ts';

/** NOALBS takes three seconds without a message for an offline stream. */
const PUSH_EVERY_MS: Millis = 1_000;
const PING_EVERY_PUSHES = 10;
/** A client that reads so slowly that this much is waiting is let go, bytes. */
const MAX_WAITING_BYTES = 64 * 1_024;
/** Clients have nothing to say: a longer message ends the connection, and so does one after this many. */
const MAX_MESSAGE_BYTES = 1_024;
const MAX_MESSAGES = 100;
const MAX_IDS = 16;
/** Part of all clients that may come from one address. */
const SOURCE_SHARE = 10;
const LEAST_PER_SOURCE = 10;

const PATH = '/ws/stats';
const CLOSE_POLICY = 1_008;
const CLOSE_GOING_AWAY = 1_001;

/** What a client may see: the streams of the ids it has named, or with an API key all of them. */
type Scope = { ids: readonly string[] } | { keyId: string };

interface Client {
  readonly socket: WebSocket;
  readonly source: string;
  readonly scope: Scope;
  messages: number;
  /** Has answered since the last ping. */
  alive: boolean;
}

/**
 * `ws://…/ws/stats/{id}`, `/ws/stats?id=ID&id=ID`, `/ws/stats?token=ID or API KEY`: a message each second, in the shape of NOALBS's type
 * WebSocket.
 */
export class StatsPush {
  readonly #context: RouteContext;
  readonly #stats: RequestBudget;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  readonly #clients = new Set<Client>();
  readonly #loss = new LossMeter();
  #timer: NodeJS.Timeout | undefined;
  #pushes = 0;

  /** @param stats the budget that connecting counts against */
  constructor(context: RouteContext, stats: RequestBudget) {
    this.#context = context;
    this.#stats = stats;
  }

  get clients(): number {
    return this.#clients.size;
  }

  readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => {});
    const url = parseUrl(request.url ?? '');
    if (!url || (url.path !== PATH && !url.path.startsWith(`${PATH}/`))) {
      rawAnswer(socket, 404, 'Not found');
      return;
    }
    const now = this.#context.clock();
    const address = this.#context.callers.addressOf(request);
    const scope = this.#scopeOf(request, url, address, now);
    if ('status' in scope) {
      const headers = scope.status === 429 ? { 'Retry-After': RequestBudget.retryAfterS(now) } : {};
      rawAnswer(socket, scope.status, scope.message, headers);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (opened) => this.#open(opened, sourceOf(address), scope));
  };

  /** Tells every client that the node goes. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const { socket } of this.#clients) {
      socket.close(CLOSE_GOING_AWAY, 'the node stops');
      // Whoever does not answer is not waited for.
      setTimeout(() => socket.terminate(), 500).unref();
    }
  }

  #scopeOf(
    request: IncomingMessage,
    { path, query }: ParsedUrl,
    address: string,
    now: Millis,
  ): Scope | { status: number; message: string } {
    const { deps, guesses } = this.#context;
    const tooMany = { status: 429, message: RATE_LIMIT.message };
    if (!this.#stats.take(address, now)) return tooMany;
    const token = query.get('token');
    const key = (token === null ? undefined : deps.keys.verify(token)) ?? bareKeyOf(request, deps.keys);
    const named = [path.slice(PATH.length + 1), ...query.getAll('id'), ...(key || token === null ? [] : [token])];
    const ids = [...new Set(named.filter((id) => id !== ''))];
    if (ids.length > MAX_IDS) return { status: 400, message: `Too many ids: give at most ${MAX_IDS}` };
    for (const id of ids) {
      const isKnown = publisherOf(deps, id) !== undefined;
      if (!guesses.admits(address, id, isKnown, now)) return tooMany;
      if (!isKnown) return { status: 404, message: 'Invalid player key' };
    }
    if (ids.length === 0 && !key) {
      if (!this.#context.keyless.take(address, now)) return tooMany;
      return { status: 401, message: 'Missing id: give a player id or an API key' };
    }
    const most = deps.settings.http.maxPushClients;
    const mostOfSource = Math.max(LEAST_PER_SOURCE, Math.floor(most / SOURCE_SHARE));
    const source = sourceOf(address);
    const ofSource = [...this.#clients].filter((client) => client.source === source).length;
    if (this.#clients.size >= most || ofSource >= mostOfSource)
      return { status: 429, message: 'Too many WebSocket clients' };
    return ids.length > 0 ? { ids } : { keyId: key!.id };
  }

  #open(socket: WebSocket, source: string, scope: Scope): void {
    const client: Client = { socket, source, scope, messages: 0, alive: true };
    this.#clients.add(client);
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#forget(client));
    socket.on('pong', () => {
      client.alive = true;
    });
    socket.on('message', () => {
      if (++client.messages > MAX_MESSAGES) socket.close(CLOSE_POLICY, 'too many messages');
    });
    // What was lost is counted from the first client on.
    if (!this.#timer) this.#loss.look(this.#context.deps.snapshot());
    this.#push(client);
    this.#timer ??= setInterval(() => this.#pushAll(), PUSH_EVERY_MS).unref();
  }

  #forget(client: Client): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #pushAll(): void {
    this.#loss.look(this.#context.deps.snapshot());
    const pings = ++this.#pushes % PING_EVERY_PUSHES === 0;
    for (const client of this.#clients) {
      if (client.socket.bufferedAmount > MAX_WAITING_BYTES || (pings && !client.alive)) {
        client.socket.terminate();
        continue;
      }
      if (pings) {
        client.alive = false;
        client.socket.ping();
      }
      this.#push(client);
    }
  }

  #push({ socket, scope }: Client): void {
    const { deps } = this.#context;
    const subjects = this.#subjects(scope);
    if (!subjects) {
      socket.close(CLOSE_POLICY, 'keyId' in scope ? 'the API key is revoked' : 'the id is deleted');
      return;
    }
    socket.send(JSON.stringify(pushMessage(deps.snapshot(), subjects, this.#loss, deps.unixNow())));
  }

  /** Undefined where the right to see anything is gone. */
  #subjects(scope: Scope): Subject[] | undefined {
    const { deps } = this.#context;
    if ('keyId' in scope) {
      if (!deps.keys.has(scope.keyId)) return undefined;
      const ids = new Set(deps.snapshot().publishers.map(({ publisherId }) => publisherId));
      return [...ids].map((id) => ({ streamId: id, publisherId: id }));
    }
    const subjects = scope.ids.map((streamId) => ({ streamId, publisherId: publisherOf(deps, streamId) }));
    return subjects.some(({ publisherId }) => publisherId !== undefined) ? subjects : undefined;
  }
}

interface ParsedUrl {
  /** Percent-decoded. */
  path: string;
  query: URLSearchParams;
}

const parseUrl = (url: string): ParsedUrl | undefined => {
  const [path = '', ...query] = url.split('?');
  try {
    return { path: decodeURIComponent(path), query: new URLSearchParams(query.join('?')) };
  } catch {
    return undefined;
  }
};
