import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UdpPeer } from '../integration/udp-peer.ts';
import { Peer } from '../native/peer.ts';
import { reg1 } from '../srtla/packets.ts';
import { TestNode } from '../support/processes.ts';

let node: TestNode;
let ids: { publisher: string; player: string };
let readKey: string;

beforeAll(async () => {
  node = await TestNode.start({ TRIBUTARY_HTTP_API_PER_MINUTE: '1000', TRIBUTARY_HTTP_KEYS_PER_MINUTE: '1000' });
  ids = (await node.rows())[0]!;
  const made = await ask('stats', 'POST', '/api/keys', {
    key: node.adminKey,
    body: '{"name":"r","permissions":"read"}',
  });
  expect(made.status).toBe(200);
  readKey = (JSON.parse(made.body) as { api_key: string }).api_key;
}, 60_000);
afterAll(async () => void (await node.stop()));

interface Asked {
  key?: string;
  body?: string;
  elsewhere?: boolean;
}

/** A request through a proxy is never one of this machine: that is how one from elsewhere is made here. */
const ask = async (
  port: 'stats' | 'links' | 'dashboard',
  method: string,
  path: string,
  { key, body, elsewhere }: Asked,
) => {
  const answer = await fetch(`http://127.0.0.1:${node.ports[port]}${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(elsewhere ? { 'x-forwarded-for': '203.0.113.7' } : {}),
    },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, body: await answer.text(), headers: answer.headers };
};

type Probe = readonly [port: 'stats' | 'links' | 'dashboard', number: string, method: string, path: string];

const PROBES: readonly Probe[] = [
  ['stats', '8090/tcp', 'GET', '/health'],
  ['stats', '8090/tcp', 'GET', '/stats/{a known id}'],
  ['stats', '8090/tcp', 'GET', '/stats/{a guess}'],
  ['stats', '8090/tcp', 'GET', '/stats'],
  ['stats', '8090/tcp', 'GET', '/api/stream-ids'],
  ['stats', '8090/tcp', 'POST', '/api/stream-ids'],
  ['stats', '8090/tcp', 'DELETE', '/api/stream-ids/{a guess}'],
  ['stats', '8090/tcp', 'GET', '/api/streams'],
  ['stats', '8090/tcp', 'GET', '/api/keys'],
  ['stats', '8090/tcp', 'GET', '/api/drain'],
  ['stats', '8090/tcp', 'POST', '/api/drain'],
  ['stats', '8090/tcp', 'GET', '/v1/doctor'],
  ['stats', '8090/tcp', 'GET', '/metrics'],
  ['links', '5080/tcp', 'GET', '/stats'],
  ['dashboard', '3000/tcp', 'GET', '/'],
  ['dashboard', '3000/tcp', 'GET', '/session'],
  ['dashboard', '3000/tcp', 'GET', '/data/ids'],
  ['dashboard', '3000/tcp', 'GET', '/data/settings'],
];

const cell = async ([port, , method, path]: Probe, asked: Asked): Promise<string> => {
  const real = path.replace('{a known id}', ids.player).replace('{a guess}', 'play_nobody');
  const { status, body } = await ask(port, method, real, { ...asked, ...(method === 'POST' ? { body: '{' } : {}) });
  const shows = [ids.publisher, node.adminKey, readKey].some((secret) => body.includes(secret));
  return `${status}${shows ? ', with publisher ids' : ''}`;
};

const httpRows = async (): Promise<string[]> => {
  const rows: string[] = [];
  for (const probe of PROBES) {
    const cells = [
      await cell(probe, { elsewhere: true }),
      await cell(probe, {}),
      await cell(probe, { key: readKey, elsewhere: true }),
      await cell(probe, { key: node.adminKey, elsewhere: true }),
    ];
    rows.push(`| ${probe[1]} | \`${probe[2]} ${probe[3]}\` | ${cells.join(' | ')} |`);
  }
  return rows;
};

/** A refusal by accepting may close before the caller knows that it was accepted. */
const srtCell = async (port: number, streamId: string): Promise<string> => {
  const caller = new Peer();
  try {
    const outcome = await caller.outcome(caller.call(port, streamId));
    if (outcome.type !== 'connected') return 'sent away';
    // A refusal by accepting closes within 100 ms; whoever is let in stays.
    await new Promise((done) => setTimeout(done, 400));
    return caller.ofType('ended').length > 0 ? 'sent away' : 'let in';
  } finally {
    caller.engine.dispose();
  }
};

const udpRows = async (): Promise<string[]> => {
  const { play, publish, srtla } = node.ports;
  const peer = await UdpPeer.open('127.0.0.1');
  peer.send(reg1(), srtla[0]!, '127.0.0.1');
  const answer = await peer.take('9201');
  peer.send(new Uint8Array(100).fill(0xff), srtla[0]!, '127.0.0.1');
  peer.send(reg1(), srtla[0]!, '127.0.0.1');
  await peer.take('9201');
  const garbage = peer.received.length === 0 ? 'nothing' : 'an answer';
  await peer.close();
  return [
    `| 5000/udp | registration of a bonded sender | answered with as many bytes (${answer.hex.length / 2}) |`,
    `| 5000/udp | anything else of a stranger | ${garbage} |`,
    `| 4001/udp | publisher id of the directory | ${await srtCell(publish, ids.publisher)} |`,
    `| 4001/udp | player id | ${await srtCell(publish, ids.player)} |`,
    `| 4001/udp | a guess | ${await srtCell(publish, 'live_nobody')} |`,
    `| 4000/udp | player id of the directory | ${await srtCell(play, ids.player)} |`,
    `| 4000/udp | publisher id | ${await srtCell(play, ids.publisher)} |`,
    `| 4000/udp | a guess | ${await srtCell(play, 'play_nobody')} |`,
  ];
};

describe('a node with default settings', () => {
  it('answers as SECURITY.md says', { timeout: 60_000 }, async () => {
    const text = [
      '<!-- Made by `npm test -- test/security --update=all`: a node with default settings, but for its limits of requests, was asked. -->',
      '',
      '| Port | Request | Elsewhere, no key | This machine, no key | Key `read` | Key `admin` |',
      '|---|---|---|---|---|---|',
      ...(await httpRows()),
      '',
      '| Port | What comes | What happens |',
      '|---|---|---|',
      ...(await udpRows()),
      '',
    ].join('\n');
    await expect(text).toMatchFileSnapshot(resolve(import.meta.dirname, '../../docs/exposure.md'));
  });

  it('opens nothing to others but its six ports', () => {
    const own = `pid=${node.program.child.pid},`;
    const table = execFileSync('ss', ['-H', '-l', '-n', '-t', '-u', '-p'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(own))
      .map((line) => line.trim().split(/\s+/)[4]!);
    const { srtla, play, publish, stats, links, dashboard } = node.ports;
    const known = [...srtla, play, publish, stats, links, dashboard];
    const others = table.filter((address) => !known.includes(Number(address.split(':').at(-1))));
    expect(table.length).toBeGreaterThanOrEqual(6);
    for (const address of others) expect(address).toMatch(/^(?:127\.|\[::1\]|\[::ffff:127\.)/);
  });

  it('has files that only its own user can read', () => {
    const modes = readdirSync(node.dataDir, { recursive: true, withFileTypes: true })
      .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
      .filter(({ entry }) => entry.isFile())
      .map(({ path }) => [path.slice(node.dataDir.length + 1), (statSync(path).mode & 0o777).toString(8)]);
    expect(modes.length).toBeGreaterThanOrEqual(3);
    for (const [path, mode] of modes) expect([path, mode]).toEqual([path, '600']);
  });

  it('gives a cookie that scripts and other sites cannot use, to its own pages only', async () => {
    const url = `http://127.0.0.1:${node.ports.dashboard}`;
    const signIn = (origin: string) =>
      fetch(`${url}/session`, { method: 'POST', headers: { origin }, body: JSON.stringify({ key: node.adminKey }) });
    expect((await signIn('http://evil.example')).status).toBe(403);
    const [cookie] = (await signIn(url)).headers.getSetCookie();
    expect(cookie).toMatch(/^tributary_[0-9a-f]{8}=[\w-]{43};/);
    for (const flag of ['HttpOnly', 'SameSite=Strict', 'Path=/']) expect(cookie).toContain(flag);
    // Over plain HTTP a browser would not give a Secure one back.
    expect(cookie).not.toContain('Secure');
  });
});
