import type { LinkConditions } from '../../src/sender/impair/link-conditions.ts';
import { seededRandom } from '../../src/sender/impair/random.ts';
import { SRT_STATS_FIELDS, type SrtStatsField } from '../../src/shared/addon.ts';
import { PacketStore } from '../../src/srt/packet-store.ts';
import { SrtReceiver } from '../../src/srt/receiver.ts';
import { SrtSender } from '../../src/srt/sender.ts';
import type { ControlOutlet } from '../../src/srt/types.ts';
import { readU32, writeU32 } from '../../src/srtla/bytes.ts';
import { EventQueue } from '../sim/event-queue.ts';
import { LibsrtPlayer } from './libsrt-player.ts';
import { SimLink } from './sim-link.ts';

/** One hop, in both directions. */
export interface HopOptions {
  readonly rttMs: number;
  readonly latencyMs: number;
  /** Of the way of the data. */
  readonly data?: Partial<LinkConditions>;
  /** Of the way back. */
  readonly back?: Partial<LinkConditions>;
}

export interface ChainOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly packetsPerSecond: number;
  /** From the encoder to the node. */
  readonly encoder: HopOptions;
  /** From the node to the player. */
  readonly player: HopOptions;
  /** The node hands on at arrival, with the times of the source. */
  readonly shared?: boolean;
  /** The clock of the encoder at the beginning, µs. */
  readonly stampUs?: number;
  readonly firstSequence?: number;
  readonly mostReorderPackets?: number;
  /** The encoder's clock runs so much too fast. */
  readonly skewPpm?: number;
  /** The player's receiver: this engine's, or libsrt's as it is modelled in test/sim. */
  readonly playerEngine?: 'direct' | 'libsrt';
}

/** What became of one hop's data. */
export interface HopResult {
  readonly sent: number;
  readonly resent: number;
  /** Copies that the link lost: first ones and repeated ones. */
  readonly missed: number;
  readonly naks: number;
  readonly rttMs: number;
  /** Given up by its receiver and by its sender. */
  readonly givenUp: number;
}

export interface ChainResult {
  readonly payloads: number;
  /** Never played, but for those at the end behind which nothing has arrived. */
  readonly lost: number;
  /** Played twice or out of order. */
  readonly wrong: number;
  /** From the encoder to the player's play time, ms. */
  readonly delayMs: { readonly least: number; readonly median: number; readonly most: number };
  readonly encoder: HopResult;
  readonly player: HopResult;
  /** Packets that a store still holds once both ends are closed. */
  readonly left: number;
}

const TICK = 0;
const SOURCE = 1;
const DATA = 2;
const BACK = 3;
const DATA_2 = 4;

const TICK_MS = 10;
const BURST_MS = 15;
const PAYLOAD_BYTES = 24;
const HANDSHAKE_MS = 1_000;
const PLAYER_SEQUENCE = 77;

/** A link in both directions. */
interface Way {
  readonly data: SimLink;
  readonly back: SimLink;
}

/** An encoder's sender, the node's receiver and sender, and a player's receiver, on two impaired links, one clock and one seed. */
export class Chain {
  readonly #queue = new EventQueue();
  readonly #options: ChainOptions;
  readonly #links: readonly [Way, Way];
  readonly #stores = [new PacketStore(65_536), new PacketStore(65_536), new PacketStore(65_536)];
  readonly #encoder: SrtSender;
  readonly #receiver: SrtReceiver;
  readonly #sender: SrtSender;
  readonly #player: SrtReceiver | LibsrtPlayer;
  readonly #bornMs: number[] = [];
  readonly #played: number[] = [];
  readonly #delays: number[] = [];
  readonly #random: () => number;
  #now = 0;
  #due = 0;

  constructor(options: ChainOptions) {
    this.#options = options;
    const {
      encoder,
      player,
      seed,
      shared = false,
      stampUs = 0,
      firstSequence = 1_000,
      mostReorderPackets = 32,
    } = options;
    this.#random = seededRandom(seed);
    const link = (hop: HopOptions, at: number): Way => ({
      data: new SimLink({ delayMs: hop.rttMs / 2, ...hop.data }, seed * 8 + at, this.#queue, DATA + 2 * at),
      back: new SimLink({ delayMs: hop.rttMs / 2, ...hop.back }, seed * 8 + 4 + at, this.#queue, BACK + 2 * at),
    });
    this.#links = [link(encoder, 0), link(player, 1)];
    const [first, second] = this.#links;
    const [atEncoder, atNode, atPlayer] = this.#stores as [PacketStore, PacketStore, PacketStore];
    const outOf = (way: SimLink): ControlOutlet => ({ control: (packet) => way.send(this.#now, packet) });
    const dataOn =
      (way: SimLink, store: PacketStore) =>
      (header: Uint8Array, slot: number): void =>
        way.send(this.#now, header, store.bytesOf(slot), store.offsetOf(slot) + 16, store.lengthOf(slot) - 16);
    const now = HANDSHAKE_MS;
    this.#now = now;
    const sending = { flowWindowPackets: 8_192, bufferPackets: 32_768, dropsTooLate: true, peerRepeatsNaks: true };
    const receiving = { hasPlayTimes: true, lossReports: 'own' as const, mostReorderPackets, windowPackets: 32_768 };
    this.#encoder = new SrtSender(
      { ...sending, peerId: 1, firstSequence, startMs: now - stampUs / 1_000, latencyMs: encoder.latencyMs },
      atEncoder,
      { ...outOf(first.data), data: dataOn(first.data, atEncoder) },
      now,
    );
    this.#receiver = new SrtReceiver(
      {
        ...receiving,
        peerId: 2,
        firstSequence,
        conclusionStampUs: stampUs,
        conclusionMs: now + encoder.rttMs / 2,
        startMs: now,
        latencyMs: encoder.latencyMs,
        releaseAtArrival: shared,
      },
      atNode,
      {
        ...outOf(first.back),
        deliver: (slot) => {
          this.#sender.offer(slot, this.#now);
          atNode.release(slot);
        },
      },
      now,
    );
    this.#sender = new SrtSender(
      { ...sending, peerId: 3, firstSequence: PLAYER_SEQUENCE, startMs: now, latencyMs: player.latencyMs },
      atNode,
      { ...outOf(second.data), data: dataOn(second.data, atNode) },
      now,
    );
    if (options.playerEngine === 'libsrt') {
      this.#player = new LibsrtPlayer(player, now, outOf(second.back).control, (payload) => this.#note(payload));
      return;
    }
    this.#player = new SrtReceiver(
      {
        ...receiving,
        peerId: 4,
        firstSequence: PLAYER_SEQUENCE,
        conclusionStampUs: 0,
        conclusionMs: now + player.rttMs / 2,
        startMs: now,
        latencyMs: player.latencyMs,
        releaseAtArrival: false,
      },
      atPlayer,
      { ...outOf(second.back), deliver: (slot) => this.#play(atPlayer, slot) },
      now,
    );
  }

  run(): ChainResult {
    const queue = this.#queue;
    const { seconds, encoder, player } = this.#options;
    const start = this.#now;
    const end = start + seconds * 1_000;
    const over = end + encoder.latencyMs + player.latencyMs + 4 * (encoder.rttMs + player.rttMs) + 3_000;
    queue.push(start, SOURCE, 0);
    for (let at = 0; at < 4; at++) queue.push(start + at * 2.5, TICK, at);
    while (queue.pop() && queue.time <= over) {
      this.#now = queue.time;
      if (queue.kind === SOURCE) {
        if (this.#now < end) this.#produce();
      } else this.#happen(queue.kind, queue.argument);
    }
    return this.#result();
  }

  #produce(): void {
    this.#due += (this.#options.packetsPerSecond * BURST_MS * (0.7 + 0.6 * this.#random())) / 1_000;
    const store = this.#stores[0]!;
    const packet = new Uint8Array(16 + PAYLOAD_BYTES);
    for (; this.#due >= 1; this.#due -= 1) {
      writeU32(packet, 16, this.#bornMs.length);
      this.#bornMs.push(this.#now);
      const slot = store.add(packet, this.#skewed(this.#now));
      this.#encoder.offer(slot, this.#skewed(this.#now));
      store.release(slot);
    }
    this.#queue.push(this.#now + BURST_MS, SOURCE, 0);
  }

  /** The encoder's clock. */
  #skewed(now: number): number {
    return HANDSHAKE_MS + (now - HANDSHAKE_MS) * (1 + (this.#options.skewPpm ?? 0) / 1e6);
  }

  #happen(kind: number, argument: number): void {
    const now = this.#now;
    const [first, second] = this.#links;
    if (kind === TICK) {
      if (argument === 0) this.#encoder.tick(this.#skewed(now));
      else if (argument === 1) this.#receiver.tick(now);
      else if (argument === 2) this.#sender.tick(now);
      else this.#player.tick(now);
      this.#queue.push(now + TICK_MS, TICK, argument);
    } else if (kind === DATA) receive(this.#receiver, first.data.take(argument), now);
    else if (kind === DATA_2) receive(this.#player, second.data.take(argument), now);
    else if (kind === BACK) this.#encoder.control(first.back.take(argument), this.#skewed(now));
    else this.#sender.control(second.back.take(argument), now);
  }

  #play(store: PacketStore, slot: number): void {
    this.#note(readU32(store.bytesOf(slot), store.offsetOf(slot) + 16));
    store.release(slot);
  }

  #note(payload: number): void {
    this.#played.push(payload);
    this.#delays.push(this.#now - this.#bornMs[payload]!);
  }

  #result(): ChainResult {
    const played = new Set(this.#played);
    const lastPlayed = this.#played.at(-1) ?? -1;
    let lost = 0;
    for (let payload = 0; payload < lastPlayed; payload++) if (!played.has(payload)) lost += 1;
    const wrong = this.#played.filter((payload, i) => i > 0 && payload <= this.#played[i - 1]!).length;
    const delays = this.#delays.toSorted((a, b) => a - b);
    const [first, second] = this.#links;
    const encoder = hopResult(this.#encoder, this.#receiver, first.data, this.#now);
    const player = hopResult(this.#sender, this.#player, second.data, this.#now);
    for (const end of [this.#encoder, this.#sender]) end.close();
    for (const end of [this.#receiver, this.#player]) end.finish();
    return {
      payloads: this.#bornMs.length,
      lost,
      wrong,
      delayMs: { least: delays[0]!, median: delays[delays.length >> 1]!, most: delays.at(-1)! },
      encoder,
      player,
      left: this.#stores.reduce((sum, store) => sum + store.usedCount, 0),
    };
  }
}

const receive = (receiver: SrtReceiver | LibsrtPlayer, packet: Uint8Array, now: number): void => {
  if (packet[0]! < 0x80) receiver.data(packet, now);
  else receiver.control(packet, now);
};

const stat = (end: SrtSender | SrtReceiver | LibsrtPlayer, field: SrtStatsField, now: number): number => {
  const out = new Float64Array(SRT_STATS_FIELDS.length);
  end.stats(out, now);
  return out[SRT_STATS_FIELDS.indexOf(field)]!;
};

const hopResult = (sender: SrtSender, receiver: SrtReceiver | LibsrtPlayer, link: SimLink, now: number): HopResult => ({
  sent: stat(sender, 'pktSentTotal', now) - stat(sender, 'pktRetransTotal', now),
  resent: stat(sender, 'pktRetransTotal', now),
  missed: link.lostData,
  naks: stat(receiver, 'pktSentNakTotal', now),
  rttMs: receiver.rtt.ms,
  givenUp: stat(receiver, 'pktRcvDropTotal', now) + stat(sender, 'pktSndDropTotal', now),
});
