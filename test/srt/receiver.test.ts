import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY } from '../../src/srt/packet.ts';
import { LARGEST_SEQUENCE, sequenceDistance, sequencePlus } from '../../src/srt/sequence.ts';
import { SRT_TYPE } from '../../src/srtla/constants.ts';
import { control, data } from './packets.ts';
import { ReceiverBench } from './receiver-bench.ts';

const RANGE = 0x80000000;
const sequenceOf = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => sequencePlus(first, i));

describe('play times', () => {
  it('are the stamp, the latency and the delay of the conclusion; the wraps of numbers and of time change nothing', () => {
    // The conclusion, stamped 2 s before the clock's wrap, took 40 ms.
    const stampUs = 2 ** 32 - 2_000_000;
    const first = LARGEST_SEQUENCE - 150;
    const bench = new ReceiverBench({ firstSequence: first, conclusionStampUs: stampUs, conclusionMs: 40 });
    for (let i = 0; i < 400; i++) {
      bench.data(data(sequencePlus(first, i), { stampUs: stampUs + i * 10_000 }));
      bench.pass(10);
    }
    expect(bench.numbers).toEqual(sequenceOf(first, 377));
    bench.delivered.forEach(({ sourceMs, atMs }, i) => {
      expect(sourceMs).toBeCloseTo(40 + 200 + i * 10, 6);
      expect(atMs).toBe(40 + 200 + i * 10);
    });
    bench.pass(1_000);
    expect(bench.numbers).toEqual(sequenceOf(first, 400));
    expect(bench.store.usedCount).toBe(0);
  });

  it('go on after a pause of 74 minutes', () => {
    const bench = new ReceiverBench();
    bench.data(data(1_000, { stampUs: 0 }));
    bench.now = 74 * 60_000;
    bench.data(data(1_001, { stampUs: bench.now * 1_000 }));
    bench.pass(190);
    expect(bench.numbers).toEqual([1_000]);
    bench.pass(10);
    expect(bench.numbers).toEqual([1_000, 1_001]);
  });

  it('that lie far ahead hold nobody up for longer than 2 s and the latency', () => {
    const bench = new ReceiverBench();
    bench.data(data(1_000, { stampUs: 30 * 60_000_000 }), data(1_001));
    bench.pass(2_190);
    expect(bench.numbers).toEqual([]);
    bench.pass(10);
    expect(bench.numbers).toEqual([1_000, 1_001]);
  });

  it('follow a clock that drifts', () => {
    // 200 ppm: 24 ms in two minutes.
    const bench = new ReceiverBench({ latencyMs: 120 });
    const stampUs = (): number => Math.round(bench.now * 1_000 * 0.9998);
    for (let step = 0; step < 12_000; step++) {
      bench.data(data(1_000 + step, { stampUs: stampUs() }));
      bench.pass(10);
      for (const ack of bench.take('ack'))
        if (ack.bytes === 44) bench.control(control(SRT_TYPE.ackAck, ack.word, { stampUs: stampUs() }));
    }
    const { number, sourceMs } = bench.delivered.at(-1)!;
    const sentMs = (number - 1_000) * 10;
    expect(Math.abs(sourceMs - 120 - sentMs)).toBeLessThan(4);
    expect(Math.abs(bench.receiver.driftMs)).toBeLessThan(5);
  });
});

describe('at arrival', () => {
  it('packets go on with the times of their source, in order, and behind a gap when it is closed', () => {
    const bench = new ReceiverBench({ releaseAtArrival: true });
    bench.now = 50;
    bench.data(data(1_000, { stampUs: 10_000 }), data(1_001, { stampUs: 20_000 }), data(1_003, { stampUs: 30_000 }));
    expect(bench.delivered.map(({ number, sourceMs }) => [number, sourceMs])).toEqual([
      [1_000, 10],
      [1_001, 20],
    ]);
    bench.data(data(1_002, { stampUs: 25_000, again: true }));
    expect(bench.numbers).toEqual([1_000, 1_001, 1_002, 1_003]);
  });

  it('a gap is given up when what follows would have to be played', () => {
    const bench = new ReceiverBench({ releaseAtArrival: true });
    bench.data(data(1_000), data(1_003, { stampUs: 30_000 }));
    bench.pass(220);
    expect(bench.numbers).toEqual([1_000]);
    bench.pass(10);
    expect(bench.numbers).toEqual([1_000, 1_003]);
    expect(bench.stat('pktRcvDropTotal')).toBe(2);
    bench.data(data(1_001));
    expect([bench.numbers.length, bench.stat('pktRcvBelatedTotal')]).toEqual([2, 1]);
  });

  it('is when those are due whose source has no clock for play times', () => {
    const bench = new ReceiverBench({ hasPlayTimes: false });
    bench.now = 70;
    bench.data(data(1_000, { stampUs: 5 }));
    expect(bench.delivered).toEqual([{ number: 1_000, sourceMs: 70, bytes: 204, atMs: 70 }]);
  });
});

describe('acknowledgements', () => {
  it('go out every 10 ms while there is something new, again until they are confirmed, then no more', () => {
    const bench = new ReceiverBench();
    bench.data(data(1_000), data(1_001));
    bench.pass(10);
    expect(bench.take()).toEqual([
      { kind: 'ack', word: 1, body: [1_002, 100_000, 50_000, 1_022, 0, 1_000, 0], bytes: 44 },
    ]);
    bench.pass(290);
    expect(bench.take('ack')).toEqual([]);
    bench.pass(10);
    expect(bench.take('ack')).toMatchObject([{ word: 2, body: [1_002, 100_000, 50_000, 1_024, 0, 1_000, 0] }]);
    bench.now += 30;
    bench.control(control(SRT_TYPE.ackAck, 2));
    expect(bench.receiver.rtt.ms).toBe(30);
    bench.pass(500);
    expect(bench.take('ack')).toEqual([]);
  });

  it('are light every 64 packets, and need no confirmation', () => {
    const bench = new ReceiverBench();
    for (let i = 0; i < 200; i++) bench.data(data(1_000 + i));
    expect(bench.take()).toEqual(
      [1_064, 1_128, 1_192].map((next) => ({ kind: 'ack', word: 0, body: [next], bytes: 20 })),
    );
    bench.pass(10);
    expect(bench.take('ack')).toMatchObject([{ word: 1, bytes: 44 }]);
    bench.data(data(1_200));
    expect(bench.take()).toEqual([]);
    // Behind a gap there is nothing new to say.
    for (let i = 0; i < 200; i++) bench.data(data(1_202 + i));
    expect(bench.take('ack')).toMatchObject([{ word: 0, body: [1_201] }]);
    bench.pass(10);
    bench.take();
    for (let i = 0; i < 200; i++) bench.data(data(1_402 + i));
    expect(bench.take('ack')).toEqual([]);
  });

  it('measure the round trip; a second or an older confirmation measures nothing', () => {
    const bench = new ReceiverBench();
    for (let i = 0; i < 3; i++) {
      bench.data(data(1_000 + i));
      bench.pass(10);
    }
    bench.now += 20;
    bench.control(control(SRT_TYPE.ackAck, 2));
    expect([bench.receiver.rtt.ms, bench.receiver.rtt.variationMs]).toEqual([30, 15]);
    bench.now += 500;
    for (const number of [2, 1, 0, 99, 1_026, 0xffffffff]) bench.control(control(SRT_TYPE.ackAck, number));
    expect(bench.receiver.rtt.ms).toBe(30);
    bench.control(control(SRT_TYPE.ackAck, 3));
    expect(bench.receiver.rtt.ms).toBeCloseTo((7 * 30 + 520) / 8);
    expect(bench.receiver.rtt.variationMs).toBeCloseTo((3 * 15 + 490) / 4);
  });

  it('stop at the first gap, and pass it when it is given up', () => {
    const bench = new ReceiverBench();
    bench.data(data(1_000), data(1_002, { stampUs: 2_000 }));
    bench.pass(10);
    expect(bench.take('ack')[0]!.body[0]).toBe(1_001);
    bench.pass(200);
    expect(bench.take('ack').at(-1)!.body[0]).toBe(1_003);
  });

  it('say that there is room even where there is none: 0 would stop a sender for good', () => {
    const bench = new ReceiverBench({ windowPackets: 128 });
    bench.data(data(1_000), data(1_127));
    bench.pass(10);
    expect(bench.take('ack')[0]!.body[3]).toBe(64);
  });
});

describe('losses', () => {
  it('are asked for twice, again when an answer would have come, sooner as time runs out, and not when it has', () => {
    const bench = new ReceiverBench({ latencyMs: 500 });
    bench.now = 1;
    bench.data(data(1_000));
    bench.pass(10);
    bench.now += 30;
    bench.control(control(SRT_TYPE.ackAck, 1));
    // 30 ± 15 ms: 90 ms of patience.
    bench.data(data(1_002, { stampUs: 41_000 }), data(1_006, { stampUs: 41_000 }));
    expect(bench.take('nak').map(({ body }) => body)).toEqual([[1_001], [RANGE + 1_003, 1_005]]);
    const asked: number[] = [];
    for (let ms = 0; ms < 500; ms += 10) {
      bench.pass(10);
      for (const { body } of bench.take('nak')) {
        expect(body).toEqual([1_001, RANGE + 1_003, 1_005]);
        asked.push(bench.now - 41);
      }
    }
    // With patience while 270 ms are left, then after 45 ms, and for the last two round trips every 20 ms; due at 500, less half of one.
    expect(asked).toEqual([10, 100, 110, 200, 210, 250, 260, 300, 310, 350, 360, 400, 410, 450, 460, 480]);
    expect(bench.stat('pktRcvLossTotal')).toBe(4);
    expect(bench.stat('pktSentNakTotal')).toBe(2 + asked.length);
    expect(bench.stat('pktRcvDropTotal')).toBe(4);
  });

  it('that are only late are waited for, as far behind as they have been seen to come', () => {
    const bench = new ReceiverBench({ mostReorderPackets: 8, releaseAtArrival: true });
    bench.data(data(1_000), data(1_002), data(1_003), data(1_004), data(1_001));
    expect(bench.take('nak').length).toBe(1);
    expect(bench.stat('reorderTolerancePackets')).toBe(3);
    bench.data(data(1_006), data(1_007), data(1_008));
    expect(bench.take('nak')).toEqual([]);
    bench.data(data(1_005));
    bench.data(data(1_010), data(1_011), data(1_012), data(1_013));
    expect(bench.take('nak').map(({ body }) => body)).toEqual([[1_009]]);
    expect(bench.stat('pktRcvLossTotal')).toBe(2);
    bench.data(data(1_009, { again: true }));
    for (let i = 1_014; i < 3_600; i++) bench.data(data(i));
    expect(bench.stat('reorderTolerancePackets')).toBe(0);
  });

  it('are asked for after 50 ms where no later packets come', () => {
    const bench = new ReceiverBench({ mostReorderPackets: 100, latencyMs: 1_000 });
    bench.data(data(1_000), data(1_051), ...sequenceOf(1_001, 50).map((each) => data(each)), data(1_053));
    bench.take();
    bench.pass(40);
    expect(bench.take('nak')).toEqual([]);
    bench.pass(10);
    expect(bench.take('nak').map(({ body }) => body)).toEqual([[1_052]]);
  });

  it('are nobody else’s concern where a bond asks for them', () => {
    const bench = new ReceiverBench({ lossReports: 'upstream' });
    bench.data(data(1_000), data(1_004));
    bench.pass(100);
    expect(bench.take('nak')).toEqual([]);
    expect(bench.stat('pktRcvLossTotal')).toBe(3);
  });

  it('that the publisher will not send any more are not waited for, as far as they are missing', () => {
    const bench = new ReceiverBench({ releaseAtArrival: true });
    bench.data(data(1_000), data(1_004), data(1_006));
    bench.take();
    bench.control(control(SRT_TYPE.dropRequest, 0, 990, 1_003));
    expect(bench.numbers).toEqual([1_000, 1_004]);
    bench.control(control(SRT_TYPE.dropRequest, 0, 1_000, 2_000));
    expect(bench.numbers).toEqual([1_000, 1_004, 1_006]);
    // What lies ahead may come all the same.
    bench.data(data(1_007));
    expect(bench.numbers.at(-1)).toBe(1_007);
    expect(bench.stat('pktRcvDropTotal')).toBe(4);
    for (const [first, last] of [
      [1_020, 1_010],
      [0, LARGEST_SEQUENCE],
      [LARGEST_SEQUENCE, 5],
      [RANGE + 1_000, RANGE + 2_000],
    ] as const)
      bench.control(control(SRT_TYPE.dropRequest, 0, first, last));
    bench.control(control(SRT_TYPE.dropRequest, 0).subarray(0, 20));
    bench.data(data(1_008));
    expect(bench.numbers.at(-1)).toBe(1_008);
  });
});

describe('strangers', () => {
  it('from outside the window are dropped, until there is nothing else for a second', () => {
    const bench = new ReceiverBench({ releaseAtArrival: true });
    bench.data(data(1_000));
    for (let i = 0; i < 50; i++) bench.data(data(900_000 + i));
    bench.data(data(1_001));
    expect(bench.numbers).toEqual([1_000, 1_001]);
    expect(bench.store.usedCount).toBe(0);
    for (let i = 0; i < 111; i++) {
      bench.pass(10);
      bench.data(data(500_000 + i));
    }
    expect(bench.numbers.slice(2)).toEqual(sequenceOf(500_100, 11));
    bench.pass(10);
    expect(bench.take('ack').at(-1)!.body[0]).toBe(500_111);
  });

  it('of message number 0 are a packet filter’s, and those without a payload only take up their number', () => {
    const bench = new ReceiverBench({ releaseAtArrival: true });
    bench.data(data(1_000, { message: 0 }), data(1_000, { payload: new Uint8Array(0) }), data(1_001));
    expect(bench.numbers).toEqual([1_001]);
  });
});

describe('encrypted payloads', () => {
  const decipher = {
    decrypt: (bytes: Uint8Array, offset: number, _length: number, sequence: number, key: number) => {
      if (key === KEY.odd) return false;
      bytes[offset + 3]! ^= 0xff;
      return sequence !== 1_002;
    },
  };

  it('are handed on clear; what cannot be decrypted, or is clear, is acknowledged and gone', () => {
    const bench = new ReceiverBench({ releaseAtArrival: true, decipher });
    const packet = (sequence: number, key: number): Uint8Array => data(sequence, { key });
    bench.data(packet(1_000, KEY.even), packet(1_001, KEY.clear), packet(1_002, KEY.even), packet(1_003, KEY.odd));
    bench.data(packet(1_004, KEY.control), packet(1_005, KEY.even));
    expect(bench.numbers).toEqual([1_000 ^ 0xff, 1_005 ^ 0xff]);
    bench.pass(10);
    expect(bench.take('ack')[0]!.body[0]).toBe(1_006);
    expect([bench.receiver.undecryptablePackets, bench.stat('pktRcvDropTotal')]).toEqual([4, 4]);
    expect(bench.store.usedCount).toBe(0);
  });

  it('are dropped where there is no key', () => {
    const bench = new ReceiverBench({ releaseAtArrival: true });
    bench.data(data(1_000, { key: KEY.odd }), data(1_001));
    expect(bench.numbers).toEqual([1_001]);
  });
});

it('a keepalive follows a second of silence, and answers none', () => {
  const bench = new ReceiverBench();
  expect(bench.control(control(SRT_TYPE.keepalive, 0))).toBe(true);
  bench.pass(990);
  expect(bench.take()).toEqual([]);
  bench.pass(1_010);
  expect(bench.take().map(({ kind, bytes }) => [kind, bytes])).toEqual([
    ['keepalive', 20],
    ['keepalive', 20],
  ]);
  expect(bench.receiver.line.silentMs(bench.now)).toBe(2_000);
  expect(bench.control(control(SRT_TYPE.shutdown, 0))).toBe(false);
});

it('whatever comes in whatever order, each packet goes on once, in order, and nothing is kept', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('data' as const), at: fc.nat(120), again: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), at: fc.nat(120), again: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), at: fc.nat(40), again: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wild' as const), at: fc.integer(), again: fc.boolean() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.boolean(), fc.nat(6), (steps, releaseAtArrival, tolerance) => {
      const first = LARGEST_SEQUENCE - 60;
      const bench = new ReceiverBench({
        firstSequence: first,
        releaseAtArrival,
        mostReorderPackets: tolerance,
        windowPackets: 64,
        latencyMs: 30,
      });
      for (const { kind, at, again } of steps) {
        if (kind === 'data') bench.data(data(sequencePlus(first, at), { stampUs: bench.now * 1_000, again }));
        else if (kind === 'drop')
          bench.control(control(SRT_TYPE.dropRequest, 0, sequencePlus(first, at), sequencePlus(first, 2 * at)));
        else if (kind === 'pass') bench.pass(at);
        else {
          bench.data(data(at & LARGEST_SEQUENCE, { stampUs: at, again }));
          bench.control(control(SRT_TYPE.ackAck, at));
        }
      }
      bench.pass(3_000);
      const { numbers } = bench;
      for (let i = 1; i < numbers.length; i++)
        expect(sequenceDistance(numbers[i]!, numbers[i - 1]!)).toBeGreaterThan(0);
      expect(bench.store.usedCount).toBe(0);
      expect(bench.stat('pktRecvUniqueTotal')).toBe(numbers.length);
    }),
  );
});
