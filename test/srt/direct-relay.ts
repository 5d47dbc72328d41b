import { createSocket, type Socket } from 'node:dgram';
import { SRT_STATS_FIELDS, type SrtStatsField } from '../../src/shared/addon.ts';
import { PacketStore } from '../../src/srt/packet-store.ts';
import { SrtReceiver } from '../../src/srt/receiver.ts';
import { SrtSender } from '../../src/srt/sender.ts';
import { readU16, readU32, writeU16, writeU32 } from '../../src/srtla/bytes.ts';
import { SRT_TYPE } from '../../src/srtla/constants.ts';
import {
  controlType,
  destinationId,
  handshakeSocketId,
  handshakeType,
  initialSequence,
  streamIdOf,
} from '../../src/srtla/srt-header.ts';

const INDUCTION = 1;
const CONCLUSION = -1;
const COOKIE = 0x1234567;
const HSREQ = 1;
const HSRSP = 2;
const VERSION = 0x00010503;
const FLAGS = 0x3f;
const TICK_MS = 5;

export interface DirectRelayOptions {
  /** Least latency of what comes in and of what goes out, ms. */
  readonly latencyMs?: number;
  readonly shared?: boolean;
  readonly mostReorderPackets?: number;
}

interface Caller {
  readonly id: number;
  readonly port: number;
  readonly end: SrtReceiver | SrtSender;
  readonly answer: Uint8Array;
  readonly startMs: number;
}

/**
 * The receiver and the sender of `src/srt` on a UDP socket of their own, with no more of a handshake than real callers need: whoever's
 * stream id begins with "publish" is the publisher, everybody else plays. One stream, no passphrases.
 */
export class DirectRelay {
  readonly store = new PacketStore(65_536);
  readonly #socket: Socket;
  readonly #options: Required<DirectRelayOptions>;
  readonly #callers = new Map<number, Caller>();
  readonly #timer: NodeJS.Timeout;
  #nextId = 1_000;
  publisher: SrtReceiver | undefined;
  readonly players: SrtSender[] = [];

  private constructor(socket: Socket, options: DirectRelayOptions) {
    this.#socket = socket;
    this.#options = { latencyMs: 0, shared: false, mostReorderPackets: 32, ...options };
    socket.on('message', (bytes, from) => this.#receive(bytes, from.port));
    this.#timer = setInterval(() => {
      const now = performance.now();
      for (const { end } of this.#callers.values()) end.tick(now);
    }, TICK_MS);
  }

  static open(options: DirectRelayOptions = {}): Promise<DirectRelay> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, '127.0.0.1', () => resolve(new DirectRelay(socket, options)));
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  stat(end: SrtReceiver | SrtSender, field: SrtStatsField): number {
    const out = new Float64Array(SRT_STATS_FIELDS.length);
    end.stats(out, performance.now());
    return out[SRT_STATS_FIELDS.indexOf(field)]!;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  #receive(bytes: Uint8Array, port: number): void {
    const now = performance.now();
    if (bytes.length < 16) return;
    const isControl = bytes[0]! >= 0x80;
    if (isControl && controlType(bytes) === SRT_TYPE.handshake && bytes.length >= 64) {
      this.#handshake(bytes, port, now);
      return;
    }
    const caller = this.#callers.get(destinationId(bytes));
    if (caller === undefined || caller.port !== port) return;
    if (isControl) caller.end.control(bytes, now);
    else if (caller.end instanceof SrtReceiver) caller.end.data(bytes, now);
  }

  #handshake(request: Uint8Array, port: number, now: number): void {
    const answer = new Uint8Array(80);
    answer.set(request.subarray(0, 64));
    writeU32(answer, 8, 0);
    writeU32(answer, 12, handshakeSocketId(request));
    writeU32(answer, 16, 5);
    writeU16(answer, 20, 0);
    if (handshakeType(request) === INDUCTION) {
      writeU16(answer, 22, 0x4a17);
      writeU32(answer, 44, COOKIE);
      this.#socket.send(answer.subarray(0, 64), port, '127.0.0.1');
      return;
    }
    if (handshakeType(request) !== CONCLUSION || readU32(request, 44) !== COOKIE) return;
    const id = handshakeSocketId(request);
    const known = [...this.#callers.values()].find((each) => each.id === id && each.port === port);
    if (known !== undefined) {
      // A player counts from the answer that it gets.
      writeU32(known.answer, 8, (now - known.startMs) * 1_000);
      this.#socket.send(known.answer, port, '127.0.0.1');
      return;
    }
    const latency = latenciesOf(request);
    const { latencyMs, shared, mostReorderPackets } = this.#options;
    const inMs = Math.max(latencyMs, latency.sends);
    const outMs = Math.max(latencyMs, latency.receives);
    const ours = this.#nextId++;
    writeU16(answer, 22, 1);
    writeU32(answer, 40, ours);
    writeU16(answer, 64, HSRSP);
    writeU16(answer, 66, 3);
    writeU32(answer, 68, VERSION);
    writeU32(answer, 72, FLAGS);
    writeU16(answer, 76, inMs);
    writeU16(answer, 78, outMs);
    const firstSequence = initialSequence(request);
    const control = (packet: Uint8Array): void => this.#socket.send(packet.slice(), port, '127.0.0.1');
    let end: SrtReceiver | SrtSender;
    if (streamIdOf(request)?.startsWith('publish') === true) {
      end = new SrtReceiver(
        {
          peerId: id,
          firstSequence,
          conclusionStampUs: readU32(request, 8),
          conclusionMs: now,
          startMs: now,
          latencyMs: inMs,
          hasPlayTimes: true,
          releaseAtArrival: shared,
          lossReports: 'own',
          mostReorderPackets,
          windowPackets: 8_192,
        },
        this.store,
        { control, deliver: (slot) => this.#deliver(slot) },
        now,
      );
      this.publisher = end;
    } else {
      end = new SrtSender(
        {
          peerId: id,
          firstSequence,
          startMs: now,
          latencyMs: outMs,
          flowWindowPackets: readU32(request, 32),
          bufferPackets: 8_192,
          dropsTooLate: true,
          peerRepeatsNaks: true,
        },
        this.store,
        { control, data: (header, slot) => this.#send(header, slot, port) },
        now,
      );
      this.players.push(end);
    }
    this.#callers.set(ours, { id, port, end, answer, startMs: now });
    this.#socket.send(answer, port, '127.0.0.1');
  }

  #deliver(slot: number): void {
    const now = performance.now();
    for (const player of this.players) player.offer(slot, now);
    this.store.release(slot);
  }

  #send(header: Uint8Array, slot: number, port: number): void {
    const { store } = this;
    const offset = store.offsetOf(slot);
    const packet = store.bytesOf(slot).slice(offset, offset + store.lengthOf(slot));
    packet.set(header);
    this.#socket.send(packet, port, '127.0.0.1');
  }
}

/** What a conclusion proposes, ms: for its own receiving, and for ours. */
const latenciesOf = (request: Uint8Array): { receives: number; sends: number } => {
  for (let at = 64; at + 4 <= request.length; at += 4 + 4 * readU16(request, at + 2))
    if (readU16(request, at) === HSREQ)
      return { receives: readU16(request, at + 12), sends: readU16(request, at + 14) };
  return { receives: 0, sends: 0 };
};
