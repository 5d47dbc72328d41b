import { describe, expect, it } from 'vitest';
import { PcrPacer, readPcr, type TimedMessage } from './pcr-pacer.ts';

const MODULUS = 2 ** 33 * 300;

/** A packet with a PCR in 27 MHz ticks, or without. */
const packet = (pid: number, ticks?: number, discontinuity = false): Uint8Array => {
  const bytes = new Uint8Array(188);
  bytes.set([0x47, pid >> 8, pid & 0xff, ticks === undefined ? 0x10 : 0x30]);
  if (ticks === undefined) return bytes;
  const base = Math.floor(ticks / 300);
  const extension = ticks % 300;
  bytes.set([7, 0x10 | (discontinuity ? 0x80 : 0)], 4);
  bytes.set([Math.floor(base / 2 ** 25), (base >>> 17) & 255, (base >>> 9) & 255, (base >>> 1) & 255], 6);
  bytes.set([((base & 1) << 7) | 0x7e | (extension >> 8), extension & 255], 10);
  return bytes;
};

/** A PCR each `every` packets, `stepTicks` apart. */
const paced = (pacer: PcrPacer, first: number, stepTicks: number, every: number, pcrs: number): TimedMessage[] => {
  for (let i = 0; i < pcrs; i++) {
    for (let k = 1; k < every; k++) pacer.push(packet(0x100));
    pacer.push(packet(0x100, (first + i * stepTicks) % MODULUS));
  }
  return pacer.take();
};
const dues = (messages: TimedMessage[]): number[] => messages.map(({ dueMs }) => Math.round(dueMs * 1000) / 1000);

describe('reading a PCR', () => {
  it.each([0, 1, 299, 300, 123_456_789, 2 ** 33, MODULUS - 1])('finds %i ticks', (ticks) => {
    expect(readPcr(packet(0x1abc, ticks))).toEqual({ pid: 0x1abc, ticks, discontinuity: false });
  });

  it('finds none in a packet without one', () => {
    expect(readPcr(packet(0x100))).toBeUndefined();
  });
});

describe('pacing by PCR', () => {
  it('spreads packets evenly between PCRs', () => {
    // 7 packets each 40 ms: one message an interval, and the first interval has no length.
    expect(dues(paced(new PcrPacer(4_000), 0, 40 * 27_000, 7, 4))).toEqual([0, 40, 80, 120]);
  });

  it('gives messages within an interval their share of it', () => {
    const due = dues(paced(new PcrPacer(4_000), 0, 40 * 27_000, 28, 2));
    expect(due).toEqual([0, 0, 0, 0, 10, 20, 30, 40]);
  });

  it('goes on across the wrap of the clock', () => {
    expect(dues(paced(new PcrPacer(4_000), MODULUS - 54_000, 27_000, 7, 5))).toEqual([0, 1, 2, 3, 4]);
  });

  it.each([
    ['back', -3_600 * 27_000_000],
    ['ahead', 3_600 * 27_000_000],
  ])('crosses a cut that jumps %s at the rate last seen', (_where, jump) => {
    const pacer = new PcrPacer(4_000);
    const before = paced(pacer, 5_000 * 27_000_000, 40 * 27_000, 7, 3);
    const after = paced(pacer, 5_000 * 27_000_000 + jump, 40 * 27_000, 7, 3);
    expect(dues([...before, ...after])).toEqual([0, 40, 80, 120, 160, 200]);
  });

  it('takes a marked discontinuity for a cut even where the step looks sound', () => {
    const pacer = new PcrPacer(4_000);
    paced(pacer, 0, 40 * 27_000, 7, 2);
    for (let k = 1; k < 7; k++) pacer.push(packet(0x100));
    pacer.push(packet(0x100, 1_000 * 27_000, true));
    expect(dues(pacer.take())).toEqual([80]);
  });

  it('follows the first PID that has a PCR', () => {
    const pacer = new PcrPacer(4_000);
    paced(pacer, 0, 27_000, 7, 1);
    for (let k = 0; k < 6; k++) pacer.push(packet(0x200, 9_999_999));
    pacer.push(packet(0x100, 27_000 * 5));
    expect(dues(pacer.take())).toEqual([5]);
  });

  it('uses the fallback rate where there is no PCR at all', () => {
    const pacer = new PcrPacer(1_316 * 8);
    for (let i = 0; i < 30; i++) pacer.push(packet(0x100));
    pacer.end();
    const messages = pacer.take();
    expect(dues(messages)).toEqual([1, 2, 3, 4, 4.286]);
    expect(messages.at(-1)!.bytes.length).toBe(2 * 188);
  });

  it('does not wait for ever for a PCR', () => {
    const pacer = new PcrPacer(4_000);
    for (let i = 0; i < 20_000; i++) pacer.push(packet(0x100));
    expect(pacer.take().length).toBe(Math.floor(20_000 / 7));
  });

  it('gives what is left at the end the rate last seen', () => {
    const pacer = new PcrPacer(4_000);
    paced(pacer, 0, 40 * 27_000, 7, 2);
    for (let i = 0; i < 14; i++) pacer.push(packet(0x100));
    pacer.end();
    expect(dues(pacer.take())).toEqual([80, 120]);
  });
});
