import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';

/** Tries to find one free port on every address. */
const FREE_PORT_TRIES = 5;

export interface ListeningSocket {
  address: string;
  port: number;
  /** What the kernel granted of the receive buffer that was asked for. */
  receiveBufferBytes: number;
}

/** A socket as one transport has it. */
export interface LinkSocket {
  readonly port: number;
  /** Granted. */
  readonly receiveBufferBytes: number;
  /** Socket options that this kernel has not, and that the socket does without. */
  readonly lacks?: readonly string[];
  /** Once everything sent so far has gone to the kernel. */
  close(): Promise<void>;
}

/**
 * Opens a socket; `index` is its place among those of `LinkSockets`.
 * @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED
 */
export type BindLink<S extends LinkSocket> = (address: string, port: number, index: number) => Promise<S>;

/** The sockets on which links come in, one for each address and port, of either transport. */
export class LinkSockets<S extends LinkSocket> {
  /** In the order in which they were opened, those of lost addresses included. */
  readonly sockets: ListeningSocket[] = [];
  /** A closed one leaves its place empty. */
  readonly #open: (S | undefined)[] = [];
  readonly #bindLink: BindLink<S>;
  readonly #bufferBytes: number;
  readonly #logger: Logger;
  #closed = false;

  /** `bufferBytes` is what `bindLink` asks for. */
  constructor(bindLink: BindLink<S>, bufferBytes: number, logger: Logger) {
    this.#bindLink = bindLink;
    this.#bufferBytes = bufferBytes;
    this.#logger = logger;
  }

  /**
   * Opens `asked` on every address; 0 picks a port that is free on all of them. Returns the port.
   * @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED; none of these sockets stays open then.
   */
  async listen(addresses: readonly string[], asked: number): Promise<number> {
    for (let tries = 1; ; tries++) {
      const before = this.#open.length;
      let port = asked;
      try {
        for (const address of addresses) port = await this.#bind(address, port);
        return port;
      } catch (error) {
        const opened = this.#open.splice(before);
        this.sockets.splice(before);
        await Promise.all(opened.map((socket) => socket?.close()));
        const elsewhereTaken = asked === 0 && codeOf(error) === 'TRIBUTARY_PORT_IN_USE';
        if (!elsewhereTaken || tries === FREE_PORT_TRIES) throw error;
      }
    }
  }

  /** Closes the sockets of addresses that are gone, opens new ones. What fails is logged. */
  async adjust(addresses: readonly string[], ports: readonly number[]): Promise<void> {
    for (const [index, { address, port }] of this.sockets.entries()) {
      const gone = this.#open[index];
      if (gone === undefined || addresses.includes(address)) continue;
      this.#open[index] = undefined;
      this.#logger.info('an address is gone, its SRTLA socket closed', { address, port });
      await gone.close();
    }
    for (const port of ports) {
      for (const address of addresses) {
        const has = this.sockets.some(
          (socket, index) => this.#open[index] && socket.address === address && socket.port === port,
        );
        if (has || this.#closed) continue;
        try {
          await this.#bind(address, port);
          this.#logger.info('a new address, listening on it for SRTLA', { address, port });
        } catch (error) {
          this.#logger.warn('cannot listen on a new address for SRTLA', { address, port, reason: messageOf(error) });
        }
      }
    }
  }

  at(index: number): S | undefined {
    return this.#open[index];
  }

  /** Once everything sent so far has gone to the kernel. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#open.map((socket) => socket?.close()));
  }

  async #bind(address: string, port: number): Promise<number> {
    const index = this.#open.length;
    let bound = address;
    const socket = await this.#bindLink(address, port, index).catch((error: unknown) => {
      if (address !== '::' || !isWithoutIpv6(error)) throw error;
      bound = '0.0.0.0';
      return this.#bindLink(bound, port, index);
    });
    const opened = { address: bound, port: socket.port };
    if (this.#closed) {
      // Closed while the socket was being opened.
      await socket.close();
      return opened.port;
    }
    const askedBytes = this.#bufferBytes;
    const { receiveBufferBytes } = socket;
    this.#open.push(socket);
    this.sockets.push({ ...opened, receiveBufferBytes });
    if (socket.lacks?.length)
      this.#logger.warn(
        'this kernel does not know every UDP option: arrival times or the address of answers are less exact',
        {
          ...opened,
          lacks: socket.lacks.join(' '),
        },
      );
    const fields = { ...opened, receiveBufferBytes, askedBytes };
    if (receiveBufferBytes >= askedBytes) this.#logger.debug('SRTLA socket open', fields);
    else this.#logger.info('SRTLA socket open with a small receive buffer: raise net.core.rmem_max', fields);
    return opened.port;
  }
}

const isWithoutIpv6 = (error: unknown): boolean =>
  error instanceof TributaryError &&
  error.code === 'TRIBUTARY_BIND_FAILED' &&
  ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(codeOf(error.cause) ?? '');
