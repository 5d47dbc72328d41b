import { describe, expect, it } from 'vitest';
import {
  ack,
  ackAck,
  conclusion,
  conclusionAnswer,
  data,
  ENCODER,
  induction,
  inductionAnswer,
  keepalive,
  rejection,
  SERVER,
  shutdown,
  toHex,
} from './packets.ts';
import { events, eventTypes, receivers, toPeer, toServer, World } from './world.ts';

const OTHER = 0x0a0b0c0d;
const OTHER_SERVER = 0x0e0f1011;
const OWN_SHUTDOWN = '8005000000000000000000005566778800000000';
const opened = (world: World): number[] =>
  world.effects.flatMap((effect) => (effect.do === 'open' ? [effect.session] : []));
const closed = (world: World): number[] =>
  world.effects.flatMap((effect) => (effect.do === 'close' ? [effect.session] : []));

const live = (): { world: World; session: number } => {
  const world = new World();
  world.register([1, 2]);
  return { world, session: world.connect(1) };
};

describe('a session', () => {
  it('opens with the induction, starts with the conclusion, is up with the answer', () => {
    const world = new World();
    world.register([1]);
    const first = world.receive(1, induction());
    expect(first.map((effect) => effect.do)).toEqual(['open', 'server']);
    const session = opened(world)[0]!;
    expect(toServer(first)).toEqual([toHex(induction())]);
    expect(toPeer(world.server(session, inductionAnswer()), 1)).toEqual([toHex(inductionAnswer())]);
    const started = world.receive(1, conclusion(ENCODER, 'live_0123456789abcdef'));
    expect(events(started)).toEqual([
      { type: 'session-started', group: '0x0001020304050607', session, streamId: 'live_0123456789abcdef' },
    ]);
    expect(toServer(started, session)).toEqual([toHex(conclusion(ENCODER, 'live_0123456789abcdef'))]);
    const accepted = world.server(session, conclusionAnswer());
    expect(eventTypes(accepted)).toEqual(['session-accepted']);
    expect(toPeer(accepted, 1)).toEqual([toHex(conclusionAnswer())]);
    expect(world.core.snapshot(world.now).groups[0]).toMatchObject({
      session,
      sessionAccepted: true,
      streamId: 'live_0123456789abcdef',
    });
  });

  it('is kept by retransmitted handshakes, whichever link they come on', () => {
    const world = new World();
    world.register([1, 2]);
    world.receive(1, induction());
    const session = opened(world)[0]!;
    expect(toServer(world.receive(2, induction()), session).length).toBe(1);
    expect(opened(world)).toEqual([]);
    expect(receivers(world.server(session, inductionAnswer()))).toEqual([2]);
    world.receive(1, conclusion());
    const again = world.receive(2, conclusion());
    expect(toServer(again, session).length).toBe(1);
    expect(eventTypes(again)).toEqual([]);
    world.server(session, conclusionAnswer());
    // The answer was lost on its way: the encoder asks again, the server answers again.
    expect(toServer(world.receive(1, conclusion()), session).length).toBe(1);
    expect(eventTypes(world.server(session, conclusionAnswer()))).toEqual([]);
    expect(receivers(world.effects)).toEqual([1]);
  });

  it('lets nothing but handshakes through before it is accepted', () => {
    const world = new World();
    world.register([1]);
    expect(toServer(world.receive(1, data(1)))).toEqual([]);
    world.receive(1, induction());
    expect(toServer(world.receive(1, data(1)))).toEqual([]);
    expect(toServer(world.receive(1, keepalive(SERVER)))).toEqual([]);
    expect(toServer(world.receive(1, data(1, { to: 0 })))).toEqual([]);
    expect(world.counter('beforeAcceptance')).toBe(4);
  });

  it('afterwards lets through only what names the server’s socket', () => {
    const { world, session } = live();
    expect(toServer(world.receive(1, data(7)), session)).toEqual([toHex(data(7))]);
    expect(toServer(world.receive(2, ackAck(SERVER)), session)).toEqual([toHex(ackAck(SERVER))]);
    expect(toServer(world.receive(1, data(8, { to: 0x1234 })))).toEqual([]);
    expect(toServer(world.receive(1, data(8, { to: 0 })))).toEqual([]);
    expect(toServer(world.receive(1, keepalive(0x1234)))).toEqual([]);
    expect(world.counter('foreignDestination')).toBe(3);
  });

  it('takes no handshake that is cut off, of another kind, or of another encoder', () => {
    const { world } = live();
    expect(world.receive(1, induction().subarray(0, 63))).toEqual([]);
    expect(world.counter('handshakeTruncated')).toBe(1);
    expect(world.receive(1, conclusion(OTHER))).toEqual([]);
    expect(
      world.receive(
        1,
        rejection(1002, ENCODER).map((byte, at) => (at >= 12 && at < 16 ? 0 : byte)),
      ),
    ).toEqual([]);
    expect(world.counter('handshakeUnexpected')).toBe(2);
  });

  it('rejected by the server: told, relayed, and the group may try again', () => {
    const world = new World();
    world.register([1]);
    world.receive(1, induction());
    const session = opened(world)[0]!;
    world.receive(1, conclusion());
    const rejected = world.server(session, rejection(1404));
    expect(events(rejected)).toMatchObject([{ type: 'session-rejected', session, code: 1404 }]);
    expect(toPeer(rejected, 1)).toEqual([toHex(rejection(1404))]);
    const again = world.server(session, rejection(1404));
    expect(eventTypes(again)).toEqual([]);
    const fresh = world.receive(1, induction(OTHER));
    expect(closed(world)).toEqual([session]);
    expect(opened(world)).toEqual([session + 1]);
    expect(eventTypes(fresh)).toEqual(['session-ended']);
  });
});

describe('an encoder that starts anew', () => {
  it('supersedes the accepted session at once; data of the old one still passes, then its SHUTDOWN', () => {
    const { world, session } = live();
    world.receive(1, data(1));
    const fresh = world.receive(1, induction(OTHER));
    expect(eventTypes(fresh)).toEqual(['session-superseded']);
    expect(opened(world)).toEqual([session + 1]);
    expect(toServer(fresh, session + 1)).toEqual([toHex(induction(OTHER))]);
    expect(toServer(world.receive(2, data(2)), session)).toEqual([toHex(data(2))]);
    expect(toServer(world.advance(40))).toEqual([]);
    expect(toServer(world.advance(20), session)).toEqual([OWN_SHUTDOWN]);
    expect(closed(world)).toEqual([]);
    const ended = world.advance(220);
    expect(closed(world)).toEqual([session]);
    expect(eventTypes(ended)).toEqual(['session-ended']);
    world.receive(1, conclusion(OTHER));
    world.server(session + 1, conclusionAnswer(OTHER, OTHER_SERVER));
    expect(toServer(world.receive(1, data(1, { to: OTHER_SERVER })), session + 1).length).toBe(1);
    expect(toServer(world.receive(1, data(3)))).toEqual([]);
  });

  it('does not hear the old session any more', () => {
    const { world, session } = live();
    world.receive(1, induction(OTHER));
    expect(receivers(world.server(session, ack(ENCODER, 5)))).toEqual([]);
    expect(world.counter('serverSuperseded')).toBe(1);
  });

  it('before acceptance has its first session replaced', () => {
    const world = new World();
    world.register([1]);
    world.receive(1, induction());
    world.receive(1, induction(OTHER));
    expect(closed(world)).toEqual([1]);
    expect(opened(world)).toEqual([2]);
    expect(toServer(world.effects, 1)).toEqual([]);
  });

  it('is told to the server even when its acceptance of the old session was still on the way', () => {
    const world = new World();
    world.register([1]);
    world.receive(1, induction());
    world.receive(1, conclusion());
    world.receive(1, induction(OTHER));
    expect(closed(world)).toEqual([]);
    world.advance(180);
    const late = world.server(1, conclusionAnswer());
    expect(eventTypes(late)).toEqual(['session-accepted', 'session-superseded']);
    expect(receivers(late)).toEqual([]);
    expect(toServer(world.advance(60), 1)).toEqual([OWN_SHUTDOWN]);
    world.advance(220);
    expect(closed(world)).toEqual([1]);
  });

  it('with the same socket id is a new session once data has stopped for 1 s, and a late copy before', () => {
    const { world, session } = live();
    world.receive(1, data(1));
    world.advance(900);
    expect(world.receive(2, induction())).toEqual([]);
    expect(world.counter('inductionLate')).toBe(1);
    world.advance(200);
    world.receive(2, induction());
    expect(opened(world)).toEqual([session + 1]);
    expect(eventTypes(world.effects)).toEqual(['session-superseded']);
  });

  it('is not put back by a late copy of its former induction', () => {
    const { world, session } = live();
    world.receive(1, induction(OTHER));
    expect(world.receive(2, induction())).toEqual([]);
    expect(world.core.snapshot(world.now).groups[0]!.session).toBe(session + 1);
  });

  it('cannot open sessions without end', () => {
    const { world } = live();
    for (let id = 1; id <= 100; id++) world.receive(1, induction(0x1000 + id));
    expect(world.counter('sessionsOpened')).toBe(8);
    // Past 20 handshakes a second the rest is not looked at.
    expect(world.counter('sessionsOverBudget')).toBe(11);
    expect(world.counter('handshakesOverBudget')).toBe(82);
    world.advance(1_000);
    world.receive(1, induction(0x2000));
    expect(opened(world).length).toBe(1);
  });
});

describe('SHUTDOWN', () => {
  it('of the encoder waits 50 ms, lets later data pass, and goes on byte for byte', () => {
    const { world, session } = live();
    expect(toServer(world.receive(1, shutdown(SERVER)))).toEqual([]);
    expect(toServer(world.receive(2, data(3)), session).length).toBe(1);
    expect(toServer(world.advance(40))).toEqual([]);
    expect(toServer(world.advance(10), session)).toEqual([toHex(shutdown(SERVER))]);
    expect(world.core.snapshot(world.now).groups[0]!.session).toBeUndefined();
    // The server's last words still reach the encoder.
    expect(receivers(world.server(session, ack(ENCODER, 4)))).toEqual([1, 2]);
    expect(eventTypes(world.advance(210))).toEqual(['session-ended']);
    expect(closed(world)).toEqual([session]);
  });

  it('waits for the largest skew between the links', () => {
    const { world, session } = live();
    // Link 2 is 60 ms behind link 1.
    for (let i = 0; i < 10; i++) {
      world.receive(1, data(2 * i, { timestampUs: i * 20_000 }));
      world.advance(20);
      world.receive(2, data(2 * i + 1, { timestampUs: (i - 2) * 20_000 }));
    }
    const links = world.core.snapshot(world.now).groups[0]!.links;
    expect(links.map((link) => Math.round(link.skewMs!))).toEqual([0, 60]);
    world.receive(1, shutdown(SERVER));
    expect(toServer(world.advance(100))).toEqual([]);
    expect(toServer(world.advance(10), session)).toEqual([toHex(shutdown(SERVER))]);
  });

  it('waits for it as well when an encoder starts anew', () => {
    const { world, session } = live();
    world.receive(1, data(1, { timestampUs: 100_000 }));
    world.receive(2, data(2, { timestampUs: 0 }));
    world.receive(1, induction(OTHER));
    expect(toServer(world.advance(140))).toEqual([]);
    expect(toServer(world.receive(2, data(3)), session).length).toBe(1);
    expect(toServer(world.advance(10), session)).toEqual([OWN_SHUTDOWN]);
  });

  it('waits no longer than 2.05 s, whatever timestamps claim', () => {
    const { world } = live();
    world.receive(1, data(1, { timestampUs: 0 }));
    world.receive(2, data(2, { timestampUs: 1_000_000_000 }));
    world.receive(1, shutdown(SERVER));
    expect(toServer(world.advance(2_040))).toEqual([]);
    expect(toServer(world.advance(10)).length).toBe(1);
  });

  it('repeated is dropped', () => {
    const { world } = live();
    world.receive(1, shutdown(SERVER));
    world.receive(2, shutdown(SERVER));
    expect(toServer(world.advance(100)).length).toBe(1);
    expect(toServer(world.receive(2, shutdown(SERVER)))).toEqual([]);
    expect(toServer(world.advance(300))).toEqual([]);
    expect(world.counter('shutdownRepeated')).toBe(2);
  });

  it('held back does not delay a new session', () => {
    const { world, session } = live();
    world.receive(1, shutdown(SERVER));
    world.receive(1, induction());
    expect(opened(world)).toEqual([session + 1]);
    expect(eventTypes(world.effects)).toEqual(['session-superseded']);
    expect(toServer(world.advance(60), session)).toEqual([toHex(shutdown(SERVER))]);
  });

  it('of the server goes to every active link and ends the session', () => {
    const { world, session } = live();
    expect(receivers(world.server(session, shutdown(ENCODER)))).toEqual([1, 2]);
    expect(world.core.snapshot(world.now).groups[0]!.session).toBeUndefined();
    const after = world.advance(250);
    expect(toServer(after)).toEqual([]);
    expect(eventTypes(after)).toEqual(['session-ended']);
    expect(toServer(world.receive(1, data(1)))).toEqual([]);
    world.receive(1, induction(OTHER));
    expect(opened(world)).toEqual([session + 1]);
  });

  it('is sent for the group that ends', () => {
    const { world, session } = live();
    const effects = world.advance(31_000);
    expect(toServer(effects, session)).toEqual([OWN_SHUTDOWN]);
    expect(eventTypes(effects)).toEqual(['link-left', 'link-left', 'group-ended', 'session-ended']);
    expect(closed(world)).toEqual([session]);
    expect(world.core.nextTickMs()).toBe(250);
  });
});
