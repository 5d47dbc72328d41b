import { writeU16, writeU32 } from './bytes.ts';
import { ACK_ENTRIES, GROUP_ID_BYTES, PADDED_BYTES, REG_BYTES, SRT_TYPE, SRTLA_TYPE } from './constants.ts';

/** REG3, REG_ERR, REG_NGP: the type, then zeros up to 32 bytes. Made once and sent again and again. */
export const buildControl = (type: number): Uint8Array => {
  const bytes = new Uint8Array(PADDED_BYTES);
  writeU16(bytes, 0, type);
  return bytes;
};

/** REG1 or REG2 with this id into 258 bytes of the caller. */
export const writeRegistration = (into: Uint8Array, type: number, id: Uint8Array): void => {
  writeU16(into, 0, type);
  for (let i = 0; i < GROUP_ID_BYTES; i++) into[2 + i] = id[i]!;
};

export const buildRegistration = (type: number, id: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(REG_BYTES);
  writeRegistration(bytes, type, id);
  return bytes;
};

/** One buffer for each length an SRTLA ACK can have: it must never be padded, each padded word would acknowledge sequence 0. */
export class AckWriter {
  readonly #buffers: Uint8Array[] = [];

  constructor() {
    for (let count = 0; count <= ACK_ENTRIES; count++) {
      const bytes = new Uint8Array(4 + 4 * count);
      writeU32(bytes, 0, SRTLA_TYPE.ack << 16);
      this.#buffers.push(bytes);
    }
  }

  /** The first `count` (1–10) of `sequences`; valid until the next call. */
  write(sequences: Uint32Array, count: number): Uint8Array {
    const bytes = this.#buffers[count]!;
    for (let i = 0; i < count; i++) writeU32(bytes, 4 + 4 * i, sequences[i]!);
    return bytes;
  }
}

/** A keepalive too short to hold a timestamp, padded to 32 bytes of the caller; what follows it is zero. */
export const writePaddedEcho = (into: Uint8Array, keepalive: Uint8Array): void => {
  for (let i = 0; i < PADDED_BYTES; i++) into[i] = i < keepalive.length ? keepalive[i]! : 0;
};

/** SRT SHUTDOWN in libsrt's form, 20 bytes. `destinationId` is the server's socket id. */
export const buildShutdown = (destinationId: number): Uint8Array => {
  const bytes = new Uint8Array(20);
  writeU16(bytes, 0, SRT_TYPE.shutdown);
  writeU32(bytes, 12, destinationId);
  return bytes;
};
