import { describe, expect, it } from 'vitest';
import { ENCODER, fromHex, idOf, padded, reg1, reg2, SENDER_ID, shutdown } from './packets.ts';
import { countingMac, events, eventTypes, receivers, toPeer, toServer, World } from './world.ts';

const REG3 = padded('9202');
const REG_ERR = padded('9210');
const REG_NGP = padded('9211');
const groupId = (world: World, peer: number, senderId = SENDER_ID): string =>
  toPeer(world.receive(peer, reg1(senderId)), peer)[0]!.slice(4);
const linksOf = (world: World, group = 0): number => world.core.snapshot(world.now).groups[group]!.links.length;

describe('REG1', () => {
  it('gets the same REG2 again, before and after its sender is a link, and leaves nothing behind', () => {
    const world = new World();
    const id = groupId(world, 1);
    expect(id.slice(0, 256)).toBe(SENDER_ID.slice(0, 256));
    expect(groupId(world, 1)).toBe(id);
    expect(world.core.snapshot(world.now).groups).toEqual([]);
    expect(world.core.nextTickMs()).toBe(250);
    world.receive(1, reg2(id));
    expect(groupId(world, 1)).toBe(id);
    expect(world.core.snapshot(world.now).groups.length).toBe(1);
  });

  it('of a link gets the id of its group however old that is', () => {
    const world = new World({ sessionTimeoutMs: 600_000 });
    const id = world.register([1]);
    world.advanceAlive(120_000, 1);
    expect(groupId(world, 1)).toBe(id);
    // A stranger with the same half is given another one by now.
    expect(groupId(world, 2)).not.toBe(id);
  });

  it('gets the same REG2 when other links have already joined the group', () => {
    const world = new World();
    const id = groupId(world, 1);
    world.receive(2, reg2(id));
    expect(groupId(world, 1)).toBe(id);
    expect(world.core.snapshot(world.now).groups.length).toBe(1);
  });

  it('has the same answer from whichever of a sender’s links it comes', () => {
    const world = new World();
    const id = groupId(world, 1);
    expect(groupId(world, 2)).toBe(id);
    // Whichever link is the first to show it founds the group; the others join.
    for (const peer of [2, 1]) expect(toPeer(world.receive(peer, reg2(id)), peer)).toEqual([REG3]);
    expect(world.core.snapshot(world.now).groups.map(({ links }) => links.length)).toEqual([2]);
  });

  it('with another half from a link is answered, and moves the link only with a REG2', () => {
    const world = new World();
    const first = world.register([1, 2]);
    const second = groupId(world, 1, idOf(0x55));
    expect(second).not.toBe(first);
    expect(groupId(world, 1, idOf(0x55))).toBe(second);
    expect(groupId(world, 1)).toBe(first);
    expect(linksOf(world)).toBe(2);
    world.receive(1, reg1(idOf(0x55)));
    const moved = world.receive(1, reg2(second));
    expect(toPeer(moved, 1)).toEqual([REG3]);
    expect(events(moved)).toMatchObject([
      { type: 'group-created' },
      { type: 'link-left', why: 'moved' },
      { type: 'link-joined' },
    ]);
    expect([linksOf(world, 0), linksOf(world, 1)]).toEqual([1, 1]);
    expect([...world.peers.held].sort()).toEqual([1, 2]);
    expect(world.counter('linksMoved')).toBe(1);
  });

  it('does not take what the caller does with its buffer afterwards', () => {
    const world = new World();
    // `receive` overwrites the datagram.
    const id = groupId(world, 1);
    expect(toPeer(world.receive(2, reg2(id)), 2)).toEqual([REG3]);
  });
});

describe('REG2', () => {
  it('with an unknown id gets REG_NGP and leaves nothing behind', () => {
    const world = new World();
    expect(toPeer(world.receive(1, reg2(idOf(7))), 1)).toEqual([REG_NGP]);
    expect(world.core.snapshot(world.now).groups).toEqual([]);
    expect(world.peers.held.size).toBe(0);
  });

  it('with an id that differs in its last byte is unknown', () => {
    const world = new World();
    const id = groupId(world, 1);
    expect(toPeer(world.receive(1, reg2(`${id.slice(0, -2)}ab`)), 1)).toEqual([REG_NGP]);
  });

  it('makes a link, once', () => {
    const world = new World();
    const id = groupId(world, 1);
    const joined = world.receive(1, reg2(id));
    expect(toPeer(joined, 1)).toEqual([REG3]);
    expect(events(joined)).toEqual([
      { type: 'group-created', group: '0x0001020304050607' },
      { type: 'link-joined', group: '0x0001020304050607', address: '192.0.2.1', port: 10_001 },
    ]);
    const again = world.receive(1, reg2(id));
    expect(toPeer(again, 1)).toEqual([REG3]);
    expect(eventTypes(again)).toEqual([]);
    expect([...world.peers.held]).toEqual([1]);
  });

  it('with the id of a foreign group does not pull a link out of its own', () => {
    const world = new World();
    world.register([1]);
    const foreign = groupId(world, 2, idOf(0x66));
    // Neither while nobody has shown that id yet nor once its group lives.
    expect(toPeer(world.receive(1, reg2(foreign)), 1)).toEqual([REG_ERR]);
    expect(world.core.snapshot(world.now).groups.length).toBe(1);
    world.receive(2, reg2(foreign));
    expect(toPeer(world.receive(1, reg2(foreign)), 1)).toEqual([REG_ERR]);
    expect([linksOf(world, 0), linksOf(world, 1)]).toEqual([1, 1]);
  });

  it('for a 17th link is refused, unless a link has been silent for more than 3 s', () => {
    const world = new World();
    const peers = Array.from({ length: 16 }, (_, i) => i + 1);
    const id = world.register(peers);
    expect(toPeer(world.receive(17, reg2(id)), 17)).toEqual([REG_ERR]);
    expect(linksOf(world)).toBe(16);
    world.advanceAlive(3_500, ...peers.filter((peer) => peer !== 5));
    const joined = world.receive(17, reg2(id));
    expect(toPeer(joined, 17)).toEqual([REG3]);
    expect(events(joined)).toMatchObject([
      { type: 'link-left', why: 'evicted', address: '192.0.2.5' },
      { type: 'link-joined' },
    ]);
    expect(linksOf(world)).toBe(16);
    expect(world.peers.held.has(5)).toBe(false);
    expect(world.counter('linksEvicted')).toBe(1);
  });
});

describe('limits', () => {
  it('a 201st group takes the place of the oldest without an accepted session', () => {
    const world = new World();
    world.register([1], idOf(1));
    world.connect(1);
    for (let peer = 2; peer <= 200; peer++) {
      world.register([peer], idOf(peer));
      // Everybody together may have 2,000 answers a second.
      world.advance(10);
    }
    const id = groupId(world, 201);
    expect(world.core.snapshot(world.now).groups.length).toBe(200);
    const effects = world.receive(201, reg2(id));
    expect(toPeer(effects, 201)).toEqual([REG3]);
    expect(eventTypes(effects)).toEqual(['link-left', 'group-ended', 'group-created', 'link-joined']);
    const { groups } = world.core.snapshot(world.now);
    expect(groups.length).toBe(200);
    expect(groups[0]!.sessionAccepted).toBe(true);
    expect(groups[1]!.id).toBe('0x0303030303030303');
    expect(world.counter('groupsEvicted')).toBe(1);
  });

  it('a group that has lost its links goes first', () => {
    const world = new World({ maxGroups: 2, linkTimeoutMs: 1_000, sessionTimeoutMs: 600_000 });
    world.register([1], idOf(1));
    world.register([2], idOf(2));
    world.advanceAlive(2_000, 1);
    world.register([3], idOf(3));
    expect(world.core.snapshot(world.now).groups.map(({ id }) => id.slice(2, 4))).toEqual(['01', '03']);
  });

  it('a link that founds another group does not evict its own', () => {
    const world = new World({ maxGroups: 1 });
    world.register([1]);
    expect(toPeer(world.receive(1, reg1(idOf(5))), 1)).toEqual([REG_ERR]);
    expect(linksOf(world)).toBe(1);
  });

  it('a group is refused when every one has an accepted session', () => {
    const world = new World({ maxGroups: 2 });
    const early = groupId(world, 3, idOf(3));
    for (const peer of [1, 2]) {
      world.register([peer], idOf(peer));
      world.connect(peer, peer, 100 + peer);
    }
    expect(toPeer(world.receive(3, reg1(idOf(3))), 3)).toEqual([REG_ERR]);
    // Its id was given while there was room.
    expect(toPeer(world.receive(3, reg2(early)), 3)).toEqual([REG_ERR]);
    expect(world.core.snapshot(world.now).groups.length).toBe(2);
    // Those that are there are answered as ever.
    expect(toPeer(world.receive(1, reg1(idOf(1))), 1)[0]!.slice(0, 4)).toBe('9201');
  });

  it('one source gets 20 answers at once and 10 a second, then silence; others are not concerned', () => {
    const world = new World();
    for (const peer of [1, 2, 3]) world.peers.addresses.set(peer, '203.0.113.1');
    let answers = 0;
    for (let i = 0; i < 50; i++) answers += receivers(world.receive(1 + (i % 3), reg2(idOf(1)))).length;
    expect(answers).toBe(20);
    expect(receivers(world.receive(1, reg1()))).toEqual([]);
    expect(world.counter('answersOverBudget')).toBe(31);
    expect(receivers(world.receive(4, reg1()))).toEqual([4]);
    world.advance(1_000);
    answers = 0;
    for (let i = 0; i < 50; i++) answers += receivers(world.receive(1, reg2(idOf(1)))).length;
    expect(answers).toBe(10);
  });

  it('a budget does not stand in the way of links that join or repeat their REG2', () => {
    const world = new World();
    for (const peer of [1, 2]) world.peers.addresses.set(peer, '203.0.113.1');
    const id = groupId(world, 1);
    world.receive(1, reg2(id));
    for (let i = 0; i < 30; i++) world.receive(1, reg2(idOf(1)));
    for (let i = 0; i < 30; i++) expect(toPeer(world.receive(2, reg2(id)), 2)).toEqual([REG3]);
  });
});

describe('ids', () => {
  it('found a group for 30 to 60 s', () => {
    // Right at the beginning of a period, and right before its end.
    for (const [into, good, bad] of [
      [0, 59_990, 60_010],
      [29_990, 30_000, 30_020],
    ] as const) {
      const world = new World();
      world.now = 3_000_000 + into;
      const id = groupId(world, 1);
      world.now += bad;
      expect(toPeer(world.receive(1, reg2(id)), 1)).toEqual([REG_NGP]);
      world.now -= bad - good;
      expect(toPeer(world.receive(1, reg2(id)), 1)).toEqual([REG3]);
    }
  });

  it('of an ended group found no other: its sender registers anew, with the same half', () => {
    const world = new World();
    const id = world.register([1]);
    expect(events(world.advanceAlive(10_200, 1))).toContainEqual(
      expect.objectContaining({ type: 'group-ended', why: 'no-session' }),
    );
    for (const peer of [1, 2]) expect(toPeer(world.receive(peer, reg2(id)), peer)).toEqual([REG_NGP]);
    const next = groupId(world, 1);
    expect(next.slice(0, 256)).toBe(id.slice(0, 256));
    expect(next).not.toBe(id);
    expect(toPeer(world.receive(1, reg2(next)), 1)).toEqual([REG3]);
    expect(toPeer(world.receive(2, reg2(id)), 2)).toEqual([REG_NGP]);
  });

  it('of a receiver that has restarted are unknown', () => {
    const id = new World().register([1]);
    const other = (message: Uint8Array): Uint8Array => new Uint8Array(64).fill(message[0]! + 1);
    expect(toPeer(new World({}, other).receive(1, reg2(id)), 1)).toEqual([REG_NGP]);
  });

  it('cost nothing over budget', () => {
    let macs = 0;
    const counting = countingMac();
    const world = new World({}, (message) => {
      macs += 1;
      return counting(message);
    });
    for (let i = 0; i < 1_000; i++) {
      world.receive(1, reg1(idOf(i & 255)));
      world.receive(1, reg2(idOf(i & 255)));
    }
    // 20 answers: two blocks for a REG1; for a REG2 that is not ours the first one, in two periods.
    expect(macs).toBe(10 * 2 + 10 * 2);
  });
});

describe('ends', () => {
  it('a group without an accepted session ends after 10 s, whatever it sends', () => {
    const world = new World();
    world.register([1]);
    expect(eventTypes(world.advanceAlive(9_500, 1))).toEqual([]);
    expect(events(world.advanceAlive(700, 1))).toMatchObject([
      { type: 'link-left', why: 'group-ended' },
      { type: 'group-ended', group: '0x0001020304050607', why: 'no-session' },
    ]);
    expect(world.counter('groupsWithoutSession')).toBe(1);
    expect(world.peers.held.size).toBe(0);
    expect(world.core.nextTickMs()).toBe(250);
  });

  it('a group whose session is over stays: its encoder may come back', () => {
    const world = new World();
    world.register([1]);
    const session = world.connect(1);
    world.server(session, shutdown(ENCODER));
    world.advanceAlive(25_000, 1);
    expect(world.core.snapshot(world.now).groups.map(({ sessionAccepted }) => sessionAccepted)).toEqual([false]);
  });

  it('a silent link ends after 15 s, the group 30 s after its last datagram', () => {
    const world = new World({ sessionTimeoutMs: 600_000 });
    world.register([1, 2]);
    expect(world.core.nextTickMs()).toBe(10);
    const left = events(world.advanceAlive(16_000, 1));
    expect(left).toMatchObject([{ type: 'link-left', address: '192.0.2.2', why: 'timeout' }]);
    expect(events(world.advance(14_000))).toEqual([]);
    expect(events(world.advance(2_000))).toMatchObject([{ type: 'link-left', address: '192.0.2.1', why: 'timeout' }]);
    expect(eventTypes(world.advance(13_000))).toEqual([]);
    expect(events(world.advance(1_500))).toMatchObject([{ type: 'group-ended', why: 'idle' }]);
    expect(world.peers.held.size).toBe(0);
  });

  it('a link comes back to its group within that time', () => {
    const world = new World();
    const id = world.register([1]);
    world.connect(1);
    world.advance(20_000);
    expect(linksOf(world)).toBe(0);
    expect(toPeer(world.receive(3, reg2(id)), 3)).toEqual([REG3]);
    expect(eventTypes(world.advanceAlive(20_000, 3))).toEqual([]);
  });

  it('stop ends everything: SHUTDOWN at once for accepted sessions only', () => {
    const world = new World();
    world.register([1]);
    world.register([2], idOf(2));
    const session = world.connect(1);
    world.receive(
      2,
      fromHex(`80000000${'00'.repeat(12)}0000000400000002${'00'.repeat(12)}0000000100000007${'00'.repeat(20)}`),
    );
    world.effects = [];
    world.core.stop(world.now, world);
    expect(toServer(world.effects)).toEqual([`8005000000000000000000005566778800000000`]);
    expect(world.effects.flatMap((effect) => (effect.do === 'close' ? [effect.session] : []))).toEqual([
      session,
      session + 1,
    ]);
    expect(eventTypes(world.effects).filter((type) => type === 'group-ended').length).toBe(2);
    expect(events(world.effects).find((event) => event.type === 'group-ended')).toMatchObject({ why: 'stopped' });
    expect(world.core.snapshot(world.now).groups).toEqual([]);
    expect(world.peers.held.size).toBe(0);
    expect(world.core.nextTickMs()).toBe(250);
  });
});
