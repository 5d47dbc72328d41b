import { describe, expect, it, vi } from 'vitest';
import { Browser, PASSWORD } from '../../../test/support/accounts.ts';
import { type FakeAccounts, FakeNode, testPlane } from '../../../test/support/control-plane.ts';
import { onEachDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { accountsPart } from './accounts.ts';
import { Passwords } from './passwords.ts';

const KEY = 'k'.repeat(32);
const ADMIN = '/api/v1/admin/users/jo@example.org';
const MINUTE = 60_000;

/** A whole plane with a node, and a user of two slots whose OBS is signed in. */
const signedIn = async (make: () => TestDatabase) => {
  const links: string[] = [];
  const passwords = new Passwords({ logN: 4, r: 1, p: 1 });
  const part = accountsPart({ announce: (link) => links.push(link), passwords });
  const accounts = { part } as unknown as FakeAccounts;
  const plane = await testPlane(await make().open(), { accounts, env: { CONTROL_PLANE_ADMIN_KEY: KEY } });
  const node = await new FakeNode(plane, 'kc1').join();
  const browser = new Browser(plane.plane.app, '203.0.113.7');
  const link = new URL(links[0]!).pathname;
  await browser.open(link);
  await browser.send(link, { email: 'jo@example.org', name: 'Jo', password: PASSWORD, again: PASSWORD });
  await plane.call('POST', `${ADMIN}/stream-slots`, KEY, {});
  const attempt = (await plane.call('POST', '/api/v1/auth/plugin/login/start', undefined, {})).body;
  const { pathname } = new URL(attempt.authorize_url);
  await browser.open(pathname);
  await browser.send(pathname, { outcome: 'completed' });
  const { login_attempt_id, poll_token } = attempt;
  const { body } = await plane.call('POST', '/api/v1/auth/plugin/login/poll', undefined, {
    login_attempt_id,
    poll_token,
  });
  const token: string = body.auth.cp_access_jwt;
  const [one, two] = body.stream_slots.map(({ stream_token }: { stream_token: string }) => stream_token) as [
    string,
    string,
  ];
  const start = (connection: string, stream: string) => plane.start(token, { connection, token: stream });
  const isAdmitted = (stream: string): boolean => node.rows.has(`play_${stream}`);
  return { plane, node, token, one, two, start, isAdmitted };
};

/** Within a second, as a person that takes a right away expects it. */
const soon = (look: () => void): Promise<void> => vi.waitFor(look, { timeout: 5_000, interval: 5 });

describe('accounts and relays together', () =>
  onEachDatabase((make) => {
    it('a new token takes the old ids off the node, and nothing else', async () => {
      const { plane, token, one, two, start, isAdmitted } = await signedIn(make);
      for (const [connection, stream] of [
        ['a', one],
        ['b', two],
      ] as const) {
        const { body } = await start(connection, stream);
        expect(body.session).toMatchObject({ status: 'active', credentials: { stream_token: stream } });
      }
      const { body } = await plane.call('POST', '/api/v1/user/regenerate-token', token, { slot_number: 1 });
      await soon(() => expect([isAdmitted(one), isAdmitted(two)]).toEqual([false, true]));
      expect((await plane.active(token, 'a')).status).toBe(204);
      expect((await plane.active(token, 'b')).status).toBe(200);
      expect((await start('a', one)).status).toBe(400);
      expect((await start('a', body.stream_token)).body.session.status).toBe('active');
      expect(isAdmitted(body.stream_token)).toBe(true);
      // A slug routes, and is the right to nothing.
      expect((await start('c', body.dns_slug)).status).toBe(400);
    });

    it('a connection without a token gets a slot that is free, and is told where there is none', async () => {
      const { plane, token, one, two, start } = await signedIn(make);
      await start('a', one);
      expect((await plane.start(token, { connection: 'b' })).body.session.credentials.stream_token).toBe(two);
      const third = await plane.start(token, { connection: 'c' });
      expect([third.status, third.body.error]).toMatchObject([
        403,
        { code: 'connection_limit_reached', reason_code: 'no_free_slot' },
      ]);
      expect((await plane.active(token, 'a')).status).toBe(200);
    });

    it('an entitlement that is taken away cuts everything, and start answers 403 until it is back', async () => {
      const { plane, node, one, two, start, isAdmitted } = await signedIn(make);
      await start('a', one);
      await start('b', two);
      const change = (relay_access_status: string) =>
        plane.call('PUT', `${ADMIN}/entitlement`, KEY, { relay_access_status, reason_code: 'told_by_test' });
      expect((await change('disabled')).status).toBe(200);
      await soon(() => expect(node.rows.size).toBe(0));
      const refused = await start('a', one);
      expect([refused.status, refused.body.error]).toMatchObject([
        403,
        { code: 'entitlement_denied', reason_code: 'told_by_test' },
      ]);
      await change('enabled');
      expect((await start('a', one)).body.session.status).toBe('active');
      expect(isAdmitted(one)).toBe(true);
    });

    it('a disabled slot is cut and refused, the other one goes on', async () => {
      const { plane, one, two, start, isAdmitted } = await signedIn(make);
      await start('a', one);
      await start('b', two);
      await plane.call('PUT', `${ADMIN}/stream-slots/2`, KEY, { is_disabled: true });
      await soon(() => expect([isAdmitted(one), isAdmitted(two)]).toEqual([true, false]));
      expect((await start('b', two)).status).toBe(403);
    });

    it('a running client goes on with its old token, and starts nothing with it', async () => {
      const { plane, token, one, start } = await signedIn(make);
      const { session_id } = (await start('a', one)).body.session;
      plane.pass(4 * MINUTE);
      await plane.health(token, session_id);
      plane.pass(4 * MINUTE);
      await plane.health(token, session_id);
      plane.pass(4 * MINUTE);
      await plane.health(token, session_id);
      plane.pass(4 * MINUTE);
      expect((await plane.active(token, 'a')).status).toBe(200);
      expect((await plane.health(token, session_id)).status).toBe(200);
      expect((await start('b', one)).status).toBe(401);
      expect((await plane.call('GET', '/api/v1/auth/session', token)).status).toBe(401);
      expect((await plane.call('POST', '/api/v1/auth/logout', token, {})).status).toBe(204);
      expect((await plane.active(token, 'a')).status).toBe(401);
      expect((await plane.health(token, session_id)).status).toBe(401);
    });

    it('what is taken away while a session comes back ends that session', async () => {
      const plane = await testPlane(await make().open());
      const node = await new FakeNode(plane, 'kc1').join();
      const user = plane.accounts.add('jo');
      const { session_id } = (await plane.start('jo')).body.session;
      await plane.db.run("UPDATE sessions SET stopped_ms = 1, status = 'stopped', stop_reason = 'lease_expired'");
      let looks = 0;
      Object.defineProperty(user, 'relayAccess', { get: () => (looks++ < 2 ? 'enabled' : 'disabled') });
      expect((await plane.health('jo', session_id)).status).toBe(403);
      await soon(() => expect(node.lists.at(-1)?.streams).toEqual([]));
      expect((await plane.health('jo', session_id)).status).toBe(404);
    });

    it('what is taken away while a session is being started ends that session', async () => {
      const plane = await testPlane(await make().open());
      const node = await new FakeNode(plane, 'kc1').join();
      const user = plane.accounts.add('jo');
      // The moment in which the node has the stream: after the first look at the entitlement, before the answer.
      const relayAccess = { get: () => (node.rows.size > 0 ? 'disabled' : 'enabled') };
      Object.defineProperty(user, 'relayAccess', relayAccess);
      const { status, body } = await plane.start('jo');
      expect([status, body.error.code]).toEqual([403, 'entitlement_denied']);
      await soon(() => expect(node.lists.at(-1)?.streams).toEqual([]));
      expect((await plane.active('jo')).status).toBe(204);
    });
  }));
