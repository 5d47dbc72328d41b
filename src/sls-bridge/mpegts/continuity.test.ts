import { describe, expect, it } from 'vitest';
import { ContinuityCheck } from './continuity.ts';
import { TS_PACKET_BYTES } from './packet.ts';

interface PacketOptions {
  pid?: number;
  /** Adaptation field of one byte of flags. */
  flags?: number;
  payload?: boolean;
  damaged?: boolean;
}

const packet = (counter: number, { pid = 256, flags, payload = true, damaged = false }: PacketOptions = {}): Buffer => {
  const bytes = Buffer.alloc(TS_PACKET_BYTES, 0xff);
  const control = (payload ? 0x10 : 0) | (flags === undefined ? 0 : 0x20);
  bytes.set([0x47, (damaged ? 0x80 : 0) | (pid >> 8), pid & 0xff, control | counter]);
  if (flags !== undefined) bytes.set([1, flags], 4);
  return bytes;
};

const errorsOf = (...packets: readonly Buffer[]): number => {
  const check = new ContinuityCheck();
  // Two to a message, somewhere in the arena.
  for (let first = 0; first < packets.length; first += 2) {
    const message = Buffer.concat(packets.slice(first, first + 2));
    check.look(Buffer.concat([Buffer.alloc(7), message]), 7, message.length);
  }
  return check.errors;
};

describe('the continuity of a transport stream', () => {
  it('is whole while each PID counts on by itself, modulo 16', () => {
    const packets = Array.from({ length: 40 }, (_, i) => [packet(i % 16), packet((i + 5) % 16, { pid: 257 })]).flat();
    expect(errorsOf(...packets)).toBe(0);
  });
  it('has one error for each gap, however wide', () => {
    expect(errorsOf(packet(0), packet(2), packet(3), packet(9), packet(10))).toBe(2);
  });
  it('allows a packet to come twice, and not three times', () => {
    expect(errorsOf(packet(4), packet(4), packet(5))).toBe(0);
    expect(errorsOf(packet(4), packet(4), packet(4), packet(5))).toBe(1);
  });
  it('allows a jump that is announced', () => {
    expect(errorsOf(packet(4), packet(9, { flags: 0x80 }), packet(10))).toBe(0);
    expect(errorsOf(packet(4), packet(9, { flags: 0x40 }), packet(10))).toBe(1);
  });
  it('does not count packets without payload, padding, and damaged ones', () => {
    expect(errorsOf(packet(4), packet(4, { flags: 0, payload: false }), packet(5))).toBe(0);
    expect(errorsOf(packet(4, { pid: 0x1fff }), packet(9, { pid: 0x1fff }))).toBe(0);
    expect(errorsOf(packet(4), packet(11, { damaged: true }), packet(5))).toBe(0);
  });
  it('passes over what is no transport stream', () => {
    const check = new ContinuityCheck();
    check.look(Buffer.alloc(1_316, 0x47), 0, 1_300);
    check.look(Buffer.alloc(1_316, 0x11), 0, 1_316);
    expect(check.errors).toBe(0);
  });
});
