export const TS_PACKET_BYTES = 188;
export const TS_PACKETS_PER_MESSAGE = 7;
/** The usual SRT payload: seven MPEG-TS packets. */
export const TS_MESSAGE_BYTES = TS_PACKET_BYTES * TS_PACKETS_PER_MESSAGE;

const SYNC = 0x47;

/** Cuts a byte stream into MPEG-TS packets, finding the packet boundary again where it was lost. */
export class TsFramer {
  #rest: Uint8Array = new Uint8Array(0);
  packets = 0;
  /** Bytes that belonged to no packet. */
  skippedBytes = 0;

  /** Calls `onPacket` with a view of 188 bytes for each whole packet. */
  push(chunk: Uint8Array, onPacket: (packet: Uint8Array) => void): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + TS_PACKET_BYTES <= bytes.length) {
      if (bytes[at] === SYNC) {
        this.packets++;
        onPacket(bytes.subarray(at, at + TS_PACKET_BYTES));
        at += TS_PACKET_BYTES;
        continue;
      }
      const found = this.#nextSync(bytes, at + 1);
      this.skippedBytes += found - at;
      at = found;
    }
    this.#rest = bytes.subarray(at);
  }

  /** A sync byte that another follows one packet later, or the tail that is too short to tell. */
  #nextSync(bytes: Uint8Array, from: number): number {
    for (let at = from; at + TS_PACKET_BYTES < bytes.length; at++) {
      if (bytes[at] === SYNC && bytes[at + TS_PACKET_BYTES] === SYNC) return at;
    }
    return Math.max(from, bytes.length - TS_PACKET_BYTES);
  }
}

/** Gathers packets into messages of seven. */
export class MessageBuilder {
  #bytes = new Uint8Array(TS_MESSAGE_BYTES);
  #length = 0;

  /** The whole message where `packet` completed one. */
  add(packet: Uint8Array): Uint8Array | undefined {
    this.#bytes.set(packet, this.#length);
    this.#length += packet.length;
    return this.#length === TS_MESSAGE_BYTES ? this.flush() : undefined;
  }

  /** What there is, if anything. */
  flush(): Uint8Array | undefined {
    if (this.#length === 0) return undefined;
    const message = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(TS_MESSAGE_BYTES);
    this.#length = 0;
    return message;
  }
}
