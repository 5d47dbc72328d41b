import { createSocket, type Socket } from 'node:dgram';
import { toHex } from '../srtla/packets.ts';

const WAIT_MS = 5_000;

export interface Datagram {
  hex: string;
  address: string;
  port: number;
}

/** A plain UDP socket that remembers what it got and can be waited on. */
export class UdpPeer {
  readonly received: Datagram[] = [];
  readonly #socket: Socket;
  #changed: (() => void)[] = [];
  onDatagram: ((datagram: Datagram) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes, from) => {
      const datagram = { hex: toHex(bytes), address: from.address, port: from.port };
      this.received.push(datagram);
      this.onDatagram?.(datagram);
      for (const wake of this.#changed.splice(0)) wake();
    });
    socket.on('error', () => {});
  }

  static open(address: string): Promise<UdpPeer> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, address, () => {
        socket.off('error', reject);
        resolve(new UdpPeer(socket));
      });
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(bytes: Uint8Array, port: number, address: string): void {
    this.#socket.send(bytes, port, address);
  }

  /** The first datagram, seen or still to come, whose hex starts with `prefix`; it is taken out of `received`. */
  async take(prefix: string): Promise<Datagram> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const index = this.received.findIndex(({ hex }) => hex.startsWith(prefix));
      if (index >= 0) return this.received.splice(index, 1)[0]!;
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(
          `no datagram ${prefix}… came; got ${JSON.stringify(this.received.map(({ hex }) => hex.slice(0, 16)))}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}
