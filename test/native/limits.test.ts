import { afterAll, describe, expect, test } from 'vitest';
import { SRT_REJECT } from '../../src/shared/addon.ts';
import { numbered, Peer, until } from './peer.ts';

const SECRET = 'correct horse battery';
const peers: Peer[] = [];
const peer = (): Peer => {
  const made = new Peer();
  peers.push(made);
  return made;
};
afterAll(() => {
  for (const made of peers) made.engine.dispose();
});

describe.concurrent('limits of an id, set in the listen callback', () => {
  test('latency of a publisher: a floor in place of the listener’s', async () => {
    const [node, caller] = [peer(), peer()];
    const { port } = node.listen({ role: 'publish', latencyFloorMs: 500 });
    const negotiated = async (id: string, latencyMs?: number): Promise<number> => {
      node.engine.allow('publish', id, { maxSockets: 1, ...(latencyMs ? { latencyMs } : {}) });
      await caller.join(port, id, { latencyMs: 200 });
      return (await node.accepted(id)).latencyMs;
    };
    expect(await negotiated('none')).toBe(500);
    expect(await negotiated('higher', 900)).toBe(900);
    expect(await negotiated('lower', 150)).toBe(200);
    node.engine.allow('publish', 'asks for more', { maxSockets: 1, latencyMs: 900 });
    const socket = await caller.join(port, 'asks for more', { latencyMs: 1_500 });
    expect((await node.accepted('asks for more')).latencyMs).toBe(1_500);
    // The encoder knows it, too.
    expect(caller.stat(socket, 'sndLatencyMs')).toBe(1_500);
  });

  test('latency of a player: what it will use, at least', async () => {
    const [node, caller] = [peer(), peer()];
    const { port } = node.listen({ role: 'play' });
    node.engine.allow('play', 'usual', { maxSockets: 1 });
    node.engine.allow('play', 'patient', { maxSockets: 1, latencyMs: 700 });
    await caller.join(port, 'usual', { reads: true, latencyMs: 120 });
    const player = await caller.join(port, 'patient', { reads: true, latencyMs: 120 });
    expect((await node.accepted('usual')).latencyMs).toBe(120);
    expect((await node.accepted('patient')).latencyMs).toBe(700);
    expect(caller.stat(player, 'rcvLatencyMs')).toBe(700);
  });

  test('buffers of both directions', async () => {
    const [node, caller] = [peer(), peer()];
    const publish = node.listen({ role: 'publish', bufferBytes: 12_288_000, flowWindowPackets: 8_192 });
    const play = node.listen({ role: 'play' });
    const large = { bufferBytes: 60_000 * 1_500, flowWindowPackets: 60_000 };
    node.engine.allow('publish', 'usual', { maxSockets: 1 });
    node.engine.allow('publish', 'large', { maxSockets: 1, ...large });
    node.engine.allow('play', 'small', { maxSockets: 1, bufferBytes: 200 * 1_500, flowWindowPackets: 64 });
    const room = async (id: string): Promise<number> => {
      await caller.join(publish.port, id);
      return node.stat((await node.accepted(id)).socket, 'rcvBufAvailableBytes')!;
    };
    expect(await room('usual')).toBeLessThan(8_200 * 1_500);
    expect(await room('large')).toBeGreaterThan(58_000 * 1_500);
    await caller.join(play.port, 'small', { reads: true });
    const { socket } = await node.accepted('small');
    let taken = 0;
    while (node.engine.sendMessage(socket, numbered(taken), 0) > 0) taken++;
    // All at once, so that next to nothing has left.
    expect(taken).toBeGreaterThan(150);
    expect(taken).toBeLessThan(2_000);
  });

  test('nonsense is an error, and changes nothing', () => {
    const node = peer();
    for (const wrong of [{ latencyMs: 0 }, { latencyMs: 1.5 }, { bufferBytes: 1 }, { flowWindowPackets: -1 }])
      expect(() => node.engine.allow('publish', 'x', { maxSockets: 1, ...wrong })).toThrow(TypeError);
  });
});

describe.concurrent('callers that libsrt turns down', () => {
  test('are told of with a code, also when they try again at once', async () => {
    const [node, caller] = [peer(), peer()];
    const publish = node.listen({ role: 'publish' });
    const play = node.listen({ role: 'play' });
    node.engine.allow('publish', 'secret', { maxSockets: 1, passphrase: SECRET });
    node.engine.allow('play', 'open', { maxSockets: 1 });
    for (let i = 0; i < 3; i++)
      await caller.outcome(caller.call(publish.port, 'publish:secret', { passphrase: 'something else' }));
    await caller.outcome(caller.call(publish.port, 'secret'));
    await caller.outcome(caller.call(play.port, 'open', { passphrase: SECRET, reads: true }));
    const refused = await until('five refusals', () => {
      const all = node.ofType('refused');
      return all.length === 5 && all;
    });
    expect(refused.map(({ streamId, code, how }) => [streamId, code, how]).sort()).toEqual([
      ...Array(1).fill(['open', 11, 'rejected']),
      ...Array(4).fill(['secret', 10, 'rejected']),
    ]);
    expect(refused.every(({ address, port }) => address === '127.0.0.1' && port > 0)).toBe(true);
    await caller.join(publish.port, 'secret', { passphrase: SECRET });
    expect(node.ofType('refused')).toHaveLength(5);
  });
});

describe.concurrent('refusePublishers', () => {
  test('turns publishers away and lets players in', async () => {
    const [node, caller] = [peer(), peer()];
    const publish = node.listen({ role: 'publish' });
    const play = node.listen({ role: 'play' });
    for (const id of ['first', 'second']) node.engine.allow('publish', id, { maxSockets: 1 });
    node.engine.allow('play', 'viewer', { maxSockets: 1 });
    const first = await caller.join(publish.port, 'first');
    node.engine.refusePublishers(true);
    const outcome = await caller.outcome(caller.call(publish.port, 'second'));
    expect(outcome).toMatchObject({ type: 'connect-failed', rejectReason: SRT_REJECT.overload });
    await caller.join(play.port, 'viewer', { reads: true });
    expect(caller.find('broken', first)).toBeUndefined();
    node.engine.refusePublishers(false);
    await caller.join(publish.port, 'second');
  });
});
