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

import { DgramPort, type UdpPort } from './udp-port.ts';

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
  /** Packets of so long a time go to one player after the other, instead of one packet to all players. */
  readonly gatherMs?: number;
}

interface Stream {
  readonly players: SrtSender[];
  /** Slots. */
  readonly gathered: number[];
}

interface Caller {
  readonly id: number;
  readonly peer: number;
  readonly end: SrtReceiver | SrtSender;
  readonly answer: Uint8Array;
  readonly startMs: number;
}

/**
 * The receiver and the sender of `src/srt` on a UDP socket of their own, with no more of a handshake than real callers need: whoever's
 * stream id begins with "publish" publishes what the same id with "play" plays. No passphrases.
 */
export class DirectRelay {
  readonly store = new PacketStore(65_536);
  readonly #udp: UdpPort;
  readonly #options: Required<DirectRelayOptions>;
  readonly #callers = new Map<number, Caller>();
  readonly #timer: NodeJS.Timeout;
  #nextId = 1_000;
  publisher: SrtReceiver | undefined;
  readonly players: SrtSender[] = [];
  readonly #streams = new Map<string, Stream>();
  #gatheredMs = 0;

  constructor(udp: UdpPort, options: DirectRelayOptions = {}) {
    this.#udp = udp;
    this.#options = { latencyMs: 0, shared: false, mostReorderPackets: 32, gatherMs: 0, ...options };
    udp.onPacket = (packet, peer) => this.#receive(packet, peer);
    this.#timer = setInterval(() => {
      const now = performance.now();
      for (const { end } of this.#callers.values()) end.tick(now);
      this.#scatter(now);
      udp.flush();
    }, TICK_MS);
  }

  static async open(options: DirectRelayOptions = {}): Promise<DirectRelay> {
    return new DirectRelay(await DgramPort.open(), options);
  }

  get port(): number {
    return this.#udp.port;
  }

  stat(end: SrtReceiver | SrtSender, field: SrtStatsField): number {
    const out = new Float64Array(SRT_STATS_FIELDS.length);
    end.stats(out, performance.now());
    return out[SRT_STATS_FIELDS.indexOf(field)]!;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#udp.close();
  }

  #receive(bytes: Uint8Array, peer: number): void {
    const now = performance.now();
    if (bytes.length < 16) return;
    const isControl = bytes[0]! >= 0x80;
    if (isControl && controlType(bytes) === SRT_TYPE.handshake && bytes.length >= 64) {
      this.#handshake(bytes, peer, now);
      return;
    }
    const caller = this.#callers.get(destinationId(bytes));
    if (caller === undefined || caller.peer !== peer) return;
    if (isControl) caller.end.control(bytes, now);
    else if (caller.end instanceof SrtReceiver) caller.end.data(bytes, now);
  }

  #handshake(request: Uint8Array, peer: number, now: number): void {
    const answer = new Uint8Array(80);
    answer.set(request.subarray(0, 64));
    writeU32(answer, 8, 0);
    writeU32(answer, 12, handshakeSocketId(request));
    writeU32(answer, 16, 5);
    writeU16(answer, 20, 0);
    if (handshakeType(request) === INDUCTION) {
      writeU16(answer, 22, 0x4a17);
      writeU32(answer, 44, COOKIE);
      this.#udp.send(peer, answer.subarray(0, 64));
      return;
    }
    if (handshakeType(request) !== CONCLUSION || readU32(request, 44) !== COOKIE) return;
    const id = handshakeSocketId(request);
    const known = [...this.#callers.values()].find((each) => each.id === id && each.peer === peer);
    if (known !== undefined) {
      // A player counts from the answer that it gets.
      writeU32(known.answer, 8, (now - known.startMs) * 1_000);
      this.#udp.send(peer, known.answer);
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
    const control = (packet: Uint8Array): void => this.#udp.send(peer, packet);
    const streamId = streamIdOf(request) ?? '';
    const stream = this.#streamOf(streamId.replace(/^publish|^play/, ''));
    this.#udp.hold(peer);
    let end: SrtReceiver | SrtSender;
    if (streamId.startsWith('publish')) {
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
        { control, deliver: (slot) => this.#deliver(stream, slot) },
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
        { control, data: (header, slot) => this.#send(peer, header, slot) },
        now,
      );
      this.players.push(end);
      stream.players.push(end);
    }
    this.#callers.set(ours, { id, peer, end, answer, startMs: now });
    this.#udp.send(peer, answer);
  }

  #streamOf(name: string): Stream {
    const stream = this.#streams.get(name) ?? { players: [], gathered: [] };
    this.#streams.set(name, stream);
    return stream;
  }

  #deliver(stream: Stream, slot: number): void {
    if (this.#options.gatherMs > 0) {
      stream.gathered.push(slot);
      return;
    }
    const now = performance.now();
    for (let i = 0; i < stream.players.length; i++) stream.players[i]!.offer(slot, now);
    this.store.release(slot);
  }

  #scatter(now: number): void {
    if (now - this.#gatheredMs < this.#options.gatherMs) return;
    this.#gatheredMs = now;
    for (const { players, gathered } of this.#streams.values()) {
      for (let i = 0; i < players.length; i++)
        for (let at = 0; at < gathered.length; at++) players[i]!.offer(gathered[at]!, now);
      for (let at = 0; at < gathered.length; at++) this.store.release(gathered[at]!);
      gathered.length = 0;
    }
  }

  #send(peer: number, header: Uint8Array, slot: number): void {
    const { store } = this;
    this.#udp.send(peer, header, store.bytesOf(slot), store.offsetOf(slot) + 16, store.lengthOf(slot) - 16);
  }
}

/** What a conclusion proposes, ms: for its own receiving, and for ours. */
const latenciesOf = (request: Uint8Array): { receives: number; sends: number } => {
  for (let at = 64; at + 4 <= request.length; at += 4 + 4 * readU16(request, at + 2))
    if (readU16(request, at) === HSREQ)
      return { receives: readU16(request, at + 12), sends: readU16(request, at + 14) };
  return { receives: 0, sends: 0 };
};
