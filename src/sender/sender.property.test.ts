import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packets, range, SenderHarness } from '../../test/support/sender-harness.ts';
import { PcrPacer } from './pcr-pacer.ts';
import { SequenceLog } from './sequence-log.ts';
import { MessageBuilder, TsFramer } from './ts-framer.ts';
import { sequenceBefore } from './wire.ts';

const SEQUENCE = fc.integer({ min: 0, max: 0x7fffffff });
const ANY_BYTES = fc.uint8Array({ maxLength: 300 });
/** Random bytes behind a type that means something. */
const TYPED = fc
  .tuple(
    fc.constantFrom(0x9000, 0x9100, 0x9200, 0x9201, 0x9202, 0x9210, 0x9211, 0x8002, 0x8003, 0x8005, 0xa000),
    ANY_BYTES,
  )
  .map(([type, rest]) => Uint8Array.from([type >> 8, type & 255, ...rest]));

describe('the sender core', () => {
  it('never throws on any bytes from either side, and keeps its windows in bounds', () => {
    const step = fc.record({
      bytes: fc.oneof(ANY_BYTES, TYPED),
      from: fc.constantFrom(1, 2, 3, 'encoder'),
      pass: fc.nat(2_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const sender = SenderHarness.registered([1, 2, 3]);
        for (const { bytes, from, pass } of steps) {
          if (from === 'encoder') sender.encode(bytes);
          else sender.hear(from as number, bytes);
          sender.pass(pass);
        }
        for (const link of sender.core.snapshot(sender.now).links) {
          expect(link.windowPackets).toBeGreaterThanOrEqual(1);
          expect(link.windowPackets).toBeLessThanOrEqual(60);
          expect(link.inFlightPackets).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('sends each SRT packet of the encoder on exactly one link, unchanged', () => {
    fc.assert(
      fc.property(SEQUENCE, fc.integer({ min: 1, max: 100 }), (first, count) => {
        const sender = SenderHarness.registered([1, 2, 3]);
        const given = Array.from({ length: count }, (_, i) => packets.data((first + i) & 0x7fffffff));
        for (const bytes of given) sender.encode(bytes);
        expect(sender.sent.map(({ bytes }) => bytes)).toEqual(given);
      }),
    );
  });

  it('treats a range in a NAK like its single numbers, wherever the sequence starts', () => {
    fc.assert(
      fc.property(SEQUENCE, fc.nat(60), fc.nat(60), (first, skip, length) => {
        const number = (i: number): number => (first + i) & 0x7fffffff;
        const outcome = (...words: number[]): number[] => {
          const sender = SenderHarness.registered([1, 2]);
          for (let i = 0; i < 100; i++) sender.encode(packets.data(number(i)));
          sender.hear(1, packets.srtNak(...words));
          return [1, 2].map((id) => sender.link(id).windowPackets);
        };
        const singles = Array.from({ length: length + 1 }, (_, i) => number(skip + i));
        expect(outcome(...range(number(skip), number(skip + length)))).toEqual(outcome(...singles));
      }),
    );
  });
});

describe('the log of sequence numbers', () => {
  it('agrees with a plain list', () => {
    fc.assert(
      fc.property(
        SEQUENCE,
        fc.array(fc.tuple(fc.constantFrom('add', 'acknowledge', 'drop'), fc.nat(200))),
        (first, steps) => {
          const log = new SequenceLog();
          let list: number[] = [];
          for (const [verb, offset] of steps) {
            const sequence = (first + offset) & 0x7fffffff;
            if (verb === 'add') {
              if (list.includes(sequence) || list.length === 256) continue;
              log.add(sequence);
              list.push(sequence);
            } else if (verb === 'acknowledge') {
              expect(log.acknowledge(sequence)).toBe(list.includes(sequence));
              list = list.filter((each) => each !== sequence);
            } else {
              log.dropBefore(sequence);
              list = list.filter((each) => !sequenceBefore(each, sequence));
            }
            expect(log.inFlight).toBe(list.length);
          }
        },
      ),
    );
  });
});

describe('MPEG-TS input', () => {
  it('framer, pacer and builder never throw on any bytes and keep the time in order', () => {
    const chunk = fc.uint8Array({ maxLength: 2_000 }).map((bytes) => {
      for (let at = 0; at < bytes.length; at += 188) if (bytes[at]! > 40) bytes[at] = 0x47;
      return bytes;
    });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
        const framer = new TsFramer();
        const pacer = new PcrPacer(4_000);
        for (const bytes of chunks) framer.push(bytes, (packet) => pacer.push(packet));
        pacer.end();
        const timed = pacer.take();
        expect(timed.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(framer.packets * 188);
        for (let i = 1; i < timed.length; i++) expect(timed[i]!.dueMs).toBeGreaterThanOrEqual(timed[i - 1]!.dueMs);
      }),
    );
  });

  it('a well-formed stream comes through whole, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 }),
        (count, cuts) => {
          const stream = new Uint8Array(count * 188).map((_, i) => (i % 188 === 0 ? 0x47 : i & 0x3f));
          const framer = new TsFramer();
          const builder = new MessageBuilder();
          const got: Uint8Array[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const length = cuts[i % cuts.length]!;
            framer.push(stream.subarray(at, at + length), (packet) => {
              const message = builder.add(packet);
              if (message) got.push(message);
            });
            at += length;
          }
          const last = builder.flush();
          if (last) got.push(last);
          expect(Buffer.concat(got).equals(Buffer.from(stream))).toBe(true);
          expect(got.slice(0, -1).every((message) => message.length === 1316)).toBe(true);
        },
      ),
    );
  });
});
