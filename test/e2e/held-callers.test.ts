import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Peer, until as untilNow } from '../native/peer.ts';
import { TestNode, until } from '../support/processes.ts';

const peer = new Peer();
/** Questions that the hook has not answered. */
const open: ServerResponse[] = [];
let server: Server;
let node: TestNode;
/** Then it answers at once. */
let isQuick = false;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (isQuick) response.writeHead(200).end();
    else open.push(response);
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  node = await TestNode.start({
    TRIBUTARY_TEST_HOOKS: '1',
    TRIBUTARY_HOOKS_AUTH_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    TRIBUTARY_HOOKS_SECRET: 'secret-of-the-access-hook',
    TRIBUTARY_HOOKS_ALLOWED_NETWORKS: '127.0.0.1',
  });
}, 90_000);
afterAll(async () => {
  peer.engine.dispose();
  await node?.stop();
  server.closeAllConnections();
  server.close();
});

it('callers who wait for the hook when the data plane dies are asked for anew when they come back, and late answers are for nobody', async () => {
  const ids = await Promise.all(Array.from({ length: 3 }, () => node.createIds()));
  const first = await Promise.all(
    ids.map(({ publisher }) => peer.join(node.ports.publish, publisher, { reads: false, peerIdleTimeoutMs: 2_000 })),
  );
  await until('a question for each', () => open.length === 3);
  const restarts = async (): Promise<number> =>
    (await node.get<{ dataPlaneRestarts: number }>('/health')).dataPlaneRestarts;
  node.hook({ hook: 'data-plane', fault: 'throw' });
  await until('the data plane to be back', async () => (await restarts()) === 1, 20_000);
  // The numbers of sockets may mean others by now.
  for (const response of open.splice(0)) response.writeHead(200).end();
  await Promise.all(
    first.map((socket) => untilNow('the old session to end', () => peer.find('broken', socket), 20_000)),
  );
  const live = async (): Promise<number> =>
    (await node.get<{ data: { publishers: object[] }[] }>('/api/streams', node.adminKey)).data.filter(
      ({ publishers }) => publishers.length > 0,
    ).length;
  expect(await live()).toBe(0);
  isQuick = true;
  const again = await Promise.all(
    ids.map(({ publisher }) => peer.join(node.ports.publish, publisher, { reads: false })),
  );
  const message = new Uint8Array(1_316).fill(0x47);
  for (const socket of again) peer.engine.sendMessage(socket, message, 0);
  await until('all of them to be live', async () => (await live()) === 3);
  expect(await restarts()).toBe(1);
}, 60_000);
