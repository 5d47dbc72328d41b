import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../test/support/processes.ts';
import { ROWS } from '../../test/support/stats-client.ts';
import { ADMIN, statsDeps } from '../../test/support/stats-deps.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';
import { EVENT_CLIENTS_PER_SOURCE, KEPT_EVENTS } from './event-stream.ts';
import { HttpListener } from './http-listener.ts';
import { createStatsServer } from './stats-server.ts';

interface Told {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

const listening = async () => {
  const deps = await statsDeps(ROWS);
  const { app, eventStream } = createStatsServer(deps);
  const listener = await HttpListener.open(app, { bind: ['127.0.0.1'], port: 0, portSetting: 'SLS_STATS_PORT' });
  onTestFinished(() => listener.close(0));
  const reader = await deps.keys.create('reader', 'read');
  const open = (
    path = '',
    { key = ADMIN, lastId }: { key?: string; lastId?: string } = {},
  ): Promise<{ status: number; told: () => Told[]; text: () => string; isOver: () => boolean; pause: () => void }> =>
    new Promise((done, fail) => {
      const headers = {
        authorization: `Bearer ${key}`,
        ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
      };
      const asked = request(
        { host: '127.0.0.1', port: listener.port, path: `/v1/events${path}`, headers },
        (answer) => {
          let text = '';
          let isOver = false;
          answer.on('data', (chunk: Buffer) => {
            text += chunk.toString('utf8');
          });
          answer.on('close', () => {
            isOver = true;
          });
          answer.on('error', () => {});
          const told = (): Told[] =>
            [...text.matchAll(/^id: (.*)\nevent: (.*)\ndata: (.*)\n\n/gm)].map(([, id, event, data]) => ({
              ...{ id: id!, event: event!, data: JSON.parse(data!) as Told['data'] },
            }));
          done({
            status: answer.statusCode!,
            told,
            text: () => text,
            isOver: () => isOver,
            pause: () => answer.pause(),
          });
        },
      );
      asked.once('error', fail);
      asked.end();
      onTestFinished(() => void asked.destroy());
    });
  const tell = (event: StreamEvent): void => {
    for (const listen of deps.listeners) listen(event);
  };
  return { deps, open, tell, reader, eventStream };
};

const link = (publisherId: string, port: number, type: 'link-joined' | 'link-left' = 'link-joined'): StreamEvent =>
  ({ atMs: 1, wallMs: 2, publisherId, type, group: 'g', address: '203.0.113.7', port, why: 'timeout' }) as StreamEvent;

describe('/v1/events', () => {
  it('tells what happens as it happens, with addresses for whoever may see them', async () => {
    const { open, tell, reader } = await listening();
    const [admin, read] = await Promise.all([open(), open('', { key: reader })]);
    tell(link('live_a', 1));
    await until('both to be told', () => admin.told().length === 1 && read.told().length === 1);
    expect(admin.told()[0]).toMatchObject({
      event: 'link-up',
      data: { type: 'link-up', event: 'link-joined', atMs: 2, publisherId: 'live_a', address: '203.0.113.7', port: 1 },
    });
    expect(read.told()[0]!.data).toMatchObject({ address: '203.0.113.x' });
  });

  it('of one stream and of some types where it is asked for that', async () => {
    const { open, tell } = await listening();
    const [ofStream, ofType] = await Promise.all([open('?id=play_a'), open('?types=link-down,stop')]);
    tell(link('live_b', 1));
    tell(link('live_b', 2, 'link-left'));
    tell(link('live_a', 3));
    await until('both', () => ofStream.told().length > 0 && ofType.told().length > 0);
    expect(ofStream.told().map(({ data }) => data.port)).toEqual([3]);
    expect(ofType.told().map(({ data }) => data.port)).toEqual([2]);
  });

  it('is for keys; what is not there is said', async () => {
    const { open } = await listening();
    const statuses = await Promise.all([
      ...[open('', { key: 'wrong' }), open('?id=nobody'), open('?types=link-up,nonsense'), open('?types=link-up')],
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([401, 404, 400, 200]);
  });

  it('goes on where a client was, and says where it cannot', async () => {
    const { open, tell } = await listening();
    const first = await open();
    const here = /^id: (.*)$/m.exec(first.text())![1]!;
    for (const port of [1, 2, 3]) tell(link('live_a', port));
    await until('three', () => first.told().length === 3);
    const ports = async (lastId: string): Promise<unknown[]> => {
      const client = await open('', { lastId });
      await until('something', () => client.told().length > 0);
      return client.told().map(({ event, data }) => (event === 'gap' ? 'gap' : data.port));
    };
    expect(await ports(first.told()[0]!.id)).toEqual([2, 3]);
    expect(await ports(here)).toEqual([1, 2, 3]);
    for (const unknown of ['other-1', 'nonsense', here.replace(/-0$/, '-999'), '-', '']) {
      expect(await ports(unknown)).toEqual(['gap']);
    }
    for (let port = 0; port < KEPT_EVENTS; port++) tell(link('live_a', port));
    expect(await ports(here)).toEqual(['gap']);
    const back = await open('', { lastId: first.told()[2]!.id });
    await until('all that is kept', () => back.told().length === KEPT_EVENTS);
  });

  it('ends with the key', async () => {
    const { deps, open, tell, reader } = await listening();
    const client = await open('', { key: reader });
    await deps.keys.revoke(deps.keys.verify(reader)!.id);
    tell(link('live_a', 1));
    await until('its end', () => client.isOver());
    expect(client.told()).toEqual([]);
  });

  it('lets go who does not read, and tells the others', async () => {
    const { open, tell, eventStream } = await listening();
    const [slow, other] = await Promise.all([open(), open()]);
    slow.pause();
    await until('the slow one to be let go', () => {
      for (let port = 0; port < 500; port++) tell(link('live_a', port));
      return eventStream.clients === 1;
    });
    tell(link('live_a', 65_000));
    await until('the other', () => other.text().includes('"port":65000,'));
  });

  it('has room for so many of one address', async () => {
    const { open } = await listening();
    for (let count = 0; count < EVENT_CLIENTS_PER_SOURCE; count++) expect((await open()).status).toBe(200);
    expect((await open()).status).toBe(429);
  });
});
