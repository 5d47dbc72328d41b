import { type NativeUdpEngine, type NativeUdpOptions, UDP_COUNTERS } from '../shared/addon.ts';
import { isLoopback } from '../shared/address.ts';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { LinkSocket } from './link-sockets.ts';
import { AddressEach, type ServerSockets, SharedSocket, SocketEach } from './server-way-sockets.ts';
import type { SrtlaShellOptions } from './shell-types.ts';
import { bindError } from './udp-socket.ts';

export type CreateUdpEngine = (options: NativeUdpOptions) => NativeUdpEngine;

/** A listening socket of the addon. */
export class BatchedLink implements LinkSocket {
  /** Its number there. */
  readonly socket: number;
  readonly port: number;
  readonly receiveBufferBytes: number;
  /** Socket options that this kernel has not. */
  readonly lacks: readonly string[];
  readonly #udp: NativeUdpEngine;

  private constructor(udp: NativeUdpEngine, socket: number) {
    const facts = udp.facts(socket)!;
    this.#udp = udp;
    this.socket = socket;
    this.port = facts.port;
    this.receiveBufferBytes = facts.receiveBufferBytes;
    this.lacks = facts.lacks;
  }

  /** @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED */
  static bind(udp: NativeUdpEngine, host: string, port: number, bufferBytes: number): BatchedLink {
    let socket: number;
    try {
      socket = udp.bind({ host, port, bufferBytes });
    } catch (error) {
      throw bindError(host, port, error);
    }
    return new BatchedLink(udp, socket);
  }

  /** Sending has gone to the kernel when `flush` returns: there is nothing to wait for. */
  async close(): Promise<void> {
    this.#udp.close(this.socket);
  }
}

export const createServerSockets = (
  udp: NativeUdpEngine,
  { bondHost, bondPort, serverWay }: SrtlaShellOptions,
  bufferBytes: number,
): ServerSockets => {
  const server = { host: bondHost, port: bondPort, bufferBytes };
  const way = serverWay ?? (isLoopback(bondHost) ? 'shared' : 'socket');
  if (way === 'shared') return new SharedSocket(udp, server);
  return way === 'address' ? new AddressEach(udp, server) : new SocketEach(udp, server);
};

const LOOK_MS: Millis = 1_000;
const WARN_MS: Millis = 60_000;

/** Watches over what the addon counts, and warns of what an operator can mend. */
export class UdpWatch {
  readonly #udp: NativeUdpEngine;
  readonly #bufferBytes: number;
  readonly #grantedBytes: () => number;
  readonly #logger: Logger;
  readonly #values = new Float64Array(UDP_COUNTERS.length);
  #openFailures = 0;
  #lookedMs: Millis = Number.NEGATIVE_INFINITY;
  #warnedMs: Millis = Number.NEGATIVE_INFINITY;
  #drops = 0;
  #segments = true;
  #disposed = false;

  /** `bufferBytes` were asked for, `grantedBytes` is the least that a socket has got. */
  constructor(udp: NativeUdpEngine, bufferBytes: number, grantedBytes: () => number, logger: Logger) {
    this.#udp = udp;
    this.#bufferBytes = bufferBytes;
    this.#grantedBytes = grantedBytes;
    this.#logger = logger;
  }

  serverFailed(error: unknown): void {
    this.#openFailures += 1;
    if (this.#openFailures === 1) this.#logger.warn('no socket towards the SRT server', { reason: messageOf(error) });
  }

  /** By the names that both transports share where they count the same. */
  counters(): Record<string, number> {
    this.#read();
    const value = Object.fromEntries(UDP_COUNTERS.map((name, index) => [name, this.#values[index]!])) as Record<
      (typeof UDP_COUNTERS)[number],
      number
    >;
    const { linkErrors, serverErrors, ...others } = value;
    return { ...others, linkSocketErrors: linkErrors, serverSocketErrors: serverErrors + this.#openFailures };
  }

  look(now: Millis): void {
    if (now - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = now;
    if (this.#segments && !this.#udp.segments()) {
      this.#segments = false;
      this.#logger.info('the kernel refuses UDP segmentation here: datagrams go to the SRT server one by one');
    }
    this.#read();
    const drops = this.#value('linkKernelDrops') + this.#value('serverKernelDrops');
    if (drops <= this.#drops || now - this.#warnedMs < WARN_MS) return;
    this.#logger.warn(
      'the kernel has dropped UDP datagrams: raise net.core.rmem_max on the host (a container cannot raise it)',
      { dropped: drops - this.#drops, grantedBytes: this.#grantedBytes(), askedBytes: this.#bufferBytes },
    );
    this.#drops = drops;
    this.#warnedMs = now;
  }

  /** The last counts remain. */
  dispose(): void {
    this.#read();
    this.#disposed = true;
    this.#udp.dispose();
  }

  #value(name: (typeof UDP_COUNTERS)[number]): number {
    return this.#values[UDP_COUNTERS.indexOf(name)]!;
  }

  #read(): void {
    if (!this.#disposed) this.#udp.counters(this.#values);
  }
}
