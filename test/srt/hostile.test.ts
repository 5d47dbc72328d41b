import { describe, expect, it } from 'vitest';
import { KEY } from '../../src/srt/packet.ts';
import { LARGEST_SEQUENCE } from '../../src/srt/sequence.ts';
import { SRT_TYPE } from '../../src/srtla/constants.ts';
import { control, data } from './packets.ts';
import { ReceiverBench } from './receiver-bench.ts';
import { SenderBench } from './sender-bench.ts';

const RANGE = 0x80000000;
const NAKS = 100;
/** What is bounded takes a fraction of it, on any machine; what loops over a range that a peer names takes minutes. */
const LIMIT_MS = 8_000;
const took = (act: () => void): number => {
  const start = performance.now();
  act();
  return performance.now() - start;
};
const words = (count: number, of: (i: number) => readonly number[]): number[] =>
  Array.from({ length: count }, (_, i) => of(i)).flat();

describe('a forger who knows a player’s id', () => {
  const flooded = (nak: Uint8Array): { ms: number; bench: SenderBench } => {
    const bench = new SenderBench({ bufferPackets: 8_192, latencyMs: 60_000 });
    for (let i = 0; i < 8_192; i++) {
      bench.now += 2;
      bench.offer();
    }
    bench.sent = [];
    const ms = took(() => {
      for (let i = 0; i < NAKS; i++) bench.control(nak);
    });
    return { ms, bench };
  };

  it.each([
    ['everything there is', words(182, () => [RANGE, LARGEST_SEQUENCE])],
    ['everything in flight, in one range after the other', words(182, () => [RANGE + 1_000, 9_191])],
    ['what is gone', words(364, (i) => [i])],
    ['what was never sent', words(182, (i) => [RANGE + 20_000 + i, 2 ** 30])],
    ['half the circle', words(182, () => [RANGE + 900, 900 + 2 ** 30 - 1])],
  ])('asks for %s: little work, few packets', (_what, list) => {
    const { ms, bench } = flooded(control(SRT_TYPE.nak, 0, ...list));
    expect(ms).toBeLessThan(LIMIT_MS);
    expect(bench.sent.length).toBeLessThanOrEqual(64);
    // One DROPREQ a NAK at most: no more goes back than came.
    expect(bench.said.length).toBeLessThanOrEqual(NAKS);
    expect(bench.sender.unacknowledgedPackets).toBe(8_192);
  });

  it('acknowledges: one answer in 10 ms, and nothing is freed that was not sent', () => {
    const bench = new SenderBench();
    for (let i = 0; i < 50; i++) bench.offer();
    bench.now = 100;
    for (let i = 0; i < 10_000; i++)
      bench.control(control(SRT_TYPE.ack, i + 1, (i * 214_748) & LARGEST_SEQUENCE, 1, 1, 0));
    expect(bench.said.length).toBeLessThanOrEqual(1);
    expect(bench.store.usedCount).toBe(50);
  });
});

describe('a forger who knows a publisher’s id', () => {
  it('leaves every other packet out: asked for in bounded portions', () => {
    const bench = new ReceiverBench({ windowPackets: 8_192, mostReorderPackets: 32, latencyMs: 8_000 });
    const ms = took(() => {
      for (let i = 0; i < 4_096; i++) bench.data(data(1_000 + 2 * i));
      bench.pass(7_000);
    });
    expect(ms).toBeLessThan(LIMIT_MS);
    expect(bench.take('nak').length).toBeLessThanOrEqual(4 * 700 + 4_096);
    const repair = took(() => {
      for (let i = 0; i < 4_096; i++) bench.data(data(1_001 + 2 * ((i * 1_777) % 4_096), { again: true }));
    });
    expect(repair).toBeLessThan(LIMIT_MS);
    bench.pass(2_000);
    expect(bench.numbers.length).toBe(8_192);
  });

  it('fills the window with what cannot be read: it is passed over', () => {
    const bench = new ReceiverBench({ windowPackets: 8_192, releaseAtArrival: true });
    const ms = took(() => {
      for (let i = 0; i < 8_000; i++) bench.data(data(1_001 + i, { key: KEY.even }));
      bench.data(data(9_100));
      bench.pass(2_000);
    });
    expect(ms).toBeLessThan(LIMIT_MS);
    expect(bench.numbers).toEqual([9_100]);
    expect(bench.store.usedCount).toBe(0);
  });

  it('says that everything is dropped, again and again: what comes is still taken', () => {
    const bench = new ReceiverBench({ releaseAtArrival: true });
    const drops = [
      control(SRT_TYPE.dropRequest, 0, 1_000, 2_023),
      control(SRT_TYPE.dropRequest, 0, 0, 2 ** 30),
      control(SRT_TYPE.dropRequest, 0, 900, 900 + 2 ** 30 - 1),
    ];
    for (let i = 0; i < 1_000; i++) {
      for (const drop of drops) bench.control(drop);
      bench.data(data(1_000 + i));
    }
    expect(bench.numbers.length).toBe(1_000);
  });
});
