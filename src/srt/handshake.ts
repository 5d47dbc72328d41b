import { readI32, readU16, readU32, writeU16, writeU32 } from '../srtla/bytes.ts';

/*
 * Handshake packets as a listener reads and writes them (spec: srt.md §1). Total functions: whatever comes, nothing throws.
 */

/** Header and the fixed part. */
export const HANDSHAKE_BYTES = 64;
const HANDSHAKE_WORD = 0x80000000 | 0;
const MAGIC = 0x4a17;
export const SRT_VERSION = 5;
/** As uint32. */
export const HANDSHAKE_TYPE = { induction: 1, conclusion: 0xffffffff } as const;

/** Bits of the extension field. */
const ANNOUNCED = { request: 1, keyMaterial: 2, config: 4 } as const;
const BLOCK = {
  request: 1,
  response: 2,
  keyMaterial: 3,
  keyMaterialResponse: 4,
  streamId: 5,
  congestion: 6,
  filter: 7,
  group: 8,
} as const;

/** Of HSREQ and HSRSP. */
export const FLAG = {
  timedSend: 0x01,
  timedReceive: 0x02,
  encryption: 0x04,
  tooLateDrop: 0x08,
  periodicNak: 0x10,
  retransmissionFlag: 0x20,
  stream: 0x40,
  filter: 0x80,
} as const;
/** Ours: some callers leave where one of them is missing. */
const OUR_FLAGS = 0x3f;
const OUR_LIBRARY_VERSION = 0x00010503;
const LEAST_LIBRARY_VERSION = 0x00010300;

/** Why a caller is turned away; on the wire 1000 more (spec: srt.md §1.8). Codes of the access control are 1000 and above. */
export const REJECT = {
  rogue: 4,
  version: 8,
  badSecret: 10,
  unsecure: 11,
  messageApi: 12,
  congestion: 13,
  filter: 14,
  group: 15,
  crypto: 17,
} as const;

const LEAST_MTU_BYTES = 200;
const MOST_MTU_BYTES = 1_500;
const MOST_STREAM_ID_BYTES = 512;

/** The fixed part of one from a caller. */
export interface Handshake {
  readonly version: number;
  /** uint16: key length / 8, or 0. */
  readonly encryption: number;
  readonly extension: number;
  readonly initialSequence: number;
  readonly mtuBytes: number;
  readonly flowWindowPackets: number;
  /** uint32: see `HANDSHAKE_TYPE`. */
  readonly type: number;
  /** int32. */
  readonly socketId: number;
  /** int32. */
  readonly cookie: number;
}

/** What a conclusion asks for beside the fixed part. */
export interface ConclusionRequest extends Handshake {
  /** As the caller has it: of data that it receives, and that it sends. */
  readonly receiveLatencyMs: number;
  readonly sendLatencyMs: number;
  readonly flags: number;
  readonly libraryVersion: number;
  /** Undefined where it has none. */
  readonly streamId: string | undefined;
  /** The message that carries its keys; undefined where it has none. */
  readonly keyMaterial: Uint8Array | undefined;
}

/** Undefined where this is no handshake. */
export const readHandshake = (bytes: Uint8Array): Handshake | undefined => {
  if (bytes.length < HANDSHAKE_BYTES || bytes.length > MOST_MTU_BYTES - 28 || readI32(bytes, 0) !== HANDSHAKE_WORD)
    return undefined;
  return {
    version: readU32(bytes, 16),
    encryption: readU16(bytes, 20),
    extension: readU16(bytes, 22),
    initialSequence: readU32(bytes, 24),
    mtuBytes: readU32(bytes, 28),
    flowWindowPackets: readU32(bytes, 32),
    type: readU32(bytes, 36),
    socketId: readI32(bytes, 40),
    cookie: readI32(bytes, 44),
  };
};

/** The answer to an induction: of the same length, whatever came behind it. */
export const inductionResponse = (request: Uint8Array, cookie: number, timestampUs: number): Uint8Array => {
  const response = request.slice(0, HANDSHAKE_BYTES);
  writeU32(response, 8, timestampUs);
  writeU32(response, 12, readI32(request, 40));
  writeU32(response, 16, SRT_VERSION);
  writeU16(response, 20, 0);
  writeU16(response, 22, MAGIC);
  writeU32(response, 36, HANDSHAKE_TYPE.induction);
  writeU32(response, 44, cookie);
  return response;
};

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Text of a block: each word of four bytes turned round, up to the first NUL. Undefined where it is none. */
const textOf = (bytes: Uint8Array, at: number, length: number): string | undefined => {
  const turned = new Uint8Array(length);
  for (let i = 0; i < length; i++) turned[i] = bytes[at + (i ^ 3)]!;
  const end = turned.indexOf(0);
  try {
    return decoder.decode(end < 0 ? turned : turned.subarray(0, end));
  } catch {
    return undefined;
  }
};

type Judged = { readonly request: ConclusionRequest } | { readonly reject: number };

/**
 * What a conclusion asks for, or why it is turned away. The caller of this has checked its cookie (spec: srt.md §1.2).
 */
export const readConclusion = (bytes: Uint8Array, handshake: Handshake): Judged => {
  const { version, extension, mtuBytes, socketId, initialSequence } = handshake;
  if (version !== SRT_VERSION) return { reject: REJECT.version };
  if (!(extension & ANNOUNCED.request) || bytes.length === HANDSHAKE_BYTES) return { reject: REJECT.rogue };
  if (mtuBytes < LEAST_MTU_BYTES || socketId === 0 || initialSequence > 0x7fffffff) return { reject: REJECT.rogue };
  let request = -1;
  let streamId: string | undefined;
  let keyMaterial: Uint8Array | undefined;
  for (let at = HANDSHAKE_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) return { reject: REJECT.rogue };
    const [type, length] = [readU16(bytes, at), readU16(bytes, at + 2) * 4];
    const content = at + 4;
    if (content + length > bytes.length) return { reject: REJECT.rogue };
    if (type === BLOCK.request) {
      if (length < 12) return { reject: REJECT.rogue };
      request = content;
    } else if (type === BLOCK.keyMaterial && extension & ANNOUNCED.keyMaterial) {
      keyMaterial = bytes.slice(content, content + length);
    } else if (extension & ANNOUNCED.config) {
      if (type === BLOCK.streamId) {
        if (length === 0 || length > MOST_STREAM_ID_BYTES) return { reject: REJECT.rogue };
        streamId = textOf(bytes, content, length);
        if (streamId === undefined) return { reject: REJECT.rogue };
      } else if (type === BLOCK.congestion) {
        if (textOf(bytes, content, length) !== 'live') return { reject: REJECT.congestion };
      } else if (type === BLOCK.filter) return { reject: REJECT.filter };
      else if (type === BLOCK.group) return { reject: REJECT.group };
    }
    at = content + length;
  }
  if (request < 0 || (extension & ANNOUNCED.keyMaterial && !keyMaterial)) return { reject: REJECT.rogue };
  const libraryVersion = readU32(bytes, request);
  const flags = readU32(bytes, request + 4);
  if (libraryVersion < LEAST_LIBRARY_VERSION) return { reject: REJECT.rogue };
  if (flags & FLAG.stream) return { reject: REJECT.messageApi };
  return {
    request: {
      ...handshake,
      receiveLatencyMs: readU16(bytes, request + 8),
      sendLatencyMs: readU16(bytes, request + 10),
      ...{ flags, libraryVersion, streamId, keyMaterial },
    },
  };
};

/** What a listener has agreed to. */
export interface AgreedTerms {
  /** Ours: not 0, below 2^30. */
  readonly socketId: number;
  /** Of data that we receive, and that we send. */
  readonly receiveLatencyMs: number;
  readonly sendLatencyMs: number;
  readonly flowWindowPackets: number;
}

/**
 * The larger wish counts, in each direction (spec: srt.md §1.3).
 * @param ours what we want at least
 */
export const agreedLatencies = (
  { flags, receiveLatencyMs, sendLatencyMs }: Pick<ConclusionRequest, 'flags' | 'receiveLatencyMs' | 'sendLatencyMs'>,
  ours: Pick<AgreedTerms, 'receiveLatencyMs' | 'sendLatencyMs'>,
): Pick<AgreedTerms, 'receiveLatencyMs' | 'sendLatencyMs'> => ({
  receiveLatencyMs: flags & FLAG.timedSend ? Math.max(ours.receiveLatencyMs, sendLatencyMs) : ours.receiveLatencyMs,
  sendLatencyMs: flags & FLAG.timedReceive ? Math.max(ours.sendLatencyMs, receiveLatencyMs) : ours.sendLatencyMs,
});

/**
 * The answer that lets a caller in. Its timestamp is to be near 0 of the clock that begins with it (spec: srt.md §1.6).
 * @param request the conclusion as it came
 */
export const conclusionResponse = (
  request: Uint8Array,
  { keyMaterial, mtuBytes, socketId: caller }: ConclusionRequest,
  { socketId, receiveLatencyMs, sendLatencyMs, flowWindowPackets }: AgreedTerms,
  timestampUs: number,
): Uint8Array => {
  const response = new Uint8Array(HANDSHAKE_BYTES + 16 + (keyMaterial ? 4 + keyMaterial.length : 0));
  response.set(request.subarray(0, HANDSHAKE_BYTES));
  writeU32(response, 8, timestampUs);
  writeU32(response, 12, caller);
  writeU16(response, 20, 0);
  writeU16(response, 22, ANNOUNCED.request | (keyMaterial ? ANNOUNCED.keyMaterial : 0));
  writeU32(response, 28, Math.min(MOST_MTU_BYTES, mtuBytes));
  writeU32(response, 32, flowWindowPackets);
  writeU32(response, 40, socketId);
  let at = HANDSHAKE_BYTES;
  writeU16(response, at, BLOCK.response);
  writeU16(response, at + 2, 3);
  writeU32(response, at + 4, OUR_LIBRARY_VERSION);
  writeU32(response, at + 8, OUR_FLAGS);
  writeU16(response, at + 12, receiveLatencyMs);
  writeU16(response, at + 14, sendLatencyMs);
  at += 16;
  if (keyMaterial) {
    writeU16(response, at, BLOCK.keyMaterialResponse);
    writeU16(response, at + 2, keyMaterial.length >> 2);
    response.set(keyMaterial, at + 4);
  }
  return response;
};

/**
 * Turns a caller away: the fixed part alone.
 * @param code of `REJECT`, or 1000 and above
 */
export const rejection = (request: Uint8Array, code: number, timestampUs: number): Uint8Array => {
  const response = request.slice(0, HANDSHAKE_BYTES);
  writeU32(response, 8, timestampUs);
  writeU32(response, 12, readI32(request, 40));
  writeU32(response, 16, SRT_VERSION);
  writeU32(response, 36, 1_000 + code);
  return response;
};
