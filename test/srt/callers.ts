import type { PacketStore } from '../../src/srt/packet-store.ts';
import { SrtReceiver } from '../../src/srt/receiver.ts';
import { SrtSender } from '../../src/srt/sender.ts';
import { readU16, readU32 } from '../../src/srtla/bytes.ts';
import { SRT_TYPE } from '../../src/srtla/constants.ts';
import { controlType, destinationId, handshakeType, initialSequence } from '../../src/srtla/srt-header.ts';
import { CONCLUSION, handshake, hsExtension, INDUCTION, streamIdExtension } from '../sim/srt-wire.ts';
import type { UdpPort } from './udp-port.ts';

const HSREQ = 1;
const REPEAT_MS = 250;
const TICK_MS = 5;

interface Call {
  readonly id: number;
  readonly streamId: string;
  readonly peer: number;
  readonly latencyMs: number;
  cookie: number;
  askedMs: number;
  end: SrtSender | SrtReceiver | undefined;
}

/** Callers of this engine on one UDP socket: publishers and players, for as many as a machine can bear. Players count and forget. */
export class Callers {
  readonly #udp: UdpPort;
  readonly #store: PacketStore;
  readonly #calls = new Map<number, Call>();
  readonly #timer: NodeJS.Timeout;
  #nextId = 1;
  /** Packets that players were given. */
  played = 0;

  constructor(udp: UdpPort, store: PacketStore) {
    this.#udp = udp;
    this.#store = store;
    udp.onPacket = (packet) => this.#receive(packet);
    this.#timer = setInterval(() => this.#tick(performance.now()), TICK_MS);
  }

  /** A stream id that begins with "publish" sends, any other receives. */
  call(port: number, streamId: string, latencyMs: number): number {
    const peer = this.#udp.peer(port);
    this.#udp.hold(peer);
    const id = this.#nextId++;
    this.#calls.set(id, { id, streamId, peer, latencyMs, cookie: 0, askedMs: -REPEAT_MS, end: undefined });
    return id;
  }

  endOf(id: number): SrtSender | SrtReceiver | undefined {
    return this.#calls.get(id)!.end;
  }

  flush(): void {
    this.#udp.flush();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#udp.close();
  }

  #tick(now: number): void {
    for (const call of this.#calls.values()) {
      if (call.end !== undefined) call.end.tick(now);
      else if (now - call.askedMs >= REPEAT_MS) this.#ask(call, now);
    }
    this.#udp.flush();
  }

  #ask(call: Call, now: number): void {
    call.askedMs = now;
    const isConclusion = call.cookie !== 0;
    const packet = handshake({
      version: isConclusion ? 5 : 4,
      fields: isConclusion ? 5 : 2,
      isn: 1_000 + call.id,
      type: isConclusion ? CONCLUSION : INDUCTION,
      socketId: call.id,
      cookie: call.cookie,
      to: 0,
      timestampUs: 0,
      extensions: isConclusion ? [...hsExtension(HSREQ, call.latencyMs), ...streamIdExtension(call.streamId)] : [],
    });
    this.#udp.send(call.peer, packet);
  }

  #receive(packet: Uint8Array): void {
    const now = performance.now();
    const call = this.#calls.get(destinationId(packet));
    if (call === undefined) return;
    const isControl = packet[0]! >= 0x80;
    if (isControl && controlType(packet) === SRT_TYPE.handshake) {
      if (handshakeType(packet) === INDUCTION) {
        call.cookie = readU32(packet, 44);
        this.#ask(call, now);
      } else if (call.end === undefined && handshakeType(packet) === -1) this.#connected(call, packet, now);
      else if (handshakeType(packet) > 1) throw new Error(`${call.streamId}: rejected, ${handshakeType(packet)}`);
    } else if (isControl) call.end?.control(packet, now);
    else if (call.end instanceof SrtReceiver) call.end.data(packet, now);
  }

  #connected(call: Call, answer: Uint8Array, now: number): void {
    const peerId = readU32(answer, 40);
    const firstSequence = initialSequence(answer);
    const latencyMs = readU16(answer, call.streamId.startsWith('publish') ? 76 : 78);
    const store = this.#store;
    const control = (packet: Uint8Array): void => this.#udp.send(call.peer, packet);
    if (call.streamId.startsWith('publish'))
      call.end = new SrtSender(
        {
          peerId,
          firstSequence,
          startMs: now,
          latencyMs,
          flowWindowPackets: 8_192,
          bufferPackets: 8_192,
          dropsTooLate: true,
          peerRepeatsNaks: true,
        },
        store,
        {
          control,
          data: (header, slot) =>
            this.#udp.send(
              call.peer,
              header,
              store.bytesOf(slot),
              store.offsetOf(slot) + 16,
              store.lengthOf(slot) - 16,
            ),
        },
        now,
      );
    else
      call.end = new SrtReceiver(
        {
          peerId,
          firstSequence,
          conclusionStampUs: readU32(answer, 8),
          conclusionMs: now,
          startMs: now,
          latencyMs,
          hasPlayTimes: true,
          releaseAtArrival: false,
          lossReports: 'own',
          mostReorderPackets: 32,
          windowPackets: 8_192,
        },
        store,
        {
          control,
          deliver: (slot) => {
            this.played += 1;
            store.release(slot);
          },
        },
        now,
      );
  }
}
