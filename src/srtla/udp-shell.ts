import type { RemoteInfo } from 'node:dgram';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { IDLE_TICK_MS } from './constants.ts';
import { LinkSockets, type ListeningSocket } from './link-sockets.ts';
import { PeerTable } from './peer-table.ts';
import { createSrtlaCore } from './receiver.ts';
import { SessionSockets } from './session-sockets.ts';
import type {
  PeerId,
  RandomBytes,
  SessionId,
  SrtlaCore,
  SrtlaEvent,
  SrtlaOutbox,
  SrtlaSettings,
  SrtlaSnapshot,
} from './types.ts';

const DEFAULT_UDP_BUFFER_BYTES = 8 * 1024 * 1024;

export interface SrtlaShellOptions {
  /** Numeric addresses to listen on, one socket each; `::` is dual-stack and gives way to `0.0.0.0` where the host has no IPv6. */
  addresses: readonly string[];
  /** 0 picks a free one, the same on every address: see `SrtlaShell.ports`. */
  ports: readonly number[];
  settings: SrtlaSettings;
  /** Where the SRT listener is. The port is read when a session begins. */
  bondHost: string;
  bondPort: () => number;
  /** Receive buffer to ask for on each listening socket. */
  udpBufferBytes?: number;
  random: RandomBytes;
  clock: () => Millis;
  logger: Logger;
  onEvent?: (event: SrtlaEvent) => void;
}

/**
 * Opens every address × port and runs the receiver on them.
 * @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED; nothing stays open then.
 */
export const createSrtlaShell = (options: SrtlaShellOptions): Promise<SrtlaShell> => SrtlaShell.open(options);

/**
 * The SRTLA receiver on `node:dgram`. dgram does not tell to which local address a datagram came, so on a host with several
 * addresses a wildcard socket may answer from another one than was asked; list the addresses then: each has a socket of its own.
 */
export class SrtlaShell implements SrtlaOutbox {
  /** Ports in the order asked for, with the real number where it was 0. */
  readonly ports: number[] = [];
  readonly #options: SrtlaShellOptions;
  readonly #peers = new PeerTable();
  readonly #core: SrtlaCore;
  readonly #links: LinkSockets;
  readonly #sessions: SessionSockets;
  #timer: NodeJS.Timeout | undefined;
  #timerMs: Millis = 0;
  /** The datagram that is being handled: nobody else writes to it, so it may be sent on without a copy. */
  #received: Uint8Array | undefined;
  #closed: Promise<void> | undefined;

  private constructor(options: SrtlaShellOptions) {
    this.#options = options;
    const bufferBytes = options.udpBufferBytes ?? DEFAULT_UDP_BUFFER_BYTES;
    this.#links = new LinkSockets(bufferBytes, options.logger, (socket, bytes, from) =>
      this.#fromLink(socket, bytes, from),
    );
    this.#sessions = new SessionSockets(options.bondHost, options.bondPort, (session, bytes) =>
      this.#fromServer(session, bytes),
    );
    this.#core = createSrtlaCore(options.settings, this.#peers, options.random);
  }

  static async open(options: SrtlaShellOptions): Promise<SrtlaShell> {
    const shell = new SrtlaShell(options);
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
    return { groups, counters: { ...counters, ...this.#links.counters, ...this.#sessions.counters } };
  }

  /** The port from which this session speaks to the SRT listener; undefined while it opens and once it is over. */
  localPortOf(session: SessionId): number | undefined {
    return this.#sessions.localPortOf(session);
  }

  sessionOfLocalPort(port: number): SessionId | undefined {
    return this.#sessions.sessionOfLocalPort(port);
  }

  /** The group's name, from the session's conclusion on. */
  groupOfSession(session: SessionId): string | undefined {
    return this.#sessions.groupOf(session);
  }

  /** In the order in which they were opened, those of lost addresses included. */
  get sockets(): readonly ListeningSocket[] {
    return this.#links.sockets;
  }

  /** The machine's addresses have changed: closes the sockets of those that are gone, opens new ones. What fails is logged. */
  adjust(addresses: readonly string[]): Promise<void> {
    return this.#links.adjust(addresses, this.ports);
  }

  /** Ends every group (SHUTDOWN to the server for accepted sessions) and closes all sockets once these are sent. Safe twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  sendToLink(peer: PeerId, bytes: Uint8Array): void {
    const { socket, port, rawAddress } = this.#peers.entry(peer);
    this.#links.send(socket, this.#lasting(bytes), port, rawAddress);
  }

  sendToServer(session: SessionId, bytes: Uint8Array): void {
    this.#sessions.send(session, this.#lasting(bytes));
  }

  openSession(session: SessionId): void {
    this.#sessions.open(session);
  }

  closeSession(session: SessionId): void {
    this.#sessions.close(session);
  }

  event(event: SrtlaEvent): void {
    if (event.type === 'session-started') this.#sessions.setGroup(event.session, event.group);
    try {
      this.#options.onEvent?.(event);
    } catch (error) {
      // A fault of the listener must not unwind the packet path.
      this.#options.logger.error('an SRTLA event listener failed', { event: event.type, error: messageOf(error) });
    }
  }

  #fromLink(socket: number, bytes: Uint8Array, from: RemoteInfo): void {
    if (this.#closed !== undefined) return;
    this.#received = bytes;
    this.#core.receive(bytes, this.#peers.peerOf(socket, from.address, from.port), this.#options.clock(), this);
    this.#received = undefined;
    // The idle pace is too slow for what may have begun now.
    if (this.#timerMs === IDLE_TICK_MS && this.#core.nextTickMs() !== IDLE_TICK_MS) this.#arm();
  }

  #fromServer(session: SessionId, bytes: Uint8Array): void {
    if (this.#closed !== undefined) return;
    this.#received = bytes;
    this.#core.fromServer(session, bytes, this.#options.clock(), this);
    this.#received = undefined;
  }

  #lasting(bytes: Uint8Array): Uint8Array {
    return bytes === this.#received ? bytes : new Uint8Array(bytes);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timerMs = this.#core.nextTickMs();
    this.#timer = setTimeout(() => {
      this.#core.tick(this.#options.clock(), this);
      this.#arm();
    }, this.#timerMs);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#core.stop(this.#options.clock(), this);
    await Promise.all([this.#sessions.drained(), this.#links.close()]);
  }
}
