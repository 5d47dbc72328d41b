import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { Millis } from '../shared/clock.ts';
import { codeOf } from '../shared/errors.ts';

const SOCKET_BUFFER_BYTES = 8 * 1024 * 1024;
/** What may wait in this process behind a full socket buffer; more would only arrive too late. */
const MAX_QUEUED_BYTES = 1024 * 1024;
const REOPEN_MS: Millis = 1_000;
/** The queue of the interface is full for the moment: a lost packet, not a lost link. */
const MOMENTARY: ReadonlySet<string> = new Set(['EAGAIN', 'EWOULDBLOCK', 'ENOBUFS', 'EMSGSIZE']);

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface UplinkOptions {
  /** Source address. */
  readonly address: string;
  readonly target: Endpoint;
  readonly onDatagram: (bytes: Uint8Array) => void;
  /** The operating system refused to send, or the socket is gone. */
  readonly onFailure: () => void;
}

const discard = (socket: Socket): void => {
  socket.removeAllListeners();
  // A send that is still under way may report after this.
  socket.on('error', () => {});
  socket.close();
};

/**
 * One UDP socket from a source address to the receiver. Its errors are counted and outlived: where the address or the route is gone
 * the socket is opened anew each second until it works again.
 */
export class UplinkSocket {
  readonly #options: UplinkOptions;
  #socket: Socket | undefined;
  #ready = false;
  #reopenAt: Millis = Number.NEGATIVE_INFINITY;
  #closed = false;
  /** The last error's code; undefined once a socket is open again. */
  lastError: string | undefined;
  errors = 0;
  /** Datagrams dropped because too much waited already. */
  overflows = 0;
  readonly #sent = (error: Error | null): void => {
    if (error !== null) this.#fail(error);
  };

  constructor(options: UplinkOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Opens the socket where there is none and its time has come. */
  tick(now: Millis): void {
    if (this.#closed || this.#socket !== undefined || now < this.#reopenAt) return;
    this.#reopenAt = now + REOPEN_MS;
    this.#socket = this.#open();
  }

  /** Goes on from another local port. What still comes to the old one is lost; nothing that is sent is. */
  rebind(): void {
    if (this.#closed || !this.#ready) return;
    this.#open((socket) => {
      if (this.#closed || !this.#ready) return discard(socket);
      const last = this.#socket!;
      this.#socket = socket;
      discard(last);
    });
  }

  /** `bytes` must not be written to afterwards. Dropped while the socket is not open, and where the interface is far behind. */
  send(bytes: Uint8Array): void {
    if (!this.#ready) return;
    if (this.#socket!.getSendQueueSize() > MAX_QUEUED_BYTES) this.overflows++;
    else this.#socket!.send(bytes, this.#sent);
  }

  /** Another socket, and with it another port, at the next `tick`. */
  renew(): void {
    this.#drop();
    this.#reopenAt = Number.NEGATIVE_INFINITY;
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    const code = codeOf(error) ?? 'UNKNOWN';
    this.errors++;
    this.lastError = code;
    if (MOMENTARY.has(code)) return;
    // Nobody listens on the receiver's port right now: the socket itself is sound.
    if (code !== 'ECONNREFUSED') this.#drop();
    this.#options.onFailure();
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#ready = false;
    if (socket !== undefined) discard(socket);
  }

  /** `onConnect` in place of being ready. */
  #open(onConnect?: (socket: Socket) => void): Socket {
    const { address, target } = this.#options;
    const socket = createSocket({ type: isIP(address) === 6 ? 'udp6' : 'udp4' });
    socket.on('error', (error) => {
      if (socket === this.#socket) this.#fail(error);
      // One that should have taken over and cannot: the old one goes on.
      else discard(socket);
    });
    socket.on('message', this.#options.onDatagram);
    socket.once('connect', () => {
      if (onConnect !== undefined) return onConnect(socket);
      this.#ready = true;
      this.lastError = undefined;
    });
    socket.once('listening', () => {
      this.#growBuffers(socket);
      socket.connect(target.port, target.host);
    });
    socket.bind({ address, port: 0, exclusive: true });
    return socket;
  }

  #growBuffers(socket: Socket): void {
    try {
      socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
      socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
    } catch {
      // The system's default has to do.
    }
  }
}
