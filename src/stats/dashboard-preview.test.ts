import { request } from 'node:http';
import { Readable } from 'node:stream';
import { describe, it, onTestFinished } from 'vitest';
import { dashboardClient } from '../../test/support/dashboard-client.ts';
import { until } from '../../test/support/processes.ts';
import { publicStreamName } from '../shared/redact.ts';
import { createDashboardServer } from './dashboard-server.ts';
import { HttpListener } from './http-listener.ts';

/** A node whose stream is one byte every now and then. */
const watching = async () => {
  const client = await dashboardClient();
  const key = await client.deps.keys.create('reader', 'read');
  const media: Readable[] = [];
  let asks = 0;
  let admit = (): void => {};
  const admitted = new Promise<void>((done) => {
    admit = done;
  });
  Object.assign(client.deps, {
    preview: {
      open: async () => {
        asks++;
        await admitted;
        const one = new Readable({ read: () => {} });
        one.push('TS');
        media.push(one);
        return one;
      },
      close: () => {},
    },
  });
  const { app } = createDashboardServer(client.deps);
  const listener = await HttpListener.open(app, { bind: ['127.0.0.1'], port: 0, portSetting: 'SLS_MGNT_PORT' });
  onTestFinished(() => listener.close(0));
  const base = `http://127.0.0.1:${listener.port}`;
  const answer = await fetch(`${base}/session`, {
    method: 'POST',
    headers: { origin: base },
    body: JSON.stringify({ key }),
  });
  const cookie = answer.headers.getSetCookie()[0]!.split(';')[0]!;
  const path = `/preview/${publicStreamName('live_a')}`;
  const asked = request({ host: '127.0.0.1', port: listener.port, path, headers: { cookie } });
  asked.on('error', () => {});
  asked.end();
  onTestFinished(() => void asked.destroy());
  return { ...client, asked, asks: () => asks, media, admit, listener };
};

describe('the picture', () => {
  it('ends with the key that the viewer has signed in with', async () => {
    const { asked, admit, media, deps } = await watching();
    admit();
    let bytes = 0;
    let isOver = false;
    asked.on('response', (response) => {
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('error', () => {});
      response.on('close', () => {
        isOver = true;
      });
    });
    await until('the picture', () => bytes > 0);
    await deps.keys.revoke(deps.keys.list().find(({ name }) => name === 'reader')!.id);
    await until('the end', () => isOver && media[0]!.destroyed);
  });

  it('leaves no player behind for a viewer who has left before it came', async () => {
    const { asked, asks, admit, media, listener } = await watching();
    await until('the player to be called', () => asks() === 1);
    asked.destroy();
    // That of the sign-in is kept open for a while by whoever has made it.
    await until('the viewer to have left', () => listener.connections <= 1);
    admit();
    await until('the player to be let go', () => media[0]?.destroyed === true);
  });
});
