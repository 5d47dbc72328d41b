import { loadAddon, type NativeUdpEngine, UDP_NEXT, UDP_SLOT_BYTES } from '../src/shared/addon.ts';

const SLOTS = 512;
const ENTRIES = 2_048;
const SCRATCH_AT = SLOTS * UDP_SLOT_BYTES;
const SCRATCH_BYTES = ENTRIES * UDP_SLOT_BYTES;

const createUdp = (): NativeUdpEngine =>
  loadAddon().createUdpEngine!({
    slots: SLOTS,
    sendEntries: ENTRIES,
    scratchBytes: SCRATCH_BYTES,
    // Always busy: this process looks by itself, so that nobody pays for waking it.
    busyPacketsPerSecond: 0,
    onWake: () => {},
  });

/** An end of UDP traffic: writes packets, which go out at `flush`, and hands over what it receives. */
export class LoadEnd {
  readonly udp = createUdp();
  #entries = 0;

  put(to: number, bytes: Uint8Array): Uint8Array {
    if (this.#entries === ENTRIES) this.flush();
    const from = SCRATCH_AT + this.#entries * UDP_SLOT_BYTES;
    const { arena, sendTo, sendFrom, sendBytes } = this.udp;
    arena.set(bytes, from);
    sendTo[this.#entries] = to;
    sendFrom[this.#entries] = from;
    sendBytes[this.#entries] = bytes.length;
    this.#entries += 1;
    return arena;
  }

  /** Offset of what was put last. */
  get lastAt(): number {
    return SCRATCH_AT + (this.#entries - 1) * UDP_SLOT_BYTES;
  }

  flush(): void {
    if (this.#entries > 0) this.udp.flush(this.#entries);
    this.#entries = 0;
  }

  drain(take: (bytes: Uint8Array, at: number, length: number, peer: number) => void): void {
    do {
      for (let count = this.udp.receive(performance.now()); count > 0; count = this.udp.receive(performance.now())) {
        for (let slot = 0; slot < count; slot++) {
          take(this.udp.arena, slot * UDP_SLOT_BYTES, this.udp.lengths[slot]!, this.udp.peers[slot]!);
        }
      }
    } while (this.udp.rearm() === UDP_NEXT.more);
  }
}
