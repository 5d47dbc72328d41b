import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { formatEndpoint } from '../shared/address.ts';
import type { Millis } from '../shared/clock.ts';
import type { Current } from '../shared/current.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import type { TlsKeyPair } from '../shared/tls-files.ts';
import { Networks } from './callers.ts';
import { capConnections } from './connection-cap.ts';
import { rawAnswer } from './raw-answer.ts';

export interface ListenOptions {
  /** Addresses, `::` (dual-stack) or `auto` (the same here). */
  bind: readonly string[];
  /** 0 picks a free one, the same on every address. */
  port: number;
  /** The setting that chooses the port, for error texts. */
  portSetting: string;
  /** Further ports on which the same is served. */
  aliasPorts?: readonly number[];
  /** The setting that chooses them, for error texts. */
  aliasPortsSetting?: string;
  /** Their connections are those of many clients. */
  trustedProxies?: Current<readonly string[]>;
  /** Takes connections that want to be something else (WebSocket). */
  onUpgrade?: UpgradeHandler | undefined;
  /** When the listener begins to close: says good-bye to connections that have become something else. */
  onClose?: () => void;
  /** A connection on which nothing moves for so long is closed; WebSockets look after themselves. */
  idleTimeoutMs?: Millis;
  /** PEM; with it HTTPS is spoken. */
  tls?: TlsKeyPair;
  /** Connections at once on each address; more are closed. */
  maxConnections?: number;
}

/** What answers requests: a fastify application, or several. */
export interface HttpApplication {
  ready(): PromiseLike<unknown>;
  routing(request: IncomingMessage, response: ServerResponse): void;
  close(): PromiseLike<unknown>;
}

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Connections at once on each address; more are closed. */
export const MAX_CONNECTIONS = 512;
const IDLE_TIMEOUT_MS: Millis = 30_000;

const SERVER_OPTIONS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  // Others are served as if they had not asked: curl offers HTTP/2 in that way.
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
};

/** What is no HTTP, too long or too slow never reaches the application. */
const refuseBroken = (error: Error, socket: Duplex): void => {
  const code = codeOf(error);
  if (code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else if (code === 'HPE_HEADER_OVERFLOW') rawAnswer(socket, 431, 'Request header fields too large');
  else if (code === 'ERR_HTTP_REQUEST_TIMEOUT') rawAnswer(socket, 408, 'Request timeout');
  else rawAnswer(socket, 400, 'Bad request');
};

const bindError = (error: unknown, where: string, setting: string): TributaryError => {
  if (codeOf(error) === 'EADDRINUSE')
    return new TributaryError(
      'TRIBUTARY_PORT_IN_USE',
      `TCP port ${where} is in use by another program`,
      `stop that program or set ${setting} to another port`,
      error,
    );
  return new TributaryError(
    'TRIBUTARY_BIND_FAILED',
    `TCP port ${where} cannot be opened (${codeOf(error) ?? messageOf(error)})`,
    `check TRIBUTARY_BIND and ${setting}`,
    error,
  );
};

/** `::` takes every address of the machine; beside it the others would find the port in use. */
const hostsOf = (bind: readonly string[]): readonly string[] =>
  bind.includes('::') || bind.includes('auto') ? ['::'] : bind;

interface Listening {
  readonly server: Server | TlsServer;
  /** Every open connection: what has become a WebSocket is none of the server's any more, and it waits for it all the same. */
  readonly sockets: ReadonlySet<Socket>;
}

/** An HTTP application on one port of one or more addresses. */
export class HttpListener {
  readonly port: number;
  readonly #app: HttpApplication;
  readonly #listening: readonly Listening[];
  readonly #onClose: (() => void) | undefined;

  private constructor(port: number, app: HttpApplication, listening: readonly Listening[], onClose?: () => void) {
    this.port = port;
    this.#app = app;
    this.#listening = listening;
    this.#onClose = onClose;
  }

  /** @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED; nothing stays open then */
  static async open(app: HttpApplication, options: ListenOptions): Promise<HttpListener> {
    await app.ready();
    const listening: Listening[] = [];
    let chosen = options.port;
    try {
      for (const host of hostsOf(options.bind)) {
        const one = await listen(app, host, { ...options, port: chosen });
        listening.push(one);
        chosen = (one.server.address() as AddressInfo).port;
      }
      const portSetting = options.aliasPortsSetting ?? options.portSetting;
      for (const port of options.aliasPorts ?? [])
        for (const host of hostsOf(options.bind))
          listening.push(await listen(app, host, { ...options, port, portSetting }));
    } catch (error) {
      for (const { server, sockets } of listening) {
        server.close();
        for (const socket of sockets) socket.destroy();
      }
      await app.close();
      throw error;
    }
    return new HttpListener(chosen, app, listening, options.onClose);
  }

  /** New connections get this certificate. @throws Error where the two do not belong together */
  renewTls(tls: TlsKeyPair): void {
    for (const { server } of this.#listening) if ('setSecureContext' in server) server.setSecureContext({ ...tls });
  }

  /** Connections that are open, whatever they have become. */
  get connections(): number {
    return this.#listening.reduce((sum, { sockets }) => sum + sockets.size, 0);
  }

  /** Answers what is under way for at most `graceMs`, then closes every connection, whatever it has become. */
  async close(graceMs = 1_000): Promise<void> {
    const closed = this.#listening.map(({ server }) => once(server, 'close'));
    for (const { server } of this.#listening) server.close();
    this.#onClose?.();
    const late = setTimeout(() => {
      for (const { sockets } of this.#listening) for (const socket of sockets) socket.destroy();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(late);
    await this.#app.close();
  }
}

const listen = async (app: HttpApplication, host: string, options: ListenOptions): Promise<Listening> => {
  const { port, portSetting, trustedProxies = [], onUpgrade, idleTimeoutMs = IDLE_TIMEOUT_MS, tls } = options;
  const answer = (request: IncomingMessage, response: ServerResponse): void => app.routing(request, response);
  const server = tls
    ? (await import('node:https')).createServer({ ...SERVER_OPTIONS, ...tls }, answer)
    : createServer(SERVER_OPTIONS, answer);
  server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  server.timeout = idleTimeoutMs;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('clientError', refuseBroken);
  capConnections(server, new Networks(trustedProxies));
  if (onUpgrade) server.on('upgrade', onUpgrade);
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    return { server, sockets };
  } catch (error) {
    // A machine without IPv6: the wildcard of IPv4 is all there is.
    if (host === '::' && codeOf(error) === 'EAFNOSUPPORT') return listen(app, '0.0.0.0', options);
    throw bindError(error, formatEndpoint(host, port), portSetting);
  }
};
