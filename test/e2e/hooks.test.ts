import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isHookSigned } from '../../src/hooks/hook-signature.ts';
import { testClip } from '../support/media.ts';
import { TestNode, tributary, until } from '../support/processes.ts';

const SECRET = 'hooks-secret-of-this-test';

interface Told {
  type: string;
  event: string;
  stream: string;
  publisherId?: string;
  why?: string;
}

let server: Server;
let node: TestNode;
const told: Told[] = [];
let unsigned = 0;

beforeAll(async () => {
  testClip(10);
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { 'tributary-timestamp': timestamp, 'tributary-signature': signature } = request.headers;
    const headers = { timestamp: String(timestamp), signature: String(signature) };
    if (!isHookSigned(SECRET, headers, body, Date.now() / 1_000)) unsigned++;
    told.push(JSON.parse(body) as Told);
    response.writeHead(204).end();
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  node = await TestNode.start({
    TRIBUTARY_HOOKS_URLS: `http://localhost:${(server.address() as AddressInfo).port}/`,
    TRIBUTARY_HOOKS_SECRET: SECRET,
    TRIBUTARY_HOOKS_ALLOWED_NETWORKS: '127.0.0.1,::1',
    TRIBUTARY_HOOKS_DETAILS: 'full',
  });
}, 120_000);

afterAll(async () => {
  await node?.stop();
  server?.closeAllConnections();
  server?.close();
});

describe('a node with a receiver of webhooks', () => {
  it('tells it of links, publisher and their end, in order, also when it stops', { timeout: 60_000 }, async () => {
    const [row] = await node.rows();
    const sender = tributary([
      ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1'],
      ...['--input', testClip(10), '--streamid', row!.publisher, '--latency', '500'],
    ]);
    try {
      await until('the publisher to be told of', () => told.some(({ type }) => type === 'publish'));
      await until('both links', () => told.filter(({ type }) => type === 'link-up').length === 2);
      expect(told.every(({ publisherId }) => publisherId === row!.publisher)).toBe(true);
      await node.program.stop();
      await until('its end to be told of', () => told.some(({ type }) => type === 'unpublish'));
    } finally {
      await sender.stop('SIGKILL');
    }
    const types = told.map(({ type }) => type);
    expect(types.indexOf('publish')).toBeLessThan(types.indexOf('unpublish'));
    expect(told.find(({ type }) => type === 'unpublish')).toMatchObject({ why: 'stopping' });
    expect(unsigned).toBe(0);
  });
});
