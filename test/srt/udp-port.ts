import { createSocket, type Socket } from 'node:dgram';
import { loadAddon, type NativeUdpEngine, UDP_NEXT, UDP_SLOT_BYTES } from '../../src/shared/addon.ts';
import { SlotViews } from '../../src/srtla/slot-views.ts';

/** A UDP socket; a peer is a number. */
export interface UdpPort {
  readonly port: number;
  onPacket: (packet: Uint8Array, peer: number) => void;
  /** For this port of the same machine. */
  peer(port: number): number;
  /** The peer of the packet in hand stays good. */
  hold(peer: number): void;
  send(peer: number, header: Uint8Array, payload?: Uint8Array, offset?: number, length?: number): void;
  /** Sends what was collected. */
  flush(): void;
  close(): void;
}

/** On `node:dgram`. */
export class DgramPort implements UdpPort {
  onPacket: (packet: Uint8Array, peer: number) => void = () => {};
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes, from) => this.onPacket(bytes, from.port));
  }

  static open(): Promise<DgramPort> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, '127.0.0.1', () => resolve(new DgramPort(socket)));
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  peer(port: number): number {
    return port;
  }

  hold(): void {}

  send(peer: number, header: Uint8Array, payload?: Uint8Array, offset = 0, length = 0): void {
    const packet = new Uint8Array(header.length + length);
    packet.set(header);
    if (payload !== undefined) packet.set(payload.subarray(offset, offset + length), header.length);
    this.#socket.send(packet, peer, '127.0.0.1');
  }

  flush(): void {}

  close(): void {
    this.#socket.close();
  }
}

const SLOTS = 512;
const ENTRIES = 2_048;
const SCRATCH_BYTES = ENTRIES * 1_500;

/** On the addon's batches. */
export class BatchedPort implements UdpPort {
  onPacket: (packet: Uint8Array, peer: number) => void = () => {};
  readonly port: number;
  readonly #udp: NativeUdpEngine;
  readonly #socket: number;
  readonly #views: SlotViews;
  #entries = 0;
  #isClosed = false;
  #used = SLOTS * UDP_SLOT_BYTES;

  /** @param segments runs of one size to one peer go to the kernel as one (UDP_SEGMENT) */
  constructor(segments = false) {
    const udp = loadAddon().createUdpEngine!({
      slots: SLOTS,
      sendEntries: ENTRIES,
      scratchBytes: SCRATCH_BYTES,
      busyPacketsPerSecond: 2_000,
      onWake: () => this.#pump(),
    });
    this.#udp = udp;
    this.#socket = udp.bind({ host: '127.0.0.1', port: 0, bufferBytes: 4 << 20, towardsServer: segments });
    this.port = udp.facts(this.#socket)!.port;
    this.#views = new SlotViews(udp.arena, SLOTS, UDP_SLOT_BYTES);
  }

  peer(port: number): number {
    return this.#udp.peer(this.#socket, '127.0.0.1', port, '');
  }

  hold(peer: number): void {
    this.#udp.hold(peer);
  }

  send(peer: number, header: Uint8Array, payload?: Uint8Array, offset = 0, length = 0): void {
    const udp = this.#udp;
    const bytes = header.length + length;
    if (this.#entries === ENTRIES || this.#used + bytes > udp.arena.length) this.flush();
    udp.arena.set(header, this.#used);
    if (payload !== undefined) udp.arena.set(payload.subarray(offset, offset + length), this.#used + header.length);
    udp.sendTo[this.#entries] = peer;
    udp.sendFrom[this.#entries] = this.#used;
    udp.sendBytes[this.#entries] = bytes;
    this.#entries += 1;
    this.#used += bytes;
  }

  flush(): void {
    if (this.#entries > 0) this.#udp.flush(this.#entries);
    this.#entries = 0;
    this.#used = SLOTS * UDP_SLOT_BYTES;
  }

  close(): void {
    this.#isClosed = true;
    this.#udp.dispose();
  }

  #pump(): void {
    if (this.#isClosed) return;
    const udp = this.#udp;
    let count: number;
    do {
      count = udp.receive(performance.now());
      for (let slot = 0; slot < count; slot++)
        this.onPacket(this.#views.of(slot, udp.lengths[slot]!), udp.peers[slot]!);
      this.flush();
    } while (count > 0);
    const next = udp.rearm();
    if (next === UDP_NEXT.more) setImmediate(() => this.#pump());
    else if (next === UDP_NEXT.later) setTimeout(() => this.#pump(), 2);
  }
}
