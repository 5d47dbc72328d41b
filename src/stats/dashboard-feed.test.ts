import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dashboardClient } from '../../test/support/dashboard-client.ts';
import { until } from '../../test/support/processes.ts';
import { HttpListener } from './http-listener.ts';

interface OpenPage {
  readonly status: number;
  /** All that has come. */
  text: () => string;
  isOver: () => boolean;
  pause: () => void;
}

const listening = async (env: Record<string, string> = {}) => {
  const client = await dashboardClient(env);
  const listener = await HttpListener.open(client.app, { bind: ['127.0.0.1'], port: 0, portSetting: 'SLS_MGNT_PORT' });
  onTestFinished(() => listener.close(0));
  await client.signIn();
  const open = (path = '/feed'): Promise<OpenPage> =>
    new Promise((done, fail) => {
      const asked = request(
        { host: '127.0.0.1', port: listener.port, path, headers: { cookie: client.cookie() } },
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
          done({ status: answer.statusCode!, text: () => text, isOver: () => isOver, pause: () => answer.pause() });
        },
      );
      asked.once('error', fail);
      asked.end();
      onTestFinished(() => void asked.destroy());
    });
  return { ...client, open };
};

const messages = (page: OpenPage): unknown[] =>
  page
    .text()
    .split('\n\n')
    .filter((part) => part.startsWith('data: '))
    .map((part) => JSON.parse(part.slice('data: '.length)));

describe('the feed', () => {
  it('begins with the last minute, and tells the same to every page with one message made', async () => {
    const { open, state, deps } = await listening();
    const pages = [await open(), await open(), await open()];
    await until('the beginnings', () => pages.every((page) => page.text().includes('event: trails')));
    let made = 0;
    const { live } = state;
    state.live = (addresses) => {
      made++;
      return live.call(state, addresses);
    };
    deps.now += 500;
    state.tick();
    expect(made).toBe(1);
    await until('a message for each', () => pages.every((page) => messages(page).length > 0));
    expect(messages(pages[0]!)[0]).toMatchObject({
      up: true,
      streams: [{ label: 'Bike', state: 'live', links: [{}, {}] }],
    });
    expect(pages[0]!.text()).not.toContain('live_a');
  });

  it('has room for so many pages', async () => {
    const { open } = await listening({ TRIBUTARY_DASHBOARD_MAX_PAGES: '2' });
    expect([await open(), await open(), await open()].map(({ status }) => status)).toEqual([200, 200, 429]);
  });

  it('keeps half of its room from shared pages: whoever has a link cannot keep the operator out', async () => {
    const { open, deps } = await listening({ TRIBUTARY_DASHBOARD_MAX_PAGES: '4' });
    const { token } = await deps.shares.create('live_a', 1);
    const statuses: number[] = [];
    for (const path of [`/s/${token}/feed`, `/s/${token}/feed`, `/s/${token}/feed`, '/feed', '/feed', '/feed'])
      statuses.push((await open(path)).status);
    expect(statuses).toEqual([200, 200, 429, 200, 200, 429]);
  });

  it('ends with the session', async () => {
    const { open, call, state } = await listening();
    const page = await open();
    await call('DELETE', '/session');
    state.tick();
    await until('the end', () => page.isOver());
  });

  it('ends with the key', async () => {
    const { open, signIn, deps, state } = await listening();
    await signIn(await deps.keys.create('reader', 'read'));
    const page = await open();
    await deps.keys.revoke(deps.keys.list().find(({ name }) => name === 'reader')!.id);
    state.tick();
    await until('the end', () => page.isOver());
  });

  it('lets go who does not read, and keeps the others', async () => {
    const { open, state, deps } = await listening();
    const [slow, quick] = [await open(), await open()];
    slow.pause();
    const { live } = state;
    const filler = 'x'.repeat(200_000);
    state.live = (addresses) => ({ ...live.call(state, addresses), filler }) as ReturnType<typeof live>;
    await until('the slow one to be let go', () => {
      deps.now += 500;
      state.tick();
      return state.feed.pages === 1;
    });
    expect(quick.isOver()).toBe(false);
  });
});
