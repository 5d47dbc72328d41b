import './direct-peers.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { SRT_REJECT } from '../../src/shared/addon.ts';
import { numbered, numberOf, Peer, stream, until } from '../native/peer.ts';

const peers: Peer[] = [];
const peer = (): Peer => {
  const made = new Peer();
  peers.push(made);
  return made;
};
// Not after each: while libsrt takes a closed socket apart, everything else of it may stand still for a second.
afterAll(() => {
  for (const made of peers) made.engine.dispose();
});

type Name = 'libsrt' | 'direct';
const other = (engine: Name): Name => (engine === 'direct' ? 'libsrt' : 'direct');

/** A node with a listener of each role on each engine; whoever plays gets all that is published. */
const node = () => {
  const of = peer();
  const listen = (role: 'publish' | 'play', engine: Name): number => of.listen({ role, engine }).port;
  of.engine.allow('publish', 'in', { maxSockets: 1 });
  of.engine.allow('play', 'out', { maxSockets: 10 });
  const dropped = new Float64Array(10);
  of.onRun = (_socket, first, count) => {
    const players = of.ofType('accepted').filter(({ streamId }) => streamId === 'out');
    const sockets = Int32Array.from(players, ({ socket }) => socket);
    of.engine.send(sockets, sockets.length, first, count, dropped);
  };
  return {
    of,
    dropped,
    publish: { libsrt: listen('publish', 'libsrt'), direct: listen('publish', 'direct') },
    play: { libsrt: listen('play', 'libsrt'), direct: listen('play', 'direct') },
  };
};

describe.each<Name>(['libsrt', 'direct'])('a publisher of %s', (engine) => {
  it('is played by players of both engines, each message once', async () => {
    const { of, publish, play, dropped } = node();
    const [encoder, viewer] = [peer(), peer()];
    const players = await Promise.all(
      [play.libsrt, play.direct, play.direct].map((port) => viewer.join(port, 'out', { reads: true })),
    );
    await until('all players', () => of.ofType('accepted').length === 3);
    const socket = await encoder.join(publish[engine], 'in');
    await stream(encoder, socket, 0, 500);
    for (const player of players) {
      await until('the whole stream', () => viewer.messages(player).length === 500);
      expect(viewer.messages(player).map(numberOf)).toEqual(Array.from({ length: 500 }, (_, i) => i));
      expect(Buffer.compare(viewer.messages(player)[7]!.bytes, numbered(7))).toBe(0);
    }
    expect([...dropped]).toEqual(Array(10).fill(0));
  });
});

// Behind those: while libsrt takes callers apart that it has closed, nobody else is served for a while.
describe.each<Name>(['libsrt', 'direct'])('the id of a publisher of %s', (engine) => {
  it('is held against one of the other engine, until it is silent', async () => {
    const { of, publish } = node();
    const [encoder, second] = [peer(), peer()];
    const socket = await encoder.join(publish[engine], 'in');
    const sending = stream(encoder, socket, 0, 400);
    const first = await of.accepted('in');
    await until('data', () => of.messages(first.socket).length > 0);
    second.call(publish[other(engine)], 'in');
    const refused = await until('the refusal', () => of.ofType('refused')[0]);
    expect(refused).toMatchObject({ streamId: 'in', code: SRT_REJECT.conflict, how: 'closed' });
    await sending;
    await until('the other one to get in', () => {
      if (of.ofType('accepted').length === 2) return true;
      second.call(publish[other(engine)], 'in');
      return false;
    });
    expect(of.ofType('accepted')[1]).toMatchObject({ replaces: first.socket });
    expect(of.find('ended', first.socket)).toBeUndefined();
  });

  it('goes to one of the other engine at once where it has yielded or left', async () => {
    const { of, publish } = node();
    const [encoder, second, third] = [peer(), peer(), peer()];
    await encoder.join(publish[engine], 'in');
    const first = await of.accepted('in');
    of.engine.yieldPublisher(first.socket);
    const next = await second.join(publish[other(engine)], 'in');
    expect(await of.accepted('in', 1)).toMatchObject({ replaces: first.socket });
    second.engine.close(next);
    const { socket } = await of.accepted('in', 1);
    await until('its end to be noticed', () => of.find('broken', socket));
    await third.join(publish[engine], 'in');
    await of.accepted('in', 2);
  });
});

describe('listeners of both engines', () => {
  it('know ids that were let in before libsrt had begun', async () => {
    const of = peer();
    of.engine.allow('publish', 'early', { maxSockets: 1 });
    of.engine.allow('publish', 'late', { maxSockets: 1 });
    of.engine.forbid('publish', 'early');
    const { port } = of.listen({ engine: 'libsrt' });
    const caller = peer();
    expect(await caller.outcome(caller.call(port, 'early'))).toMatchObject({ rejectReason: SRT_REJECT.notFound });
    await caller.join(port, 'late');
  });
});
