import { afterAll, describe, expect, test } from 'vitest';
import { SRT_STATS_FIELDS } from '../../src/shared/addon.ts';
import { numbered, numberOf, Peer, peerEngines, srtNowUs, stream, until } from './peer.ts';

const peers: Peer[] = [];
const peer = (...options: ConstructorParameters<typeof Peer>): Peer => {
  const made = new Peer(...options);
  peers.push(made);
  return made;
};
afterAll(() => {
  for (const made of peers) made.engine.dispose();
});

/** A node that copies each publisher's messages to every player, as the hub does. */
const relay = () => {
  const node = peer();
  const publish = node.listen({ role: 'publish' });
  const play = node.listen({ role: 'play' });
  node.engine.allow('publish', 'in', { maxSockets: 1 });
  node.engine.allow('play', 'out', { maxSockets: 20 });
  const dropped = new Float64Array(20);
  node.onRun = (_socket, first, count) => {
    const players = Int32Array.from(
      node.ofType('accepted').filter((e) => e.streamId === 'out'),
      (e) => e.socket,
    );
    node.engine.send(players, players.length, first, count, dropped);
  };
  return { node, publishPort: publish.port, playPort: play.port, dropped };
};

describe.concurrent('streams', () => {
  test.each([1316, 1456, 188, 1])('messages of %d bytes reach every player unchanged', async (length) => {
    const { node, publishPort, playPort, dropped } = relay();
    const [encoder, viewer] = [peer(), peer()];
    const players = await Promise.all([1, 2, 3].map(() => viewer.join(playPort, 'out', { reads: true })));
    await until('all players', () => node.ofType('accepted').length === 3);
    const socket = await encoder.join(publishPort, 'in');
    const count = 300;
    if (length >= 4) await stream(encoder, socket, 0, count, { length });
    else for (let i = 0; i < count; i++) encoder.engine.sendMessage(socket, Uint8Array.of(i & 255), 0);
    for (const player of players) {
      await until('the whole stream', () => viewer.messages(player).length === count);
      for (const [i, message] of viewer.messages(player).entries()) {
        const sent = length >= 4 ? numbered(i, length) : Uint8Array.of(i & 255);
        expect(Buffer.compare(message.bytes, sent)).toBe(0);
      }
    }
    expect([...dropped]).toEqual(Array(20).fill(0));
  });

  test('an orderly close at latency 2000 loses nothing, and the tail comes at its time', async () => {
    const { node, publishPort, playPort } = relay();
    const [encoder, viewer] = [peer(), peer()];
    const player = await viewer.join(playPort, 'out', { reads: true });
    const socket = await encoder.join(publishPort, 'in', { latencyMs: 2_000 });
    const { socket: publisher, latencyMs } = await node.accepted('in');
    expect(latencyMs).toBe(2_000);
    const startMs = performance.now();
    await stream(encoder, socket, 0, 500);
    await until('everything to arrive', () => encoder.stat(socket, 'sndBufPackets') === 0);
    const closedMs = performance.now();
    encoder.engine.close(socket);
    await until('the end of arrival', () => node.find('broken', publisher));
    const ended = await node.ended(publisher);
    expect(node.messages(publisher).map(numberOf)).toEqual([...Array(500).keys()]);
    await until('the player to have everything', () => viewer.messages(player).length === 500);
    expect(viewer.messages(player).map(numberOf)).toEqual([...Array(500).keys()]);
    // It is delivered when it is due: never at once, and the last of it one latency after it was sent.
    expect(ended.atMs - startMs).toBeGreaterThan(2_000);
    expect(ended.atMs - closedMs).toBeLessThan(2_000 + 500 + 300);
    const times = node.messages(publisher).map((message) => message.sourceTimeUs);
    expect(times.every((time, i) => i === 0 || time >= times[i - 1]!)).toBe(true);
    expect((times.at(-1)! - times[0]!) / 1000).toBeGreaterThan(300);
    expect(node.ofType('ended').filter((event) => event.socket === publisher)).toHaveLength(1);
    expect(node.stat(publisher, 'rttMs')).toBeUndefined();
  });

  test('a source time is when the message was due, and goes on to the player', async () => {
    const { node, publishPort, playPort } = relay();
    const [encoder, viewer] = [peer(), peer()];
    const player = await viewer.join(playPort, 'out', { reads: true, latencyMs: 300 });
    const socket = await encoder.join(publishPort, 'in', { latencyMs: 400 });
    const lateMs: number[] = [];
    const relayRun = node.onRun;
    node.onRun = (from, first, count) => {
      relayRun(from, first, count);
      lateMs.push((srtNowUs() - node.engine.sourceTimesUs[first]!) / 1000);
    };
    await stream(encoder, socket, 0, 300);
    await until('the player to have everything', () => viewer.messages(player).length === 300);
    const { socket: publisher } = await node.accepted('in');
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0);
    // Of our own engine this is how late the thread of the tests is, too.
    const soonMs = peerEngines.kind === 'libsrt' ? 50 : 200;
    expect(lateMs.sort((a, b) => a - b)[Math.floor(lateMs.length / 2)]).toBeLessThan(soonMs);
    // At the player each message is due one latency after it was due here.
    const differenceMs = viewer
      .messages(player)
      .map((message, i) => (message.sourceTimeUs - node.messages(publisher)[i]!.sourceTimeUs) / 1000)
      .sort((a, b) => a - b);
    expect(differenceMs[150]).toBeGreaterThan(290);
    // The player counts from our answer, which our own engine sends from this thread, as soon as tests let it.
    expect(differenceMs[150]).toBeLessThan(peerEngines.kind === 'libsrt' ? 320 : 500);
  });

  test('a source time before the connection began is raised, not refused', async () => {
    const { node, publishPort } = relay();
    const encoder = peer();
    const socket = await encoder.join(publishPort, 'in');
    expect(encoder.engine.sendMessage(socket, numbered(7), 1)).toBe(1316);
    expect(encoder.engine.sendMessage(socket, numbered(8), srtNowUs())).toBe(1316);
    const { socket: publisher } = await node.accepted('in');
    await until('both messages', () => node.messages(publisher).length === 2);
    expect(node.messages(publisher).map(numberOf)).toEqual([7, 8]);
  });

  test('what a socket will not take is counted', async () => {
    const node = peer();
    // The smallest buffer, so that it is full at once.
    const { port } = node.listen({ role: 'play', bufferBytes: 64 * 1500, flowWindowPackets: 64 });
    node.engine.allow('play', 'slow', { maxSockets: 1 });
    const viewer = peer();
    await viewer.join(port, 'slow', { reads: true });
    const { socket } = await node.accepted('slow');
    let sent = 0;
    let full = 0;
    for (let i = 0; i < 500; i++) node.engine.sendMessage(socket, numbered(i), 0) === -1 ? full++ : sent++;
    expect(full).toBeGreaterThan(0);
    expect(sent).toBeGreaterThan(0);
    node.engine.lengths.fill(1316, 0, 200);
    const dropped = new Float64Array([0, 3]);
    node.engine.send(new Int32Array([socket, 123_456]), 2, 0, 200, dropped);
    expect(dropped[0]).toBeGreaterThan(0);
    expect(dropped[0]).toBeLessThanOrEqual(200);
    expect(dropped[1]).toBe(203);
    // Lengths that JavaScript has overwritten do not lead outside a slot.
    const nonsense = [2_000_000_000, -7, 0, 1_457];
    for (const length of nonsense) {
      node.engine.lengths.fill(length);
      node.engine.send(new Int32Array([socket]), 1, 0, 10, dropped);
    }
    expect(dropped[0]).toBeGreaterThanOrEqual(10 * nonsense.length);
    expect(node.engine.sendMessage(123_456, numbered(0), 0)).toBe(-2);
  });

  test('statistics are those of the stream', async () => {
    const { node, publishPort, playPort } = relay();
    const [encoder, viewer] = [peer(), peer()];
    const player = await viewer.join(playPort, 'out', { reads: true, latencyMs: 250 });
    const socket = await encoder.join(publishPort, 'in', { latencyMs: 350 });
    await stream(encoder, socket, 0, 400);
    await until('the player to have everything', () => viewer.messages(player).length === 400);
    const all = (from: Peer, of: number) => Object.fromEntries(SRT_STATS_FIELDS.map((f) => [f, from.stat(of, f)!]));
    const publisher = (await node.accepted('in')).socket;
    expect(all(encoder, socket)).toMatchObject({ pktSentTotal: 400, sndLatencyMs: 350, sndBufPackets: 0 });
    const atNode = all(node, publisher);
    expect(atNode).toMatchObject({ pktRecvTotal: 400, pktRecvUniqueTotal: 400, pktRcvDropTotal: 0, rcvLatencyMs: 350 });
    expect(atNode.byteRecvTotal).toBeGreaterThanOrEqual(400 * 1316);
    expect(atNode.byteRecvTotal).toBeLessThan(400 * 1400);
    expect(atNode.rttMs).toBeGreaterThan(0);
    expect(atNode.uptimeMs).toBeGreaterThan(400);
    expect(atNode.uptimeMs).toBeLessThan(20_000);
    const toPlayer = (await node.accepted('out')).socket;
    expect(all(node, toPlayer)).toMatchObject({ pktSentTotal: 400, sndLatencyMs: 250, pktSndDropTotal: 0 });
    const out = new Float64Array(SRT_STATS_FIELDS.length).fill(-5);
    expect(node.engine.stats(123_456, out)).toBe(false);
    expect(new Set(out)).toEqual(new Set([-5]));
  });

  test('close ends a session at once on both sides', async () => {
    const { node, publishPort, playPort } = relay();
    const [encoder, viewer] = [peer(), peer()];
    const player = await viewer.join(playPort, 'out', { reads: true });
    const socket = await encoder.join(publishPort, 'in');
    for (const id of ['in', 'out']) node.engine.close((await node.accepted(id)).socket);
    await node.ended((await node.accepted('in')).socket);
    await node.ended((await node.accepted('out')).socket);
    await until('the encoder to notice', () => encoder.find('broken', socket));
    await encoder.ended(socket);
    await until('the player to notice', () => viewer.find('broken', player));
    expect(node.ofType('broken')).toEqual([]);
    expect(encoder.engine.sendMessage(socket, numbered(0), 0)).toBe(-2);
  });
});
