import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { statsDeps } from '../../test/support/stats-deps.ts';
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
