import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeState } from '../../test/support/node-states.ts';
import { ownAddressOf } from '../shared/address.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import { askNode, findRunningNode, readRows } from './running-node.ts';

const facts = (changes: object = {}): object => ({
  pid: process.pid,
  token: 'secret',
  ports: { srtla: [5000], publish: 4001, play: 4000, stats: 8090, links: 5080 },
  ...changes,
});

let dataDir: string;
let server: Server | undefined;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tributary-running-'));
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(dataDir, { recursive: true, force: true });
});

const write = (content: unknown): void =>
  writeFileSync(join(dataDir, 'runtime.json'), typeof content === 'string' ? content : JSON.stringify(content));

describe('findRunningNode', () => {
  it('reads what the node has left', () => {
    write(facts());
    expect(findRunningNode(dataDir)).toEqual(facts());
  });

  it.each<[string, unknown, string]>([
    ['no file', undefined, 'there is no runtime.json'],
    ['not JSON', '{', 'not what a node writes'],
    ['null', 'null', 'not what a node writes'],
    ['no ports', facts({ ports: undefined }), 'not what a node writes'],
    [
      'a bad port',
      facts({ ports: { srtla: ['x'], publish: 1, play: 1, stats: 1, links: 1 } }),
      'not what a node writes',
    ],
    ['a process that is gone', facts({ pid: 2 ** 22 + 1 }), 'is gone'],
  ])('%s', (_, content, words) => {
    if (content !== undefined) write(content);
    expect(() => findRunningNode(dataDir)).toThrow(
      expect.objectContaining({
        code: 'TRIBUTARY_NODE_NOT_RUNNING',
        message: expect.stringContaining(words),
        mend: expect.stringContaining('npm start'),
      }),
    );
  });
});

describe('askNode', () => {
  const serve = async (answer: RequestListener): Promise<number> => {
    const opened = createServer(answer);
    server = opened;
    await new Promise<void>((done) => opened.listen(0, '127.0.0.1', done));
    return (opened.address() as AddressInfo).port;
  };
  const nodeAt = (stats: number) => ({
    pid: process.pid,
    token: 'secret',
    ports: { srtla: [5000], publish: 4001, play: 4000, stats, links: 5080 },
  });

  it('shows its token and gets the state', async () => {
    let asked = '';
    const port = await serve((request, response) => {
      asked = `${request.method} ${request.url} ${request.headers.authorization}`;
      response.end(JSON.stringify(nodeState()));
    });
    const snapshot = await askNode(nodeAt(port), { bind: ['::'], dataDir });
    expect(asked).toBe('GET /v1/doctor Bearer secret');
    expect(snapshot.ports.srtla).toEqual([5000]);
  });

  it('takes a refusal or silence for no node, and keeps the token to itself', async () => {
    const port = await serve((_request, response) => response.writeHead(401).end('{}'));
    const refused = await askNode(nodeAt(port), { bind: ['::'], dataDir }).catch((error: Error) => error);
    expect(refused).toMatchObject({
      code: 'TRIBUTARY_NODE_NOT_RUNNING',
      message: expect.stringContaining('status 401'),
    });
    await new Promise((done) => server?.close(done));
    server = undefined;
    const silent = await askNode(nodeAt(port), { bind: ['::'], dataDir }).catch((error: Error) => error);
    expect(silent).toMatchObject({
      code: 'TRIBUTARY_NODE_NOT_RUNNING',
      message: expect.stringContaining('does not answer'),
    });
    expect(`${refused} ${silent}`).not.toContain('secret');
  });
});

it.each([
  [['::'], '127.0.0.1'],
  [['auto'], '127.0.0.1'],
  [[], '127.0.0.1'],
  [['192.0.2.7', '127.0.0.1'], '127.0.0.1'],
  [['192.0.2.7'], '192.0.2.7'],
])('a node bound to %j answers on %s', (bind, address) => {
  expect(ownAddressOf(bind)).toBe(address);
});

describe('readRows', () => {
  it('does not make the ids of a first start', async () => {
    await expect(readRows(dataDir)).rejects.toMatchObject({ code: 'TRIBUTARY_NODE_NOT_RUNNING' });
    expect(existsSync(join(dataDir, 'streams.json'))).toBe(false);
  });

  it('gives the ids of the node', async () => {
    const { directory } = await DirectoryFile.open(dataDir);
    expect(await readRows(dataDir)).toEqual(directory.rows());
  });
});
