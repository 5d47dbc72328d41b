import { describe, expect, it } from 'vitest';
import { statsClient } from '../../test/support/stats-client.ts';

const ask = async (env: Record<string, string> = {}) => {
  const client = await statsClient(env);
  return {
    ...client,
    auth: async (body: string, path = '/auth/') =>
      (
        await client.app.inject({
          ...{ method: 'POST', url: path, payload: body },
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        })
      ).statusCode,
  };
};

describe('POST /auth/', () => {
  it.each<[body: string, status: number]>([
    ['app=live&name=live_a&addr=203.0.113.7&call=publish', 200],
    ['app=publish&name=live_a', 200],
    ['app=live&name=live%5Fa', 200],
    ['app=live&name=play_a', 401],
    ['app=live&name=nobody', 401],
    ['app=live&name=', 401],
    ['app=live', 401],
    ['app=other&name=live_a', 404],
    ['name=live_a', 404],
    ['', 404],
    ['{"app":"live","name":"live_a"}', 404],
    ['app=live&name=%ff%00', 401],
  ])('%s: %i', async (body, status) => {
    expect(await (await ask()).auth(body)).toBe(status);
  });
  it('wants the slash', async () => {
    expect(await (await ask()).auth('app=live&name=live_a', '/auth')).toBe(404);
  });
  it('lets nobody in with an id that has expired, or while the node drains', async () => {
    const { auth, deps, watch } = await ask();
    await deps.store.update('play_a', { expiresAt: deps.unixNow() + 1 });
    expect(await auth('app=live&name=live_a')).toBe(200);
    await deps.store.update('play_a', { expiresAt: deps.unixNow() });
    expect(await auth('app=live&name=live_a')).toBe(401);
    await deps.store.update('play_a', { expiresAt: null });
    expect(await auth('app=live&name=live_a')).toBe(200);
    watch.drain(true);
    expect(await auth('app=live&name=live_a')).toBe(401);
  });
  it('tells nobody ids by trying', async () => {
    const { auth } = await ask({ TRIBUTARY_HTTP_UNKNOWN_IDS_PER_MINUTE: '3' });
    const tries = ['a', 'b', 'c', 'd'].map((name) => `app=live&name=${name}`);
    const answers = [];
    for (const body of [...tries, 'app=live&name=live_a']) answers.push(await auth(body));
    expect(answers).toEqual([401, 401, 401, 429, 429]);
  });
});
