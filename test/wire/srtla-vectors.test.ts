import { describe, expect, it } from 'vitest';
import { SRTLA_TYPE } from '../../src/srtla/constants.ts';
import { classify, KIND, parseTelemetry, srtlaAckCount, srtlaAckEntry, TELEMETRY } from '../../src/srtla/packet.ts';
import {
  AckWriter,
  buildControl,
  buildRegistration,
  buildShutdown,
  writePaddedEcho,
} from '../../src/srtla/packet-build.ts';
import {
  controlType,
  destinationId,
  firstLost,
  handshakeSocketId,
  handshakeType,
  isRejection,
  isRetransmission,
  lastLost,
  sequenceNumber,
  timestampUs,
} from '../../src/srtla/srt-header.ts';
import { ack, data, fromHex, idOf, nak, padded, reg1, reg2, SENDER_ID, toHex } from '../srtla/packets.ts';
import { receivers, toPeer, toServer, World } from '../srtla/world.ts';

/** Golden bytes: the vectors of the SRTLA specification §1.10. A failure here is a change of the protocol. */
const GROUP_ID = SENDER_ID.slice(0, 256) + 'aa'.repeat(128);
const T = {
  1: `9200${SENDER_ID}`,
  2: `9201${GROUP_ID}`,
  7: '9000',
  8: '9000000000000001e240',
  9: '9000000000000001e240c01f00010000000700004e200000000c00000057000000040004c4b4',
  10: '9000000000000001e240c01f00010000000700004e200000000c00000000000153d8000000040004c4b4',
  11: `9000${'00'.repeat(30)}`,
  12: '000003e8e00000010000138811223344',
  13: '000003e8e40000010000138811223344',
  14: '91000000000003e8000003e9000003ea000003eb000003ec000003ed000003ee000003ef000003f0000003f1',
  15: '910000007ffffffe7fffffff0000000000000001000000020000000300000004000000050000000600000007',
  16: '80020000000000010000138855667788000003f20000c350000003e80000200000000064000003e800020210',
  17: '80020000000000000000138855667788000003f2',
  18: '80030000000000000000138855667788000003ed800003f2000003f6000003fc',
  19: '8006000000000001000017701122334400000000',
  20: '8001000000000000000013885566778800000000',
  21: '8005000000000000000013885566778800000000',
  22: `800000000000000000001388556677880000000500000000000003e8000005dc00002000000003ea00001111000022220100007f${'00'.repeat(12)}`,
  23: `800000000000000000000000000000000000000400000002000003e8000005dc000020000000000111223344000000000100007f${'00'.repeat(12)}`,
  24: '9ff00001000000010000',
  25: '9f0000010000000700004e200000000c00000000000153d8000000040004c4b4',
  26: '9300000000000000000000001122334401020000000012c000000000075bcd158d86ddc200000bb8000005dc00000000000f42400000003c00000c801111111100000708000009c400000000000927c00000003c0000076c',
  27: '93010000000000000000000000000000',
} as const;
const bytes = (vector: keyof typeof T): Uint8Array => fromHex(T[vector]);

describe('SRTLA packets', () => {
  it('T1–T3: REG1 and REG2', () => {
    expect(classify(bytes(1))).toBe(KIND.reg1);
    expect(bytes(1).length).toBe(258);
    expect(T[1].startsWith('9200000102030405060708090a0b0c0d0e0f1011')).toBe(true);
    expect(classify(bytes(2))).toBe(KIND.reg2);
    expect(toHex(buildRegistration(SRTLA_TYPE.reg2, fromHex(GROUP_ID)))).toBe(T[2]);
  });

  it('T4, T5: REG3, REG_ERR and REG_NGP leave padded to 32 bytes; from a link they mean nothing', () => {
    expect(toHex(buildControl(SRTLA_TYPE.reg3))).toBe(padded('9202'));
    expect(toHex(buildControl(SRTLA_TYPE.regErr))).toBe(padded('9210'));
    expect(toHex(buildControl(SRTLA_TYPE.regNgp))).toBe(padded('9211'));
    for (const hex of ['9202', '9210', '9211', '92126e6f', padded('9202')]) {
      expect(classify(fromHex(hex))).toBe(KIND.srtlaUnknown);
    }
  });

  it('T6: a REG1 or REG2 of any other length is none', () => {
    expect(classify(fromHex(`${T[1]}00`))).toBe(KIND.registrationLength);
    expect(classify(fromHex(T[1].slice(0, -2)))).toBe(KIND.registrationLength);
    expect(classify(fromHex(`${T[2]}00`))).toBe(KIND.registrationLength);
  });

  it('T7–T10: keepalives and their telemetry', () => {
    const read = {
      connectionId: 0,
      windowPackets: 0,
      inFlightPackets: 0,
      rttMs: 0,
      nakCount: 0,
      bitrateKbps: 0,
      inMicroseconds: true,
    };
    const told = {
      connectionId: 7,
      windowPackets: 20,
      inFlightPackets: 12,
      rttMs: 87,
      nakCount: 4,
      bitrateKbps: 2500,
      inMicroseconds: false,
    };
    expect(parseTelemetry(bytes(7), read)).toBe(TELEMETRY.none);
    expect(parseTelemetry(bytes(8), read)).toBe(TELEMETRY.none);
    expect(parseTelemetry(bytes(9), read)).toBe(TELEMETRY.read);
    expect(read).toEqual(told);
    const longer = { ...read, rttMs: -1, nakCount: -1, bitrateKbps: -1 };
    expect(parseTelemetry(bytes(10), longer)).toBe(TELEMETRY.read);
    expect(longer).toEqual({ ...read, inMicroseconds: true });
    for (const vector of [7, 8, 9, 10] as const) expect(classify(bytes(vector))).toBe(KIND.keepalive);
  });

  it('T11: the echo of a bare keepalive', () => {
    const echo = new Uint8Array(32).fill(0xff);
    writePaddedEcho(echo, bytes(7));
    expect(toHex(echo)).toBe(T[11]);
  });

  it('T14, T15: SRTLA ACKs', () => {
    const writer = new AckWriter();
    const from = (first: number) => Uint32Array.from({ length: 10 }, (_, i) => (first + i) & 0x7fffffff);
    expect(toHex(writer.write(from(1000), 10))).toBe(T[14]);
    expect(toHex(writer.write(from(0x7ffffffe), 10))).toBe(T[15]);
    expect(toHex(writer.write(from(1000), 1))).toBe('91000000000003e8');
    expect(srtlaAckCount(bytes(14))).toBe(10);
    expect(srtlaAckEntry(bytes(15), 2)).toBe(0);
  });
});

describe('SRT packets', () => {
  it('T12, T13: data and its retransmission', () => {
    for (const vector of [12, 13] as const) {
      expect(classify(bytes(vector))).toBe(KIND.srtData);
      expect(sequenceNumber(bytes(vector))).toBe(1000);
      expect(timestampUs(bytes(vector))).toBe(5000);
      expect(destinationId(bytes(vector))).toBe(0x11223344);
    }
    expect(isRetransmission(bytes(12))).toBe(false);
    expect(isRetransmission(bytes(13))).toBe(true);
  });

  it('T16–T21: control packets', () => {
    const types = { 16: 0x8002, 17: 0x8002, 18: 0x8003, 19: 0x8006, 20: 0x8001, 21: 0x8005 } as const;
    for (const [vector, type] of Object.entries(types)) {
      const packet = bytes(Number(vector) as keyof typeof T);
      expect(classify(packet)).toBe(KIND.srtControl);
      expect(controlType(packet)).toBe(type);
    }
    expect([firstLost(bytes(18)), lastLost(bytes(18))]).toEqual([1005, 1020]);
    const own = fromHex(T[21]);
    own.fill(0, 8, 12);
    expect(toHex(buildShutdown(0x55667788))).toBe(toHex(own));
  });

  it('T22, T23: handshakes', () => {
    expect(handshakeType(bytes(22))).toBe(1002);
    expect(isRejection(handshakeType(bytes(22)))).toBe(true);
    expect(handshakeType(bytes(23))).toBe(1);
    expect(handshakeSocketId(bytes(23))).toBe(0x11223344);
    expect(destinationId(bytes(23))).toBe(0);
    expect([bytes(22).length, bytes(23).length]).toEqual([64, 64]);
  });
});

describe('the dialogue of the specification', () => {
  const stranger = 9;

  it('holds, with REG1 idempotent and bare echoes padded', () => {
    const world = new World({ lossDetection: 'plain' });
    expect(toPeer(world.receive(1, reg2(idOf(0x77))), 1)).toEqual([padded('9211')]);
    expect(toPeer(world.receive(1, bytes(1)), 1)).toEqual([T[2]]);
    expect(toPeer(world.receive(1, bytes(1)), 1)).toEqual([T[2]]);
    expect(receivers(world.receive(1, bytes(7)))).toEqual([]);
    expect(toPeer(world.receive(1, bytes(2)), 1)).toEqual([padded('9202')]);
    expect(toPeer(world.receive(1, bytes(2)), 1)).toEqual([padded('9202')]);
    expect(toPeer(world.receive(1, bytes(7)), 1)).toEqual([T[11]]);
    for (const vector of [8, 9, 10] as const) {
      expect(toPeer(world.receive(1, bytes(vector)), 1)).toEqual([T[vector]]);
    }
    expect(receivers(world.receive(stranger, bytes(7)))).toEqual([]);
    expect(toPeer(world.receive(2, bytes(2)), 2)).toEqual([padded('9202')]);

    for (let i = 0; i < 9; i++) expect(receivers(world.receive(1, data(1000 + i)))).toEqual([]);
    const tenth = world.receive(1, data(1009));
    expect(toPeer(tenth, 1)).toEqual([T[14]]);
    expect(receivers(tenth)).toEqual([1]);

    const session = world.connect(1);
    world.receive(2, bytes(7));
    world.receive(1, data(1010));
    expect(receivers(world.server(session, bytes(16)))).toEqual([1, 2]);
    expect(receivers(world.server(session, bytes(17)))).toEqual([1, 2]);
    expect(receivers(world.server(session, bytes(18)))).toEqual([1]);
    expect(receivers(world.server(session, bytes(20)))).toEqual([1]);
    // A keepalive does not move the return path, data does.
    world.receive(2, bytes(7));
    expect(receivers(world.server(session, bytes(20)))).toEqual([1]);
    world.receive(2, data(1011));
    expect(receivers(world.server(session, bytes(20)))).toEqual([2]);

    // Another half from link 2: a group of its own, and link 2 stays where it is.
    const otherId = toPeer(world.receive(2, reg1(idOf(0x33))), 2)[0]!.slice(4);
    expect(otherId.slice(0, 256)).toBe('33'.repeat(128));
    // A foreign group's id from link 2 is refused.
    const foreign = toPeer(world.receive(5, reg1(idOf(0x44))), 5)[0]!.slice(4);
    expect(toPeer(world.receive(2, reg2(foreign)), 2)).toEqual([padded('9210')]);
  });

  it('T6: a REG1 of the wrong length draws no answer', () => {
    const world = new World();
    expect(world.receive(1, fromHex(`${T[1]}00`))).toEqual([]);
    expect(world.receive(1, fromHex(T[1].slice(0, -2)))).toEqual([]);
    expect(world.counter('registrationLength')).toBe(2);
  });

  it('T24–T27 from a link: dropped and counted', () => {
    const world = new World();
    world.register([1]);
    const session = world.connect(1);
    for (const vector of [24, 25, 26, 27] as const) expect(world.receive(1, bytes(vector))).toEqual([]);
    expect(world.counter('srtlaUnknown')).toBe(4);
    expect(bytes(26).length).toBe(88);
    expect(toServer(world.receive(1, data(1)), session).length).toBe(1);
  });

  it('relays ACK and NAK byte for byte', () => {
    const world = new World({ lossDetection: 'plain' });
    world.register([1]);
    const session = world.connect(1);
    for (const vector of [16, 18, 20] as const) {
      expect(toPeer(world.server(session, bytes(vector)), 1)).toEqual([T[vector]]);
    }
    expect(toHex(ack(0x55667788, 1010)).startsWith('8002')).toBe(true);
    expect(toHex(nak(0x55667788, 1005))).toBe('80030000000000000000138855667788000003ed');
  });
});
