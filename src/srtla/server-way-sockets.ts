import type { NativeUdpEngine } from '../shared/addon.ts';
import { SRT_HEADER_BYTES } from './constants.ts';
import { destinationId } from './srt-header.ts';
import type { SessionId } from './types.ts';

/** No such session: numbers of sessions begin with 1. */
export const NO_SESSION: SessionId = 0;
/** No such destination. */
export const NOWHERE = -0x80000000;

export interface ServerAddress {
  host: string;
  port: () => number;
  bufferBytes: number;
}

/** Where sessions are sent to, and to which session belongs what the SRT server sends. */
export interface ServerSockets {
  /** @throws Error with `code` when no socket can be had */
  open(session: SessionId, encoderId: number): void;
  /** What was sent before has gone out. */
  close(session: SessionId): void;
  /** An entry for the send table, or `NOWHERE`. */
  destinationOf(session: SessionId): number;
  /** The session of a datagram, or `NO_SESSION`. */
  sessionOf(socket: number, peer: number, datagram: Uint8Array): SessionId;
  localPortOf(session: SessionId): number | undefined;
  sessionOfLocalPort(port: number): SessionId | undefined;
}

/** A connected socket for each session: for servers anywhere, and of any kind. */
export class SocketEach implements ServerSockets {
  readonly #udp: NativeUdpEngine;
  readonly #server: ServerAddress;
  readonly #sockets = new Map<SessionId, number>();
  readonly #sessions = new Map<number, SessionId>();

  constructor(udp: NativeUdpEngine, server: ServerAddress) {
    this.#udp = udp;
    this.#server = server;
  }

  open(session: SessionId): void {
    const { host, port, bufferBytes } = this.#server;
    const socket = this.#udp.connect({ host, port: port(), bufferBytes });
    this.#sockets.set(session, socket);
    this.#sessions.set(socket, session);
  }

  close(session: SessionId): void {
    const socket = this.#sockets.get(session);
    if (socket === undefined) return;
    this.#sockets.delete(session);
    this.#sessions.delete(socket);
    this.#udp.close(socket);
  }

  destinationOf(session: SessionId): number {
    const socket = this.#sockets.get(session);
    return socket === undefined ? NOWHERE : -1 - socket;
  }

  sessionOf(socket: number): SessionId {
    return this.#sessions.get(socket) ?? NO_SESSION;
  }

  localPortOf(session: SessionId): number | undefined {
    const socket = this.#sockets.get(session);
    return socket === undefined ? undefined : this.#udp.facts(socket)?.port;
  }

  sessionOfLocalPort(port: number): SessionId | undefined {
    for (const [session] of this.#sockets) if (this.localPortOf(session) === port) return session;
    return undefined;
  }
}

/** Sources are 127.64.0.1 and what follows it. */
const FIRST_SOURCE = 0x7f400001;

const sourceText = (index: number): string => {
  const address = FIRST_SOURCE + index;
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
};

/**
 * One socket for all sessions, and a source address of 127/8 for each. It has to be bound to no address, so it is tied to the
 * loopback device: nobody outside reaches it.
 */
export class AddressEach implements ServerSockets {
  readonly #udp: NativeUdpEngine;
  readonly #server: ServerAddress;
  readonly #peers = new Map<SessionId, number>();
  readonly #sessions = new Map<number, SessionId>();
  readonly #sources = new Map<SessionId, number>();
  readonly #freeSources: number[] = [];
  #socket: number | undefined;

  constructor(udp: NativeUdpEngine, server: ServerAddress) {
    this.#udp = udp;
    this.#server = server;
  }

  open(session: SessionId): void {
    const { host, port, bufferBytes } = this.#server;
    this.#socket ??= this.#udp.bind({ host: '0.0.0.0', port: 0, bufferBytes, device: 'lo', towardsServer: true });
    const source = this.#freeSources.pop() ?? this.#sources.size;
    const peer = this.#udp.peer(this.#socket, host, port(), sourceText(source));
    this.#sources.set(session, source);
    this.#peers.set(session, peer);
    this.#sessions.set(peer, session);
  }

  close(session: SessionId): void {
    const peer = this.#peers.get(session);
    const source = this.#sources.get(session);
    if (peer === undefined || source === undefined) return;
    this.#peers.delete(session);
    this.#sessions.delete(peer);
    this.#sources.delete(session);
    this.#freeSources.push(source);
    this.#udp.release(peer);
  }

  destinationOf(session: SessionId): number {
    return this.#peers.get(session) ?? NOWHERE;
  }

  sessionOf(_socket: number, peer: number): SessionId {
    return this.#sessions.get(peer) ?? NO_SESSION;
  }

  localPortOf(session: SessionId): number | undefined {
    return this.#peers.has(session) && this.#socket !== undefined ? this.#udp.facts(this.#socket)?.port : undefined;
  }

  /** All share one. */
  sessionOfLocalPort(): SessionId | undefined {
    return undefined;
  }
}

interface Shared {
  readonly socket: number;
  readonly port: number;
  sessions: number;
}

/**
 * One connected socket for all sessions, told apart by the encoder's SRT socket id, to which the server addresses its packets: runs of
 * segments span groups. A session whose id another one uses already gets a socket of its own.
 */
export class SharedSocket implements ServerSockets {
  readonly #udp: NativeUdpEngine;
  readonly #server: ServerAddress;
  readonly #private: SocketEach;
  readonly #byId = new Map<number, SessionId>();
  readonly #sessions = new Map<SessionId, { readonly encoderId: number; readonly shared: Shared }>();
  #shared: Shared | undefined;

  constructor(udp: NativeUdpEngine, server: ServerAddress) {
    this.#udp = udp;
    this.#server = server;
    this.#private = new SocketEach(udp, server);
  }

  open(session: SessionId, encoderId: number): void {
    if (encoderId === 0 || this.#byId.has(encoderId)) {
      this.#private.open(session);
      return;
    }
    const shared = this.#socketTo(this.#server.port());
    shared.sessions += 1;
    this.#byId.set(encoderId, session);
    this.#sessions.set(session, { encoderId, shared });
  }

  close(session: SessionId): void {
    const entry = this.#sessions.get(session);
    if (entry === undefined) {
      this.#private.close(session);
      return;
    }
    this.#sessions.delete(session);
    this.#byId.delete(entry.encoderId);
    entry.shared.sessions -= 1;
    this.#closeUnused(entry.shared);
  }

  destinationOf(session: SessionId): number {
    const entry = this.#sessions.get(session);
    return entry === undefined ? this.#private.destinationOf(session) : -1 - entry.shared.socket;
  }

  sessionOf(socket: number, _peer: number, datagram: Uint8Array): SessionId {
    const own = this.#private.sessionOf(socket);
    if (own !== NO_SESSION) return own;
    if (datagram.length < SRT_HEADER_BYTES) return NO_SESSION;
    return this.#byId.get(destinationId(datagram)) ?? NO_SESSION;
  }

  localPortOf(session: SessionId): number | undefined {
    const entry = this.#sessions.get(session);
    return entry === undefined ? this.#private.localPortOf(session) : this.#udp.facts(entry.shared.socket)?.port;
  }

  sessionOfLocalPort(port: number): SessionId | undefined {
    return this.#private.sessionOfLocalPort(port);
  }

  /** The server may have got another port since the last session. */
  #socketTo(port: number): Shared {
    const last = this.#shared;
    if (last?.port === port) return last;
    const { host, bufferBytes } = this.#server;
    this.#shared = { socket: this.#udp.connect({ host, port, bufferBytes }), port, sessions: 0 };
    if (last !== undefined) this.#closeUnused(last);
    return this.#shared;
  }

  #closeUnused(shared: Shared): void {
    if (shared !== this.#shared && shared.sessions === 0) this.#udp.close(shared.socket);
  }
}
