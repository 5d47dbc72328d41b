import { isTransportStream, packetPid, TS_PACKET_BYTES } from './packet.ts';

const PIDS = 8_192;
const NULL_PID = 0x1fff;
const UNKNOWN = 0xff;
/** Beside the counter of a PID: its last packet has come twice, as it may. */
const TWICE = 0x10;

/**
 * Counts the gaps in the continuity counters of a transport stream (ISO/IEC 13818-1 §2.4.3.3). Each PID counts its packets with payload modulo
 * 16; a packet may come twice, and an encoder may announce a jump.
 */
export class ContinuityCheck {
  errors = 0;
  /** By PID. */
  readonly #last = new Uint8Array(PIDS).fill(UNKNOWN);

  /** Takes the next message. What is no transport stream is passed over. */
  look(arena: Uint8Array, start: number, length: number): void {
    if (!isTransportStream(arena, start, length)) return;
    for (let at = start; at < start + length; at += TS_PACKET_BYTES) this.#packet(arena, at);
  }

  #packet(arena: Uint8Array, at: number): void {
    const control = arena[at + 3]!;
    const pid = packetPid(arena, at);
    // Without payload it does not count; of a packet that is marked as damaged nothing is certain.
    if ((control & 0x10) === 0 || pid === NULL_PID || (arena[at + 1]! & 0x80) !== 0) return;
    const counter = control & 0x0f;
    const before = this.#last[pid]!;
    if (before !== UNKNOWN && counter === (before & 0x0f) && (before & TWICE) === 0) {
      this.#last[pid] = counter | TWICE;
      return;
    }
    this.#last[pid] = counter;
    if (before === UNKNOWN || counter === ((before + 1) & 0x0f)) return;
    const isAnnounced = (control & 0x20) !== 0 && arena[at + 4]! > 0 && (arena[at + 5]! & 0x80) !== 0;
    if (!isAnnounced) this.errors++;
  }
}
