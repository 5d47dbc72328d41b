import { describe, expect, it } from 'vitest';
import { packets, SENDER_ID, SenderHarness } from '../../test/support/sender-harness.ts';

const idOf = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(2)).toString('hex');

describe('registration', () => {
  it('probes on all links, asks on the first that says no group, then registers all', () => {
    const sender = new SenderHarness([1, 2, 3]);
    sender.pass(100);
    expect(sender.sent.every(({ bytes }) => idOf(bytes) === Buffer.from(SENDER_ID).toString('hex'))).toBe(true);
    expect(sender.take()).toEqual(['1:REG2', '2:REG2', '3:REG2']);
    sender.hear(2, packets.ngp);
    sender.hear(1, packets.ngp);
    sender.hear(3, packets.ngp);
    expect(idOf(sender.sent[0]!.bytes)).toBe(Buffer.from(SENDER_ID).toString('hex'));
    expect(sender.take()).toEqual(['2:REG1']);
    sender.hear(2, packets.reg2(0xaa));
    expect(sender.sent.every(({ bytes }) => Buffer.from(bytes).equals(packets.reg2(0xaa)))).toBe(true);
    expect(sender.take()).toEqual(['1:REG2', '2:REG2', '3:REG2']);
    sender.hear(3, packets.reg3);
    sender.hear(1, packets.reg3);
    expect(sender.takeEvents()).toEqual(['group-registered', 'link-up 3', 'link-up 1']);
    expect(sender.core.snapshot(sender.now)).toMatchObject({ registered: true, linksUp: 2 });
    expect(sender.link(2).state).toBe('joining');
  });

  it('repeats a REG1 whose REG2 is lost each second, and takes up to 4 s for it', () => {
    const sender = new SenderHarness([1, 2]);
    sender.pass(100);
    sender.hear(1, packets.ngp);
    sender.take();
    sender.pass(3_900);
    expect(sender.take()).toEqual(['1:REG1', '1:REG1', '1:REG1']);
    sender.hear(1, packets.reg2(0xaa));
    expect(sender.take()).toEqual(['1:REG2', '2:REG2']);
  });

  it('starts over with probes when a REG1 stays without answer', () => {
    const sender = new SenderHarness([1, 2]);
    sender.pass(100);
    sender.hear(1, packets.ngp);
    sender.pass(4_000);
    expect(sender.take()).toEqual(['1:REG2', '2:REG2', '1:REG1', '1:REG1', '1:REG1', '1:REG1', '1:REG2', '2:REG2']);
    sender.hear(1, packets.reg2(0xaa));
    expect(sender.core.snapshot(sender.now).registered).toBe(false);
    sender.hear(2, packets.ngp);
    expect(sender.take()).toEqual(['2:REG1']);
  });

  it('does not start a second group for a late NGP while REG3 is under way', () => {
    const sender = new SenderHarness([1, 2]);
    sender.pass(100);
    sender.hear(1, packets.ngp);
    sender.hear(1, packets.reg2(0xaa));
    sender.take();
    sender.hear(2, packets.ngp);
    expect(sender.take()).toEqual([]);
  });

  it.each([
    ['one byte short', packets.reg2(0xaa).subarray(0, 257)],
    ['one byte long', Uint8Array.from([...packets.reg2(0xaa), 0])],
    ["another sender's half", packets.reg2(0xaa).with(2, 0x77)],
  ])('ignores a REG2 with %s', (_what, bytes) => {
    const sender = new SenderHarness([1]);
    sender.pass(100);
    sender.hear(1, packets.ngp);
    sender.take();
    sender.hear(1, bytes);
    expect(sender.take()).toEqual([]);
    expect(sender.core.snapshot(sender.now).registered).toBe(false);
  });

  it('repeats REG2 each second on the links that have no REG3 yet', () => {
    const sender = new SenderHarness([1, 2]);
    sender.pass(100);
    sender.hear(1, packets.ngp);
    sender.hear(1, packets.reg2(0xaa));
    sender.hear(1, packets.reg3);
    sender.take();
    sender.pass(1_000);
    expect(sender.take().filter((text) => text !== '1:keepalive')).toEqual(['2:REG2']);
  });

  it('takes REG3 for nothing before a group is registered', () => {
    const sender = new SenderHarness([1]);
    sender.pass(100);
    sender.hear(1, packets.reg3);
    expect(sender.link(1).state).toBe('joining');
  });

  it('counts a refusal, and asks again after it', () => {
    const sender = new SenderHarness([1]);
    sender.pass(100);
    sender.hear(1, packets.ngp);
    sender.hear(1, packets.regErr);
    sender.take();
    expect(sender.takeEvents()).toEqual(['registration-refused 1']);
    sender.pass(1_000);
    sender.hear(1, packets.ngp);
    expect(sender.take()).toEqual(['1:REG2', '1:REG1']);
  });
});

describe('a running group', () => {
  it('gives a silent link up after 4 s and knocks each second with the known id', () => {
    const sender = SenderHarness.registered([1, 2]);
    for (let second = 0; second < 6; second++) {
      sender.hear(1, packets.keepalive);
      sender.pass(1_000);
    }
    expect(sender.takeEvents()).toEqual(['link-down 2 timeout']);
    const knocks = sender.sent.filter(({ link, bytes }) => link === 2 && bytes.length === 258);
    expect(knocks.length).toBe(3);
    expect(knocks.every(({ bytes }) => Buffer.from(bytes).equals(packets.reg2(0xaa)))).toBe(true);
    expect(sender.link(2)).toMatchObject({ state: 'dead', windowPackets: 1, inFlightPackets: 0 });
    sender.hear(2, packets.reg3);
    expect(sender.takeEvents()).toEqual(['link-up 2']);
  });

  it('ignores NGP while a link is up', () => {
    const sender = SenderHarness.registered([1, 2]);
    sender.pass(3_000);
    sender.hear(1, packets.keepalive);
    sender.pass(1_000);
    sender.take();
    sender.hear(2, packets.ngp);
    expect(sender.take()).toEqual([]);
  });

  it('registers anew when the receiver has forgotten the group', () => {
    const sender = SenderHarness.registered([1, 2]);
    sender.pass(4_000);
    expect(sender.takeEvents()).toEqual(['link-down 1 timeout', 'link-down 2 timeout']);
    sender.take();
    sender.hear(2, packets.ngp);
    expect(idOf(sender.sent[0]!.bytes)).toBe(idOf(packets.reg2(0xaa)));
    expect(sender.take()).toEqual(['2:REG1']);
    sender.hear(2, packets.reg2(0xbb));
    expect(sender.sent.every(({ bytes }) => Buffer.from(bytes).equals(packets.reg2(0xbb)))).toBe(true);
    expect(sender.take()).toEqual(['1:REG2', '2:REG2']);
    // Under the old id it was confirmed; under the new one it is not yet.
    sender.hear(1, packets.keepalive);
    expect(sender.link(1).state).toBe('dead');
    sender.hear(1, packets.reg3);
    expect(sender.link(1).state).toBe('up');
  });

  it('REG2 and NGP are no life signs, anything else is', () => {
    const sender = SenderHarness.registered([1]);
    sender.pass(3_000);
    sender.hear(1, packets.ngp);
    sender.hear(1, packets.reg2(0xaa));
    expect(sender.link(1).lastHeardMs).toBe(3_000);
    sender.hear(1, packets.keepalive);
    expect(sender.link(1).lastHeardMs).toBe(0);
  });

  it('sends keepalives of two bytes from 2 s without traffic on, each second', () => {
    const sender = SenderHarness.registered([1]);
    sender.encode(packets.data(1));
    expect(sender.take()).toEqual(['1:srt']);
    sender.pass(1_900);
    expect(sender.take()).toEqual([]);
    sender.hear(1, packets.keepalive);
    sender.pass(2_100);
    expect(sender.sent.map(({ bytes }) => [...bytes])).toEqual([
      [0x90, 0],
      [0x90, 0],
      [0x90, 0],
    ]);
  });

  it('leaves a link alone after a send error until something is heard on it', () => {
    const sender = SenderHarness.registered([1, 2]);
    sender.fail(1);
    expect(sender.takeEvents()).toEqual(['link-down 1 send-error']);
    for (let i = 0; i < 5; i++) sender.encode(packets.data(i));
    expect(new Set(sender.take())).toEqual(new Set(['2:srt']));
    sender.hear(1, packets.keepalive);
    expect(sender.link(1)).toMatchObject({ state: 'up', sendErrors: 1 });
  });

  it('drops and counts what the encoder sends while no link is up', () => {
    const sender = new SenderHarness([1]);
    sender.encode(packets.handshake);
    expect(sender.take()).toEqual([]);
    expect(sender.core.snapshot(sender.now).droppedPackets).toBe(1);
  });

  it('hands SRT to the encoder byte for byte and keeps SRTLA to itself', () => {
    const sender = SenderHarness.registered([1]);
    for (const bytes of [packets.keepalive, packets.srtlaAck(1), packets.regErr, packets.ngp, packets.reg3]) {
      sender.hear(1, bytes);
    }
    expect(sender.toEncoder).toEqual([]);
    for (const bytes of [packets.srtAck(1), packets.srtNak(1), packets.handshake, packets.shutdown]) {
      sender.hear(1, bytes);
      expect(sender.toEncoder.pop()).toBe(bytes);
    }
  });

  it("reports the encoder's SHUTDOWN", () => {
    const sender = SenderHarness.registered([1]);
    sender.encode(packets.shutdown);
    expect(sender.takeEvents()).toEqual(['encoder-shutdown']);
    expect(sender.take()).toEqual(['1:srt']);
  });
});

describe('links at run time', () => {
  it('a new link joins the group, a removed one is silent', () => {
    const sender = SenderHarness.registered([1]);
    sender.core.addLink(2, sender.now);
    sender.pass(100);
    expect(sender.take()).toContain('2:REG2');
    sender.hear(2, packets.reg3);
    expect(sender.link(2).state).toBe('up');
    sender.remove(1);
    expect(sender.takeEvents()).toEqual(['link-up 2', 'link-down 1 removed']);
    sender.hear(1, packets.srtAck(1));
    expect(sender.toEncoder).toEqual([]);
    sender.encode(packets.data(1));
    expect(sender.take()).toEqual(['2:srt']);
  });

  it('a removed link takes its REG1 with it', () => {
    const sender = new SenderHarness([1, 2]);
    sender.pass(100);
    sender.hear(1, packets.ngp);
    sender.remove(1);
    sender.hear(2, packets.ngp);
    expect(sender.take()).toEqual(['1:REG2', '2:REG2', '1:REG1', '2:REG1']);
  });

  it('a blocked link swallows both directions without a sign, until it times out', () => {
    const sender = SenderHarness.registered([1]);
    sender.core.setBlocked(1, true);
    sender.encode(packets.data(7));
    sender.hear(1, packets.srtAck(8));
    expect(sender.take()).toEqual([]);
    expect(sender.toEncoder).toEqual([]);
    expect(sender.link(1)).toMatchObject({ state: 'up', inFlightPackets: 1, blocked: true });
    sender.pass(4_000);
    expect(sender.takeEvents()).toEqual(['link-down 1 timeout']);
    sender.core.setBlocked(1, false);
    sender.pass(1_000);
    expect(sender.take()).toEqual(['1:REG2']);
  });
});
