import type { Millis } from '../shared/clock.ts';
import { readU16, readU32, writeU32 } from '../srtla/bytes.ts';
import { SRT_HEADER_BYTES, SRT_TYPE } from '../srtla/constants.ts';
import { controlType, destinationId, sequenceNumber } from '../srtla/srt-header.ts';
import type { Cookies } from './cookie.ts';
import { type ConclusionRequest, FLAG } from './handshake.ts';
import { type Asking, type ListenerLimits, SrtListener } from './listener.ts';
import { isData, isPacket, keyOf, LARGEST_PAYLOAD_BYTES } from './packet.ts';
import type { PacketStore } from './packet-store.ts';
import { SrtReceiver } from './receiver.ts';
import { SrtSender } from './sender.ts';
import type { SessionCipher } from './session-cipher.ts';

/** Bit 30 is that of group ids. */
const MOST_SOCKET_ID = 0x3fffffff;
const KEY_REQUEST = 3;
const KEY_RESPONSE = 4;
const SUBTYPE_AT = 2;
const IDLE_MS: Millis = 5_000;
/** On top of its latency, a publisher that is gone has so long to be played out: its stamps may say anything. */
const TAIL_MARGIN_MS: Millis = 500;
/** The end is told more than once: who misses it waits for five seconds. */
const SHUTDOWNS = 2;
const FLOW_WINDOW_PACKETS = 8_192;
const BUFFER_PACKETS = 8_192;

export type EndReason = 'shutdown' | 'idle' | 'closed';

export interface ServerOutbox {
  /** A packet for the wire: `length` bytes of the payload from `offset` on. All is valid during the call. */
  send(peer: number, header: Uint8Array, payload: Uint8Array | undefined, offset: number, length: number): void;
  /** To be answered with `admitPublisher`, `admitPlayer` or `reject`, at once or later. */
  asks(asking: Asking): void;
  /** A packet of a publisher, whose turn it is: the callee releases its slot. */
  deliver(session: number, slot: number): void;
  /** Nothing more comes from it. What it has sent is still delivered, each packet at its time, until `ended`. */
  broken?(session: number, why: EndReason): void;
  ended(session: number, why: EndReason): void;
}

export interface PublisherTerms {
  /** As agreed on. */
  readonly latencyMs: Millis;
  readonly cipher: SessionCipher | undefined;
  /** See `ReceiverOptions`. */
  readonly releaseAtArrival: boolean;
  readonly lossReports: 'own' | 'upstream';
  readonly mostReorderPackets: number;
  /** A power of two. */
  readonly windowPackets: number;
  /** It is over once nothing has been heard of it for so long; absent = 5 s. */
  readonly idleMs?: Millis;
}

export interface PlayerTerms {
  readonly latencyMs: Millis;
  readonly cipher: SessionCipher | undefined;
  /** What may lie unacknowledged; absent = 8192. */
  readonly bufferPackets?: number;
  readonly idleMs?: Millis;
}

interface Session {
  readonly id: number;
  readonly asking: Asking;
  readonly cipher: SessionCipher | undefined;
  readonly receiver: SrtReceiver | undefined;
  readonly sender: SrtSender | undefined;
  readonly idleMs: Millis;
  /** Something has come from it. */
  isHeard: boolean;
  /** It is gone, and its tail is played out; at the latest then. */
  tail: { readonly untilMs: Millis; readonly why: EndReason } | undefined;
}

export interface ServerOptions {
  readonly cookies: Cookies;
  readonly store: PacketStore;
  /** Draws an int32 that nobody can guess. */
  readonly random: () => number;
  readonly limits?: ListenerLimits;
}

/**
 * SRT as a listener has it: callers, and the sessions of those that were let in. Packets come in with a number for their address, which has to be the
 * one that the session began at (spec: srt.md §7). What comes never makes it throw. Pure: time comes in, everything else goes out through the outbox.
 */
export class SrtServer {
  readonly #store: PacketStore;
  readonly #random: () => number;
  readonly #out: ServerOutbox;
  readonly #listener: SrtListener;
  readonly #sessions = new Map<number, Session>();
  readonly #scratch = new Uint8Array(LARGEST_PAYLOAD_BYTES);
  readonly #answer = new Uint8Array(LARGEST_PAYLOAD_BYTES + SRT_HEADER_BYTES);

  constructor({ cookies, store, random, limits }: ServerOptions, out: ServerOutbox) {
    this.#store = store;
    this.#random = random;
    this.#out = out;
    const replies = {
      reply: (peer: number, packet: Uint8Array) => out.send(peer, packet, undefined, 0, 0),
      asks: (asking: Asking) => out.asks(asking),
    };
    this.#listener = new SrtListener(cookies, replies, limits);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /**
   * A packet from the network.
   * @param address of `peer`, with the port, as bytes; looked at where the packet is for nobody yet
   */
  receive(packet: Uint8Array, peer: number, address: Uint8Array, now: Millis): void {
    if (!isPacket(packet)) return;
    const destination = destinationId(packet);
    if (destination === 0) {
      this.#listener.receive(packet, peer, address, now);
      return;
    }
    const session = this.#sessions.get(destination);
    if (!session || session.asking.peer !== peer || session.tail) return;
    if (!session.isHeard) {
      session.isHeard = true;
      this.#listener.heard(session.asking);
    }
    if (isData(packet)) session.receiver?.data(packet, now);
    else this.#control(session, packet, now);
  }

  /** @returns the session; undefined where the caller does not wait any more */
  admitPublisher(asking: Asking, terms: PublisherTerms, now: Millis): number | undefined {
    const { request, peer } = asking;
    const id = this.#newId();
    const { latencyMs, cipher, windowPackets } = terms;
    const agreed = { socketId: id, receiveLatencyMs: latencyMs, sendLatencyMs: request.receiveLatencyMs };
    if (!this.#listener.accept(asking, { ...agreed, flowWindowPackets: windowPackets }, now)) return undefined;
    const { releaseAtArrival, lossReports, mostReorderPackets } = terms;
    const receiver = new SrtReceiver(
      {
        ...{ peerId: request.socketId, firstSequence: request.initialSequence, startMs: now, latencyMs },
        ...{ conclusionStampUs: readU32(asking.packet, 8), conclusionMs: asking.arrivedMs },
        ...{ hasPlayTimes: hasFlag(request, FLAG.timedSend), releaseAtArrival, lossReports },
        ...{ mostReorderPackets, windowPackets, ...(cipher ? { decipher: cipher } : {}) },
      },
      this.#store,
      {
        control: (packet) => this.#out.send(peer, packet, undefined, 0, 0),
        deliver: (slot) => this.#out.deliver(id, slot),
      },
      now,
    );
    this.#open({ id, asking, cipher, receiver, sender: undefined }, terms.idleMs);
    return id;
  }

  /** @returns the session; undefined where the caller does not wait any more */
  admitPlayer(
    asking: Asking,
    { latencyMs, cipher, bufferPackets, idleMs }: PlayerTerms,
    now: Millis,
  ): number | undefined {
    const { request, peer } = asking;
    const id = this.#newId();
    const agreed = { socketId: id, receiveLatencyMs: request.sendLatencyMs, sendLatencyMs: latencyMs };
    if (!this.#listener.accept(asking, { ...agreed, flowWindowPackets: FLOW_WINDOW_PACKETS }, now)) return undefined;
    const sender = new SrtSender(
      {
        ...{ peerId: request.socketId, firstSequence: request.initialSequence, startMs: now, latencyMs },
        ...{
          flowWindowPackets: Math.max(1, request.flowWindowPackets),
          bufferPackets: bufferPackets ?? BUFFER_PACKETS,
        },
        dropsTooLate: hasFlag(request, FLAG.tooLateDrop),
        peerRepeatsNaks: hasFlag(request, FLAG.periodicNak),
      },
      this.#store,
      {
        control: (packet) => this.#out.send(peer, packet, undefined, 0, 0),
        data: (header, slot) => this.#data(peer, cipher, header, slot),
      },
      now,
    );
    if (cipher) sender.key = cipher.sendKey;
    this.#open({ id, asking, cipher, receiver: undefined, sender }, idleMs);
    return id;
  }

  /** @param code of `REJECT`, or 1000 and above */
  reject(asking: Asking, code: number): void {
    this.#listener.reject(asking, code);
  }

  /** A packet of the stream for a player. False where there is no such player, or no room. */
  offer(session: number, slot: number, now: Millis): boolean {
    return this.#sessions.get(session)?.sender?.offer(slot, now) ?? false;
  }

  /** From now on the player's stream is played so much later than its source time and its latency say. */
  delay(session: number, delayMs: Millis): void {
    const sender = this.#sessions.get(session)?.sender;
    if (sender) sender.delayMs = delayMs;
  }

  /** Data packets that a publisher has sent, whatever became of them; 0 where there is no such session. */
  receivedPackets(session: number): number {
    return this.#sessions.get(session)?.receiver?.receivedPackets ?? 0;
  }

  /** Writes `SRT_STATS_FIELDS` in order. False where there is no such session. */
  stats(session: number, out: Float64Array, now: Millis): boolean {
    const found = this.#sessions.get(session);
    const end = found?.receiver ?? found?.sender;
    end?.stats(out, now);
    return end !== undefined;
  }

  /** By our own will: the peer is told. */
  close(session: number, now: Millis): void {
    const found = this.#sessions.get(session);
    if (!found) return;
    if (!found.tail) {
      const line = (found.receiver ?? found.sender)!.line;
      for (let i = 0; i < SHUTDOWNS; i++) line.send(line.write.shutdown(line.stampUs(now)), now);
    }
    this.#end(found, 'closed', now);
  }

  /** To be called every 10 ms at least, while there are sessions or callers. */
  tick(now: Millis): void {
    this.#listener.tick(now);
    for (const session of this.#sessions.values()) {
      if (session.tail) {
        this.#playOut(session, session.tail, now);
        continue;
      }
      const end = (session.receiver ?? session.sender)!;
      end.tick(now);
      if (end.line.silentMs(now) < session.idleMs) continue;
      end.line.send(end.line.write.shutdown(end.line.stampUs(now)), now);
      this.#break(session, 'idle', now);
    }
  }

  #control(session: Session, packet: Uint8Array, now: Millis): void {
    const end = session.receiver ?? session.sender;
    if (end?.control(packet, now)) return;
    const type = controlType(packet);
    if (type === SRT_TYPE.shutdown) this.#break(session, 'shutdown', now);
    else if (type === SRT_TYPE.userDefined && readU16(packet, SUBTYPE_AT) === KEY_REQUEST)
      this.#rekey(session, packet, now);
  }

  /** What opens nothing gets no answer. */
  #rekey({ cipher, asking, receiver, sender }: Session, packet: Uint8Array, now: Millis): void {
    const body = cipher?.rekey(packet.slice(SRT_HEADER_BYTES));
    const line = (receiver ?? sender)?.line;
    if (!body || !line || body.length > LARGEST_PAYLOAD_BYTES) return;
    const answer = this.#answer.subarray(0, SRT_HEADER_BYTES + body.length);
    writeU32(answer, 0, (SRT_TYPE.userDefined << 16) | KEY_RESPONSE);
    writeU32(answer, 4, 0);
    writeU32(answer, 8, line.stampUs(now));
    writeU32(answer, 12, asking.request.socketId);
    answer.set(body, SRT_HEADER_BYTES);
    line.send(answer, now);
  }

  #data(peer: number, cipher: SessionCipher | undefined, header: Uint8Array, slot: number): void {
    const store = this.#store;
    const offset = store.offsetOf(slot) + SRT_HEADER_BYTES;
    const length = store.lengthOf(slot) - SRT_HEADER_BYTES;
    if (!cipher || keyOf(header) === 0) {
      this.#out.send(peer, header, store.payloadOf(slot), 0, length);
      return;
    }
    cipher.encrypt(store.bytesOf(slot), this.#scratch, sequenceNumber(header), offset, length);
    this.#out.send(peer, header, this.#scratch, 0, length);
  }

  #open(parts: Pick<Session, 'id' | 'asking' | 'cipher' | 'receiver' | 'sender'>, idleMs: Millis = IDLE_MS): void {
    this.#sessions.set(parts.id, { ...parts, idleMs, isHeard: false, tail: undefined });
  }

  /** Its peer is gone. */
  #break(session: Session, why: EndReason, now: Millis): void {
    const { receiver } = session;
    this.#listener.forget(session.asking, now);
    this.#out.broken?.(session.id, why);
    if (!receiver) {
      this.#end(session, why, now);
      return;
    }
    session.tail = { untilMs: now + receiver.latencyMs + TAIL_MARGIN_MS, why };
    this.#playOut(session, session.tail, now);
  }

  #playOut(session: Session, { untilMs, why }: NonNullable<Session['tail']>, now: Millis): void {
    if (now >= untilMs || !session.receiver!.release(now)) this.#end(session, why, now);
  }

  #end(session: Session, why: EndReason, now: Millis): void {
    this.#sessions.delete(session.id);
    if (!session.tail) this.#listener.forget(session.asking, now);
    // What has come in order is the stream's still.
    session.receiver?.finish();
    session.sender?.close();
    this.#out.ended(session.id, why);
  }

  #newId(): number {
    for (;;) {
      const id = this.#random() & MOST_SOCKET_ID;
      if (id !== 0 && !this.#sessions.has(id)) return id;
    }
  }
}

const hasFlag = ({ flags }: ConclusionRequest, flag: number): boolean => (flags & flag) !== 0;
