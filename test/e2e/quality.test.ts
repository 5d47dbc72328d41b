import { setInterval } from 'node:timers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Peer } from '../native/peer.ts';
import { TestNode, until } from '../support/processes.ts';

interface Told {
  type: string;
  from?: string;
  to?: string;
  reason?: string;
}

const peer = new Peer();
let node: TestNode;

beforeAll(async () => {
  node = await TestNode.start();
}, 90_000);
afterAll(async () => {
  peer.engine.dispose();
  await node?.stop();
});

it('the history tells when a stream that was well is heard no more, and when it is again', async () => {
  const ids = await node.createIds();
  const publisher = await peer.join(node.ports.publish, ids.publisher, { reads: false });
  const packet = new Uint8Array(1_316).fill(0x47);
  // Some 1 Mbit/s.
  const send = () => setInterval(() => peer.engine.sendMessage(publisher, packet, 0), 10);
  const changes = async (): Promise<Told[]> => {
    const { data } = await node.get<{ data: Told[] }>(`/api/events/${ids.publisher}`, node.adminKey);
    return data.filter(({ type }) => type === 'quality');
  };
  let sending = send();
  const until8s = performance.now() + 8_000;
  await until('8 s of the stream', () => performance.now() > until8s, 20_000);
  expect(await changes()).toEqual([]);
  clearInterval(sending);
  await until('the error', async () => (await changes()).length === 1, 30_000);
  sending = send();
  await until('the end of it', async () => (await changes()).length === 2, 30_000);
  clearInterval(sending);
  expect(await changes()).toMatchObject([
    { from: 'VERY_LOW', to: 'ERROR', reason: 'no-links' },
    { from: 'ERROR', to: 'VERY_LOW', reason: 'links-back' },
  ]);
}, 90_000);
