import { codeOf } from '../shared/errors.ts';
import type { SessionId } from './types.ts';
import { UdpSocket, type UdpSocketHandlers } from './udp-socket.ts';

interface Entry {
  readonly socket: UdpSocket;
  /** Undefined until the socket is ready. */
  localPort: number | undefined;
}

/** One connected socket for each SRT session: its port is what tells the SRT server one session from another. */
export class SessionSockets {
  readonly counters = {
    /** The SRT listener's port was closed. */
    serverRefused: 0,
    serverSocketErrors: 0,
    serverSendsDropped: 0,
  };
  readonly #host: string;
  readonly #port: () => number;
  readonly #onMessage: (session: SessionId, bytes: Uint8Array) => void;
  readonly #entries = new Map<SessionId, Entry>();
  readonly #closing = new Set<Promise<void>>();

  /** `port` is read when a session begins. */
  constructor(host: string, port: () => number, onMessage: (session: SessionId, bytes: Uint8Array) => void) {
    this.#host = host;
    this.#port = port;
    this.#onMessage = onMessage;
  }

  open(session: SessionId): void {
    const handlers: UdpSocketHandlers = {
      onMessage: (bytes) => this.#onMessage(session, bytes),
      onError: (error) => {
        if (codeOf(error) === 'ECONNREFUSED') this.counters.serverRefused += 1;
        else this.counters.serverSocketErrors += 1;
      },
      onDrop: () => {
        this.counters.serverSendsDropped += 1;
      },
    };
    const entry: Entry = {
      localPort: undefined,
      socket: UdpSocket.connect(this.#host, this.#port(), handlers, (port) => {
        entry.localPort = port;
      }),
    };
    this.#entries.set(session, entry);
  }

  send(session: SessionId, bytes: Uint8Array): void {
    this.#entries.get(session)?.socket.send(bytes);
  }

  /** What was sent before still goes out. */
  close(session: SessionId): void {
    const entry = this.#entries.get(session);
    if (entry === undefined) return;
    this.#entries.delete(session);
    const closing = entry.socket.close().then(() => {
      this.#closing.delete(closing);
    });
    this.#closing.add(closing);
  }

  /** Resolves when every socket that was told to close has closed. */
  async drained(): Promise<void> {
    await Promise.all(this.#closing);
  }

  localPortOf(session: SessionId): number | undefined {
    return this.#entries.get(session)?.localPort;
  }

  sessionOfLocalPort(port: number): SessionId | undefined {
    for (const [session, { localPort }] of this.#entries) if (localPort === port) return session;
    return undefined;
  }
}
