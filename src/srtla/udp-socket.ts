import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { platform } from 'node:os';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';

/** Datagrams that wait for the kernel; with more it is stuck, and newer ones are worth as little as older ones. */
const MAX_WAITING = 4_096;
/** Datagrams that wait for a connected socket to be ready: a handshake and what may follow it. */
const MAX_EARLY = 32;

export interface UdpSocketHandlers {
  onMessage(bytes: Uint8Array, from: RemoteInfo): void;
  /** A send or receive that failed. The socket goes on. */
  onError(error: Error): void;
  /** A datagram that was not sent because too many were waiting. */
  onDrop(): void;
}

/** A `node:dgram` socket that never throws and never ends by itself; its failures are told and outlived. */
export class UdpSocket {
  readonly #socket: Socket;
  readonly #handlers: UdpSocketHandlers;
  #waiting = 0;
  /** Until a connected socket is ready; undefined afterwards. */
  #early: Uint8Array[] | undefined;
  #closing: (() => void)[] | undefined;
  #closed = false;
  readonly #sent = (error: Error | null): void => {
    this.#waiting -= 1;
    if (error !== null) this.#handlers.onError(error);
    this.#closeWhenIdle();
  };

  private constructor(socket: Socket, handlers: UdpSocketHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.on('message', (bytes, from) => handlers.onMessage(bytes, from));
  }

  /**
   * A socket on `address`:`port` (0 = a free one). `::` is dual-stack.
   * @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED
   */
  static async bind(address: string, port: number, handlers: UdpSocketHandlers): Promise<UdpSocket> {
    // IPV6_V6ONLY is set explicitly: what the host's default makes of `::` is not to be relied on.
    const socket = isIP(address) === 6 ? createSocket({ type: 'udp6', ipv6Only: false }) : createSocket('udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ address, port, exclusive: true }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      socket.close();
      throw bindError(address, port, error);
    }
    socket.on('error', (error) => handlers.onError(error));
    return new UdpSocket(socket, handlers);
  }

  /** A socket of its own port towards one server; sends wait until it is ready. `onReady` gets the local port. */
  static connect(host: string, port: number, handlers: UdpSocketHandlers, onReady: (port: number) => void): UdpSocket {
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
    const self = new UdpSocket(socket, handlers);
    self.#early = [];
    socket.on('error', (error) => {
      handlers.onError(error);
      // It will not become ready any more.
      if (self.#early !== undefined) self.#ready();
    });
    socket.once('connect', () => {
      onReady(socket.address().port);
      self.#ready();
    });
    try {
      socket.connect(port, host);
    } catch (error) {
      // A port that is none, which only a server that is not up yet can bring about.
      handlers.onError(error instanceof Error ? error : new Error(messageOf(error)));
      self.#ready();
    }
    return self;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Asks for a receive buffer and returns what the kernel granted, bytes; 0 where it does not say. */
  requestReceiveBuffer(bytes: number): number {
    try {
      this.#socket.setRecvBufferSize(bytes);
    } catch {
      // The kernel's own size stays; it is what the next line reads.
    }
    try {
      // Linux reports twice what it granted, its own book-keeping included.
      return this.#socket.getRecvBufferSize() / (platform() === 'linux' ? 2 : 1);
    } catch {
      return 0;
    }
  }

  /** `bytes` must stay as they are: dgram sends in a later turn. Without an address on a connected socket. */
  send(bytes: Uint8Array, port?: number, address?: string): void {
    if (this.#closing !== undefined) return;
    if (this.#early !== undefined) {
      if (this.#early.length < MAX_EARLY) this.#early.push(bytes);
      else this.#handlers.onDrop();
      return;
    }
    this.#send(bytes, port, address);
  }

  /** Closes once everything sent so far has gone to the kernel. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#closing ??= [];
      this.#closing.push(resolve);
      this.#closeWhenIdle();
    });
  }

  #send(bytes: Uint8Array, port?: number, address?: string): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#handlers.onDrop();
      return;
    }
    this.#waiting += 1;
    try {
      if (port === undefined) this.#socket.send(bytes, this.#sent);
      else this.#socket.send(bytes, port, address, this.#sent);
    } catch (error) {
      this.#sent(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  #ready(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const bytes of early) this.#send(bytes);
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#closing === undefined || this.#waiting > 0 || this.#early !== undefined) return;
    const done = this.#closing;
    this.#closing = [];
    if (this.#closed) {
      for (const resolve of done) resolve();
      return;
    }
    this.#closed = true;
    this.#socket.close(() => {
      for (const resolve of done) resolve();
    });
  }
}

/** What is wrong with a port, and the mend. */
export const bindError = (address: string, port: number, error: unknown): TributaryError => {
  const code = codeOf(error);
  return code === 'EADDRINUSE'
    ? new TributaryError(
        'TRIBUTARY_PORT_IN_USE',
        `UDP port ${port} on ${address} is in use`,
        'stop the program that holds it, or set SRTLA_PORT to another port',
        error,
      )
    : new TributaryError(
        'TRIBUTARY_BIND_FAILED',
        `UDP port ${port} on ${address} cannot be opened (${code ?? messageOf(error)})`,
        code === 'EACCES' ? 'choose a port above 1023' : 'set TRIBUTARY_BIND to addresses that this machine has',
        error,
      );
};
