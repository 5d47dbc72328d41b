import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { httpsGet, writeCertificate } from '../support/certificate.ts';
import { TestNode, until } from '../support/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-tls-'));
const nodes: TestNode[] = [];
const at = (name: string): string => join(folder, name);

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const start = async (env: Record<string, string>): Promise<TestNode> => {
  const node = await TestNode.start({ TRIBUTARY_HTTP_TLS_PORT: '0', ...env });
  nodes.push(node);
  return node;
};
const tlsOf = (node: TestNode): number =>
  (JSON.parse(readFileSync(join(node.dataDir, 'runtime.json'), 'utf8')) as { ports: { tls: number } }).ports.tls;

describe('a node with a certificate', () => {
  it('serves statistics, management and dashboard by HTTPS on one port, and takes a renewed certificate without a break', {
    timeout: 60_000,
  }, async () => {
    writeCertificate(at('cert.pem'), at('key.pem'));
    const node = await start({ TRIBUTARY_HTTP_TLS_CERT: at('cert.pem'), TRIBUTARY_HTTP_TLS_KEY: at('key.pem') });
    const base = `https://127.0.0.1:${tlsOf(node)}`;
    const authorization = `Bearer ${node.adminKey}`;

    expect((await httpsGet(`${base}/health`)).text).toContain('"service":"srt-live-server"');
    const ids = await httpsGet(`${base}/api/stream-ids`, { headers: { authorization } });
    expect([ids.status, ids.text]).toEqual([200, expect.stringContaining('"player"')]);
    expect((await httpsGet(`${base}/api/stream-ids`)).status).toBe(401);

    const signedIn = await httpsGet(`${base}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: base },
      body: JSON.stringify({ key: node.adminKey }),
    });
    const [cookie] = signedIn.headers['set-cookie'] as string[];
    expect(cookie).toContain('Secure');
    const pair = cookie!.split(';')[0]!;
    expect((await httpsGet(`${base}/data/settings`, { headers: { cookie: pair } })).status).toBe(200);
    expect((await httpsGet(`${base}/api/stream-ids`, { headers: { cookie: pair } })).status).toBe(200);

    const socket = new WebSocket(`wss://127.0.0.1:${tlsOf(node)}/ws/stats`, {
      ...{ rejectUnauthorized: false, headers: { authorization } },
    });
    let frames = 0;
    socket.on('message', () => frames++);
    await until('a message on the WebSocket', () => frames > 0);

    const before = (await httpsGet(`${base}/health`)).fingerprint;
    writeCertificate(at('cert2.pem'), at('key2.pem'));
    copyFileSync(at('cert2.pem'), at('cert.pem'));
    copyFileSync(at('key2.pem'), at('key.pem'));
    await until('the renewed certificate', async () => (await httpsGet(`${base}/health`)).fingerprint !== before);
    const seen = frames;
    await until('the WebSocket to go on', () => frames > seen);
    socket.terminate();
    expect((await node.get<{ status: string }>('/health')).status).toBe('ok');
  });

  it('that is not there yet runs without HTTPS, and opens it once it is', { timeout: 60_000 }, async () => {
    const files = { TRIBUTARY_HTTP_TLS_CERT: at('late-cert.pem'), TRIBUTARY_HTTP_TLS_KEY: at('late-key.pem') };
    const node = await start(files);
    expect(node.program.output).toContain('HTTPS is not served yet');
    writeCertificate(at('late-cert.pem'), at('late-key.pem'));
    await until('the node to say so', () => node.program.output.includes('HTTPS is served'));
    const port = Number(
      /HTTPS is served.*?"port":(\d+)|"port":(\d+).*?HTTPS is served/.exec(node.program.output)?.slice(1).find(Boolean),
    );
    expect((await httpsGet(`https://127.0.0.1:${port}/health`)).status).toBe(200);
  });
});
