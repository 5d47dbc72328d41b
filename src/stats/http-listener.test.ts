import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { until } from '../../test/support/processes.ts';
import { statsDeps } from '../../test/support/stats-deps.ts';
import { listeningStats, PushClient } from '../../test/support/stats-socket.ts';
import { silentLogger } from '../shared/logger.ts';
import { createHttpApp } from './http-app.ts';
import { HttpListener } from './http-listener.ts';
import { createLinksServer } from './links-server.ts';
import { createStatsServer } from './stats-server.ts';

const open = async (bind: string[], port = 0): Promise<HttpListener> => {
  const { app } = createStatsServer(await statsDeps());
  const listener = await HttpListener.open(app, { bind, port, portSetting: 'SLS_STATS_PORT' });
  onTestFinished(() => listener.close(0));
  return listener;
};

describe('HttpListener', () => {
  it('answers on every address, on the same free port', async () => {
    const { port } = await open(['127.0.0.1', '127.0.0.2']);
    expect(port).toBeGreaterThan(0);
    for (const host of ['127.0.0.1', '127.0.0.2'])
      expect((await fetch(`http://${host}:${port}/health`)).status).toBe(200);
  });

  it('answers on further ports, and names the setting of one that is taken', async () => {
    const { port: taken } = await open(['127.0.0.1']);
    const { app } = createStatsServer(await statsDeps());
    const options = { bind: ['127.0.0.2'], port: 0, portSetting: 'SLS_STATS_PORT', aliasPortsSetting: 'ALIASES' };
    const listener = await HttpListener.open(app, { ...options, aliasPorts: [taken] });
    expect(listener.port).not.toBe(taken);
    expect((await fetch(`http://127.0.0.2:${taken}/health`)).status).toBe(200);
    await listener.close(0);
    await expect(fetch(`http://127.0.0.2:${taken}/health`)).rejects.toThrow();
    const again = createStatsServer(await statsDeps()).app;
    await expect(
      HttpListener.open(again, { ...options, bind: ['127.0.0.1'], aliasPorts: [taken] }),
    ).rejects.toMatchObject({ code: 'TRIBUTARY_PORT_IN_USE', mend: expect.stringContaining('ALIASES') });
  });

  it('answers IPv4 on the dual-stack wildcard', async () => {
    const { port } = await open(['::', '127.0.0.1']);
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  });

  it('knows a caller of this machine on a real connection', async () => {
    const app = createLinksServer(await statsDeps([{ publisher: 'live_a', player: 'play_a' }]));
    const listener = await HttpListener.open(app, { bind: ['::'], port: 0, portSetting: 'LINK_STATS_PORT' });
    onTestFinished(() => listener.close(0));
    const answer = await fetch(`http://127.0.0.1:${listener.port}/stats`);
    expect(await answer.text()).toContain('"stream_id":"live_a"');
  });

  it('names a port that is taken, and the setting', async () => {
    const { port } = await open(['127.0.0.1']);
    await expect(open(['127.0.0.1'], port)).rejects.toMatchObject({
      code: 'TRIBUTARY_PORT_IN_USE',
      message: `TCP port 127.0.0.1:${port} is in use by another program`,
      mend: expect.stringContaining('SLS_STATS_PORT'),
    });
  });

  it('names an address that the machine does not have', async () => {
    await expect(open(['192.0.2.1'])).rejects.toMatchObject({
      code: 'TRIBUTARY_BIND_FAILED',
      message: expect.stringContaining('192.0.2.1:0'),
    });
  });

  it('closes although a client holds its connection', async () => {
    const { app } = createStatsServer(await statsDeps());
    const listener = await HttpListener.open(app, { bind: ['127.0.0.1'], port: 0, portSetting: 'X' });
    const socket = connect(listener.port, '127.0.0.1');
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    socket.on('error', () => {});
    socket.write('GET /health HTTP/1.1\r\n');
    await listener.close(20);
    await closed;
    await expect(fetch(`http://127.0.0.1:${listener.port}/health`)).rejects.toThrow();
  });
});

/** A client that never closes its half, and reads only what it is told to. @returns what it got, at the end of the connection */
const halfOpen = (port: number, text: string): { socket: Socket; got: () => string; closed: Promise<unknown> } => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let got = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1');
  });
  const closed = once(socket, 'close');
  socket.write(text);
  return { socket, got: () => got, closed };
};
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n';
const listening = async () => listeningStats(await statsDeps([{ publisher: 'live_a', player: 'play_a' }]));

describe('an end of the server', () => {
  it('takes WebSocket clients along: 1001, and none is waited for', { timeout: 10_000 }, async () => {
    const { base, port, close } = await listening();
    const polite = new PushClient(`ws://${base}/ws/stats/play_a`);
    expect(await polite.outcome).toBe('open');
    // Neither answers the good-bye nor closes.
    const deaf = new WebSocket(`ws://${base}/ws/stats/play_a`);
    deaf.on('error', () => {});
    await once(deaf, 'open');
    deaf.pause();
    const refused = halfOpen(port, `GET /ws/stats/nobody HTTP/1.1\r\nHost: x\r\n${UPGRADE}`);
    await once(refused.socket, 'end');
    const startMs = performance.now();
    await close(1_000);
    expect(performance.now() - startMs).toBeLessThan(3_000);
    expect(await polite.closed).toBe(1_001);
    expect(refused.got()).toMatch(/^HTTP\/1.1 404 /);
    deaf.terminate();
  });
});

describe('a client that holds on to its connection', () => {
  it.each([
    ['no HTTP', 'HELLO\r\n\r\n', 400],
    ['too long a header', `GET / HTTP/1.1\r\nHost: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['a refused upgrade', `GET /ws/stats/nobody HTTP/1.1\r\nHost: x\r\n${UPGRADE}`, 404],
  ])('is let go after %s', { timeout: 10_000 }, async (_, text, status) => {
    const server = await listening();
    const client = halfOpen(server.port, text);
    await once(client.socket, 'end');
    expect(client.got()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    // It has not closed its half: only the server can have done so.
    await until('the connection to be gone', () => server.connections() === 0, 3_000);
  });

  it('is let go when it does not read its answer', { timeout: 15_000 }, async () => {
    const app = createHttpApp({ logger: silentLogger, notFound: (reply) => reply.code(404).send('') });
    app.get('/big', async (_request, reply) => reply.send(Buffer.alloc(64 * 1_024 * 1_024)));
    const options = { bind: ['127.0.0.1'], port: 0, portSetting: 'X', idleTimeoutMs: 1_000 };
    const listener = await HttpListener.open(app, options);
    onTestFinished(() => listener.close(0));
    const { socket } = halfOpen(listener.port, 'GET /big HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    socket.pause();
    expect(listener.connections).toBe(1);
    await until('the connection to be gone', () => listener.connections === 0, 10_000);
  });

  it('keeps a WebSocket that is quiet for longer than that', { timeout: 10_000 }, async () => {
    const deps = await statsDeps([{ publisher: 'live_a', player: 'play_a' }]);
    const { base } = await listeningStats(deps, { idleTimeoutMs: 500 });
    const client = new PushClient(`ws://${base}/ws/stats/play_a`);
    onTestFinished(() => client.socket.terminate());
    await until('three messages, a second apart', () => client.frames.length >= 3);
    expect(client.closeCode).toBeUndefined();
  });
});
