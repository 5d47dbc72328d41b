import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ackNumber,
  acknowledgedSequence,
  controlType,
  destinationId,
  firstDropped,
  isRetransmission,
  lastDropped,
  sequenceNumber,
  timestampUs,
} from '../srtla/srt-header.ts';
import {
  ackBufferPackets,
  ackRttUs,
  ackRttVariationUs,
  ControlWriter,
  MOST_NAK_RANGES,
  NakRangeWriter,
  readNak,
} from './control-packet.ts';
import { isData, isPacket, KEY, keyOf, messageNumber, messageWord, writeDataHeader } from './packet.ts';
import { LARGEST_SEQUENCE, sequenceDistance } from './sequence.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const ranges = new Int32Array(2 * MOST_NAK_RANGES);
const read = (nak: Uint8Array): number[][] =>
  Array.from({ length: readNak(nak, ranges) }, (_, i) => [ranges[2 * i]!, ranges[2 * i + 1]!]);
const PLAYER = 0x20c1e431;

describe('data packets', () => {
  it('have the header of a captured one, first and as a retransmission', () => {
    const header = new Uint8Array(16);
    writeDataHeader(header, 0x187af4da, messageWord(7, KEY.clear, true), 0xb42c, 0x115c33c8);
    expect(hex(header)).toBe('187af4dae40000070000b42c115c33c8');
    writeDataHeader(header, 0x5b2ac77d, messageWord(1, KEY.even, false), 0xb85e, 0x1a6dbf40);
    expect(hex(header)).toBe('5b2ac77de80000010000b85e1a6dbf40');
    expect(isData(header)).toBe(true);
  });

  it('are read as they were written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: LARGEST_SEQUENCE }),
        fc.integer({ min: 0, max: 0x03ffffff }),
        fc.constantFrom(KEY.clear, KEY.even, KEY.odd),
        fc.boolean(),
        fc.integer(),
        fc.integer(),
        (sequence, message, key, again, stamp, to) => {
          const header = new Uint8Array(16);
          writeDataHeader(header, sequence, messageWord(message, key, again), stamp, to);
          expect(isPacket(header)).toBe(true);
          expect([sequenceNumber(header), messageNumber(header), keyOf(header)]).toEqual([sequence, message, key]);
          expect([isRetransmission(header), timestampUs(header), destinationId(header)]).toEqual([again, stamp, to]);
        },
      ),
    );
  });
});

describe('control packets', () => {
  const writer = new ControlWriter(PLAYER);
  const publisher = new ControlWriter(0x115c33c8);

  it('are those that libsrt sends', () => {
    expect(hex(writer.fullAck(1, 0x187af4da, 100_000, 50_000, 8_185, 200_000, 1_000, 0x0f751cd6, 0xe4a4))).toBe(
      '80020000000000010000e4a420c1e431187af4da000186a00000c35000001ff900030d40000003e80f751cd6',
    );
    expect(hex(writer.lightAck(0x187af54d, 0x50000))).toBe('80020000000000000005000020c1e431187af54d');
    expect(hex(publisher.ackAck(1, 0xecfc))).toBe('80060000000000010000ecfc115c33c800000000');
    expect(hex(new ControlWriter(0x33663841).shutdown(0x4c8626))).toBe('8005000000000000004c86263366384100000000');
    expect(hex(new ControlWriter(0x12345678).dropRequest(0x750ddc01, 0x750ddc05, 0x12b6e7))).toBe(
      '80070000000000000012b6e712345678750ddc01750ddc05',
    );
    expect(hex(new ControlWriter(0x55667788).keepalive(0x1388))).toBe('8001000000000000000013885566778800000000');
  });

  it('are read as they were captured', () => {
    const full = bytesOf('8002000000000002000597cc20c1e431187af54d000000f30000007900001f86000056cf000003e801c8163e');
    expect([controlType(full), ackNumber(full), acknowledgedSequence(full)]).toEqual([0x8002, 2, 0x187af54d]);
    expect([ackRttUs(full), ackRttVariationUs(full), ackBufferPackets(full)]).toEqual([243, 121, 8_070]);
    const drop = bytesOf('80070000000000000012b6e712345678750ddc01750ddc05');
    expect([controlType(drop), firstDropped(drop), lastDropped(drop)]).toEqual([0x8007, 0x750ddc01, 0x750ddc05]);
  });
});

describe('NAKs', () => {
  const ONE = '80030000000000000000b6b30123709b50cbee03';
  const RANGE = '8003000000000000000134c80123709bd0cbee1350cbee14';
  const MANY = '80030000000000000000138855667788000003ed800003f2000003f6000003fc';

  it('are those that libsrt sends', () => {
    const nak = new NakRangeWriter(0x0123709b);
    nak.add(0x50cbee03, 0x50cbee03);
    expect(hex(nak.end(0xb6b3))).toBe(ONE);
    nak.add(0x50cbee13, 0x50cbee14);
    expect(hex(nak.end(0x134c8))).toBe(RANGE);
    const many = new NakRangeWriter(0x55667788);
    for (const [first, last] of [
      [1005, 1005],
      [1010, 1014],
      [1020, 1020],
    ] as const)
      many.add(first, last);
    expect(hex(many.end(0x1388))).toBe(MANY);
    expect(many.isEmpty).toBe(true);
    expect(read(bytesOf(MANY))).toEqual([
      [1005, 1005],
      [1010, 1014],
      [1020, 1020],
    ]);
  });

  it('that are malformed are read as far as they mean something', () => {
    const head = MANY.slice(0, 32);
    expect(read(bytesOf(head))).toEqual([]);
    expect(read(bytesOf(`${head}0000`))).toEqual([]);
    // A range without an end; two beginnings; one that runs backwards.
    expect(read(bytesOf(`${head}000003ed800003f2`))).toEqual([[1005, 1005]]);
    expect(read(bytesOf(`${head}800003f2800003f4000003f6`))).toEqual([[1012, 1014]]);
    expect(read(bytesOf(`${head}800003f6000003f2000003fc`))).toEqual([[1020, 1020]]);
  });

  it('carry as many ranges as fit, and say when they are full', () => {
    const nak = new NakRangeWriter(1);
    let added = 0;
    for (; !nak.isFull; added++) nak.add(10 * added, 10 * added + 1);
    expect(added).toBe(182);
    expect(nak.end(0).length).toBe(16 + 1_456);
    expect(read(nak.end(0))).toEqual([]);
  });

  it('of any bytes give ranges that run forwards, no more than there is room for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (body) => {
        const found = read(Buffer.concat([bytesOf(MANY).subarray(0, 16), body]));
        expect(found.length).toBeLessThanOrEqual(MOST_NAK_RANGES);
        for (const [first, last] of found) expect(sequenceDistance(last!, first!)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
