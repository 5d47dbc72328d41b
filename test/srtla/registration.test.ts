import { describe, expect, it } from 'vitest';
import { fromHex, idOf, padded, reg1, reg2, SENDER_ID } from './packets.ts';
import { events, eventTypes, receivers, toPeer, toServer, World } from './world.ts';

const REG3 = padded('9202');
const REG_ERR = padded('9210');
const REG_NGP = padded('9211');
const groupId = (world: World, peer: number, senderId = SENDER_ID): string =>
  toPeer(world.receive(peer, reg1(senderId)), peer)[0]!.slice(4);
const linksOf = (world: World, group = 0): number => world.core.snapshot(world.now).groups[group]!.links.length;

describe('REG1', () => {
  it('gets the same REG2 while the group is pending, and once its sender is a link of it', () => {
    const world = new World();
    const id = groupId(world, 1);
    expect(id.slice(0, 256)).toBe(SENDER_ID.slice(0, 256));
    expect(groupId(world, 1)).toBe(id);
    world.receive(1, reg2(id));
    expect(groupId(world, 1)).toBe(id);
    expect(world.core.snapshot(world.now).groups.length).toBe(1);
  });

  it('gets the same REG2 when other links have already joined the group', () => {
    const world = new World();
    const id = groupId(world, 1);
    world.receive(2, reg2(id));
    expect(groupId(world, 1)).toBe(id);
    expect(world.core.snapshot(world.now).groups.length).toBe(1);
  });

  it('from another address with the same half makes another group', () => {
    const world = new World();
    expect(groupId(world, 1)).not.toBe(groupId(world, 2));
    expect(world.core.snapshot(world.now).groups.length).toBe(2);
  });

  it('with another half from a link makes a pending group, and moves the link only with a REG2', () => {
    const world = new World();
    const first = world.register([1, 2]);
    const second = groupId(world, 1, idOf(0x55));
    expect(second).not.toBe(first);
    expect(groupId(world, 1, idOf(0x55))).toBe(second);
    expect(groupId(world, 1)).toBe(first);
    expect(world.core.snapshot(world.now).groups.length).toBe(2);
    expect([linksOf(world, 0), linksOf(world, 1)]).toEqual([2, 0]);
    const moved = world.receive(1, reg2(second));
    expect(toPeer(moved, 1)).toEqual([REG3]);
    expect(events(moved)).toMatchObject([{ type: 'link-left', why: 'moved' }, { type: 'link-joined' }]);
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

  it('is refused when the randomness repeats itself', () => {
    const world = new World({}, (bytes) => new Uint8Array(bytes).fill(0xaa));
    groupId(world, 1);
    expect(toPeer(world.receive(2, reg1()), 2)).toEqual([REG_ERR]);
    expect(world.counter('groupIdCollisions')).toBe(1);
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
    expect(toPeer(world.receive(1, reg2(foreign)), 1)).toEqual([REG_ERR]);
    expect([linksOf(world, 0), linksOf(world, 1)]).toEqual([1, 0]);
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
    world.register([1]);
    world.connect(1);
    for (let peer = 2; peer <= 200; peer++) groupId(world, peer);
    const effects = world.receive(201, reg1());
    expect(toPeer(effects, 201)[0]!.slice(0, 4)).toBe('9201');
    expect(eventTypes(effects)).toEqual(['group-ended', 'group-created']);
    const { groups } = world.core.snapshot(world.now);
    expect(groups.length).toBe(200);
    expect(groups[0]!.sessionAccepted).toBe(true);
    expect(world.counter('groupsEvicted')).toBe(1);
  });

  it('a group is refused when every one has an accepted session', () => {
    const world = new World({ maxGroups: 2 });
    for (const peer of [1, 2]) {
      world.register([peer]);
      world.connect(peer, peer, 100 + peer);
    }
    expect(toPeer(world.receive(3, reg1()), 3)).toEqual([REG_ERR]);
    expect(world.core.snapshot(world.now).groups.length).toBe(2);
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
    for (let i = 0; i < 30; i++) world.receive(1, reg2(idOf(1)));
    for (let i = 0; i < 30; i++) expect(toPeer(world.receive(2, reg2(id)), 2)).toEqual([REG3]);
  });
});

describe('ends', () => {
  it('a pending group ends 5 s after its REG1', () => {
    const world = new World();
    const id = groupId(world, 1);
    expect(eventTypes(world.advance(4_900))).toEqual([]);
    expect(events(world.advance(300))).toEqual([{ type: 'group-ended', group: '0x0001020304050607', why: 'idle' }]);
    expect(toPeer(world.receive(1, reg2(id)), 1)).toEqual([REG_NGP]);
    expect(world.core.nextTickMs()).toBe(250);
  });

  it('a silent link ends after 15 s, the group 30 s after its last datagram', () => {
    const world = new World();
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
