import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY } from '../../src/srt/packet.ts';
import { LARGEST_SEQUENCE, sequenceDistance, sequencePlus } from '../../src/srt/sequence.ts';
import { SRT_TYPE } from '../../src/srtla/constants.ts';
import { control, PLAYER } from './packets.ts';
import { SenderBench } from './sender-bench.ts';

const RANGE = 0x80000000;
const ack = (number: number, next: number, rttMs = 50, window = 8_192): Uint8Array =>
  control(SRT_TYPE.ack, number, next, rttMs * 1_000, rttMs * 100, window, 0, 0, 0);
const lightAck = (next: number): Uint8Array => control(SRT_TYPE.ack, 0, next);
const nak = (...words: number[]): Uint8Array => control(SRT_TYPE.nak, 0, ...words);
const bench = (count: number, options: ConstructorParameters<typeof SenderBench>[0] = {}): SenderBench => {
  const made = new SenderBench(options);
  for (let i = 0; i < count; i++) made.offer();
  return made;
};

describe('data', () => {
  it('goes out at once, numbered from the handshake on, with the time of its source', () => {
    const made = new SenderBench({ firstSequence: LARGEST_SEQUENCE, startMs: 0 });
    made.now = 500;
    made.offer(450);
    made.sender.key = KEY.odd;
    made.offer(460);
    expect(made.take()).toMatchObject([
      { sequence: LARGEST_SEQUENCE, again: false, message: 1, key: KEY.clear, stampUs: 450_000, to: PLAYER },
      { sequence: 0, again: false, message: 2, key: KEY.odd, stampUs: 460_000, to: PLAYER },
    ]);
  });

  it('never carries a time before the start, nor one that jumps; the clock wraps', () => {
    const made = new SenderBench({ startMs: 1_000 });
    made.now = 1_100;
    for (const sourceMs of [700, 1_090, 60_000, 1_080, 1_200]) made.offer(sourceMs);
    made.now = 20_000;
    for (const sourceMs of [19_990, 1_200, 19_995]) made.offer(sourceMs);
    made.now = 1_000 + 2 ** 32 / 1_000 + 5;
    made.offer();
    expect(made.take().map(({ stampUs }) => stampUs / 1_000)).toEqual([0, 90, 100, 80, 200, 18_990, 19_000, 18_995, 5]);
  });

  it('is spread where there is much of it', () => {
    const made = bench(200, { latencyMs: 5_000 });
    expect(made.take().length).toBe(64);
    made.now += 1;
    made.sender.tick(made.now);
    expect(made.take().length).toBe(32);
    made.pass(10);
    made.pass(10);
    expect(made.takeNumbers().at(-1)).toBe(1_199);
  });

  it('waits while the flow window is closed, and is numbered when it goes', () => {
    const made = bench(30, { flowWindowPackets: 10 });
    expect(made.take().length).toBe(10);
    made.control(lightAck(1_006));
    // A light ACK takes from the window what it acknowledges.
    expect(made.take().length).toBe(0);
    made.control(ack(1, 1_006, 50, 12));
    expect(made.takeNumbers()).toEqual([1_010, 1_011, 1_012, 1_013, 1_014, 1_015, 1_016, 1_017]);
    made.control(ack(2, 1_018, 50, 0));
    made.pass(500);
    expect(made.take()).toEqual([]);
  });

  it('that is too late is given up, which makes room in the window; numbers have no gaps', () => {
    const made = new SenderBench({ flowWindowPackets: 5 });
    for (let i = 0; i < 300; i++) {
      made.offer();
      made.pass(10);
    }
    const numbers = made.takeNumbers();
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 1_000 + i));
    expect(made.stat('sndBufMs')).toBeLessThanOrEqual(1_020);
    const held = made.sender.unacknowledgedPackets;
    expect(made.stat('pktSndDropTotal')).toBe(300 - held);
    expect(held).toBeLessThanOrEqual(103);
    expect(made.store.usedCount).toBe(held);
    expect(made.stat('sndBufPackets')).toBe(held);
    made.sender.close();
    expect(made.store.usedCount).toBe(0);
  });

  it('is refused where there is no room, and the player does not let us drop', () => {
    const made = bench(0, { dropsTooLate: false, flowWindowPackets: 1, bufferPackets: 1_024 });
    const taken = Array.from({ length: 1_030 }, () => {
      made.now += 10;
      return made.offer();
    });
    expect(taken.filter(Boolean).length).toBe(1_024);
    expect(made.stat('pktSndDropTotal')).toBe(6);
  });
});

describe('acknowledgements', () => {
  it('free what they cover; full ones are confirmed, once in 10 ms or again', () => {
    const made = bench(20);
    made.now = 50;
    made.control(lightAck(1_004));
    made.control(ack(7, 1_005));
    made.control(ack(8, 1_006));
    made.control(ack(7, 1_006));
    expect(made.takeSaid().map(({ kind, word, bytes }) => [kind, word, bytes])).toEqual([
      ['ackAck', 7, 20],
      ['ackAck', 7, 20],
    ]);
    expect(made.store.usedCount).toBe(14);
    expect(made.stat('flightPackets')).toBe(14);
    made.now = 60;
    made.control(ack(9, 1_010));
    expect(made.takeSaid().map(({ word }) => word)).toEqual([9]);
  });

  it('bring the round trip, but for those that cannot know it', () => {
    const made = bench(3);
    const told = (rtt: number, variation: number): number => {
      made.now += 20;
      made.control(control(SRT_TYPE.ack, made.now, 1_001, rtt, variation, 8_192, 0, 0, 0));
      return made.sender.rtt.ms;
    };
    expect(told(100_000, 50_000)).toBe(100);
    expect(made.sender.rtt.hasSample).toBe(false);
    expect([told(40_000, 2_000), told(0, 0), told(-5, 2), told(80_000, 3_000)]).toEqual([40, 40, 40, 80]);
  });

  it('of what was never sent, of the past and of nonsense change nothing', () => {
    const made = bench(20);
    made.control(ack(1, 1_010));
    for (const next of [1_021, 1_005, 900, RANGE + 1_015, 1_010 + 2 ** 30, 0]) made.control(ack(5, next, 50, 0));
    made.control(ack(2, 1_015).subarray(0, 18));
    expect(made.stat('flightPackets')).toBe(10);
    made.offer();
    expect(made.takeNumbers().at(-1)).toBe(1_020);
  });
});

describe('loss reports', () => {
  it('are answered with the same packets under the same numbers, before what is new', () => {
    const made = bench(10);
    const first = made.take();
    made.control(nak(1_003, RANGE + 1_006, 1_007));
    made.offer();
    expect(made.take()).toMatchObject([
      { ...first[3], again: true },
      { ...first[6], again: true },
      { ...first[7], again: true },
      { sequence: 1_010, again: false },
    ]);
    expect([made.stat('pktRetransTotal'), made.stat('pktSndLossTotal'), made.stat('pktRecvNakTotal')]).toEqual([
      3, 3, 1,
    ]);
  });

  it('are answered again after a round trip and its variation, not before', () => {
    const made = bench(10);
    made.control(ack(1, 1_000, 40));
    made.take();
    made.control(nak(1_005));
    expect(made.takeNumbers()).toEqual([1_005]);
    made.now += 43;
    made.control(nak(1_005));
    expect(made.take()).toEqual([]);
    made.now += 1;
    made.control(nak(1_005));
    expect(made.takeNumbers()).toEqual([1_005]);
  });

  it('that wait for their turn are forgotten when the player has it after all', () => {
    const made = bench(64);
    made.take();
    made.control(nak(RANGE + 1_000, 1_009));
    made.control(ack(1, 1_006));
    expect(made.take()).toEqual([]);
    made.pass(10);
    expect(made.takeNumbers()).toEqual([1_006, 1_007, 1_008, 1_009]);
  });

  it('of what is gone are answered with one DROPREQ, of what was never sent not at all', () => {
    const made = bench(20);
    made.control(ack(1, 1_010));
    made.take();
    made.takeSaid();
    made.control(nak(RANGE + 1_002, 1_004, RANGE + 1_008, 1_011, 1_050, RANGE + 1_018, 1_300, RANGE + 1_040, 5_000));
    expect(made.takeNumbers()).toEqual([1_010, 1_011, 1_018, 1_019]);
    expect(made.takeSaid()).toMatchObject([{ kind: 'dropRequest', word: 0, body: [1_002, 1_009], bytes: 24 }]);
  });

  it('that name everything, again and again, cost no more than what is in flight', () => {
    const made = bench(60);
    made.take();
    const everything = Array.from({ length: 180 }, () => [RANGE, LARGEST_SEQUENCE]).flat();
    made.control(nak(...everything));
    const around = Array.from({ length: 180 }, () => [RANGE + 900, 900 + 2 ** 29]).flat();
    made.now += 10;
    made.control(nak(...around));
    expect(made.take().length).toBeLessThanOrEqual(64);
    expect(made.takeSaid().map(({ kind }) => kind)).toEqual(['dropRequest']);
  });

  it('that do not come are made up for where the player repeats none', () => {
    const made = bench(5, { peerRepeatsNaks: false });
    made.take();
    made.pass(320);
    expect(made.take()).toEqual([]);
    made.pass(30);
    expect(made.takeNumbers()).toEqual([1_000, 1_001, 1_002, 1_003, 1_004]);
    made.pass(500);
    expect(made.take()).toEqual([]);
    made.pass(200);
    expect(made.take().length).toBe(5);
    made.control(ack(1, 1_005));
    made.pass(3_000);
    expect(made.take()).toEqual([]);
  });
});

it('a keepalive follows a second of silence', () => {
  const made = bench(1);
  made.pass(2_500);
  expect(made.takeSaid().map(({ kind }) => kind)).toEqual(['keepalive', 'keepalive']);
  expect(made.control(control(SRT_TYPE.keepalive, 0))).toBe(true);
  expect(made.takeSaid()).toEqual([]);
  expect(made.control(control(SRT_TYPE.shutdown, 0))).toBe(false);
});

it('whatever comes, only what is in flight is sent again, and the store holds what is unacknowledged', () => {
  const step = fc.record({
    kind: fc.constantFrom('offer', 'ack', 'light', 'nak', 'pass'),
    at: fc.oneof(fc.nat(700), fc.integer()),
    length: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, peerRepeatsNaks) => {
      const first = LARGEST_SEQUENCE - 300;
      const made = new SenderBench({
        firstSequence: first,
        peerRepeatsNaks,
        bufferPackets: 512,
        flowWindowPackets: 300,
      });
      let number = 0;
      let next = first;
      for (const { kind, at, length } of steps) {
        const sequence = sequencePlus(first, at);
        if (kind === 'offer') for (let i = 0; i < length; i++) made.offer(made.now - (at & 63));
        else if (kind === 'ack') made.control(ack(++number, at < 0 ? at : sequence, 1 + (length % 50), 4 * length));
        else if (kind === 'light') made.control(lightAck(sequence));
        else if (kind === 'nak') made.control(nak(sequence, RANGE + sequence, sequencePlus(sequence, length), at));
        else made.pass(length);
        const unacknowledged = sequencePlus(next, -made.stat('flightPackets'));
        for (const packet of made.take()) {
          if (packet.again) {
            expect(sequenceDistance(packet.sequence, unacknowledged)).toBeGreaterThanOrEqual(-512);
            expect(sequenceDistance(packet.sequence, next)).toBeLessThan(0);
          } else {
            expect(packet.sequence).toBe(next);
            next = sequencePlus(next, 1);
          }
        }
        expect(made.store.usedCount).toBe(made.sender.unacknowledgedPackets);
      }
      made.sender.close();
      expect(made.store.usedCount).toBe(0);
    }),
  );
});
