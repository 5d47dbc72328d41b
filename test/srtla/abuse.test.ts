import { describe, expect, it } from 'vitest';
import { AuthFailures, LastTry, TRY } from '../../src/srtla/auth-failures.ts';
import {
  conclusion,
  conclusionAnswer,
  data,
  ENCODER,
  fromHex,
  idOf,
  induction,
  inductionAnswer,
  keepalive,
  rejection,
  SERVER,
  withFields,
} from './packets.ts';
import { type Effect, events, receivers, toPeer, toServer, World } from './world.ts';

const live = (settings: ConstructorParameters<typeof World>[0] = {}) => {
  const world = new World(settings);
  const id = world.register([1, 2]);
  return { world, id, session: world.connect(1) };
};

describe('a group', () => {
  it('sends 20 handshakes a second, before acceptance and afterwards', () => {
    const world = new World();
    world.register([1]);
    let forwarded = toServer(world.receive(1, induction())).length;
    for (let i = 0; i < 100; i++) forwarded += toServer(world.receive(1, conclusion())).length;
    expect(forwarded).toBe(20);
    expect(world.counter('handshakesOverBudget')).toBe(81);
    world.advance(500);
    for (let i = 0; i < 100; i++) forwarded += toServer(world.receive(1, conclusion())).length;
    expect(forwarded).toBe(30);
  });

  it('may send nothing but handshakes before acceptance, and later only to its own session', () => {
    const world = new World();
    world.register([1]);
    world.register([3], idOf(3));
    const foreign = world.connect(3, 0x333, 0x3333);
    world.receive(1, induction());
    for (const packet of [data(1), data(1, { to: 0x3333 }), data(1, { to: 0 }), keepalive(0x3333)]) {
      expect(toServer(world.receive(1, packet))).toEqual([]);
    }
    expect(world.counter('beforeAcceptance')).toBe(4);
    world.receive(1, conclusion());
    world.server(foreign + 1, conclusionAnswer());
    expect(toServer(world.receive(1, data(2)), foreign + 1).length).toBe(1);
    for (const to of [0, 0x3333, ENCODER]) expect(toServer(world.receive(1, data(3, { to })))).toEqual([]);
    expect(world.counter('foreignDestination')).toBe(3);
  });

  it('has a ceiling of packets and of bytes, and its neighbours another', () => {
    const { world } = live({ maxGroupPacketsPerSecond: 1_000, maxGroupKbps: 8_000, lossDetection: 'plain' });
    world.register([3], idOf(3));
    world.connect(3, 0x333, 0x3333);
    world.advanceAlive(2_000, 1, 2, 3);
    const sent = (bytes: number): number => {
      let forwarded = 0;
      for (let i = 0; i < 2_000; i++) forwarded += toServer(world.receive(1 + (i % 2), data(i, { bytes }))).length;
      return forwarded;
    };
    expect(sent(40)).toBe(1_000);
    expect(world.counter('overGroupCeiling')).toBe(1_000);
    expect(toServer(world.receive(3, data(1, { to: 0x3333 }))).length).toBe(1);
    // 1 MB a second.
    world.advance(1_000);
    expect(sent(1_250)).toBe(800);
    world.advance(500);
    expect(sent(1_250)).toBe(400);
  });

  it('over its ceiling is neither acknowledged nor echoed', () => {
    const { world } = live({ maxGroupPacketsPerSecond: 100 });
    world.advance(1_000);
    let said = 0;
    for (let i = 0; i < 1_000; i++) said += receivers(world.receive(1, data(i))).length;
    for (let i = 0; i < 1_000; i++) said += receivers(world.receive(1, Uint8Array.of(0x90, 0))).length;
    expect(said).toBe(10);
  });

  it('is not misled by arrival times that go back', () => {
    const { world } = live({ maxGroupPacketsPerSecond: 100 });
    world.advance(1_000);
    let forwarded = 0;
    for (let i = 0; i < 1_000; i++) {
      world.now += i % 2 === 0 ? -1 : 1;
      forwarded += toServer(world.receive(1, data(i))).length;
    }
    expect(forwarded).toBe(100);
  });
});

describe('a stream id that has been tried in vain', () => {
  /** One try over `peer`; true when the server has heard its conclusion. */
  const attempt = (world: World, peer: number, encoder: number, streamId: string, code: number): boolean => {
    const opened = world.receive(peer, induction(encoder)).find((effect: Effect) => effect.do === 'open');
    if (opened?.do !== 'open') throw new Error('no session was opened');
    world.server(opened.session, inductionAnswer(encoder));
    const heard = toServer(world.receive(peer, conclusion(encoder, streamId)), opened.session).length === 1;
    if (heard) world.server(opened.session, rejection(code, encoder));
    return heard;
  };
  const world = (): World => {
    const made = new World({ sessionTimeoutMs: 600_000 });
    for (const peer of [1, 2, 3]) {
      made.peers.addresses.set(peer, peer === 3 ? '203.0.113.3' : '203.0.113.1');
      made.register([peer], idOf(peer));
    }
    return made;
  };

  it('waits two seconds for each further try; other ids and other sources do not', () => {
    const made = world();
    let encoder = 0x100;
    for (let i = 0; i < 5; i++) expect(attempt(made, 1, encoder++, 'wrong', 2404)).toBe(true);
    expect(attempt(made, 1, encoder++, 'wrong', 2404)).toBe(false);
    expect(made.counter('conclusionsDelayed')).toBe(1);
    // The neighbour behind the same address, and the same id from elsewhere.
    expect(attempt(made, 2, encoder++, 'right', 2404)).toBe(true);
    expect(attempt(made, 3, encoder++, 'wrong', 2404)).toBe(true);
    // Another group of the same source is no way round it.
    expect(attempt(made, 2, encoder++, 'wrong', 2404)).toBe(false);
    made.advanceAlive(2_000, 1, 2, 3);
    // The encoder's own repetition is heard.
    expect(toServer(made.receive(2, conclusion(encoder - 1, 'wrong'))).length).toBe(1);
  });

  it('is not held back when it was merely taken, or the node full', () => {
    const made = world();
    for (let i = 0; i < 7; i++) {
      expect(attempt(made, 1, 0x200 + i, 'taken', i % 2 === 0 ? 2409 : 2402)).toBe(true);
      made.advanceAlive(500, 1);
    }
  });

  it('shares an IPv6 /64', () => {
    const failures = new AuthFailures(1);
    const take = (streamId: string | undefined, address: string, now = 0): number =>
      failures.take(new LastTry(), conclusion(1, streamId), address, now);
    for (let i = 0; i < 5; i++) expect(take('x', `2001:db8:1:2::${i}`)).toBe(TRY.fresh);
    expect(take('x', '2001:db8:1:2::99')).toBe(TRY.delayed);
    expect(take('x', '2001:db8:1:3::99')).toBe(TRY.fresh);
    expect(take('y', '2001:db8:1:2::99')).toBe(TRY.fresh);
    expect(take(undefined, '2001:db8:1:2::99')).toBe(TRY.fresh);
    expect(take('x', '2001:db8:1:2::99', 2_000)).toBe(TRY.fresh);
  });

  const guess = (number: number, streamId = 'target', encoder = ENCODER): Uint8Array =>
    withFields(conclusion(encoder, streamId), { guess: number });
  const opened = (): { made: World; session: number } => {
    const made = world();
    const effect = made.receive(1, induction()).find(({ do: what }) => what === 'open');
    if (effect?.do !== 'open') throw new Error('no session was opened');
    return { made, session: effect.session };
  };

  it('costs as much when all tries are made in one session', () => {
    const { made, session } = opened();
    let heard = 0;
    for (let i = 0; i < 100; i++) {
      if (toServer(made.receive(1, guess(i)), session).length === 1) {
        heard += 1;
        made.server(session, rejection(1010));
      }
      made.advance(60);
    }
    // Five at once, and one after two and after four of these six seconds.
    expect(heard).toBe(7);
    expect(made.counter('sessionsRejected')).toBe(7);
  });

  it('costs nothing when the encoder only repeats itself', () => {
    const { made, session } = opened();
    for (let i = 0; i < 12; i++) {
      const copy = withFields(guess(1), { timestampUs: 5_000 + i * 250_000 });
      expect(toServer(made.receive(1, copy), session).length).toBe(1);
      made.advanceAlive(250, 1);
      if (i % 2 === 1) made.server(session, rejection(1010));
    }
    expect(made.counter('sessionsRejected')).toBe(1);
    for (let i = 2; i < 6; i++) expect(toServer(made.receive(1, guess(i)), session).length).toBe(1);
  });

  it('costs as much when another conclusion follows before the server has answered', () => {
    const { made, session } = opened();
    let heard = 0;
    for (let i = 0; i < 20; i++) {
      const tried = toServer(made.receive(1, guess(i)), session).length;
      made.receive(1, guess(i, `junk${i}`));
      if (tried === 1) made.server(session, rejection(1010));
      made.server(session, rejection(2404));
      made.advance(100);
      heard += tried;
    }
    // Two seconds.
    expect(heard).toBeLessThanOrEqual(6);
  });

  it('is not paid back by the answer to another conclusion of the same session', () => {
    const { made, session } = opened();
    let heard = 0;
    for (let i = 0; i < 20; i++) {
      // Somebody is live on `taken`: the server's answer to that would give a token back, and comes in any order.
      const taken = toServer(made.receive(1, guess(i, `taken${i}`)), session).length;
      const tried = toServer(made.receive(1, guess(i)), session).length;
      if (taken === 1) made.server(session, rejection(2409));
      if (tried === 1) made.server(session, rejection(1010));
      made.advance(100);
      heard += tried;
    }
    expect(heard).toBeLessThanOrEqual(6);
  });

  it('is not paid back by the answers to copies that were sent before', () => {
    const { made, session } = opened();
    let heard = 0;
    for (let i = 0; i < 8; i++) {
      made.receive(1, guess(i, `taken${i}`));
      made.receive(1, guess(i, `taken${i}`));
      made.server(session, rejection(2409));
      heard += toServer(made.receive(1, guess(i)), session).length;
      made.server(session, rejection(2409));
      made.advance(150);
    }
    expect(heard).toBeLessThanOrEqual(5);
  });

  it('costs as much on the port of a session that is up', () => {
    const { made, session } = opened();
    made.receive(1, guess(0, 'mine'));
    made.server(session, conclusionAnswer());
    let heard = 0;
    for (let i = 0; i < 15; i++) {
      heard += toServer(made.receive(1, guess(i)), session).length;
      made.server(session, rejection(2409));
      made.advance(60);
    }
    expect(heard).toBe(5);
    // A late copy of the conclusion that was accepted is one more try of `mine`, and goes on.
    expect(toServer(made.receive(1, guess(0, 'mine')), session).length).toBe(1);
  });

  it('costs nothing when it is let in, however often', () => {
    const made = world();
    for (let i = 0; i < 10; i++) {
      made.connect(1, 0x300 + i, 0x3000 + i, 'right');
      expect(made.core.snapshot(made.now).groups[0]?.sessionAccepted).toBe(true);
      made.advanceAlive(500, 1);
    }
    expect(made.counter('conclusionsDelayed')).toBe(0);
  });

  it('must pay again with the same bytes when it was merely taken', () => {
    const { made, session } = opened();
    made.receive(1, guess(0));
    made.server(session, rejection(2409));
    for (let i = 0; i < 5; i++) expect(attempt(made, 2, 0x400 + i, 'target', 1010)).toBe(true);
    expect(toServer(made.receive(1, guess(0)), session)).toEqual([]);
    made.advanceAlive(2_000, 1);
    expect(toServer(made.receive(1, guess(0)), session).length).toBe(1);
  });
});

describe('a link whose NAT has given it another address', () => {
  const EXTENDED = '9000000000000001e240c01f00010000000700004e200000000c00000057000000040004c4b4';
  /** Peer 9 has the address of link 1, and another port. */
  const moved = (settings: ConstructorParameters<typeof World>[0] = { adoptRebinds: true }) => {
    const made = live(settings);
    made.world.peers.addresses.set(9, '192.0.2.1');
    made.world.peers.ports.set(9, 40_000);
    return made;
  };

  it('is a stranger unless the setting is on', () => {
    const { world } = moved({});
    world.advanceAlive(1_500, 2);
    expect(world.receive(9, data(1))).toEqual([]);
    expect(world.counter('strangers')).toBe(1);
  });

  it('is adopted with its first packet to the session, once the old address has gone silent', () => {
    const { world, session } = moved();
    expect(world.receive(9, data(1))).toEqual([]);
    world.advanceAlive(1_500, 2);
    const effects = world.receive(9, data(2));
    expect(events(effects)).toEqual([
      { type: 'link-left', group: '0x0001020304050607', address: '192.0.2.1', port: 10_001, why: 'rebound' },
      { type: 'link-joined', group: '0x0001020304050607', address: '192.0.2.1', port: 40_000 },
    ]);
    expect(toServer(effects, session).length).toBe(1);
    const group = world.core.snapshot(world.now).groups[0]!;
    expect(group.links.map(({ port, rebinds }) => [port, rebinds])).toEqual([
      [10_002, 0],
      [40_000, 1],
    ]);
    expect(group.rebinds).toBe(1);
    expect(world.counter('linkRebinds')).toBe(1);
    expect([...world.peers.held].sort()).toEqual([2, 9]);
    // It is a link like any other now, for keepalives and broadcasts too; the old address is none any more.
    expect(toPeer(world.receive(9, fromHex(EXTENDED)), 9)).toEqual([EXTENDED]);
    expect(world.receive(1, data(3))).toEqual([]);
  });

  it('is adopted by an extended keepalive with a connection id that it has told', () => {
    const { world } = moved();
    world.receive(1, fromHex(EXTENDED));
    world.advanceAlive(1_500, 2);
    expect(world.receive(9, fromHex(EXTENDED.replace('00000007', '00000008')))).toEqual([]);
    expect(world.receive(9, fromHex('9000000000000001e240'))).toEqual([]);
    expect(toPeer(world.receive(9, fromHex(EXTENDED)), 9)).toEqual([EXTENDED]);
    expect(world.core.snapshot(world.now).groups[0]!.links.map(({ rebinds }) => rebinds)).toEqual([0, 1]);
  });

  it('is not guessed: another address, another session, a link that lives, or two that could be meant', () => {
    const { world } = moved();
    world.receive(1, fromHex(EXTENDED));
    world.receive(2, fromHex(EXTENDED));
    world.peers.addresses.set(8, '192.0.2.8');
    world.advanceAlive(1_500, 2);
    expect(world.receive(8, data(1))).toEqual([]);
    expect(world.receive(8, fromHex(EXTENDED))).toEqual([]);
    for (const to of [0, SERVER + 1, ENCODER]) expect(world.receive(9, data(1, { to }))).toEqual([]);
    world.peers.addresses.set(7, '192.0.2.2');
    expect(world.receive(7, data(1))).toEqual([]);
    // Another group whose server has given the same number, with a link of the same address.
    world.peers.addresses.set(5, '192.0.2.1');
    world.register([5], idOf(5));
    world.connect(5, 0x555, SERVER);
    expect(world.receive(9, data(1))).toEqual([]);
    expect(world.counter('linkRebinds')).toBe(0);
  });

  it('cannot be looked for without end', () => {
    const { world } = moved();
    world.advanceAlive(1_500, 2);
    for (let i = 0; i < 20; i++) world.receive(9, data(1, { to: 77 }));
    expect(world.receive(9, data(1))).toEqual([]);
    world.advance(1_000);
    expect(toServer(world.receive(9, data(1))).length).toBe(1);
  });
});
