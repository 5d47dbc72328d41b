import { afterAll, describe, expect, test } from 'vitest';
import { SRT_REJECT } from '../../src/shared/addon.ts';
import { numbered, numberOf, Peer, stream, turn, until } from './peer.ts';

const peers: Peer[] = [];
const peer = (): Peer => {
  const made = new Peer();
  peers.push(made);
  return made;
};
afterAll(() => {
  for (const made of peers) made.engine.dispose();
});

/** Calls again and again, as a phone does; resolves with the socket that got in. */
const callUntilIn = async (caller: Peer, port: number, id: string, latencyMs: number): Promise<number> => {
  const codes = new Set<number>();
  for (;;) {
    const socket = caller.call(port, id, { latencyMs });
    const outcome = await caller.outcome(socket);
    if (outcome.type === 'connected') {
      expect([...codes]).toEqual(codes.size === 0 ? [] : [SRT_REJECT.conflict]);
      return socket;
    }
    codes.add(outcome.rejectReason);
    await turn(20);
  }
};

describe.concurrent('takeover', () => {
  test('of two publishers at once exactly one gets in', async () => {
    const [node, one, two] = [peer(), peer(), peer()];
    // Two listeners: each has a thread of its own in libsrt.
    const ports = [node.listen().port, node.listen().port];
    const rounds = 30;
    for (let round = 0; round < rounds; round++) {
      const id = `race-${round}`;
      node.engine.allow('publish', id, { maxSockets: 1 });
      const sockets = [one.call(ports[0]!, id), two.call(ports[round % 2]!, id)];
      const outcomes = await Promise.all([one.outcome(sockets[0]!), two.outcome(sockets[1]!)]);
      const codes = outcomes.map((outcome) => (outcome.type === 'connected' ? 0 : outcome.rejectReason));
      expect(codes.sort((a, b) => a - b)).toEqual([0, SRT_REJECT.conflict]);
    }
    await node.accepted(`race-${rounds - 1}`);
    expect(node.ofType('accepted')).toHaveLength(rounds);
  });

  test('one that wants too much latency takes over from nobody', async () => {
    const [node, phone, again] = [peer(), peer(), peer()];
    const { port } = node.listen();
    node.engine.allow('publish', 'phone', { maxSockets: 1, latencyCeilingMs: 1_000 });
    await phone.join(port, 'phone', { latencyMs: 500 });
    const { socket } = await node.accepted('phone');
    node.engine.yieldPublisher(socket);
    await again.outcome(again.call(port, 'phone', { latencyMs: 1_001 }));
    const refused = await until('the refusal', () => node.ofType('refused')[0]);
    expect(refused).toMatchObject({ code: SRT_REJECT.latency });
    // The next one still knows whom it replaces.
    await again.join(port, 'phone', { latencyMs: 800 });
    await until('the second', () => node.ofType('accepted')[1]);
    expect(node.ofType('accepted')[1]).toMatchObject({ replaces: socket });
  });

  test.each([2_000, 8_000])(
    'a silent publisher is replaced 1.0–1.5 s after its last packet (latency %d)',
    async (latencyMs) => {
      const [node, phone, again] = [peer(), peer(), peer()];
      const { port } = node.listen();
      node.engine.allow('publish', 'phone', { maxSockets: 1 });
      const old = await phone.join(port, 'phone', { latencyMs });
      await stream(phone, old, 0, 600);
      const lastMs = performance.now();
      const fresh = await callUntilIn(again, port, 'phone', latencyMs);
      const tookMs = performance.now() - lastMs;
      expect(tookMs).toBeGreaterThan(950);
      expect(tookMs).toBeLessThan(1_500);
      const [first, second] = [await node.accepted('phone'), await node.accepted('phone', 1)];
      expect(second.replaces).toBe(first.socket);
      // The old session is read on: its tail comes out, at its time, while the new one delivers already.
      expect(node.find('ended', first.socket)).toBeUndefined();
      again.engine.sendMessage(fresh, numbered(9_000), 0);
      if (latencyMs > 2_000) return;
      await until('the tail of the old session', () => node.messages(first.socket).length === 600);
      await until('the new session', () => node.messages(second.socket).length === 1);
      expect(node.messages(first.socket).map(numberOf)).toEqual([...Array(600).keys()]);
    },
  );

  test('a publisher that yields is replaced at once, however lively', async () => {
    const [node, encoder, again, third] = [peer(), peer(), peer(), peer()];
    const { port } = node.listen();
    node.engine.allow('publish', 'lively', { maxSockets: 1 });
    const old = await encoder.join(port, 'lively');
    const first = await node.accepted('lively');
    const sending = stream(encoder, old, 0, 400);
    await until('data', () => node.messages(first.socket).length > 0);
    expect(await again.outcome(again.call(port, 'lively'))).toMatchObject({ rejectReason: SRT_REJECT.conflict });
    node.engine.yieldPublisher(first.socket);
    await again.join(port, 'lively');
    const second = await node.accepted('lively', 1);
    expect(second.replaces).toBe(first.socket);
    // It was the old one that yielded.
    expect(await third.outcome(third.call(port, 'lively'))).toMatchObject({ rejectReason: SRT_REJECT.conflict });
    await sending;
    await until('all of the old session', () => node.messages(first.socket).length === 400);
    node.engine.close(first.socket);
    await node.ended(first.socket);
    expect(await third.outcome(third.call(port, 'lively'))).toMatchObject({ rejectReason: SRT_REJECT.conflict });
  });

  test('a publisher that left makes room at once, while its tail plays', async () => {
    const [node, encoder, again] = [peer(), peer(), peer()];
    const { port } = node.listen();
    node.engine.allow('publish', 'restart', { maxSockets: 1 });
    const old = await encoder.join(port, 'restart', { latencyMs: 1_500 });
    await stream(encoder, old, 0, 200);
    await until('everything to arrive', () => encoder.stat(old, 'sndBufPackets') === 0);
    encoder.engine.close(old);
    const first = await node.accepted('restart');
    await until('the end of arrival', () => node.find('broken', first.socket));
    await again.join(port, 'restart');
    const second = await node.accepted('restart', 1);
    expect(second.replaces).toBe(first.socket);
    await node.ended(first.socket);
    expect(node.messages(first.socket)).toHaveLength(200);
    expect(node.find('broken', second.socket)).toBeUndefined();
  });
});
