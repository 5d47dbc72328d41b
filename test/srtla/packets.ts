/** Packets as encoders and servers make them, for tests. Independent of the code under test: hex and DataView only. */

export const fromHex = (text: string): Uint8Array => {
  const digits = text.replace(/\s/g, '');
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
};
export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

export const SENDER_ID = toHex(Uint8Array.from({ length: 256 }, (_, i) => i));
export const reg1 = (id = SENDER_ID): Uint8Array => fromHex(`9200${id}`);
export const reg2 = (id: string): Uint8Array => fromHex(`9201${id}`);
/** A 256-byte id of one repeated byte. */
export const idOf = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(256);
export const padded = (type: string): string => type + '0'.repeat(64 - type.length);

export const ENCODER = 0x11223344;
export const SERVER = 0x55667788;

const packet = (bytes: number, words: Readonly<Record<number, number>>): Uint8Array => {
  const view = new DataView(new ArrayBuffer(bytes));
  for (const [at, value] of Object.entries(words)) view.setUint32(Number(at), value >>> 0);
  return new Uint8Array(view.buffer);
};

export interface DataOptions {
  to?: number;
  timestampUs?: number;
  retransmitted?: boolean;
  bytes?: number;
}
export const data = (sequence: number, options: DataOptions = {}): Uint8Array =>
  packet(options.bytes ?? 40, {
    0: sequence,
    4: options.retransmitted ? 0xe4000001 : 0xe0000001,
    8: options.timestampUs ?? 5_000,
    12: options.to ?? SERVER,
  });

/**
 * The data of a stream, one packet after the other in one and the same buffer: every hundredth is lost, and comes as a retransmission
 * fifty packets later.
 */
export class DataFlow {
  readonly #bytes = data(0, { bytes: 1332 });
  readonly #view = new DataView(this.#bytes.buffer);
  #sequence = 0;
  #count = 0;

  next(nowMs: number): Uint8Array {
    this.#count += 1;
    const step = this.#count % 100;
    if (step === 0) this.#sequence += 1;
    const isRepeat = step === 50 && this.#count > 100;
    const sequence = isRepeat ? this.#sequence - 51 : this.#sequence;
    if (!isRepeat) this.#sequence += 1;
    this.#view.setUint32(0, sequence & 0x7fffffff);
    this.#view.setUint32(4, isRepeat ? 0xe4000001 : 0xe0000001);
    this.#view.setUint32(8, (3_000_000_000 + nowMs * 1_000) >>> 0);
    return this.#bytes;
  }
}

const control = (type: number, to: number, word = 0, bytes = 20): Uint8Array =>
  packet(bytes, { 0: type << 16, 4: word, 8: 5_000, 12: to });
export const keepalive = (to: number): Uint8Array => control(0x8001, to);
export const shutdown = (to: number): Uint8Array => control(0x8005, to);
export const ackAck = (to: number): Uint8Array => control(0x8006, to, 1);
export const ack = (to: number, next: number): Uint8Array => {
  const bytes = control(0x8002, to, 1, 44);
  new DataView(bytes.buffer).setUint32(16, next);
  return bytes;
};
export const nak = (to: number, ...lost: number[]): Uint8Array => {
  const bytes = control(0x8003, to, 0, 16 + 4 * lost.length);
  for (const [i, sequence] of lost.entries()) new DataView(bytes.buffer).setUint32(16 + 4 * i, sequence);
  return bytes;
};

const handshake = (type: number, to: number, socketId: number, version: number, extensions: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(64 + extensions.length);
  bytes.set(
    packet(64, { 0: 0x80000000, 12: to, 16: version, 20: 2, 24: 0, 28: 1500, 32: 8192, 36: type, 40: socketId }),
  );
  bytes.set(extensions, 64);
  return bytes;
};
const NONE = new Uint8Array(0);
export const induction = (socketId = ENCODER): Uint8Array => handshake(1, 0, socketId, 4, NONE);
export const inductionAnswer = (socketId = ENCODER): Uint8Array => handshake(1, socketId, socketId, 5, NONE);

/** What a handshake says from the header's stamp on: `guess` stands for the passphrase that it tries. */
export interface HandshakeOptions {
  timestampUs?: number;
  sequence?: number;
  guess?: number;
}
export const withFields = (handshakePacket: Uint8Array, options: HandshakeOptions): Uint8Array => {
  const bytes = Uint8Array.from(handshakePacket);
  const view = new DataView(bytes.buffer);
  if (options.timestampUs !== undefined) view.setUint32(8, options.timestampUs);
  if (options.sequence !== undefined) view.setUint32(24, options.sequence);
  if (options.guess !== undefined) view.setUint32(44, options.guess);
  return bytes;
};

/** HSREQ, then the stream id, as libsrt orders them. */
export const conclusion = (socketId = ENCODER, streamId?: string): Uint8Array => {
  const hsreq = fromHex('00010003 00010501 000000bf 00780000');
  if (streamId === undefined) return handshake(0xffffffff, 0, socketId, 5, hsreq);
  const text = new TextEncoder().encode(streamId);
  const words = Math.ceil(text.length / 4);
  const extensions = new Uint8Array(hsreq.length + 4 + 4 * words);
  extensions.set(hsreq);
  extensions.set([0, 5, words >> 8, words & 0xff], hsreq.length);
  for (const [i, byte] of text.entries()) extensions[hsreq.length + 4 + (i - (i % 4)) + (3 - (i % 4))] = byte;
  return handshake(0xffffffff, 0, socketId, 5, extensions);
};
export const conclusionAnswer = (socketId = ENCODER, serverId = SERVER): Uint8Array =>
  handshake(0xffffffff, socketId, serverId, 5, NONE);
/** The same with an HSRSP that names the server's latency. */
export const conclusionAnswerWith = (latencyMs: number, socketId = ENCODER, serverId = SERVER): Uint8Array => {
  const latency = latencyMs.toString(16).padStart(4, '0');
  return handshake(0xffffffff, socketId, serverId, 5, fromHex(`00020003 00010501 000000bf ${latency}${latency}`));
};
export const rejection = (code: number, socketId = ENCODER): Uint8Array => handshake(code, socketId, socketId, 5, NONE);
