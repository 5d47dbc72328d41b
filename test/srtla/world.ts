import type { Mac } from '../../src/srtla/group-ids.ts';
import { createSrtlaCore } from '../../src/srtla/index.ts';
import {
  DEFAULT_SRTLA_SETTINGS,
  type PeerDirectory,
  type PeerId,
  type RandomBytes,
  type SessionId,
  type SrtlaCore,
  type SrtlaEvent,
  type SrtlaOutbox,
  type SrtlaSettings,
} from '../../src/srtla/types.ts';
import { conclusion, conclusionAnswer, ENCODER, induction, reg1, reg2, SENDER_ID, SERVER, toHex } from './packets.ts';

export type Effect =
  | { do: 'link'; peer: PeerId; hex: string; atMs: number }
  | { do: 'server'; session: SessionId; hex: string; atMs: number }
  | { do: 'open' | 'close'; session: SessionId; atMs: number }
  | { do: 'event'; event: SrtlaEvent; atMs: number };

/** Peers 1–999 are 192.0.2.1:5000+peer and so on; `addresses` overrides. */
export class FakePeers implements PeerDirectory {
  readonly addresses = new Map<PeerId, string>();
  readonly ports = new Map<PeerId, number>();
  readonly held = new Set<PeerId>();
  address(peer: PeerId): string {
    return this.addresses.get(peer) ?? `192.0.2.${peer % 250}`;
  }
  port(peer: PeerId): number {
    return this.ports.get(peer) ?? 10_000 + (peer % 50_000);
  }
  hold(peer: PeerId): void {
    if (this.held.has(peer)) throw new Error(`peer ${peer} is held twice`);
    this.held.add(peer);
  }
  release(peer: PeerId): void {
    if (!this.held.delete(peer)) throw new Error(`peer ${peer} is released but not held`);
  }
}

const zeros: RandomBytes = (bytes) => new Uint8Array(bytes);

/** As with a MAC the same message, its block aside, has the same answer. The first one of `SENDER_ID` gets AA…, as in the test vectors. */
export const countingMac = (): Mac => {
  const known = new Map<string, number>();
  let vector: string | undefined;
  return (message) => {
    const key = toHex(message.subarray(1));
    if (SENDER_ID.startsWith(toHex(message.subarray(6)))) vector ??= key;
    if (!known.has(key)) known.set(key, key === vector ? 0 : known.size + 1);
    const number = known.get(key)!;
    const mac = new Uint8Array(64).fill(0xaa);
    mac[0]! += number;
    mac[1]! += number >> 8;
    return mac;
  };
};

/** The core with a clock that stands still until it is told, and everything it does written down. */
export class World implements SrtlaOutbox {
  readonly peers = new FakePeers();
  readonly core: SrtlaCore;
  /** The core's own: a test may change them. */
  readonly settings: SrtlaSettings;
  now = 1_000_000;
  effects: Effect[] = [];

  constructor(settings: Partial<SrtlaSettings> = {}, mac = countingMac()) {
    this.settings = { ...DEFAULT_SRTLA_SETTINGS, ...settings };
    this.core = createSrtlaCore(this.settings, this.peers, zeros, mac);
  }

  sendToLink(peer: PeerId, bytes: Uint8Array): void {
    this.effects.push({ do: 'link', peer, hex: toHex(bytes), atMs: this.now });
  }
  sendToServer(session: SessionId, bytes: Uint8Array): void {
    this.effects.push({ do: 'server', session, hex: toHex(bytes), atMs: this.now });
  }
  openSession(session: SessionId): void {
    this.effects.push({ do: 'open', session, atMs: this.now });
  }
  closeSession(session: SessionId): void {
    this.effects.push({ do: 'close', session, atMs: this.now });
  }
  event(event: SrtlaEvent): void {
    this.effects.push({ do: 'event', event, atMs: this.now });
  }

  /** A datagram from a peer; returns what the core did. The bytes are overwritten afterwards, as a shell may do. */
  receive(peer: PeerId, bytes: Uint8Array): Effect[] {
    this.effects = [];
    const borrowed = Buffer.from(bytes);
    this.core.receive(borrowed, peer, this.now, this);
    borrowed.fill(0xee);
    return this.effects;
  }

  server(session: SessionId, bytes: Uint8Array): Effect[] {
    this.effects = [];
    const borrowed = Buffer.from(bytes);
    this.core.fromServer(session, borrowed, this.now, this);
    borrowed.fill(0xee);
    return this.effects;
  }

  /** Lets time pass in steps of 10 ms. */
  advance(ms: number): Effect[] {
    this.effects = [];
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + 10);
      this.core.tick(this.now, this);
    }
    return this.effects;
  }

  /** Time passes while these links keep themselves alive. */
  advanceAlive(ms: number, ...peers: PeerId[]): Effect[] {
    const all: Effect[] = [];
    for (let passed = 0; passed < ms; passed += 500) {
      for (const peer of peers) this.receive(peer, Uint8Array.of(0x90, 0));
      all.push(...this.advance(Math.min(500, ms - passed)));
    }
    this.effects = all;
    return all;
  }

  /** REG1 and REG2 of the first peer, REG2 of the others, and one keepalive each; returns the group id. */
  register(peers: readonly PeerId[], senderId = SENDER_ID): string {
    const answer = toPeer(this.receive(peers[0]!, reg1(senderId)), peers[0]!)[0]!;
    const id = answer.slice(4);
    for (const peer of peers) {
      this.receive(peer, reg2(id));
      this.receive(peer, Uint8Array.of(0x90, 0));
    }
    this.effects = [];
    return id;
  }

  /** The whole handshake over `peer`; returns the session. */
  connect(peer: PeerId, encoderId = ENCODER, serverId = SERVER, streamId = 'live_x'): SessionId {
    const opened = this.receive(peer, induction(encoderId)).find((effect) => effect.do === 'open');
    if (opened?.do !== 'open') throw new Error('no session was opened');
    this.receive(peer, conclusion(encoderId, streamId));
    this.server(opened.session, conclusionAnswer(encoderId, serverId));
    this.effects = [];
    return opened.session;
  }

  counter(name: string): number {
    const value = this.core.snapshot(this.now).counters[name];
    if (value === undefined) throw new Error(`there is no counter ${name}`);
    return value;
  }
}

export const toPeer = (effects: readonly Effect[], peer: PeerId): string[] =>
  effects.flatMap((effect) => (effect.do === 'link' && effect.peer === peer ? [effect.hex] : []));
export const toServer = (effects: readonly Effect[], session?: SessionId): string[] =>
  effects.flatMap((effect) =>
    effect.do === 'server' && (session === undefined || effect.session === session) ? [effect.hex] : [],
  );
/** Peers that were sent these bytes, in order. */
export const receivers = (effects: readonly Effect[]): PeerId[] =>
  effects.flatMap((effect) => (effect.do === 'link' ? [effect.peer] : []));
export const events = (effects: readonly Effect[]): SrtlaEvent[] =>
  effects.flatMap((effect) => (effect.do === 'event' ? [effect.event] : []));
export const eventTypes = (effects: readonly Effect[]): string[] => events(effects).map((event) => event.type);
