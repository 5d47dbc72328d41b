import { describe, expect, it } from 'vitest';
import { packets, range, SenderHarness } from '../../test/support/sender-harness.ts';

const LAST = 0x7fffffff;
const windowOf = (sender: SenderHarness, link: number): number => Math.round(sender.link(link).windowPackets * 1000);
const sendMany = (sender: SenderHarness, first: number, count: number): void => {
  for (let i = 0; i < count; i++) sender.encode(packets.data((first + i) & LAST));
};

describe('choice of a link', () => {
  it('takes the highest window / (in flight + 1), the first on a tie', () => {
    const sender = SenderHarness.registered([1, 2, 3]);
    sendMany(sender, 100, 6);
    expect(sender.take()).toEqual(['1:srt', '2:srt', '3:srt', '1:srt', '2:srt', '3:srt']);
  });

  it('divides as integers: scores that differ only in the fraction tie', () => {
    const sender = new SenderHarness([1, 2]);
    sender.pass(100);
    sender.hear(2, packets.ngp);
    sender.hear(2, packets.reg2(0xaa));
    sender.hear(2, packets.reg3);
    sender.hear(2, packets.srtlaAck(1));
    sender.hear(1, packets.reg3);
    sender.hear(1, packets.srtlaAck(1));
    expect([windowOf(sender, 1), windowOf(sender, 2)]).toEqual([20_001, 20_002]);
    sender.take();
    sendMany(sender, 10, 5);
    // The last choice: 20001 / 3 and 20002 / 3 are both 6667.
    expect(sender.take()).toEqual(['2:srt', '1:srt', '2:srt', '1:srt', '1:srt']);
  });

  it('sends SRT control the same way, without counting it as in flight', () => {
    const sender = SenderHarness.registered([1, 2]);
    sender.encode(packets.data(1));
    sender.encode(packets.handshake);
    sender.encode(packets.handshake);
    expect(sender.take()).toEqual(['1:srt', '2:srt', '2:srt']);
    expect([sender.link(1).inFlightPackets, sender.link(2).inFlightPackets]).toEqual([1, 0]);
  });
});

describe('SRTLA ACK', () => {
  it('adds 1 to every link for each number, known or not', () => {
    const sender = SenderHarness.registered([1, 2]);
    sender.hear(2, packets.srtlaAck(5, 6, 7));
    expect([windowOf(sender, 1), windowOf(sender, 2)]).toEqual([20_003, 20_003]);
  });

  it('adds 29 more only while the link is busier than its window', () => {
    const sender = SenderHarness.registered([1]);
    sendMany(sender, 1, 22);
    // In flight after the first: 21 000 > 20 000; after the second: 20 000 ≤ 20 030.
    sender.hear(1, packets.srtlaAck(1));
    expect(windowOf(sender, 1)).toBe(20_030);
    sender.hear(1, packets.srtlaAck(2));
    expect(windowOf(sender, 1)).toBe(20_031);
    expect(sender.link(1).inFlightPackets).toBe(20);
  });

  it('frees a number once, on whichever link it was sent, wherever the ACK arrives', () => {
    const sender = SenderHarness.registered([1, 2]);
    sendMany(sender, 1, 2);
    sender.hear(2, packets.srtlaAck(1, 1));
    expect([sender.link(1).inFlightPackets, sender.link(2).inFlightPackets]).toEqual([0, 1]);
  });

  it('stops at 60000', () => {
    const sender = SenderHarness.registered([1]);
    for (let i = 0; i < 5_000; i++) sender.hear(1, packets.srtlaAck(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    expect(windowOf(sender, 1)).toBe(60_000);
  });

  it('leaves a link alone that has never been heard from', () => {
    const sender = SenderHarness.registered([1]);
    sender.core.addLink(2, sender.now);
    sender.hear(1, packets.srtlaAck(1));
    expect(windowOf(sender, 2)).toBe(20_000);
  });

  it('does not open the window of a link that has timed out', () => {
    const sender = SenderHarness.registered([1, 2]);
    for (let second = 0; second < 8; second++) {
      sender.hear(1, packets.srtlaAck(1, 2, 3));
      sender.pass(1_000);
    }
    expect(windowOf(sender, 1)).toBe(20_024);
    expect(windowOf(sender, 2)).toBeLessThanOrEqual(1_003);
  });
});

describe('SRT NAK', () => {
  it('takes 100 for each number from the link that sent it, and leaves in flight as it is', () => {
    const sender = SenderHarness.registered([1, 2]);
    sendMany(sender, 1000, 10);
    sender.hear(1, packets.srtNak(1000, 1001, 1002));
    expect([windowOf(sender, 1), windowOf(sender, 2)]).toEqual([19_800, 19_900]);
    expect([sender.link(1).inFlightPackets, sender.link(2).inFlightPackets]).toEqual([5, 5]);
    sender.hear(1, packets.srtAck(1003));
    expect([sender.link(1).inFlightPackets, sender.link(2).inFlightPackets]).toEqual([3, 4]);
  });

  it('reads ranges, and a second copy does no harm', () => {
    const sender = SenderHarness.registered([1]);
    sendMany(sender, 1000, 30);
    const nak = packets.srtNak(1005, ...range(1010, 1014), 1020);
    sender.hear(1, nak);
    sender.hear(1, nak);
    expect(windowOf(sender, 1)).toBe(20_000 - 700);
  });

  it('stops at 1000', () => {
    const sender = SenderHarness.registered([1]);
    sendMany(sender, 0, 250);
    sender.hear(1, packets.srtNak(...range(0, 249)));
    expect(windowOf(sender, 1)).toBe(1_000);
  });

  it('cuts absurd ranges to what can have been sent', () => {
    const sender = SenderHarness.registered([1]);
    sendMany(sender, 100, 5);
    sender.hear(1, packets.srtNak(...range(0x30000000, 0x2fffffff), ...range(102, 0x3fffffff)));
    expect(windowOf(sender, 1)).toBe(20_000 - 300);
    expect(sender.link(1).nakedPackets).toBe(3);
  });

  it('a retransmission does not move the newest number back', () => {
    const sender = SenderHarness.registered([1]);
    sendMany(sender, 100, 10);
    sender.encode(packets.data(100, true));
    sender.hear(1, packets.srtNak(...range(105, 109)));
    expect(windowOf(sender, 1)).toBe(19_500);
  });
});

describe('SRT ACK', () => {
  it('empties every log up to the next expected number and recounts', () => {
    const sender = SenderHarness.registered([1, 2]);
    sendMany(sender, 10, 10);
    sender.hear(2, packets.srtAck(17));
    expect([sender.link(1).inFlightPackets, sender.link(2).inFlightPackets]).toEqual([1, 2]);
  });

  it('counts on across the wrap of sequence numbers', () => {
    const sender = SenderHarness.registered([1]);
    sendMany(sender, LAST - 4, 10);
    sender.hear(1, packets.srtAck(LAST - 1));
    expect(sender.link(1).inFlightPackets).toBe(7);
    sender.hear(1, packets.srtNak(...range(LAST, 1)));
    expect(windowOf(sender, 1)).toBe(19_700);
    sender.hear(1, packets.srtAck(2));
    expect(sender.link(1).inFlightPackets).toBe(3);
    sender.hear(1, packets.srtlaAck(2, 3, 4));
    expect(sender.link(1).inFlightPackets).toBe(0);
  });

  it('numbers pushed out of the log of 256 stay in flight until then', () => {
    const sender = SenderHarness.registered([1]);
    sendMany(sender, 0, 300);
    sender.hear(1, packets.srtlaAck(0));
    expect(sender.link(1).inFlightPackets).toBe(300);
    sender.hear(1, packets.srtAck(100));
    expect(sender.link(1).inFlightPackets).toBe(200);
    sender.hear(1, packets.srtAck(0));
    expect(sender.link(1).inFlightPackets).toBe(200);
  });
});
