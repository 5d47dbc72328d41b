import {
  loadAddon,
  type NativeUdpEngine,
  type NativeUdpOptions,
  UDP_COUNTERS,
  UDP_NEXT,
  UDP_SLOT_BYTES,
} from '../../src/shared/addon.ts';
import { until } from './peer.ts';

export const SLOTS = 64;
export const SCRATCH_BYTES = 128 * 1024;
const SCRATCH_AT = SLOTS * UDP_SLOT_BYTES;

export interface Received {
  socket: number;
  peer: number;
  arrivalMs: number;
  bytes: Uint8Array;
}

/** A UDP engine that takes whatever comes and keeps it for the test. */
export class UdpEnd {
  readonly udp: NativeUdpEngine;
  readonly received: Received[] = [];
  wakes = 0;
  /** Called for each datagram, while its peer number is good. */
  onDatagram: (datagram: Received) => void = () => {};
  #entries = 0;
  #scratch = 0;

  constructor(options: Partial<NativeUdpOptions> = {}) {
    this.udp = loadAddon().createUdpEngine!({
      slots: SLOTS,
      sendEntries: 256,
      scratchBytes: SCRATCH_BYTES,
      busyPacketsPerSecond: 2_000,
      paces: false,
      onWake: () => this.pump(),
      ...options,
    });
  }

  pump(): void {
    this.wakes++;
    do {
      for (let count = this.take(); count > 0; ) count = this.take();
    } while (this.udp.rearm() === UDP_NEXT.more);
  }

  /** One `receive`; returns how many it brought. */
  take(): number {
    const { udp } = this;
    const count = udp.receive(performance.now());
    for (let slot = 0; slot < count; slot++) {
      const start = slot * UDP_SLOT_BYTES;
      const datagram = {
        socket: udp.sockets[slot]!,
        peer: udp.peers[slot]!,
        arrivalMs: udp.arrivalsMs[slot]!,
        bytes: udp.arena.slice(start, start + udp.lengths[slot]!),
      };
      this.received.push(datagram);
      this.onDatagram(datagram);
    }
    return count;
  }

  bind(
    host = '127.0.0.1',
    more: Partial<Parameters<NativeUdpEngine['bind']>[0]> = {},
  ): { socket: number; port: number } {
    const socket = this.udp.bind({ host, port: 0, bufferBytes: 1024 * 1024, ...more });
    return { socket, port: this.udp.facts(socket)!.port };
  }

  connect(port: number, host = '127.0.0.1'): number {
    return this.udp.connect({ host, port, bufferBytes: 1024 * 1024 });
  }

  /** To a peer, or to connected socket `-1 - to`; goes out at `flush`. */
  put(to: number, bytes: Uint8Array): void {
    const { arena, sendTo, sendFrom, sendBytes } = this.udp;
    const from = SCRATCH_AT + this.#scratch;
    arena.set(bytes, from);
    sendTo[this.#entries] = to;
    sendFrom[this.#entries] = from;
    sendBytes[this.#entries] = bytes.length;
    this.#entries += 1;
    this.#scratch += bytes.length;
  }

  flush(): void {
    this.udp.flush(this.#entries);
    this.#entries = 0;
    this.#scratch = 0;
  }

  send(to: number, bytes: Uint8Array): void {
    this.put(to, bytes);
    this.flush();
  }

  /** Waits until so many have come. */
  got(count: number): Promise<Received[]> {
    return until(`${count} datagrams`, () => this.received.length >= count && this.received);
  }

  counter(name: (typeof UDP_COUNTERS)[number]): number {
    const values = new Float64Array(UDP_COUNTERS.length);
    this.udp.counters(values);
    return values[UDP_COUNTERS.indexOf(name)]!;
  }
}

/** Bytes that tell their number and their length. */
export const pattern = (number: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (number * 37 + i * 11 + length) & 255);
