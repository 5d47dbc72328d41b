import { DirectReceiver } from './direct-receiver.ts';
import type { Ledger } from './ledger.ts';
import { LibsrtReceiver } from './libsrt-receiver.ts';
import { CONCLUSION, CONTROL, controlOf, handshake, hsExtension, INDUCTION, readU32 } from './srt-wire.ts';

export interface SimServerOptions {
  /** Whose receiver it has: libsrt's, or that of `src/srt`, which asks for nothing. */
  readonly engine: 'libsrt' | 'direct';
  readonly maxReorderTolerance: number;
  readonly reportsLosses: boolean;
  readonly random: () => number;
  readonly send: (session: number, datagram: Uint8Array) => void;
  readonly ledgerOf: (isn: number) => Ledger;
}

interface Connection {
  readonly receiver: LibsrtReceiver | DirectReceiver;
  readonly ledger: Ledger;
  readonly encoderId: number;
  readonly answer: Uint8Array;
}

/** The SRT listener behind the node: one connection for each port that the node calls from. */
export class SimServer {
  readonly #options: SimServerOptions;
  readonly #connections = new Map<number, Connection>();
  /** Datagrams that came for nobody. */
  stray = 0;

  constructor(options: SimServerOptions) {
    this.#options = options;
  }

  /** Those of libsrt. */
  get receivers(): LibsrtReceiver[] {
    return [...this.#connections.values()]
      .map(({ receiver }) => receiver)
      .filter((receiver) => receiver instanceof LibsrtReceiver);
  }

  receive(session: number, bytes: Uint8Array, now: number): void {
    const connection = this.#connections.get(session);
    if (controlOf(bytes) === CONTROL.handshake && readU32(bytes, 12) === 0) this.#handshake(session, bytes, now);
    else if (connection === undefined || readU32(bytes, 12) !== connection.ledger.serverId) this.stray++;
    else connection.receiver.receive(bytes, now);
  }

  tick(now: number): void {
    for (const { receiver } of this.#connections.values()) receiver.tick(now);
  }

  /** The node has closed its port; what is buffered is still played. */
  close(session: number): void {
    const connection = this.#connections.get(session);
    if (connection !== undefined) connection.receiver.closed = true;
  }

  #handshake(session: number, bytes: Uint8Array, now: number): void {
    const type = readU32(bytes, 36);
    const isn = readU32(bytes, 24);
    const encoderId = readU32(bytes, 40);
    const known = this.#connections.get(session);
    if (type === INDUCTION) {
      const answer = handshake({
        version: 5,
        fields: 0x4a17,
        isn,
        type,
        socketId: encoderId,
        cookie: 0x1234_5678 ^ session,
        to: encoderId,
        timestampUs: 0,
      });
      this.#options.send(session, answer);
    } else if (type === CONCLUSION && readU32(bytes, 44) === (0x1234_5678 ^ session)) {
      if (known?.encoderId === encoderId) this.#options.send(session, known.answer);
      else this.#accept(session, bytes, isn, encoderId, now);
    }
  }

  #accept(session: number, bytes: Uint8Array, isn: number, encoderId: number, now: number): void {
    const ledger = this.#options.ledgerOf(isn);
    ledger.serverId = 1 + Math.floor(this.#options.random() * 0x3ffffffe);
    // The sender's half of the latency in HSREQ, behind version and flags.
    const latencyMs = readU32(bytes, 76) & 0xffff;
    const answer = handshake({
      version: 5,
      fields: 1,
      isn,
      type: CONCLUSION,
      socketId: ledger.serverId,
      cookie: readU32(bytes, 44),
      to: encoderId,
      timestampUs: 0,
      extensions: hsExtension(2, latencyMs),
    });
    const Receiver = this.#options.engine === 'direct' ? DirectReceiver : LibsrtReceiver;
    const receiver = new Receiver(
      {
        isn,
        peerId: encoderId,
        latencyMs,
        maxReorderTolerance: this.#options.maxReorderTolerance,
        reportsLosses: this.#options.reportsLosses,
        conclusionMs: now,
        conclusionUs: readU32(bytes, 8),
      },
      {
        send: (datagram) => this.#options.send(session, datagram),
        play: (sequence) => ledger.play(sequence),
        giveUp: (first, count, atMs) => ledger.giveUp(first, count, atMs),
      },
    );
    this.#connections.set(session, { receiver, ledger, encoderId, answer });
    this.#options.send(session, answer);
  }
}
