import { describe, expect, it } from 'vitest';
import { packets, SENDER_ID, SenderHarness } from '../../test/support/sender-harness.ts';
import { parseTelemetry, type TelemetryFields } from '../srtla/packet.ts';
import { BEL, MOBLIN, type Profile, SND, withKeepalive } from './profile.ts';
import { createSenderCore } from './sender-core.ts';

const keepalives = (sender: SenderHarness, link: number): Uint8Array[] =>
  sender.sent.filter(({ link: id, bytes }) => id === link && bytes[0] === 0x90).map(({ bytes }) => bytes);
const data = (sender: SenderHarness, link: number): number[] =>
  sender.sent
    .filter(({ link: id, bytes }) => id === link && bytes.length === 1332)
    .map(({ bytes }) => new DataView(bytes.buffer).getUint32(0));
/** Everything that a link says, except one link, while time passes. */
const passAlive = (sender: SenderHarness, ms: number, ...links: number[]): void => {
  for (let passed = 0; passed < ms; passed += 500) {
    for (const link of links) sender.hear(link, packets.keepalive);
    sender.pass(500);
  }
};

describe('every profile', () => {
  it.each([BEL, MOBLIN, SND])('$name: links are added, removed, blocked and unblocked', (profile: Profile) => {
    const sender = SenderHarness.registered([1, 2], profile);
    expect(sender.core.snapshot(sender.now)).toMatchObject({ profile: profile.name, linksUp: 2 });
    sender.core.addLink(3, sender.now);
    passAlive(sender, 1_500, 1, 2);
    expect(sender.take()).toContain('3:REG2');
    sender.hear(3, packets.reg3);
    expect(sender.link(3).state).toBe('up');

    sender.core.setBlocked(2, true);
    sender.take();
    passAlive(sender, 6_500, 1, 3);
    expect(sender.takeEvents()).toContain('link-down 2 timeout');
    expect(sender.take().filter((text) => text.startsWith('2:'))).toEqual([]);
    sender.core.setBlocked(2, false);
    passAlive(sender, 6_500, 1, 3);
    expect(sender.take()).toContain('2:REG2');
    sender.hear(2, packets.reg3);
    expect(sender.link(2).state).toBe('up');

    sender.remove(1);
    sender.take();
    for (const link of [2, 3]) sender.hear(link, packets.keepalive);
    for (let i = 0; i < 40; i++) sender.encode(packets.data(i));
    sender.pass(100);
    const used = new Set(sender.take().map((text) => text.split(':')[0]));
    expect(used).toEqual(new Set(['2', '3']));
  });

  it.each([BEL, MOBLIN, SND])('$name: the silent link goes after its time, and knocks with the known id', (profile) => {
    const sender = SenderHarness.registered([1, 2], profile);
    passAlive(sender, profile.linkTimeoutMs - 500, 1);
    expect(sender.takeEvents()).toEqual([]);
    passAlive(sender, 2_000, 1);
    expect(sender.takeEvents()).toEqual(['link-down 2 timeout']);
    sender.take();
    passAlive(sender, 11_000, 1);
    const knocks = sender.sent.filter(({ link, bytes }) => link === 2 && bytes.length === 258);
    expect(knocks.every(({ bytes }) => Buffer.from(bytes).equals(packets.reg2(0xaa)))).toBe(true);
    // 1 s on the same socket, or a new socket each 5 s.
    expect(knocks.length).toBe(profile === BEL ? 11 : 2);
    expect(sender.renewed.length).toBe(profile === BEL ? 0 : 3);
  });
});

describe('Moblin', () => {
  it('takes the first NGP only, asks with an id of its own for it, once', () => {
    let drawn = 0;
    const sent: Uint8Array[] = [];
    const out = {
      sendOnLink: (_link: number, bytes: Uint8Array) => void sent.push(bytes),
      sendToEncoder: () => {},
      renewSocket: () => {},
      event: () => {},
    };
    const core = createSenderCore(MOBLIN, [1, 2], (count) => new Uint8Array(count).fill(++drawn), 0);
    core.tick(0, out);
    core.fromLink(2, packets.ngp, 50, out);
    core.fromLink(1, packets.ngp, 60, out);
    for (let now = 100; now < 4_900; now += 100) core.tick(now, out);
    expect(sent.map((bytes) => `${bytes[1]}:${bytes[2]}`)).toEqual(['1:1', '1:1', '0:2']);
  });

  it('starts a link anew whose REG1 has no answer for 5 s', () => {
    const sender = new SenderHarness([1], MOBLIN);
    sender.pass(100);
    sender.hear(1, packets.ngp);
    sender.take();
    sender.pass(5_200);
    expect(sender.renewed).toEqual([1]);
    expect(sender.take()).toEqual(['1:REG2']);
  });

  it('sends a keepalive of ten bytes each second whatever else it sends, and reads the round trip from the echo', () => {
    const sender = SenderHarness.registered([1], MOBLIN);
    for (let i = 0; i < 30; i++) {
      sender.encode(packets.data(i));
      sender.hear(1, packets.srtAck(i));
      sender.pass(100);
    }
    const sent = keepalives(sender, 1);
    expect(sent.map((bytes) => bytes.length)).toEqual([10, 10, 10]);
    const last = sent.at(-1)!;
    const sentMs = Number(new DataView(last.buffer).getBigUint64(2));
    sender.hear(1, last);
    expect(sender.link(1).rttMs).toBe(Math.floor(sender.now) - sentMs);
  });

  it('keeps data back for 15 packets or 15 ms, and lets control overtake', () => {
    const sender = SenderHarness.registered([1], MOBLIN);
    sender.take();
    for (let i = 0; i < 14; i++) sender.encode(packets.data(i));
    sender.encode(packets.handshake);
    expect(sender.take()).toEqual(['1:srt']);
    expect(sender.core.nextTickMs(sender.now)).toBe(15);
    sender.encode(packets.data(14));
    expect(data(sender, 1)).toEqual(Array.from({ length: 15 }, (_, i) => i));
    sender.take();
    sender.encode(packets.data(15));
    expect(sender.sent).toEqual([]);
    sender.now += 15;
    sender.tick();
    expect(data(sender, 1)).toEqual([15]);
    expect(sender.core.nextTickMs(sender.now)).toBe(100);
  });

  it('takes a lost packet out of flight at once, whatever its age', () => {
    const sender = SenderHarness.registered([1], MOBLIN);
    for (let i = 0; i < 400; i++) sender.encode(packets.data(i));
    sender.hear(1, packets.srtNak(0, 399));
    expect(sender.link(1)).toMatchObject({ inFlightPackets: 398, nakedPackets: 2 });
  });

  it('prefers links by priority while their windows are open, not when they are weak', () => {
    const share = (lost: number): number => {
      const sender = SenderHarness.registered([1, 2], MOBLIN);
      sender.core.setPriority(2, 3);
      for (let i = 0; i < lost; i++) {
        sender.encode(packets.data(10_000 + i));
        sender.hear(1, packets.srtNak(10_000 + i));
      }
      sender.hear(1, packets.srtAck(11_000));
      const before = sender.core.snapshot(sender.now).links[1]!.sentPackets;
      for (let i = 0; i < 80; i++) sender.encode(packets.data(i));
      return (sender.core.snapshot(sender.now).links[1]!.sentPackets - before) / 80;
    };
    expect(share(0)).toBeGreaterThan(0.7);
    // Both windows below 10 packets.
    expect(share(250)).toBeLessThan(0.6);
  });

  it('begins with a new id when all links have been gone for long, and ignores NGP until then', () => {
    const sender = SenderHarness.registered([1], MOBLIN);
    sender.pass(6_000);
    sender.hear(1, packets.ngp);
    expect(sender.take()).not.toContain('1:REG1');
    sender.pass(5_000);
    expect(sender.core.snapshot(sender.now).registered).toBe(false);
    sender.hear(1, packets.ngp);
    expect(sender.take()).toContain('1:REG1');
  });
});

describe('snd', () => {
  it('waits for the NGPs of all links and asks on the fastest, at a full second', () => {
    const sender = new SenderHarness([1, 2, 3], SND);
    sender.pass(100);
    sender.now += 60;
    sender.hear(3, packets.ngp);
    sender.now += 30;
    sender.hear(1, packets.ngp);
    expect(sender.take()).toEqual(['1:REG2', '2:REG2', '3:REG2']);
    sender.pass(1_900);
    // The third has not answered within 2 s.
    expect(sender.take()).toEqual([]);
    sender.pass(1_100);
    expect(sender.take()).toEqual(['3:REG1']);
    sender.hear(3, packets.reg2(0xaa));
    expect(sender.take()).toEqual([]);
    sender.pass(1_000);
    expect(sender.take()).toEqual(['1:REG2', '2:REG2', '3:REG2']);
  });

  it.each([38, 42] as const)('tells window, flight, losses and rate in keepalives of %i bytes', (length) => {
    const sender = SenderHarness.registered([1], withKeepalive(SND, length));
    passAlive(sender, 500, 1);
    for (let i = 0; i < 20; i++) sender.encode(packets.data(i));
    sender.hear(1, packets.srtNak(3));
    passAlive(sender, 500, 1);
    const sent = keepalives(sender, 1).at(-1);
    expect(sent!.length).toBe(length);
    const fields: TelemetryFields = {
      connectionId: 0,
      windowPackets: 0,
      inFlightPackets: 0,
      rttMs: 0,
      nakCount: 0,
      bitrateKbps: 0,
      inMicroseconds: false,
    };
    parseTelemetry(sent!, fields);
    const id = new DataView(SENDER_ID.buffer).getUint32(0);
    expect(fields).toMatchObject({ connectionId: id, windowPackets: 19.9, inFlightPackets: 20, nakCount: 1 });
    expect(fields.inMicroseconds).toBe(length === 42);
    expect(fields.bitrateKbps).toBeGreaterThan(100);
  });

  it('sends a second keepalive while no round trip is known for 3 s', () => {
    const sender = SenderHarness.registered([1], SND);
    passAlive(sender, 3_000, 1);
    expect(keepalives(sender, 1).length).toBe(3);
    sender.take();
    passAlive(sender, 2_000, 1);
    expect(keepalives(sender, 1).length).toBe(4);
    sender.hear(1, keepalives(sender, 1).at(-1)!);
    sender.take();
    passAlive(sender, 2_000, 1);
    expect(keepalives(sender, 1).length).toBe(2);
  });

  it('keeps everything of the encoder back in order, by the rate of the link', () => {
    const sender = SenderHarness.registered([1], SND);
    sender.take();
    for (let i = 0; i < 3; i++) sender.encode(packets.data(i));
    sender.encode(packets.handshake);
    expect(sender.sent.map(({ bytes }) => bytes.length)).toEqual([1332, 1332, 1332, 64]);
    sender.take();
    // 400 packets within a second are more than 500 kbit/s: sixteen at once.
    for (let i = 0; i < 400; i++) sender.encode(packets.data(100 + i));
    const before = sender.sent.length;
    for (let i = 0; i < 31; i++) sender.encode(packets.data(1_000 + i));
    expect(sender.sent.length - before).toBeLessThan(31);
  });

  it('sends retransmissions to the best link whichever it used last', () => {
    const sender = SenderHarness.registered([1, 2], SND);
    sender.take();
    for (let i = 0; i < 24; i++) sender.encode(packets.data(i));
    sender.pass(100);
    const [one, two] = [data(sender, 1), data(sender, 2)];
    const last = one.includes(23) ? 1 : 2;
    sender.hear(1, packets.srtNak(...(last === 1 ? one : two)));
    sender.pass(100);
    sender.take();
    sender.encode(packets.data(0, true));
    sender.pass(100);
    expect(sender.take()).toEqual([`${3 - last}:srt`]);
  });

  it('leaves a link alone that proves nothing, and sends one packet in a hundred there as well', () => {
    const sender = SenderHarness.registered([1, 2], SND);
    let sequence = 0;
    const stream = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 100) {
        for (let i = 0; i < 40; i++) sender.encode(packets.data(sequence++));
        sender.pass(100);
        // Only link 1 delivers; both hear that something lives.
        const delivered = data(sender, 1).slice(-40);
        for (let at = 0; at < delivered.length; at += 10)
          sender.hear(1, packets.srtlaAck(...delivered.slice(at, at + 10)));
        sender.hear(2, packets.keepalive);
      }
    };
    stream(2_000);
    sender.take();
    const before = sender.link(2).sentPackets;
    stream(2_000);
    const sent = data(sender, 2);
    expect(sent.length).toBe(sender.link(2).sentPackets - before);
    expect(sent.length).toBe(8);
    // Each of them went out on the good link too.
    expect(sent.every((each) => data(sender, 1).includes(each))).toBe(true);
    expect(sender.core.snapshot(sender.now).probePackets).toBeGreaterThanOrEqual(8);
  });

  it('a refused link stays out of use for 4 s', () => {
    const sender = SenderHarness.registered([1, 2], SND);
    sender.hear(2, packets.regErr);
    expect(sender.takeEvents()).toEqual(['registration-refused 2', 'link-down 2 refused']);
    sender.take();
    passAlive(sender, 3_500, 1);
    expect(sender.take().filter((text) => text === '2:REG2')).toEqual([]);
    passAlive(sender, 3_000, 1);
    expect(sender.take()).toContain('2:REG2');
  });

  it('opens a window again that losses have closed', () => {
    const sender = SenderHarness.registered([1], SND);
    for (let i = 0; i < 200; i++) sender.encode(packets.data(i));
    sender.hear(1, packets.srtNak((0 | 0x80000000) >>> 0, 199));
    const shut = sender.link(1).windowPackets;
    passAlive(sender, 12_000, 1);
    expect(sender.link(1).windowPackets).toBeGreaterThan(shut);
  });
});
