import { describe, expect, it } from 'vitest';
import { packets, range } from '../../../test/support/sender-harness.ts';
import { BondMeter } from './bond-meter.ts';

/** A first copy that a link takes at once. */
const send = (meter: BondMeter, sequence: number, arrives: boolean, now: number, delayMs = 30, again = false): void => {
  const bytes = packets.data(sequence, again);
  meter.fromEncoder(bytes, now);
  meter.onLink(bytes, arrives, now + delayMs);
};

describe('the meter of a bond', () => {
  it('counts what was sent again by what was lost', () => {
    const meter = new BondMeter();
    for (let i = 0; i < 10; i++) send(meter, 100 + i, i !== 3 && i !== 7, i);
    expect(meter.report(10)).toMatchObject({ firstCopies: { sent: 10, lost: 2 }, ratio: 0, forMs: 10 });
    send(meter, 103, false, 100, 30, true);
    send(meter, 107, true, 100, 30, true);
    send(meter, 103, true, 200, 30, true);
    send(meter, 105, true, 200, 30, true);
    expect(meter.report(300)).toMatchObject({
      firstCopies: { sent: 10, lost: 2 },
      retransmissions: { sent: 4, lost: 1 },
      ratio: 4 / 3,
    });
  });

  it('a packet that no link took is lost, without a moment at which it would have arrived', () => {
    const meter = new BondMeter();
    meter.fromEncoder(packets.data(5), 0);
    expect(meter.report(1)).toMatchObject({ firstCopies: { sent: 1, lost: 1 }, losses: [] });
  });

  it('one of two copies is enough', () => {
    const meter = new BondMeter();
    const bytes = packets.data(5);
    meter.fromEncoder(bytes, 0);
    meter.onLink(bytes, false, 30);
    meter.onLink(bytes, true, 60);
    expect(meter.report(1).firstCopies).toEqual({ sent: 1, lost: 0 });
  });

  it('measures from when it would have arrived to the first NAK that names it', () => {
    const meter = new BondMeter();
    send(meter, 10, true, 0);
    send(meter, 11, false, 2);
    send(meter, 12, false, 4, 90);
    send(meter, 13, true, 6);
    meter.fromReceiver(packets.srtNak(...range(11, 12)), 52);
    meter.fromReceiver(packets.srtNak(11), 99);
    expect(meter.report(100)).toMatchObject({
      losses: [
        { delayMs: 30, nakMs: 20 },
        // Asked for too early.
        { delayMs: 90, nakMs: -42 },
      ],
      nak: { packets: 2, numbers: 3, arrived: 0, onTheWay: 0 },
    });
  });

  it('knows NAKs for what has arrived, for what is on the way, and for what was sent again', () => {
    const meter = new BondMeter();
    send(meter, 1, true, 0, 30);
    send(meter, 2, true, 0, 90);
    send(meter, 3, false, 0, 30);
    meter.fromReceiver(packets.srtNak(...range(1, 3)), 50);
    expect(meter.report(50).nak).toEqual({ packets: 1, numbers: 3, arrived: 1, onTheWay: 1 });
    send(meter, 3, true, 60, 30, true);
    meter.fromReceiver(packets.srtNak(3), 70);
    meter.fromReceiver(packets.srtNak(3), 95);
    expect(meter.report(100).nak).toEqual({ packets: 3, numbers: 5, arrived: 2, onTheWay: 2 });
  });

  it('goes on across the wrap of the sequence numbers', () => {
    const meter = new BondMeter();
    send(meter, 0x7ffffffe, true, 0);
    send(meter, 0x7fffffff, false, 1);
    send(meter, 0, false, 2);
    send(meter, 1, true, 3);
    meter.fromReceiver(packets.srtNak(...range(0x7fffffff, 0)), 40);
    expect(meter.report(50).losses).toEqual([
      { delayMs: 30, nakMs: 8 },
      { delayMs: 30, nakMs: 9 },
    ]);
  });

  it('counts ACKs, full and light', () => {
    const meter = new BondMeter();
    meter.fromReceiver(packets.srtAck(5), 0);
    meter.fromReceiver(Uint8Array.from([...packets.srtAck(5), ...Array<number>(24).fill(0)]), 0);
    expect(meter.report(1).ack).toEqual({ full: 1, light: 1 });
  });

  it('takes whatever comes from the network', () => {
    const meter = new BondMeter();
    for (const bytes of [
      new Uint8Array(),
      Uint8Array.of(0x80, 3),
      packets.srtNak(0xffffffff),
      packets.srtNak(...range(5, 4)),
      packets.srtNak(...range(0, 0x7ffffffe)),
      packets.data(1).subarray(0, 15),
    ]) {
      meter.fromEncoder(bytes, 0);
      meter.onLink(bytes, true, 0);
      meter.fromReceiver(bytes, 0);
    }
    expect(meter.report(0).firstCopies.sent).toBe(0);
  });
});
