import type { RemoteInfo } from 'node:dgram';
import type { Millis } from '../shared/clock.ts';
import { IDLE_TICK_MS } from './constants.ts';
import { HopLoss } from './hop-loss.ts';
import { type LinkSocket, LinkSockets, type ListeningSocket } from './link-sockets.ts';
import { PeerTable } from './peer-table.ts';
import { createSrtlaCore } from './receiver.ts';
import { SessionSockets } from './session-sockets.ts';
import { ShellBase } from './shell-base.ts';
import { createMac } from './shell-mac.ts';
import { bufferBytesOf, type SrtlaReceiver, type SrtlaShellOptions } from './shell-types.ts';
import type { PeerId, SessionId, SrtlaCore, SrtlaOutbox, SrtlaSnapshot } from './types.ts';
import { UdpSocket } from './udp-socket.ts';

class DgramLink implements LinkSocket {
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #socket: UdpSocket;

  constructor(socket: UdpSocket, bufferBytes: number) {
    this.#socket = socket;
    this.port = socket.port;
    this.receiveBufferBytes = socket.requestReceiveBuffer(bufferBytes);
  }

  send(bytes: Uint8Array, port: number, address: string): void {
    this.#socket.send(bytes, port, address);
  }

  close(): Promise<void> {
    return this.#socket.close();
  }
}

/**
 * The SRTLA receiver on `node:dgram`. dgram does not tell to which local address a datagram came, so on a host with several
 * addresses a wildcard socket may answer from another one than was asked; list the addresses then: each has a socket of its own.
 */
export class DgramShell extends ShellBase implements SrtlaReceiver, SrtlaOutbox {
  readonly transport = 'dgram';
  readonly transportNote: string | undefined;
  readonly #options: SrtlaShellOptions;
  readonly #peers = new PeerTable();
  readonly #core: SrtlaCore;
  readonly #links: LinkSockets<DgramLink>;
  readonly #sessions: SessionSockets;
  readonly #hop: HopLoss | undefined;
  readonly #counters = { linkSocketErrors: 0, linkSendsDropped: 0 };
  #timer: NodeJS.Timeout | undefined;
  #timerMs: Millis = 0;
  /** The datagram that is being handled: nobody else writes to it, so it may be sent on without a copy. */
  #received: Uint8Array | undefined;
  #closed: Promise<void> | undefined;
  readonly #fromInside = (session: SessionId, packet: Uint8Array): void => {
    this.#core.fromServer(session, packet, this.#options.clock(), this);
  };

  private constructor(options: SrtlaShellOptions, note: string | undefined) {
    super(options);
    this.#options = options;
    this.#hop = options.hopLoss && !options.inside ? new HopLoss(options.hopLoss) : undefined;
    this.transportNote = note;
    const bufferBytes = bufferBytesOf(options);
    const bind = (address: string, port: number, index: number): Promise<DgramLink> =>
      this.#bind(address, port, index, bufferBytes);
    this.#links = new LinkSockets(bind, bufferBytes, options.logger);
    this.#sessions = new SessionSockets(options.bondHost, options.bondPort, (session, bytes) =>
      this.#fromServer(session, bytes),
    );
    if (options.inside) options.inside.onWaiting = () => this.#takeInside();
    this.#core = createSrtlaCore(
      options.settings,
      this.#peers,
      options.random,
      createMac(options.random),
      options.inside !== undefined,
    );
  }

  /**
   * @param note why it is this transport, where another was wanted
   * @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED; nothing stays open then
   */
  static async open(options: SrtlaShellOptions, note?: string): Promise<DgramShell> {
    const shell = new DgramShell(options, note);
    try {
      for (const port of options.ports) shell.ports.push(await shell.#links.listen(options.addresses, port));
    } catch (error) {
      await shell.#links.close();
      throw error;
    }
    shell.#arm();
    return shell;
  }

  snapshot(now: Millis): SrtlaSnapshot {
    const { groups, counters } = this.#core.snapshot(now);
    return {
      groups,
      counters: { ...counters, ...this.#counters, ...this.#sessions.counters, ...this.#hop?.counters() },
    };
  }

  localPortOf(session: SessionId): number | undefined {
    return this.#sessions.localPortOf(session);
  }

  sessionOfLocalPort(port: number): SessionId | undefined {
    return this.#sessions.sessionOfLocalPort(port);
  }

  get sockets(): readonly ListeningSocket[] {
    return this.#links.sockets;
  }

  adjust(addresses: readonly string[]): Promise<void> {
    return this.#links.adjust(addresses, this.ports);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  sendToLink(peer: PeerId, bytes: Uint8Array): void {
    const { socket, port, rawAddress } = this.#peers.entry(peer);
    this.#links.at(socket)?.send(this.#lasting(bytes), port, rawAddress);
  }

  sendToServer(session: SessionId, bytes: Uint8Array): void {
    const { inside, clock } = this.#options;
    if (inside) inside.receive(session, bytes, clock());
    else if (!this.#hop?.losesToServer()) this.#sessions.send(session, this.#lasting(bytes));
  }

  openSession(session: SessionId): void {
    (this.#options.inside ?? this.#sessions).open(session);
  }

  closeSession(session: SessionId): void {
    (this.#options.inside ?? this.#sessions).close(session);
  }

  async #bind(address: string, port: number, index: number, bufferBytes: number): Promise<DgramLink> {
    const socket = await UdpSocket.bind(address, port, {
      onMessage: (bytes, from) => this.#fromLink(index, bytes, from),
      onError: () => {
        this.#counters.linkSocketErrors += 1;
      },
      onDrop: () => {
        this.#counters.linkSendsDropped += 1;
      },
    });
    return new DgramLink(socket, bufferBytes);
  }

  #fromLink(socket: number, bytes: Uint8Array, from: RemoteInfo): void {
    if (this.#closed !== undefined) return;
    this.#received = bytes;
    this.#core.receive(bytes, this.#peers.peerOf(socket, from.address, from.port), this.#options.clock(), this);
    this.#received = undefined;
    this.#takeInside();
    // The idle pace is too slow for what may have begun now.
    if (this.#timerMs === IDLE_TICK_MS && this.#core.nextTickMs() !== IDLE_TICK_MS) this.#arm();
  }

  #fromServer(session: SessionId, bytes: Uint8Array): void {
    if (this.#closed !== undefined || this.#hop?.losesFromServer()) return;
    this.#received = bytes;
    this.#core.fromServer(session, bytes, this.#options.clock(), this);
    this.#received = undefined;
  }

  #takeInside(): void {
    if (this.#closed === undefined) this.#options.inside?.take(this.#fromInside);
  }

  #lasting(bytes: Uint8Array): Uint8Array {
    return bytes === this.#received ? bytes : new Uint8Array(bytes);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timerMs = this.#core.nextTickMs();
    this.#timer = setTimeout(() => {
      this.#core.tick(this.#options.clock(), this);
      this.#takeInside();
      this.#arm();
    }, this.#timerMs);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#core.stop(this.#options.clock(), this);
    await Promise.all([this.#sessions.drained(), this.#links.close()]);
  }
}
