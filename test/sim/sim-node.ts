import { createSrtlaCore } from '../../src/srtla/index.ts';
import { createMac } from '../../src/srtla/shell-mac.ts';
import {
  DEFAULT_SRTLA_SETTINGS,
  type PeerDirectory,
  type PeerId,
  type SessionId,
  type SrtlaCore,
  type SrtlaOutbox,
  type SrtlaSettings,
} from '../../src/srtla/types.ts';
import type { Ledger } from './ledger.ts';
import { OrderedHandover } from './ordered-handover.ts';
import { eachLoss, MASK, readU32, steps } from './srt-wire.ts';

export interface SimNodeOptions {
  readonly detection: 'exact' | 'plain';
  readonly settings?: Partial<SrtlaSettings>;
  /** Packets are handed over in order. */
  readonly ordered?: boolean;
  readonly random: (bytes: number) => Uint8Array;
  readonly sendToLink: (peer: PeerId, datagram: Uint8Array) => void;
  readonly sendToServer: (session: SessionId, datagram: Uint8Array) => void;
  readonly closeSession: (session: SessionId) => void;
}

/** The node's core with what its shell would do, on a fake clock. Datagrams are counted as the kernel would see them. */
export class SimNode implements SrtlaOutbox {
  readonly core: SrtlaCore;
  fromLinks = 0;
  toLinks = 0;
  fromServers = 0;
  toServers = 0;
  /** SRT ACKs of the server, and their copies on links. */
  serverAcks = 0;
  linkAcks = 0;
  /** Loss reports to links; numbers in them. */
  naks = 0;
  nakedNumbers = 0;
  readonly #options: SimNodeOptions;
  readonly #held = new Set<PeerId>();
  readonly #ordered: OrderedHandover | undefined;
  #session = 0;
  now = 0;

  constructor(options: SimNodeOptions) {
    this.#options = options;
    if (options.ordered === true) this.#ordered = new OrderedHandover(options.sendToServer);
    const peers: PeerDirectory = {
      address: (peer) => `192.0.2.${peer % 250}`,
      port: (peer) => 10_000 + (peer % 50_000),
      hold: (peer) => void this.#held.add(peer),
      release: (peer) => void this.#held.delete(peer),
    };
    const settings: SrtlaSettings = {
      ...DEFAULT_SRTLA_SETTINGS,
      ...{ lossDetection: options.detection },
      ...options.settings,
    };
    this.core = createSrtlaCore(settings, peers, options.random, createMac(options.random));
  }

  /** It is a registered link. */
  knows(peer: PeerId): boolean {
    return this.#held.has(peer);
  }

  receive(datagram: Uint8Array, peer: PeerId, arrivalMs: number): void {
    this.fromLinks++;
    this.core.receive(datagram, peer, arrivalMs, this);
  }

  fromServer(session: SessionId, datagram: Uint8Array, now: number): void {
    this.fromServers++;
    if (isAck(datagram)) this.serverAcks++;
    this.core.fromServer(session, datagram, now, this);
  }

  noteNak(nak: Uint8Array, ledgers: readonly Ledger[], now: number): void {
    const ledger = ledgers.at(-1);
    if (ledger === undefined || ledger.serverId === 0) return;
    this.naks++;
    eachLoss(nak, (first, last) => {
      const count = steps(first, last) + 1;
      this.nakedNumbers += count;
      for (let i = 0; i < count; i++) ledger.reported((first + i) & MASK, now);
    });
  }

  sendToLink(peer: PeerId, bytes: Uint8Array): void {
    this.toLinks++;
    if (isAck(bytes)) this.linkAcks++;
    this.#options.sendToLink(peer, bytes);
    if (isNak(bytes)) eachLoss(bytes, (first, last) => this.#ordered?.asked(this.#session, first, last));
  }

  sendToServer(session: SessionId, bytes: Uint8Array): void {
    this.toServers++;
    this.#session = session;
    if (this.#ordered === undefined) this.#options.sendToServer(session, bytes);
    else this.#ordered.toServer(session, bytes);
  }

  openSession(): void {}

  closeSession(session: SessionId): void {
    this.#options.closeSession(session);
  }

  event(): void {}
}

const isNak = (bytes: Uint8Array): boolean => bytes.length >= 20 && readU32(bytes, 0) === 0x80030000;
const isAck = (bytes: Uint8Array): boolean => bytes.length >= 20 && readU32(bytes, 0) === 0x80020000;
