import { setTimeout as delay } from 'node:timers/promises';
import {
  ack,
  conclusion,
  conclusionAnswer,
  data,
  fromHex,
  induction,
  inductionAnswer,
  reg1,
  reg2,
} from '../test/srtla/packets.ts';
import { until } from '../test/support/processes.ts';
import { LoadEnd } from './load-end.ts';

const PACKET_BYTES = 1332;
const ACK_EVERY_MS = 10;
/** Delays in steps of 10 µs, up to 100 ms. */
const DELAY_STEP_MS = 0.01;
const DELAY_STEPS = 10_000;
const KEEPALIVE = fromHex('9000000000000001e240');

const u32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/** Bonded senders over 127/8, and an SRT server, for the SRTLA stage between them. */
export class StageLoad {
  readonly serverPort: number;
  readonly #groups: number;
  readonly #links: number;
  readonly #senders = new LoadEnd();
  readonly #server = new LoadEnd();
  /** By group, then by link. */
  readonly #peers: number[] = [];
  readonly #groupOfPeer = new Map<number, number>();
  /** Where the server found each group's session; -1 before. */
  readonly #sessions: Int32Array;
  readonly #sequence: Uint32Array;
  readonly #sentMs: Float64Array[];
  readonly #delays = new Float64Array(DELAY_STEPS);
  readonly #packet = data(0, { bytes: PACKET_BYTES });
  readonly #senderSocket: number;
  #replies = new Map<number, Uint8Array>();
  #sent = 0;
  #arrived = 0;
  #lastAckMs = 0;
  #next = 0;

  constructor(groups: number, links: number) {
    this.#groups = groups;
    this.#links = links;
    const bufferBytes = 16 * 1024 * 1024;
    const { udp } = this.#senders;
    this.#senderSocket = udp.bind({ host: '0.0.0.0', port: 0, bufferBytes, device: 'lo' });
    const server = this.#server.udp.bind({ host: '127.0.0.1', port: 0, bufferBytes });
    this.serverPort = this.#server.udp.facts(server)!.port;
    this.#sessions = new Int32Array(groups).fill(-1);
    this.#sequence = new Uint32Array(groups);
    this.#sentMs = Array.from({ length: groups }, () => new Float64Array(65_536));
  }

  /** Registers every group and link, and makes every session. */
  async connect(port: number): Promise<void> {
    const { udp } = this.#senders;
    for (let group = 0; group < this.#groups; group++) {
      for (let link = 0; link < this.#links; link++) {
        const peer = udp.peer(
          this.#senderSocket,
          '127.0.0.1',
          port,
          `127.${1 + link}.${group >> 8}.${1 + (group & 255)}`,
        );
        this.#peers.push(peer);
        this.#groupOfPeer.set(peer, group);
      }
      const first = this.#peers[group * this.#links]!;
      const sender = group.toString(16).padStart(4, '0').repeat(128);
      const answer = await this.#ask(first, reg1(sender), 0x9201);
      const id = Buffer.from(answer.subarray(2)).toString('hex');
      for (let link = 0; link < this.#links; link++) {
        const peer = this.#peers[group * this.#links + link]!;
        await this.#ask(peer, reg2(id), 0x9202);
        await this.#ask(peer, KEEPALIVE, 0x9000);
      }
      await this.#ask(first, induction(encoderId(group)), 0x8000);
      await this.#ask(first, conclusion(encoderId(group), `live_${group}`), 0x8000);
    }
  }

  /** Sends `perSecond` data packets, group by group and link by link, for so long. */
  async run(perSecond: number, forMs: number): Promise<void> {
    this.#delays.fill(0);
    const startMs = performance.now();
    let sent = 0;
    for (let now = startMs; now - startMs < forMs; now = performance.now()) {
      const due = Math.floor(((now - startMs) * perSecond) / 1000);
      for (; sent < due; sent++) this.#sendNext(now);
      this.#senders.flush();
      this.#serve();
      this.#acknowledge(now);
      // Timers and signals get their turn now and then; the rest is spent waiting for the next packet.
      if (sent % 512 === 0) await delay(0);
    }
    await delay(20);
    this.#serve();
  }

  totals(): { sent: number; arrived: number } {
    this.#serve();
    return { sent: this.#sent, arrived: this.#arrived };
  }

  /** From a link's socket to the server's, milliseconds; this process's own loop is part of it. */
  delayPercentile(share: number): number {
    const all = this.#delays.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (let step = 0; step < DELAY_STEPS; step++) {
      seen += this.#delays[step]!;
      if (seen >= all * share) return step * DELAY_STEP_MS;
    }
    return DELAY_STEPS * DELAY_STEP_MS;
  }

  close(): void {
    this.#senders.udp.dispose();
    this.#server.udp.dispose();
  }

  #sendNext(now: number): void {
    const index = this.#next;
    this.#next = (index + 1) % this.#groups;
    const group = index % this.#groups;
    const sequence = this.#sequence[group]!;
    this.#sequence[group] = sequence + 1;
    const link = (sequence + group) % this.#links;
    const bytes = this.#senders.put(this.#peers[group * this.#links + link]!, this.#packet);
    const at = this.#senders.lastAt;
    write(bytes, at, sequence & 0x7fffffff);
    write(bytes, at + 8, Math.floor(now * 1000));
    write(bytes, at + 12, serverId(group));
    this.#sentMs[group]![sequence & 65_535] = now;
    this.#sent += 1;
  }

  #serve(): void {
    this.#server.drain((bytes, at, length, peer) => this.#fromStage(bytes, at, length, peer));
    this.#server.flush();
    this.#senders.drain((bytes, at, length, peer) => {
      const isAck = bytes[at] === 0x91 || (bytes[at] === 0x80 && bytes[at + 1] === 2);
      if (!isAck) this.#replies.set(peer, bytes.slice(at, at + length));
    });
  }

  #fromStage(bytes: Uint8Array, at: number, length: number, peer: number): void {
    const destination = u32(bytes, at + 12);
    if ((bytes[at]! & 0x80) === 0) {
      this.#arrived += 1;
      const sentMs = this.#sentMs[destination - serverId(0)]![u32(bytes, at) & 65_535]!;
      const step = Math.floor((performance.now() - sentMs) / DELAY_STEP_MS);
      this.#delays[Math.min(DELAY_STEPS - 1, Math.max(0, step))]! += 1;
      return;
    }
    if (bytes[at + 1] !== 0 || length < 64) return;
    const encoder = u32(bytes, at + 40);
    const group = encoder - encoderId(0);
    if (group < 0 || group >= this.#groups) return;
    this.#server.udp.hold(peer);
    this.#sessions[group] = peer;
    const isConclusion = u32(bytes, at + 36) === 0xffffffff;
    this.#server.put(peer, isConclusion ? conclusionAnswer(encoder, serverId(group)) : inductionAnswer(encoder));
  }

  #acknowledge(now: number): void {
    if (now - this.#lastAckMs < ACK_EVERY_MS) return;
    this.#lastAckMs = now;
    for (let group = 0; group < this.#groups; group++) {
      this.#server.put(this.#sessions[group]!, ack(encoderId(group), this.#sequence[group]!));
    }
    this.#server.flush();
  }

  async #ask(peer: number, bytes: Uint8Array, type: number): Promise<Uint8Array> {
    this.#replies.delete(peer);
    this.#senders.put(peer, bytes);
    this.#senders.flush();
    return until(`an answer ${type.toString(16)}`, () => {
      this.#serve();
      const reply = this.#replies.get(peer);
      return reply !== undefined && ((reply[0]! << 8) | reply[1]!) === type ? reply : undefined;
    });
  }
}

const encoderId = (group: number): number => 0x1000_0000 + group;
const serverId = (group: number): number => 0x2000_0000 + group;

const write = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
};
