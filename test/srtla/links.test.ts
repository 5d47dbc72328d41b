import { describe, expect, it } from 'vitest';
import { ackAck, data, fromHex, padded, reg1, reg2, SERVER, toHex } from './packets.ts';
import { receivers, toPeer, toServer, World } from './world.ts';

const live = (peers = [1, 2]): { world: World; session: number } => {
  // Repair has tests of its own: here numbers may come twice, or be far from each other.
  const world = new World({ lossDetection: 'plain' });
  world.register(peers);
  return { world, session: world.connect(peers[0]!) };
};
const link = (world: World, index = 0) => world.core.snapshot(world.now).groups[0]!.links[index]!;

describe('keepalives', () => {
  const EXTENDED = '9000000000000001e240c01f00010000000700004e200000000c00000057000000040004c4b4';

  it('are echoed: bare ones in 32 bytes, all others as they are', () => {
    const { world } = live();
    expect(toPeer(world.receive(1, fromHex('9000')), 1)).toEqual([padded('9000')]);
    expect(toPeer(world.receive(1, fromHex('9000abcdef')), 1)).toEqual([padded('9000abcdef')]);
    // The longer echo before it leaves no trace.
    expect(toPeer(world.receive(1, fromHex('9000')), 1)).toEqual([padded('9000')]);
    for (const bytes of [10, 11, 31, 32, 38, 42, 43, 1500]) {
      const packet = new Uint8Array(bytes).fill(7);
      packet.set([0x90, 0x00]);
      const effects = world.receive(2, packet);
      expect(effects.length).toBe(1);
      expect(toPeer(effects, 2)).toEqual([toHex(packet)]);
    }
  });

  it('tell what the sender knows of the link, with the age of the news', () => {
    const { world } = live();
    expect(link(world).telemetry).toBeUndefined();
    world.receive(1, fromHex(EXTENDED));
    world.advance(700);
    expect(link(world).telemetry).toEqual({
      connectionId: 7,
      windowPackets: 20,
      inFlightPackets: 12,
      rttMs: 87,
      nakCount: 4,
      bitrateKbps: 2500,
      inMicroseconds: false,
      ageMs: 700,
    });
    expect(link(world, 1).telemetry).toBeUndefined();
  });

  it('of an unknown version are echoed, counted and not read', () => {
    const { world } = live();
    const unknown = EXTENDED.replace('c01f0001', 'c01f0002');
    expect(toPeer(world.receive(1, fromHex(unknown)), 1)).toEqual([unknown]);
    expect(link(world).telemetry).toBeUndefined();
    expect(world.counter('telemetryUnknown')).toBe(1);
  });

  it('keep a link alive without counting as its traffic', () => {
    const { world } = live();
    const before = link(world);
    world.advanceAlive(20_000, 1, 2);
    expect(link(world)).toMatchObject({ bytes: before.bytes, packets: before.packets, state: 'active' });
    expect(link(world).windowBytes).toBe(0);
  });
});

describe('the SRTLA ACK', () => {
  it('lists ten packets in order of arrival, on their link only', () => {
    const { world } = live();
    const order = [9, 3, 0x7fffffff, 0, 1, 2, 4, 5, 6];
    for (const sequence of order) expect(receivers(world.receive(2, data(sequence)))).toEqual([]);
    world.receive(1, data(100));
    const tenth = world.receive(2, data(3));
    expect(toPeer(tenth, 2)).toEqual([`91000000${[...order, 3].map((n) => n.toString(16).padStart(8, '0')).join('')}`]);
    expect(receivers(tenth)).toEqual([2]);
  });

  it('comes 30 ms after the first packet it lists, with as many as there are', () => {
    const { world } = live();
    world.receive(1, data(5));
    expect(receivers(world.advance(20))).toEqual([]);
    world.receive(1, data(6));
    const flushed = world.advance(10);
    expect(toPeer(flushed, 1)).toEqual(['910000000000000500000006']);
    expect(receivers(world.advance(500))).toEqual([]);
  });

  it('lists retransmissions, and a number on every link that brought it', () => {
    const { world } = live();
    world.receive(1, data(5));
    world.receive(2, data(5));
    world.receive(2, data(5, { retransmitted: true }));
    const flushed = world.advance(30);
    expect(toPeer(flushed, 1)).toEqual(['9100000000000005']);
    expect(toPeer(flushed, 2)).toEqual(['910000000000000500000005']);
  });

  it('lists packets that are not forwarded: the link has brought them', () => {
    const world = new World();
    world.register([1]);
    world.receive(1, data(5));
    expect(toPeer(world.advance(30), 1)).toEqual(['9100000000000005']);
  });

  it('leaves control packets out', () => {
    const { world } = live();
    for (let i = 0; i < 20; i++) world.receive(1, ackAck(SERVER));
    expect(receivers(world.advance(100))).toEqual([]);
  });
});

describe('counting', () => {
  it('is by SRT datagrams: data and control, with retransmissions apart', () => {
    const { world } = live();
    const before = link(world, 1);
    world.receive(2, data(1, { bytes: 1332 }));
    world.receive(2, data(1, { bytes: 1332, retransmitted: true }));
    world.receive(2, ackAck(SERVER));
    world.receive(2, fromHex('9000'));
    expect(link(world, 1)).toMatchObject({
      bytes: before.bytes + 2684,
      packets: before.packets + 3,
      dataPackets: before.dataPackets + 2,
      retransmittedPackets: 1,
      windowBytes: before.windowBytes + 2684,
    });
  });

  it('keeps the bytes of links that have left in the group', () => {
    const { world } = live();
    world.receive(2, data(1, { bytes: 1000 }));
    const { totalBytes } = world.core.snapshot(world.now).groups[0]!;
    world.advanceAlive(16_000, 1);
    const group = world.core.snapshot(world.now).groups[0]!;
    expect(group.links.length).toBe(1);
    expect(group.totalBytes).toBe(totalBytes);
    expect(group.links[0]!.bytes).toBe(totalBytes - 1000);
  });

  it('gives bitrates over 5 s that fall to 0 by themselves', () => {
    const { world } = live();
    for (let i = 0; i < 500; i++) {
      world.receive(1, data(i, { bytes: 1000 }));
      world.advance(10);
    }
    expect(link(world).bitrateKbps).toBeGreaterThan(780);
    expect(link(world).bitrateKbps).toBeLessThan(820);
    expect(link(world, 1).bitrateKbps).toBe(0);
    world.advanceAlive(5_500, 1, 2);
    expect(link(world)).toMatchObject({ bitrateKbps: 0, windowBytes: 0 });
  });

  it('gives true ages in milliseconds', () => {
    const { world } = live();
    world.receive(2, data(1));
    world.advance(340);
    world.receive(1, fromHex('9000'));
    world.advance(120);
    const group = world.core.snapshot(world.now).groups[0]!;
    expect(group).toMatchObject({ lastHeardMs: 120, lastDataMs: 460 });
    expect(group.links.map((each) => each.lastHeardMs)).toEqual([120, 460]);
    world.advance(2_000);
    expect(link(world, 1).state).toBe('quiet');
  });

  it('names what it drops', () => {
    const { world } = live();
    const drop = (counter: string, hex: string, peer = 1): void => {
      const before = world.counter(counter);
      expect(world.receive(peer, fromHex(hex))).toEqual([]);
      expect(world.counter(counter)).toBe(before + 1);
    };
    drop('tooShort', '');
    drop('tooShort', '00');
    drop('tooShort', '00'.repeat(15));
    drop('tooShort', '8002'.padEnd(30, '0'));
    drop('tooLong', '00'.repeat(1501));
    drop('controlUnknown', '8009'.padEnd(40, '0'));
    drop('controlUnknown', 'fffe'.padEnd(40, '0'));
    drop('controlUnknown', 'a002'.padEnd(40, '0'));
    drop('srtlaUnknown', 'a000');
    drop('srtlaUnknown', 'a001'.padEnd(38, '0'));
    drop('srtlaUnknown', '9100'.padEnd(88, '0'));
    drop('srtlaUnknown', '9202');
    drop('registrationLength', '9200');
    drop('registrationLength', '9201'.padEnd(518, '0'));
    drop('strangers', '9000', 77);
    drop('strangers', '00'.repeat(40), 77);
    drop('strangers', '8000'.padEnd(128, '0'), 77);
    drop('strangers', '', 77);
    drop('tooLong', '92'.repeat(1501), 77);
  });

  it('forwards SRT packets of any length from 16 to 1500 and of every known type', () => {
    const { world, session } = live();
    for (const bytes of [16, 17, 1332, 1472, 1500]) {
      expect(toServer(world.receive(1, data(1, { bytes })), session)).toEqual([toHex(data(1, { bytes }))]);
    }
    for (const type of ['8001', '8002', '8003', '8004', '8006', '8007', '8008', 'ffff']) {
      const packet = fromHex(`${type}000300000000000000005566778801020304`);
      expect(toServer(world.receive(1, packet), session)).toEqual([toHex(packet)]);
    }
  });
});

describe('skew', () => {
  // Timestamps that wrap within the run, and that cross the middle of their range.
  it.each([4_294_900_000, 2_147_400_000])('is unknown before data, and relative to the fastest link', (start) => {
    const { world } = live();
    expect(link(world).skewMs).toBeUndefined();
    for (let i = 0; i < 10; i++) {
      world.receive(1, data(i, { timestampUs: (start + i * 20_000) % 2 ** 32 }));
      world.receive(2, data(i, { timestampUs: (start + i * 20_000 - 35_000) % 2 ** 32 }));
      // A retransmission carries the time of the original.
      world.receive(1, data(i, { timestampUs: (start + i * 20_000 - 3_000_000) % 2 ** 32, retransmitted: true }));
      world.advance(20);
    }
    expect(Math.round(link(world, 0).skewMs!)).toBe(0);
    expect(Math.round(link(world, 1).skewMs!)).toBe(35);
    world.advanceAlive(6_000, 1, 2);
    expect(link(world, 1).skewMs).toBeUndefined();
  });

  it('is learned anew for each session, whose clock is another', () => {
    const { world } = live();
    world.receive(1, data(1, { timestampUs: 1_000_000 }));
    world.receive(2, data(1, { timestampUs: 900_000 }));
    expect(Math.round(link(world, 1).skewMs!)).toBe(100);
    world.connect(1, 0x999, 0x888);
    expect(link(world, 1).skewMs).toBeUndefined();
    world.receive(1, data(1, { to: 0x888, timestampUs: 0 }));
    expect(link(world).skewMs).toBe(0);
    // What is still on its way from the old session tells nothing about the new one.
    world.receive(2, data(2, { timestampUs: 5_000_000 }));
    expect(world.counter('foreignDestination')).toBe(0);
    expect(link(world, 1).skewMs).toBeUndefined();
  });
});

describe('a link', () => {
  it('that has only registered is sent nothing but REG3', () => {
    const world = new World();
    const id = toPeer(world.receive(1, reg1()), 1)[0]!.slice(4);
    world.receive(1, reg2(id));
    expect(receivers(world.receive(2, reg2(id)))).toEqual([2]);
    const session = world.connect(1);
    expect(receivers(world.server(session, fromHex('80020000000000010000000011223344000003f2')))).toEqual([1]);
    world.receive(2, reg2(id));
    expect(receivers(world.server(session, fromHex('80020000000000010000000011223344000003f2')))).toEqual([1]);
    world.receive(2, fromHex('9000'));
    expect(receivers(world.server(session, fromHex('80020000000000010000000011223344000003f2')))).toEqual([1, 2]);
  });
});
