import { KEY, messageWord, writeDataHeader } from '../../src/srt/packet.ts';
import { readU32, writeU32 } from '../../src/srtla/bytes.ts';
import { SRT_TYPE } from '../../src/srtla/constants.ts';
import { controlType } from '../../src/srtla/srt-header.ts';

export const PUBLISHER = 0x115c33c8;
export const PLAYER = 0x20c1e431;

export interface DataOptions {
  readonly stampUs?: number;
  readonly again?: boolean;
  readonly key?: number;
  readonly message?: number;
  readonly payload?: Uint8Array;
}

/** A data packet whose payload, where none is given, begins with its sequence number. */
export const data = (sequence: number, options: DataOptions = {}): Uint8Array => {
  const { stampUs = 0, again = false, key = KEY.clear, message = 1, payload = new Uint8Array(188) } = options;
  const bytes = new Uint8Array(16 + payload.length);
  bytes.set(payload, 16);
  writeDataHeader(bytes, sequence, messageWord(message, key, again), stampUs, 1);
  if (options.payload === undefined) writeU32(bytes, 16, sequence);
  return bytes;
};

export const control = (type: number, word: number, ...rest: (number | { stampUs: number })[]): Uint8Array => {
  const body = rest.filter((each) => typeof each === 'number');
  const bytes = new Uint8Array(16 + 4 * Math.max(1, body.length));
  writeU32(bytes, 0, type << 16);
  writeU32(bytes, 4, word);
  for (const each of rest) if (typeof each !== 'number') writeU32(bytes, 8, each.stampUs);
  body.forEach((value, i) => {
    writeU32(bytes, 16 + 4 * i, value);
  });
  return bytes;
};

const NAMES = new Map<number, string>(Object.entries(SRT_TYPE).map(([name, type]) => [type, name]));

/** A control packet in words: its kind, its own word, its body as numbers. */
export const described = (packet: Uint8Array): { kind: string; word: number; body: number[]; bytes: number } => ({
  kind: NAMES.get(controlType(packet)) ?? 'unknown',
  word: readU32(packet, 4),
  body: Array.from({ length: (packet.length - 16) >> 2 }, (_, i) => readU32(packet, 16 + 4 * i)),
  bytes: packet.length,
});
