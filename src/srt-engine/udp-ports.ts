import { isIPv4 } from 'node:net';
import type { NativeUdpEngine, NativeUdpOptions } from '../shared/addon.ts';
import { UDP_NEXT, UDP_SLOT_BYTES } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { SendTable } from '../srtla/send-table.ts';
import { SlotViews } from '../srtla/slot-views.ts';

const SLOTS = 512;
const SEND_ENTRIES = 2_048;
const SCRATCH_BYTES = SEND_ENTRIES * UDP_SLOT_BYTES;
/** From here on datagrams are taken together: what they wait for each other costs less than a wake-up for each. */
const BUSY_PACKETS_PER_SECOND = 400;
/** Batches in a row, after which timers and others get their turn. */
const BATCHES_PER_TURN = 8;
/** Arrival times are in steps of ¼ ms: a number that is handed on is allocated, unless it is the one of the datagram before. */
const ARRIVAL_STEPS_PER_MS = 4;

export interface UdpPortsOptions {
  readonly create: (options: NativeUdpOptions) => NativeUdpEngine;
  readonly clock: () => Millis;
  /** While datagrams are many, they are looked for so often. */
  readonly coalesceMs: Millis;
  /** A datagram for a socket. Its peer keeps its number during the call, or for as long as it is held. */
  readonly onPacket: (socket: number, packet: Uint8Array, peer: number, now: Millis) => void;
  /** All that had come was handed out; what is sent now leaves with it. */
  readonly onBatch: (now: Millis) => void;
}

/** The engine's UDP sockets, on the addon's batches. */
export class UdpPorts {
  readonly #options: UdpPortsOptions;
  readonly #udp: NativeUdpEngine;
  readonly #views: SlotViews;
  readonly #send: SendTable;
  /** Not a plain number field: that would allocate at each writing. */
  #arrival: Millis | undefined;
  #pacer: NodeJS.Timeout | undefined;
  #isClosed = false;
  readonly #pumpAgain = (): void => this.pump();

  constructor(options: UdpPortsOptions) {
    this.#options = options;
    this.#udp = options.create({
      slots: SLOTS,
      sendEntries: SEND_ENTRIES,
      scratchBytes: SCRATCH_BYTES,
      busyPacketsPerSecond: BUSY_PACKETS_PER_SECOND,
      onWake: this.#pumpAgain,
    });
    this.#views = new SlotViews(this.#udp.arena, SLOTS, UDP_SLOT_BYTES);
    this.#send = new SendTable(this.#udp, SLOTS * UDP_SLOT_BYTES);
  }

  /**
   * @param segments runs to one peer may go to the kernel as one
   * @returns the socket's number
   * @throws Error with `code` (`EADDRINUSE`, …)
   */
  bind(host: string, port: number, bufferBytes: number, segments: boolean): number {
    return this.#udp.bind({ host, port, bufferBytes, towardsServer: segments });
  }

  portOf(socket: number): number {
    return this.#udp.facts(socket)?.port ?? 0;
  }

  close(socket: number): void {
    this.#udp.close(socket);
  }

  hold(peer: number): void {
    this.#udp.hold(peer);
  }

  release(peer: number): void {
    this.#udp.release(peer);
  }

  /** Where a peer is: numeric, never an IPv4-mapped address. */
  endpoint(peer: number): { address: string; port: number } {
    return { address: this.#udp.address(peer), port: this.#udp.port(peer) };
  }

  /** The same as bytes, for cookies. */
  addressBytes(peer: number): Uint8Array {
    const { address, port } = this.endpoint(peer);
    return Buffer.from(`${isIPv4(address) ? '' : '6 '}${address} ${port}`);
  }

  /** Header and payload as one datagram, with the next `flush`. */
  send(peer: number, header: Uint8Array, payload: Uint8Array | undefined, offset: number, length: number): void {
    const isWhole = payload === undefined || (offset === 0 && length === payload.length);
    this.#send.putCopy(peer, header, isWhole ? payload : payload.subarray(offset, offset + length));
  }

  flush(): void {
    if (!this.#isClosed) this.#send.flush();
  }

  /** Takes what has come. */
  pump(): void {
    const udp = this.#udp;
    for (let batch = 0; !this.#isClosed; batch++) {
      if (batch === BATCHES_PER_TURN) {
        setImmediate(this.#pumpAgain);
        return;
      }
      const now = this.#options.clock();
      const count = udp.receive(now);
      for (let slot = 0; slot < count; slot++) this.#take(slot);
      this.#options.onBatch(now);
      // Whoever was told may have disposed of everything.
      if (this.#isClosed) return;
      this.flush();
      if (count === SLOTS) continue;
      const next = udp.rearm();
      if (next === UDP_NEXT.more) continue;
      if (next === UDP_NEXT.later) this.#pumpLater();
      return;
    }
  }

  dispose(): void {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    clearTimeout(this.#pacer);
    this.#udp.dispose();
  }

  #take(slot: number): void {
    const udp = this.#udp;
    const arrival = Math.floor(udp.arrivalsMs[slot]! * ARRIVAL_STEPS_PER_MS) / ARRIVAL_STEPS_PER_MS;
    if (arrival !== this.#arrival) this.#arrival = arrival;
    const packet = this.#views.of(slot, udp.lengths[slot]!);
    this.#options.onPacket(udp.sockets[slot]!, packet, udp.peers[slot]!, this.#arrival as Millis);
  }

  #pumpLater(): void {
    if (this.#pacer === undefined) this.#pacer = setTimeout(this.#pumpAgain, this.#options.coalesceMs);
    else this.#pacer.refresh();
  }
}
