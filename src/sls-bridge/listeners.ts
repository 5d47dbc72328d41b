import { formatEndpoint } from '../shared/address.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { SrtEngine, SrtListenOptions } from './srt-engine.ts';

/** `publish`: plain SRT encoders. `bond`: behind the SRTLA receiver, loopback. `play`: players. */
export type Door = 'publish' | 'bond' | 'play';

export interface DoorOptions {
  port: number;
  /** The setting that chooses the port, for error texts. */
  portSetting: string;
  listen: Omit<SrtListenOptions, 'host' | 'port'>;
}

const portTaken = (door: Door, where: string, setting: string, cause: unknown): TributaryError =>
  new TributaryError(
    'TRIBUTARY_PORT_IN_USE',
    `UDP port ${where} (SRT ${door}) is in use by another program`,
    `stop that program or set ${setting} to another port`,
    cause,
  );

/** One SRT port: a listener for each address, all on the same port number. */
export class DoorListeners {
  readonly door: Door;
  #port = 0;
  readonly #byAddress = new Map<string, number>();
  readonly #engine: SrtEngine;
  readonly #options: DoorOptions;
  readonly #logger: Logger;

  constructor(door: Door, engine: SrtEngine, options: DoorOptions, logger: Logger) {
    this.door = door;
    this.#engine = engine;
    this.#options = options;
    this.#logger = logger;
  }

  get port(): number {
    return this.#port;
  }

  has(listener: number): boolean {
    for (const known of this.#byAddress.values()) if (known === listener) return true;
    return false;
  }

  /**
   * Opens every address.
   * @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED
   */
  open(addresses: readonly string[]): void {
    for (const address of addresses) this.#openOne(address);
    if (this.#byAddress.size === 0)
      throw new TributaryError(
        'TRIBUTARY_BIND_FAILED',
        `no address to listen on for SRT ${this.door}`,
        'check TRIBUTARY_BIND',
      );
    if (addresses.length > 1) {
      this.#logger.info('one listener for each local address, so that every address is answered from itself', {
        door: this.door,
        port: this.#port,
        addresses: [...this.#byAddress.keys()].join(' '),
      });
    }
  }

  /** The machine's addresses have changed: opens new ones and closes those that are gone. Never throws. */
  adjust(addresses: readonly string[]): void {
    for (const [address, listener] of this.#byAddress) {
      if (addresses.includes(address)) continue;
      this.#engine.closeListener(listener);
      this.#byAddress.delete(address);
      this.#logger.info('an address is gone, its listener closed', { door: this.door, address });
    }
    for (const address of addresses) {
      if (this.#byAddress.has(address)) continue;
      try {
        this.#openOne(address);
        this.#logger.info('a new address, listening on it', { door: this.door, address, port: this.#port });
      } catch (error) {
        this.#logger.warn('cannot listen on a new address', { door: this.door, address, reason: messageOf(error) });
      }
    }
  }

  close(): void {
    for (const listener of this.#byAddress.values()) this.#engine.closeListener(listener);
    this.#byAddress.clear();
  }

  #openOne(address: string): void {
    const port = this.#port || this.#options.port;
    let host = address;
    let listener: number;
    try {
      listener = this.#listen(host, port);
    } catch (error) {
      if (address !== '::' || codeOf(error) === 'EADDRINUSE') throw this.#explain(address, port, error);
      host = '0.0.0.0';
      try {
        listener = this.#listen(host, port);
      } catch (second) {
        throw this.#explain(host, port, second);
      }
      this.#logger.info('this machine has no IPv6, listening on IPv4 alone', { door: this.door, port });
    }
    this.#byAddress.set(address, listener);
    this.#port = this.#engine.listenerPort(listener);
  }

  #listen(host: string, port: number): number {
    return this.#engine.listen({ ...this.#options.listen, host, port });
  }

  #explain(host: string, port: number, error: unknown): TributaryError {
    const where = formatEndpoint(host, port);
    if (codeOf(error) === 'EADDRINUSE') return portTaken(this.door, where, this.#options.portSetting, error);
    return new TributaryError(
      'TRIBUTARY_BIND_FAILED',
      `cannot listen on ${where} (SRT ${this.door}): ${messageOf(error)}`,
      codeOf(error) === 'EACCES' ? `choose a port above 1023 (${this.#options.portSetting})` : 'check TRIBUTARY_BIND',
      error,
    );
  }
}
