/** SRT packets as libsrt and Moblin write them (SRT specification §1–§3, SRTLA specification §1.7). */

export const MASK = 0x7fffffff;
export const PAYLOAD_BYTES = 1_316;
export const DATA_BYTES = 16 + PAYLOAD_BYTES;
export const R_BIT = 0x04000000;

/** Steps from `from` to `to` on the circle of 31-bit sequence numbers, signed. */
export const steps = (from: number, to: number): number => ((to - from) << 1) >> 1;

export const readU32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

export const writeU32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
};

export const writeHeader = (bytes: Uint8Array, word0: number, word1: number, timestampUs: number, to: number): void => {
  writeU32(bytes, 0, word0);
  writeU32(bytes, 4, word1);
  writeU32(bytes, 8, timestampUs);
  writeU32(bytes, 12, to);
};

export const CONTROL = {
  handshake: 0x8000,
  keepalive: 0x8001,
  ack: 0x8002,
  nak: 0x8003,
  shutdown: 0x8005,
  ackAck: 0x8006,
  dropRequest: 0x8007,
} as const;

export const controlOf = (bytes: Uint8Array): number => (bytes[0]! << 8) | bytes[1]!;

/** With the 4 bytes that libsrt pads an empty body to. */
export const control = (type: number, word: number, timestampUs: number, to: number, body: readonly number[] = [0]) => {
  const bytes = new Uint8Array(16 + 4 * body.length);
  writeHeader(bytes, (type << 16) >>> 0, word, timestampUs, to);
  for (let i = 0; i < body.length; i++) writeU32(bytes, 16 + 4 * i, body[i]!);
  return bytes;
};

export interface HandshakeFields {
  readonly version: number;
  /** Encryption (16 bits) and extension field (16 bits). */
  readonly fields: number;
  readonly isn: number;
  /** 1 induction, 0xFFFFFFFF conclusion. */
  readonly type: number;
  readonly socketId: number;
  readonly cookie: number;
  readonly to: number;
  readonly timestampUs: number;
  readonly extensions?: readonly number[];
}

export const handshake = (fields: HandshakeFields): Uint8Array =>
  control(CONTROL.handshake, 0, fields.timestampUs, fields.to, [
    fields.version,
    fields.fields,
    fields.isn,
    1_500,
    8_192,
    fields.type,
    fields.socketId,
    fields.cookie,
    0x0100007f,
    0,
    0,
    0,
    ...(fields.extensions ?? []),
  ]);

export const INDUCTION = 1;
export const CONCLUSION = 0xffffffff;

/** HSREQ or HSRSP: version, flags, both latencies. */
export const hsExtension = (type: 1 | 2, latencyMs: number): number[] => [
  (type << 16) | 3,
  0x00010501,
  0xbf,
  (latencyMs << 16) | latencyMs,
];

/** UTF-8, zero padded to words, the bytes of each word reversed. */
export const streamIdExtension = (streamId: string): number[] => {
  const text = new TextEncoder().encode(streamId);
  const words: number[] = [];
  for (let at = 0; at < text.length; at += 4) {
    words.push(((text[at + 3] ?? 0) << 24) | ((text[at + 2] ?? 0) << 16) | ((text[at + 1] ?? 0) << 8) | text[at]!);
  }
  return [(5 << 16) | words.length, ...words];
};

/** Calls `take` with each inclusive range of a loss report. */
export const eachLoss = (nak: Uint8Array, take: (first: number, last: number) => void): void => {
  for (let at = 16; at + 4 <= nak.length; at += 4) {
    const word = readU32(nak, at);
    if (word <= MASK) take(word, word);
    else {
      at += 4;
      if (at + 4 <= nak.length) take(word & MASK, readU32(nak, at) & MASK);
    }
  }
};
