import { normaliseAddress } from '../shared/address.ts';
import type { PeerDirectory, PeerId } from './types.ts';

/** Unregistered sources that are remembered at once: far more than one batch of datagrams can bring. */
const TRANSIENTS = 4_096;

interface Entry {
  socket: number;
  /** As the socket wrote it and takes it. */
  rawAddress: string;
  port: number;
  held: boolean;
  /** Where in the ring of transient numbers it is; -1 for held ones. */
  ringIndex: number;
}

/**
 * Numbers for remote addresses. Registered links (`hold`) keep theirs; all others share a ring, so that a flood from any number of
 * addresses takes no memory. The local socket is part of a peer: the answer must leave where the question came in.
 */
export class PeerTable implements PeerDirectory {
  readonly #entries: Entry[] = [];
  readonly #ring = new Int32Array(TRANSIENTS);
  readonly #free: PeerId[] = [];
  /** Held ones: local socket → remote address → remote port. Nested, so that a look-up makes no key. */
  readonly #held: Map<string, Map<number, PeerId>>[] = [];
  #next = 0;
  #heldCount = 0;

  constructor() {
    for (let i = 0; i < TRANSIENTS; i++) {
      this.#ring[i] = this.#entries.length;
      this.#entries.push({ socket: 0, rawAddress: '', port: 0, held: false, ringIndex: i });
    }
  }

  get heldCount(): number {
    return this.#heldCount;
  }

  /** The number of a source: its own where it is registered, else the next of the ring, good until the ring comes round. */
  peerOf(socket: number, rawAddress: string, port: number): PeerId {
    const held = this.#held[socket]?.get(rawAddress)?.get(port);
    if (held !== undefined) return held;
    const peer = this.#ring[this.#next]!;
    this.#next = (this.#next + 1) % TRANSIENTS;
    const entry = this.#entries[peer]!;
    entry.socket = socket;
    entry.rawAddress = rawAddress;
    entry.port = port;
    return peer;
  }

  address(peer: PeerId): string {
    return normaliseAddress(this.#entries[peer]!.rawAddress);
  }

  port(peer: PeerId): number {
    return this.#entries[peer]!.port;
  }

  /** Where to send, from which socket. Belongs to the table. */
  entry(peer: PeerId): Readonly<Pick<Entry, 'socket' | 'rawAddress' | 'port'>> {
    return this.#entries[peer]!;
  }

  hold(peer: PeerId): void {
    const entry = this.#entries[peer]!;
    if (entry.held) return;
    this.#ring[entry.ringIndex] = this.#spare(entry.ringIndex);
    entry.held = true;
    entry.ringIndex = -1;
    this.#heldCount += 1;
    this.#held[entry.socket] ??= new Map();
    const byAddress = this.#held[entry.socket]!;
    const byPort = byAddress.get(entry.rawAddress) ?? new Map<number, PeerId>();
    byAddress.set(entry.rawAddress, byPort.set(entry.port, peer));
  }

  release(peer: PeerId): void {
    const entry = this.#entries[peer]!;
    if (!entry.held) return;
    entry.held = false;
    this.#heldCount -= 1;
    this.#free.push(peer);
    const byAddress = this.#held[entry.socket];
    const byPort = byAddress?.get(entry.rawAddress);
    byPort?.delete(entry.port);
    if (byPort?.size === 0) byAddress?.delete(entry.rawAddress);
  }

  /** A number that takes the held one's place in the ring. */
  #spare(ringIndex: number): PeerId {
    const freed = this.#free.pop();
    if (freed !== undefined) {
      this.#entries[freed]!.ringIndex = ringIndex;
      return freed;
    }
    this.#entries.push({ socket: 0, rawAddress: '', port: 0, held: false, ringIndex });
    return this.#entries.length - 1;
  }
}
