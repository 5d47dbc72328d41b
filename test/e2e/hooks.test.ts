import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isSignedHook } from '../../src/hooks/hook-signature.ts';
import { Peer } from '../native/peer.ts';
import { TestNode, until } from '../support/processes.ts';

const SECRET = 'a-secret-of-the-receiver';
const told: { event: string; stream: string; details: Record<string, unknown> }[] = [];
const peer = new Peer();
let server: Server;
let node: TestNode;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const [timestamp, signature] = ['timestamp', 'signature'].map((name) =>
        String(request.headers[`tributary-${name}`]),
      );
      const unixSeconds = Math.floor(Date.now() / 1_000);
      if (isSignedHook(SECRET, { timestamp: timestamp!, signature: signature!, body, unixSeconds }))
        told.push(JSON.parse(body));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  node = await TestNode.start({
    TRIBUTARY_HOOKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/streams`,
    TRIBUTARY_HOOKS_SECRET: SECRET,
    TRIBUTARY_HOOKS_ALLOW_PRIVATE: 'true',
  });
}, 90_000);
afterAll(async () => {
  peer.engine.dispose();
  await node?.stop();
  server.closeAllConnections();
  server.close();
});

it('a receiver is told of an encoder and a player that come and go', async () => {
  const ids = await node.createIds();
  const names = (): string[] => told.map(({ event }) => event);
  const publisher = await peer.join(node.ports.publish, ids.publisher, { reads: false });
  await until('publish', () => names().includes('publish'));
  const player = await peer.join(node.ports.play, ids.player, { reads: true });
  await until('play', () => names().includes('play'));
  peer.engine.close(player);
  await until('stop', () => names().includes('stop'));
  peer.engine.close(publisher);
  await until('unpublish', () => names().includes('unpublish'));
  expect(names()).toEqual(['publish', 'play', 'stop', 'unpublish']);
  expect(new Set(told.map(({ stream }) => stream)).size).toBe(1);
  expect(JSON.stringify(told)).not.toContain(ids.publisher);
  expect(JSON.stringify(told)).not.toContain(ids.player);
}, 60_000);
