import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { formatEndpoint } from '../shared/address.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import type { Endpoint } from './uplink-socket.ts';

const SOCKET_BUFFER_BYTES = 8 * 1024 * 1024;

const bindError = (error: unknown, where: string): TributaryError => {
  const code = codeOf(error);
  if (code === 'EADDRINUSE') {
    return new TributaryError(
      'TRIBUTARY_PORT_IN_USE',
      `UDP ${where} is in use`,
      'stop the program that has it or choose another --listen (0 = a free one)',
      error,
    );
  }
  return new TributaryError(
    'TRIBUTARY_BIND_FAILED',
    `cannot listen on UDP ${where} (${code ?? messageOf(error)})`,
    'choose another --listen',
    error,
  );
};

/** The local port that an SRT encoder calls. Answers go to the address that spoke last. */
export class EncoderSocket {
  readonly #socket: Socket;
  #port = 0;
  #address = '';
  errors = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED */
  static async open(at: Endpoint, onDatagram: (bytes: Uint8Array) => void): Promise<EncoderSocket> {
    const family = isIP(at.host) === 6 ? 6 : 4;
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Only numeric addresses come here; the default goes through a tick of the event loop for each packet.
      lookup: (host, _options, done) => done(null, host, family),
    });
    const encoder = new EncoderSocket(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => reject(bindError(error, formatEndpoint(at.host, at.port))));
      socket.bind({ address: at.host, port: at.port, exclusive: true }, resolve);
    });
    socket.removeAllListeners('error');
    // An encoder that has gone away answers with ICMP.
    socket.on('error', () => encoder.errors++);
    socket.on('message', (bytes, from) => {
      encoder.#port = from.port;
      encoder.#address = from.address;
      onDatagram(bytes);
    });
    try {
      socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
      socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
    } catch {
      // The system's default has to do.
    }
    return encoder;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** `bytes` must not be written to afterwards. Dropped before an encoder has spoken. */
  send(bytes: Uint8Array): void {
    if (this.#port !== 0) this.#socket.send(bytes, this.#port, this.#address, this.#sent);
  }

  close(): void {
    this.#socket.close();
  }

  readonly #sent = (error: Error | null): void => {
    if (error !== null) this.errors++;
  };
}
