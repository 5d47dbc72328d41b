import type { SrtListenOptions } from '../shared/addon.ts';
import { formatEndpoint } from '../shared/address.ts';
import { codeOf, messageOf } from '../shared/errors.ts';
import type { Listening } from './listening.ts';
import type { UdpPorts } from './udp-ports.ts';

interface Port {
  readonly host: string;
  readonly port: number;
  /** Number of the UDP socket. */
  readonly socket: number;
  readonly segments: boolean;
  /** Undefined once it is closed: its sessions go on. */
  listening: Listening | undefined;
  sessions: number;
}

/** Which listener a UDP socket is of, and the sessions that keep it open. */
export class PortTable {
  readonly #udp: UdpPorts;
  readonly #ports: Port[] = [];
  #isDisposed = false;

  constructor(udp: UdpPorts) {
    this.#udp = udp;
  }

  /**
   * A socket for a listener; that of one which was closed, and that lives for its sessions, is used again.
   * @throws Error with `code` (`EADDRINUSE`, …)
   */
  open({ host, port, role, udpBufferBytes }: SrtListenOptions): number {
    const segments = role === 'play';
    const kept = this.#ports.find((each) => !each.listening && each.host === host && each.port === port);
    if (kept && kept.segments === segments) return kept.socket;
    let socket: number;
    try {
      socket = this.#udp.bind(host, port, udpBufferBytes, segments);
    } catch (error) {
      const text = `listen on ${formatEndpoint(host, port)}: ${messageOf(error)}`;
      throw Object.assign(new Error(text, { cause: error }), { code: codeOf(error) });
    }
    this.#ports.push({
      ...{ host, port: this.#udp.portOf(socket), socket, segments, listening: undefined, sessions: 0 },
    });
    return socket;
  }

  /** Whoever listens on a socket; undefined: nobody any more. */
  listeningOn(socket: number): Listening | undefined {
    return this.#of(socket)?.listening;
  }

  listens(listening: Listening): void {
    const port = this.#of(listening.socket);
    if (port) port.listening = listening;
  }

  listensNoMore({ socket }: Listening): void {
    const port = this.#of(socket);
    if (!port) return;
    port.listening = undefined;
    this.#closeUnused(port);
  }

  entered({ socket }: Listening): void {
    const port = this.#of(socket);
    if (port) port.sessions += 1;
  }

  left({ socket }: Listening): void {
    const port = this.#of(socket);
    if (!port) return;
    port.sessions -= 1;
    this.#closeUnused(port);
  }

  /** The sockets are closed by others. */
  dispose(): void {
    this.#isDisposed = true;
  }

  #of(socket: number): Port | undefined {
    return this.#ports.find((each) => each.socket === socket);
  }

  #closeUnused(port: Port): void {
    if (port.listening || port.sessions > 0) return;
    this.#ports.splice(this.#ports.indexOf(port), 1);
    if (!this.#isDisposed) this.#udp.close(port.socket);
  }
}
