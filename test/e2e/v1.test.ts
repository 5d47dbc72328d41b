import { afterAll, beforeAll, expect, it } from 'vitest';
import type { z } from 'zod';
import { OPERATIONS } from '../../src/stats/v1/operations.ts';
import { SCHEMAS } from '../../src/stats/v1/schemas.ts';
import { Peer } from '../native/peer.ts';
import { testClip } from '../support/media.ts';
import { TestNode, tributary, until } from '../support/processes.ts';

const peer = new Peer();
let node: TestNode;

beforeAll(async () => {
  testClip(20);
  node = await TestNode.start();
}, 120_000);
afterAll(async () => {
  peer.engine.dispose();
  await node?.stop();
});

/** Each answer has what its schema says and nothing else. */
const ask = async <T>(path: string, id: string): Promise<T> => {
  const { answer } = OPERATIONS.find((one) => one.id === id)!;
  const schema: z.ZodType = SCHEMAS[answer as keyof typeof SCHEMAS];
  const body = await node.get<T>(path, node.adminKey);
  const read = schema.safeParse(body);
  expect(read.error?.issues, path).toBeUndefined();
  expect(read.data, path).toEqual(body);
  return body;
};

it('answers of a node with a bonded stream and a player are as the document says', { timeout: 60_000 }, async () => {
  const [row] = await node.rows();
  const sender = tributary([
    ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1'],
    ...['--input', testClip(20), '--streamid', row!.publisher, '--latency', '500'],
  ]);
  try {
    await peer.join(node.ports.play, row!.player, {});
    const path = `/v1/streams/${encodeURIComponent(row!.player)}`;
    await until('a live stream with two links and a player', async () => {
      const { state, publishers, players } = await ask<{
        state: string;
        publishers: { links: object[] }[];
        players: object[];
      }>(path, 'getStream');
      return state === 'live' && publishers[0]?.links.length === 2 && players.length === 1;
    });
    expect((await ask<{ items: object[] }>('/v1/streams', 'listStreams')).items).toHaveLength(1);
    expect((await ask<{ items: object[] }>(`${path}/links`, 'getLinks')).items).toHaveLength(2);
    expect((await ask<{ items: object[] }>(`${path}/players`, 'getPlayers')).items).toHaveLength(1);
    const { items } = await ask<{ items: { type: string }[] }>(`${path}/events`, 'getEvents');
    expect(items.map(({ type }) => type)).toContain('publisher-up');
    await until('a first step of its history', async () =>
      (await ask<{ kbps: (number | null)[] }>(`${path}/history`, 'getHistory')).kbps.some((one) => (one ?? 0) > 0),
    );
    const [group] = (await ask<{ items: { stream: string; isAccepted: boolean }[] }>('/v1/groups', 'listGroups')).items;
    expect(group).toMatchObject({ isAccepted: true });
    expect(await ask('/v1/node', 'getNode')).toMatchObject({ isUp: true, publishers: 1, players: 1, groups: 1 });
    await ask('/v1/stream-ids', 'listStreamIds');
    await ask('/v1/keys', 'listKeys');
  } finally {
    await sender.stop();
  }
});
