import { seededRandom } from '../../src/sender/impair/random.ts';
import type { BondScenario, LinkScenario } from '../../src/sender/impair/scenarios.ts';
import type { Profile } from '../../src/sender/profile.ts';
import { createSenderCore } from '../../src/sender/sender-core.ts';
import type { SenderCore, SenderOutbox } from '../../src/sender/sender-types.ts';
import type { SimEncoder } from './encoder.ts';
import { createEncoder } from './encoders.ts';
import { EventQueue } from './event-queue.ts';
import { Flights } from './flights.ts';
import { IdealAsker } from './ideal-asker.ts';
import { Ledger } from './ledger.ts';
import { type Measures, measure } from './measures.ts';
import { SimLink } from './sim-link.ts';
import { SimNode } from './sim-node.ts';
import { SimServer } from './sim-server.ts';
import { MASK, R_BIT, readU32 } from './srt-wire.ts';

const START_MS = 1_000_000;
const SERVER_TICK_MS = 10;
/** From one process to another on one machine. */
const HOP_MS = 0.05;

const EVENT = {
  encoder: 0,
  sender: 1,
  up: 2,
  down: 3,
  node: 4,
  batch: 5,
  server: 6,
  fromServer: 7,
  action: 8,
} as const;

export interface SimulationOptions {
  readonly scenario: BondScenario;
  readonly profile: Profile;
  readonly seed: number;
  readonly minutes: number;
  /** `plain`: the stock receiver behind a plain relay, its tolerance at 200. */
  readonly detection: 'exact' | 'plain';
  /** Nobody but an oracle asks for losses, at the moment they would have arrived. */
  readonly ideal?: boolean;
  /** What is handed over is put in order first. */
  readonly ordered?: boolean;
  readonly kbps?: number;
  readonly latencyMs?: number;
  /** Datagrams that the hop between node and server loses, each way. */
  readonly hopLossRate?: number;
  /** The node takes what comes within so long together. */
  readonly coalesceMs?: number;
  readonly skewPpm?: number;
  readonly isn?: number;
  readonly timestampUs?: number;
  /** SRTO_LOSSMAXTTL of the listener; by default what `detection` goes with. */
  readonly maxReorderTolerance?: number;
  /** The SRT server's; default libsrt. */
  readonly engine?: 'libsrt' | 'direct';
  readonly watch?: SimulationWatch;
}

/** Somebody who looks on. Bytes are valid during the call. */
export interface SimulationWatch {
  /** A datagram has come to the node from a link that it knows. */
  arrived?(peer: number, bytes: Uint8Array, now: number): void;
  /** The node sends to a link. */
  answered?(peer: number, bytes: Uint8Array, now: number): void;
  /** A data packet has gone to the server. */
  handedOver?(sequence: number, now: number): void;
}

/** A phone's encoder and sender, impaired links, the node's core and a libsrt receiver, all on one fake clock. */
export class Simulation {
  readonly options: SimulationOptions;
  readonly queue = new EventQueue();
  readonly links: SimLink[] = [];
  readonly sender: SenderCore;
  readonly encoder: SimEncoder;
  readonly node: SimNode;
  readonly server: SimServer;
  readonly ledgers: Ledger[] = [];
  readonly ideal: IdealAsker | undefined;
  now = START_MS;
  readonly #flights = new Flights();
  readonly #out: SenderOutbox;
  readonly #actions: (() => void)[] = [];
  readonly #hopRandom: () => number;
  readonly #batchSlots: number[] = [];
  readonly #batchMs: number[] = [];
  #batchArmed = false;
  #nodeTickMs = Number.POSITIVE_INFINITY;
  #senderTickMs = Number.POSITIVE_INFINITY;
  #encoderTickMs = Number.POSITIVE_INFINITY;
  readonly #endMs: number;
  #nextPeer = 1;

  constructor(options: SimulationOptions) {
    this.options = options;
    const { scenario, seed, profile } = options;
    const random = seededRandom(seed * 7_919 + 13);
    const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
    this.#hopRandom = seededRandom(seed * 104_729 + 7);
    this.#endMs = START_MS + options.minutes * 60_000;
    this.#out = {
      sendOnLink: (id, datagram) => this.#sendOnLink(id, datagram),
      sendToEncoder: (datagram) => this.#toEncoder(datagram),
      renewSocket: (id) => this.rebind(this.links[id]!),
      event: (event) => {
        // Apps begin their SRT once the bond is there.
        if (event.type === 'link-up' && this.#encoderTickMs === Number.POSITIVE_INFINITY) this.#armEncoder(this.now);
      },
    };
    this.sender = createSenderCore(profile, [], bytes, this.now);
    this.encoder = createEncoder(
      profile,
      {
        kbps: options.kbps ?? 6_000,
        latencyMs: options.latencyMs ?? scenario.latencyMs,
        streamId: 'live_simulated',
        isn: options.isn ?? Math.floor(random() * 10_000),
        timestampUs: options.timestampUs ?? 0,
        skewPpm: options.skewPpm ?? 0,
        random,
      },
      {
        send: (datagram) => this.#fromEncoder(datagram),
        begin: (isn) => void this.ledgers.push(new Ledger(isn)),
        accepted: () => {},
        first: (sequence) => this.ledgers.at(-1)!.first(sequence),
      },
    );
    this.server = new SimServer({
      engine: options.engine ?? 'libsrt',
      // As the node opens its bonded listener.
      maxReorderTolerance: options.maxReorderTolerance ?? 200,
      reportsLosses: options.ideal !== true,
      random,
      send: (session, datagram) => this.#fromServer(session, datagram),
      ledgerOf: (isn) => this.ledgers.findLast((ledger) => ledger.isn === isn)!,
    });
    this.node = new SimNode({
      detection: options.detection,
      ordered: options.ordered === true,
      random: bytes,
      sendToLink: (peer, datagram) => this.#toLink(peer, datagram),
      sendToServer: (session, datagram) => this.#toServer(session, datagram),
      closeSession: (session) => this.server.close(session),
    });
    if (options.ideal === true) this.ideal = new IdealAsker(this);
    for (const link of scenario.links) this.addLink(link);
    this.#armSender(this.now);
    this.#armNode(this.now);
    this.queue.push(this.now + SERVER_TICK_MS, EVENT.server, 0);
  }

  /** Runs to the end of the stream and until everything that was sent is played or lost. */
  run(): Measures {
    const drainMs = (this.options.latencyMs ?? this.options.scenario.latencyMs) + 3_000;
    this.at(this.options.minutes * 60_000, () => this.encoder.finish());
    this.runUntil(this.#endMs + drainMs);
    return measure(this);
  }

  runUntil(endMs: number): void {
    const { queue } = this;
    while (queue.nextMs <= endMs && queue.pop()) {
      this.now = queue.time;
      this.#handle(queue.kind, queue.argument);
    }
    this.now = endMs;
  }

  /** Since the start. */
  get elapsedMs(): number {
    return this.now - START_MS;
  }

  /** Does something so long after the start. */
  at(ms: number, action: () => void): void {
    this.#actions.push(action);
    this.queue.push(START_MS + ms, EVENT.action, this.#actions.length - 1);
  }

  addLink(scenario: LinkScenario): SimLink {
    const link = new SimLink(this.links.length, scenario, this.options.seed, this.#nextPeer++);
    this.links.push(link);
    this.sender.addLink(link.id, this.now);
    return link;
  }

  removeLink(link: SimLink): void {
    link.peer = 0;
    this.sender.removeLink(link.id, this.#out);
  }

  /** The address under which the node sees the link changes; the sender learns nothing. */
  rebind(link: SimLink): void {
    link.peer = this.#nextPeer++;
  }

  /** A loss report of the oracle, straight to a link. */
  ask(link: SimLink, nak: Uint8Array): void {
    this.#toLink(link.peer, nak);
  }

  get flightCount(): number {
    return this.#flights.count;
  }

  #handle(kind: number, argument: number): void {
    const { now } = this;
    switch (kind) {
      case EVENT.up:
        this.#upArrival(argument);
        return;
      case EVENT.down: {
        const link = this.links[this.#flights.tag(argument)]!;
        const bytes = this.#flights.read(argument);
        this.sender.fromLink(link.id, bytes, now, this.#out);
        this.#flights.remove(argument);
        return;
      }
      case EVENT.encoder:
        if (now !== this.#encoderTickMs) return;
        this.encoder.tick(now);
        this.#armEncoder(this.encoder.nextMs(now));
        return;
      case EVENT.sender:
        if (now !== this.#senderTickMs) return;
        this.sender.tick(now, this.#out);
        this.#armSender(now + this.sender.nextTickMs(now));
        return;
      case EVENT.node:
        if (now !== this.#nodeTickMs) return;
        this.node.core.tick(now, this.node);
        this.#armNode(now + this.node.core.nextTickMs());
        return;
      case EVENT.batch:
        this.#runBatch();
        return;
      case EVENT.server:
        this.server.tick(now);
        this.queue.push(now + SERVER_TICK_MS, EVENT.server, 0);
        return;
      case EVENT.fromServer: {
        const bytes = this.#flights.read(argument);
        this.node.fromServer(this.#flights.tag(argument), bytes, now);
        this.#flights.remove(argument);
        this.#nodeHasWork();
        return;
      }
      case EVENT.action:
        this.#actions[argument]!();
        return;
    }
  }

  #fromEncoder(datagram: Uint8Array): void {
    if (datagram[0]! < 0x80 && (datagram[4]! & (R_BIT >>> 24)) !== 0) this.ledgers.at(-1)!.repeats++;
    this.sender.fromEncoder(datagram, this.now, this.#out);
    const atMs = this.now + this.sender.nextTickMs(this.now);
    if (atMs < this.#senderTickMs) this.#armSender(atMs);
  }

  #toEncoder(datagram: Uint8Array): void {
    this.encoder.receive(datagram, this.now);
    const atMs = this.encoder.nextMs(this.now);
    if (atMs < this.#encoderTickMs) this.#armEncoder(atMs);
  }

  #sendOnLink(id: number, datagram: Uint8Array): void {
    const link = this.links[id]!;
    if (link.peer === 0) return;
    const { up } = link;
    const copies = up.send(datagram.length, this.now);
    if (copies === 0) {
      if (datagram[0]! < 0x80) this.#lost(datagram, up.arrivalMs);
      return;
    }
    this.queue.push(up.arrivalMs, EVENT.up, this.#flights.add(datagram, link.tag(false)));
    if (copies === 2) this.queue.push(up.secondArrivalMs, EVENT.up, this.#flights.add(datagram, link.tag(true)));
  }

  #lost(datagram: Uint8Array, dueMs: number): void {
    const sequence = readU32(datagram, 0);
    if ((datagram[4]! & (R_BIT >>> 24)) === 0) this.ledgers.at(-1)!.lost(sequence, dueMs);
    this.ideal?.lost(sequence, dueMs);
  }

  #upArrival(slot: number): void {
    const { coalesceMs = 0 } = this.options;
    if (coalesceMs === 0) {
      this.#receive(slot, this.now);
      this.#nodeHasWork();
      return;
    }
    this.#batchSlots.push(slot);
    this.#batchMs.push(this.now);
    if (this.#batchArmed) return;
    this.#batchArmed = true;
    this.queue.push(this.now + coalesceMs, EVENT.batch, 0);
  }

  #runBatch(): void {
    this.#batchArmed = false;
    for (let i = 0; i < this.#batchSlots.length; i++) this.#receive(this.#batchSlots[i]!, this.#batchMs[i]!);
    this.#batchSlots.length = 0;
    this.#batchMs.length = 0;
    this.#nodeHasWork();
  }

  #receive(slot: number, arrivalMs: number): void {
    const tag = this.#flights.tag(slot);
    const bytes = this.#flights.read(slot);
    const peer = SimLink.peerOf(tag);
    if (bytes[0]! < 0x80 && bytes.length > 16) this.#note(bytes, peer, SimLink.isSecond(tag), arrivalMs);
    if (this.options.watch?.arrived !== undefined && this.node.knows(peer)) {
      this.options.watch.arrived(peer, bytes, arrivalMs);
    }
    this.node.receive(bytes, peer, arrivalMs);
    this.#flights.remove(slot);
  }

  /** What counts as having reached the node: it came on a link that the node knows. */
  #note(bytes: Uint8Array, peer: number, second: boolean, arrivalMs: number): void {
    const ledger = this.#ledgerFor(bytes);
    if (ledger === undefined) return;
    const sequence = readU32(bytes, 0);
    const retransmitted = (bytes[4]! & (R_BIT >>> 24)) !== 0;
    if (!this.node.knows(peer)) {
      if (!retransmitted) ledger.lost(sequence, arrivalMs);
      this.ideal?.lost(sequence, arrivalMs);
      return;
    }
    if (retransmitted && !second) ledger.repeatsReached++;
    ledger.arrived(sequence, retransmitted, arrivalMs);
  }

  #ledgerFor(bytes: Uint8Array): Ledger | undefined {
    const serverId = readU32(bytes, 12);
    for (let i = this.ledgers.length - 1; i >= 0; i--) {
      if (this.ledgers[i]!.serverId === serverId) return this.ledgers[i];
    }
    return undefined;
  }

  #toLink(peer: number, datagram: Uint8Array): void {
    // A report of what is lost counts when it leaves, whether it arrives or not.
    if (datagram.length >= 20 && datagram[0] === 0x80 && datagram[1] === 0x03)
      this.node.noteNak(datagram, this.ledgers, this.now);
    this.options.watch?.answered?.(peer, datagram, this.now);
    const link = this.#linkOf(peer);
    if (link === undefined) return;
    const { down } = link;
    const copies = down.send(datagram.length, this.now);
    if (copies >= 1) this.queue.push(down.arrivalMs, EVENT.down, this.#flights.add(datagram, link.id));
    if (copies === 2) this.queue.push(down.secondArrivalMs, EVENT.down, this.#flights.add(datagram, link.id));
  }

  #linkOf(peer: number): SimLink | undefined {
    for (let i = 0; i < this.links.length; i++) if (this.links[i]!.peer === peer) return this.links[i];
    return undefined;
  }

  #toServer(session: number, datagram: Uint8Array): void {
    if (datagram[0]! < 0x80) {
      const sequence = readU32(datagram, 0) & MASK;
      this.#ledgerFor(datagram)?.handedOver(sequence, this.now);
      this.options.watch?.handedOver?.(sequence, this.now);
    }
    if (this.#hopLoses()) return;
    this.server.receive(session, datagram, this.now);
  }

  #fromServer(session: number, datagram: Uint8Array): void {
    if (this.#hopLoses()) return;
    this.queue.push(this.now + HOP_MS, EVENT.fromServer, this.#flights.add(datagram, session));
  }

  #hopLoses(): boolean {
    const { hopLossRate = 0 } = this.options;
    return hopLossRate > 0 && this.#hopRandom() < hopLossRate;
  }

  /** The core may want its next tick earlier than it said before. */
  #nodeHasWork(): void {
    const atMs = this.now + this.node.core.nextTickMs();
    if (atMs < this.#nodeTickMs) this.#armNode(atMs);
  }

  #armNode(atMs: number): void {
    this.#nodeTickMs = atMs;
    this.queue.push(atMs, EVENT.node, 0);
  }

  #armSender(atMs: number): void {
    this.#senderTickMs = atMs;
    this.queue.push(atMs, EVENT.sender, 0);
  }

  #armEncoder(atMs: number): void {
    this.#encoderTickMs = atMs;
    this.queue.push(atMs, EVENT.encoder, 0);
  }
}
