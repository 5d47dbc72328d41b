import { afterAll, describe, expect, test } from 'vitest';
import { numbered, numberOf, Peer, stream, turn, until } from '../native/peer.ts';
import { ImpairedLink, type ImpairedLinkOptions } from '../support/impaired-link.ts';
import { DirectRelay, type DirectRelayOptions } from './direct-relay.ts';

const peers: Peer[] = [];
const links: { close(): unknown }[] = [];
const peer = (): Peer => {
  const made = new Peer();
  peers.push(made);
  return made;
};
afterAll(async () => {
  for (const made of peers) made.engine.dispose();
  await Promise.all(links.map((each) => each.close()));
});

const relayOf = async (options: DirectRelayOptions = {}): Promise<DirectRelay> => {
  const relay = await DirectRelay.open(options);
  links.push(relay);
  return relay;
};
const through = async (port: number, options: ImpairedLinkOptions): Promise<number> => {
  const link = await ImpairedLink.open(port, options);
  links.push(link);
  return link.port;
};

describe.concurrent('with libsrt as publisher and as player', () => {
  test.each([1316, 1456, 188])('messages of %d bytes reach every player unchanged', async (length) => {
    const relay = await relayOf();
    const [encoder, viewer] = [peer(), peer()];
    const players = await Promise.all([1, 2, 3].map(() => viewer.join(relay.port, 'play', { reads: true })));
    const socket = await encoder.join(relay.port, 'publish');
    await stream(encoder, socket, 0, 500, { length });
    for (const player of players) {
      await until('the whole stream', () => viewer.messages(player).length === 500);
      for (const [i, message] of viewer.messages(player).entries())
        expect(Buffer.compare(message.bytes, numbered(i, length))).toBe(0);
    }
    await until('everything to be acknowledged', () => encoder.stat(socket, 'sndBufPackets') === 0);
    await until('the store to be empty', () => relay.store.usedCount === 0);
    // The figures of both ends of a hop are counted alike; what a busy system has dropped is not in all of them.
    const perPacket = (bytes: number, packets: number): number => bytes / packets;
    const publisher = relay.publisher!;
    expect(relay.stat(publisher, 'pktRecvUniqueTotal')).toBe(500);
    expect(perPacket(relay.stat(publisher, 'byteRecvTotal'), relay.stat(publisher, 'pktRecvTotal'))).toBe(
      perPacket(encoder.stat(socket, 'byteSentTotal')!, encoder.stat(socket, 'pktSentTotal')!),
    );
    players.forEach((player, i) => {
      const sender = relay.players[i]!;
      expect(viewer.stat(player, 'pktRecvUniqueTotal')).toBe(500);
      expect(perPacket(relay.stat(sender, 'byteSentTotal'), relay.stat(sender, 'pktSentTotal'))).toBe(
        perPacket(viewer.stat(player, 'byteRecvTotal')!, viewer.stat(player, 'pktRecvTotal')!),
      );
      expect(viewer.stat(player, 'rcvLatencyMs')).toBe(relay.stat(sender, 'sndLatencyMs'));
    });
    expect(relay.publisher!.rtt.hasSample).toBe(true);
    expect(relay.players.every(({ rtt }) => rtt.hasSample)).toBe(true);
  });

  test.each([
    ['additive', false],
    ['shared', true],
  ])('what both links lose is repaired, once each (%s)', async (_name, shared) => {
    const relay = await relayOf({ latencyMs: shared ? 2_500 : 1_500, shared });
    const [encoder, viewer] = [peer(), peer()];
    const lossy = { delayMs: 20, lossRate: 0.03 };
    const player = await viewer.join(await through(relay.port, { ...lossy, seed: 3 }), 'play', {
      reads: true,
      latencyMs: 1_500,
      connectTimeoutMs: 8_000,
    });
    const socket = await encoder.join(await through(relay.port, { ...lossy, seed: 5 }), 'publish', {
      latencyMs: 1_500,
      connectTimeoutMs: 8_000,
    });
    const count = 2_000;
    await stream(encoder, socket, 0, count, { perMs: 0.6 });
    // What is lost last is not missed: nothing follows it.
    for (let i = 0; i < 40; i++) {
      encoder.engine.sendMessage(socket, numbered(count + i), 0);
      await turn(20);
    }
    await until('the whole stream', () => viewer.messages(player).length >= count, 15_000);
    const numbers = viewer.messages(player).map(numberOf).slice(0, count);
    expect(numbers).toEqual([...Array(count).keys()]);
    const resent = encoder.stat(socket, 'pktRetransTotal')!;
    const receiver = relay.publisher!;
    expect(relay.stat(receiver, 'pktRcvLossTotal')).toBeGreaterThan(50);
    expect(resent).toBeGreaterThanOrEqual(relay.stat(receiver, 'pktRcvLossTotal'));
    expect(relay.stat(relay.players[0]!, 'pktRetransTotal')).toBeGreaterThan(50);
    expect(receiver.rtt.ms).toBeGreaterThan(35);
  });
});
