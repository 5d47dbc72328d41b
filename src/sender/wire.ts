import { readU16 } from '../srtla/bytes.ts';
import { SRT_TYPE, SRTLA_TYPE } from '../srtla/constants.ts';

/** First 16 bits of what a sender tells apart (SRTLA specification §1.2, §1.7). */
export const TYPE = {
  keepalive: SRTLA_TYPE.keepalive,
  srtlaAck: SRTLA_TYPE.ack,
  reg1: SRTLA_TYPE.reg1,
  reg2: SRTLA_TYPE.reg2,
  reg3: SRTLA_TYPE.reg3,
  regErr: SRTLA_TYPE.regErr,
  regNgp: SRTLA_TYPE.regNgp,
  /** Defined, and sent by no known receiver. */
  regNak: 0x9212,
  srtAck: SRT_TYPE.ack,
  srtNak: SRT_TYPE.nak,
  srtShutdown: SRT_TYPE.shutdown,
} as const;

export const SEQUENCE_MASK = 0x7fffffff;

/** First 16 bits; -1 where there are fewer. */
export const readType = (bytes: Uint8Array): number => (bytes.length < 2 ? -1 : readU16(bytes, 0));

/** Everything from 0x9000 to 0xAFFF belongs to SRTLA or its relatives and is never an SRT packet. */
export const isSrtlaType = (type: number): boolean => type >= 0x9000 && type <= 0xafff;

/** `a` before `b` on the circle of 31-bit sequence numbers. */
export const sequenceBefore = (a: number, b: number): boolean => ((a - b) << 1) >> 1 < 0;
