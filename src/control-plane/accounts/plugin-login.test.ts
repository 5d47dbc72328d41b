import { describe, expect, it } from 'vitest';
import { type Browser, type TestAccounts, testAccounts } from '../../../test/support/accounts.ts';
import { onEachDatabase } from '../../../test/support/databases.ts';

const START = '/api/v1/auth/plugin/login/start';
const POLL = '/api/v1/auth/plugin/login/poll';
const COMPLETE = '/api/v1/auth/plugin/login/complete';
const CLIENT = { platform: 'windows', plugin_version: '0.0.5', device_name: 'Studio PC' };
const MINUTE = 60_000;

interface Attempt {
  readonly id: string;
  readonly path: string;
  readonly poll: { login_attempt_id: string; poll_token: string };
}

const begin = async (test: TestAccounts, client: object = CLIENT): Promise<Attempt> => {
  const response = await test.api('POST', START, { body: { client } });
  expect(response.statusCode).toBe(201);
  const body = response.json();
  const { login_attempt_id, poll_token } = body;
  return {
    id: login_attempt_id,
    path: new URL(body.authorize_url).pathname,
    poll: { login_attempt_id, poll_token },
  };
};

const polled = async (test: TestAccounts, attempt: Attempt): Promise<number> =>
  (await test.api('POST', POLL, { body: attempt.poll })).statusCode;

const approve = async (browser: Browser, { path }: Attempt, outcome = 'completed'): Promise<number> => {
  await browser.open(path);
  return (await browser.send(path, { outcome })).statusCode;
};

onEachDatabase((make) => {
  describe('the plugin signs in by a browser', () => {
    it('gets tokens once somebody has approved it, and only once', async () => {
      const test = await testAccounts(make(), { CONTROL_PLANE_PUBLIC_URL: 'https://plane.example/' });
      const admin = await test.setUp();
      const response = await test.api('POST', START, { body: { client: CLIENT } });
      expect(response.statusCode).toBe(201);
      const start = response.json();
      expect(start).toEqual({
        login_attempt_id: expect.stringMatching(/^pla_[a-z2-7]{26}$/),
        authorize_url: `https://plane.example/plugin-login/${start.login_attempt_id}`,
        poll_token: expect.stringMatching(/^[a-z2-7]{26}$/),
        expires_at: new Date(test.unixMs + 10 * MINUTE).toISOString(),
        poll_interval_seconds: 3,
      });
      const { login_attempt_id, poll_token } = start;
      const attempt = {
        id: login_attempt_id,
        path: `/plugin-login/${login_attempt_id}`,
        poll: { login_attempt_id, poll_token },
      };
      const pending = await test.api('POST', POLL, { body: attempt.poll });
      expect([pending.statusCode, pending.json()]).toEqual([202, { status: 'pending' }]);

      expect((await admin.open(attempt.path)).statusCode).toBe(200);
      for (const shown of ['Studio PC', 'windows', '0.0.5', '127.0.0.1', 'Ada', 'admin@example.org'])
        expect(admin.page).toContain(shown);
      expect((await admin.send(attempt.path, { outcome: 'completed' })).statusCode).toBe(200);

      const done = await test.api('POST', POLL, { body: attempt.poll });
      expect(done.statusCode).toBe(200);
      const slot = {
        slot_number: 1,
        label: 'Slot 1',
        stream_token: expect.stringMatching(/^[a-z2-7]{26}$/),
        dns_slug: expect.stringMatching(/^[0-9a-z]{8}$/),
      };
      expect(done.json()).toEqual({
        status: 'completed',
        auth: { cp_access_jwt: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/), refresh_token: expect.any(String) },
        user: { id: expect.stringMatching(/^usr_/), email: 'admin@example.org', display_name: 'Ada' },
        entitlement: {
          relay_access_status: 'enabled',
          reason_code: 'ok',
          plan_tier: 'internal',
          plan_status: 'active',
          max_concurrent_conns: 99,
          active_managed_conns: 0,
        },
        usage: { included_seconds: 0, consumed_seconds: 60, remaining_seconds: 0, overage_seconds: 0 },
        active_relay: null,
        active_sessions: [],
        stream_slots: [slot],
        linked_accounts: [],
      });
      const again = await test.api('POST', POLL, { body: attempt.poll });
      expect([again.statusCode, again.json().error.code]).toEqual([409, 'login_already_claimed']);
    });

    it('asks who is not signed in to do so first, and comes back to the page', async () => {
      const test = await testAccounts(make());
      await test.setUp();
      const attempt = await begin(test);
      const stranger = test.browser();
      const sent = await stranger.open(attempt.path);
      expect([sent.statusCode, sent.headers.location]).toEqual([
        303,
        `/sign-in?next=${encodeURIComponent(attempt.path)}`,
      ]);
      await stranger.visit(attempt.path);
      const back = await stranger.send('/sign-in', {
        email: 'Admin@Example.org',
        password: 'correct horse battery',
        next: attempt.path,
      });
      expect([back.statusCode, back.headers.location]).toEqual([303, attempt.path]);
      expect(await polled(test, attempt)).toBe(202);
      expect(await approve(stranger, attempt)).toBe(200);
      expect(await polled(test, attempt)).toBe(200);
    });

    it('is refused with 403 where the person says no', async () => {
      const test = await testAccounts(make());
      const attempt = await begin(test);
      expect(await approve(await test.setUp(), attempt, 'denied')).toBe(200);
      const response = await test.api('POST', POLL, { body: attempt.poll });
      expect([response.statusCode, response.json().error]).toMatchObject([
        403,
        { code: 'login_denied', reason_code: 'refused_by_user' },
      ]);
    });

    it('belongs to the first person that opens it: B cannot approve what A has open', async () => {
      const test = await testAccounts(make());
      const admin = await test.setUp();
      const other = await test.addUser(admin, 'other@example.org');
      const attempt = await begin(test);
      await admin.open(attempt.path);
      await other.visit('/account');
      expect((await other.send(attempt.path, { outcome: 'completed' })).statusCode).toBe(403);
      expect((await other.open(attempt.path)).statusCode).toBe(403);
      expect(await polled(test, attempt)).toBe(202);
      expect((await admin.send(attempt.path, { outcome: 'completed' })).statusCode).toBe(200);
      const { user } = (await test.api('POST', POLL, { body: attempt.poll })).json();
      expect(user.email).toBe('admin@example.org');
    });

    it('needs the page to be opened, the right form, and is decided once', async () => {
      const test = await testAccounts(make());
      const admin = await test.setUp();
      const attempt = await begin(test);
      // The form of another page has the right token, but nobody has seen what is to be approved.
      await admin.open('/admin/users');
      expect((await admin.send(attempt.path, { outcome: 'completed' })).statusCode).toBe(403);
      await admin.open(attempt.path);
      for (const fields of [{ csrf: '' }, { csrf: 'x'.repeat(43) }])
        expect((await admin.send(attempt.path, { outcome: 'completed', ...fields })).statusCode).toBe(403);
      await admin.open(attempt.path);
      const foreign = await admin.send(attempt.path, { outcome: 'completed' }, { 'sec-fetch-site': 'cross-site' });
      expect(foreign.statusCode).toBe(403);
      expect(await polled(test, attempt)).toBe(202);
      await admin.open(attempt.path);
      const { csrf } = admin;
      expect((await admin.send(attempt.path, { csrf, outcome: 'completed' })).statusCode).toBe(200);
      expect((await admin.send(attempt.path, { csrf, outcome: 'denied' })).statusCode).toBe(409);
      expect(await polled(test, attempt)).toBe(200);
    });

    it('expires after ten minutes; who approved in time is let in', async () => {
      const test = await testAccounts(make());
      const admin = await test.setUp();
      const [late, inTime] = [await begin(test), await begin(test)];
      test.unixMs += 10 * MINUTE - 1;
      expect(await approve(admin, inTime)).toBe(200);
      await admin.open(late.path);
      test.unixMs += 1;
      expect((await admin.send(late.path, { outcome: 'completed' })).statusCode).toBe(410);
      expect((await admin.open(late.path)).statusCode).toBe(410);
      expect(await polled(test, late)).toBe(410);
      expect(await polled(test, inTime)).toBe(200);
    });

    it('knows nothing of attempts and tokens that it did not make', async () => {
      const test = await testAccounts(make());
      const admin = await test.setUp();
      const [attempt, other] = [await begin(test), await begin(test)];
      expect(await approve(admin, attempt)).toBe(200);
      for (const body of [
        { ...attempt.poll, login_attempt_id: 'pla_nothing' },
        { ...attempt.poll, poll_token: other.poll.poll_token },
        { ...attempt.poll, poll_token: attempt.poll.poll_token.toUpperCase() },
      ])
        expect((await test.api('POST', POLL, { body })).statusCode).toBe(404);
      expect((await admin.open('/plugin-login/pla_nothing')).statusCode).toBe(404);
      expect(await polled(test, attempt)).toBe(200);
    });

    it('is not let in where the user was disabled in between', async () => {
      const test = await testAccounts(make(), { CONTROL_PLANE_ADMIN_KEY: 'k'.repeat(32) });
      const admin = await test.setUp();
      const user = await test.addUser(admin, 'other@example.org');
      const attempt = await begin(test);
      expect(await approve(user, attempt)).toBe(200);
      const body = { is_disabled: true };
      await test.api('PUT', '/api/v1/admin/users/other@example.org', { token: 'k'.repeat(32), body });
      expect(await polled(test, attempt)).toBe(403);
    });

    it('shows what a client calls itself as text, on one line and not at any length', async () => {
      const test = await testAccounts(make());
      const admin = await test.setUp();
      const attempt = await begin(test, {
        device_name: `<script>alert(1)</script>\n\u202e${'x'.repeat(200)}`,
        platform: '',
      });
      await admin.open(attempt.path);
      expect(admin.page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; xxx');
      expect(admin.page).not.toMatch(/<script|\u202e|x{100}/);
    });
  });

  describe('poll, while the database is away', () => {
    it('goes on waiting, and neither loses nor doubles the tokens of a claim that nobody got', async () => {
      const test = await testAccounts(make());
      const admin = await test.setUp();
      const attempt = await begin(test);
      test.isAway = true;
      expect(await polled(test, attempt)).toBe(202);
      expect((await test.api('POST', START, { body: { client: CLIENT } })).statusCode).toBe(503);
      expect((await test.api('POST', POLL, { body: { ...attempt.poll, poll_token: 'wrong' } })).statusCode).toBe(202);
      test.isAway = false;
      expect(await approve(admin, attempt)).toBe(200);
      // The claim is stored, and then the database is gone before the answer is made.
      test.isAwayForSessions = true;
      expect(await polled(test, attempt)).toBe(202);
      test.isAwayForSessions = false;
      const done = await test.api('POST', POLL, { body: attempt.poll });
      expect(done.statusCode).toBe(200);
      const session = await test.api('GET', '/api/v1/auth/session', { token: done.json().auth.cp_access_jwt });
      expect(session.statusCode).toBe(200);
      expect(await polled(test, attempt)).toBe(409);
    });
  });

  describe('complete, for a web site of its own', () => {
    const KEY = 's'.repeat(32);

    it('takes the key of the settings, for any user', async () => {
      const test = await testAccounts(make(), { PLUGIN_LOGIN_KEY: KEY });
      const admin = await test.setUp();
      const { answer } = await test.signInPlugin(admin);
      const attempt = await begin(test);
      const body = { login_attempt_id: attempt.id, outcome: 'completed', user_id: answer.user.id };
      for (const headers of [{}, { 'x-plugin-login-auth': 'wrong' }] as Record<string, string>[])
        expect((await test.api('POST', COMPLETE, { body, headers })).statusCode).toBe(401);
      const headers = { 'x-plugin-login-auth': KEY };
      const nobody = { ...body, user_id: 'usr_nobody' };
      expect((await test.api('POST', COMPLETE, { body: nobody, headers })).statusCode).toBe(400);
      expect((await test.api('POST', COMPLETE, { body, headers })).statusCode).toBe(204);
      expect((await test.api('POST', COMPLETE, { body, headers })).statusCode).toBe(409);
      expect(await polled(test, attempt)).toBe(200);
    });

    it('takes a token of the user, for this user alone', async () => {
      const test = await testAccounts(make());
      const admin = await test.setUp();
      const user = await test.addUser(admin, 'other@example.org');
      const [mine, theirs] = [await test.signInPlugin(admin), await test.signInPlugin(user)];
      const attempt = await begin(test);
      const body = { login_attempt_id: attempt.id, outcome: 'completed', user_id: theirs.answer.user.id };
      expect((await test.api('POST', COMPLETE, { body, token: mine.access })).statusCode).toBe(403);
      expect((await test.api('POST', COMPLETE, { body, token: theirs.access })).statusCode).toBe(204);
      const { user: whose } = (await test.api('POST', POLL, { body: attempt.poll })).json();
      expect(whose.id).toBe(theirs.answer.user.id);
    });

    it('is not switched on without a key', async () => {
      const test = await testAccounts(make());
      await test.setUp();
      const attempt = await begin(test);
      const body = { login_attempt_id: attempt.id, outcome: 'completed', user_id: 'usr_x' };
      for (const given of ['', 'undefined'])
        expect((await test.api('POST', COMPLETE, { body, headers: { 'x-plugin-login-auth': given } })).statusCode).toBe(
          401,
        );
    });
  });

  describe('limits', () => {
    it('starts of one address: 20 a minute', async () => {
      const test = await testAccounts(make());
      for (let i = 0; i < 20; i++) await begin(test);
      const response = await test.api('POST', START, { body: {} });
      expect([response.statusCode, response.json().error.code]).toEqual([429, 'rate_limited']);
      expect(response.headers['retry-after']).toBe('59');
      test.now += MINUTE;
      await begin(test);
    });
    it('a client that polls too often is told to wait, never anything that ends its sign-in', async () => {
      const test = await testAccounts(make());
      const admin = await test.setUp();
      const attempt = await begin(test);
      expect(await approve(admin, attempt)).toBe(200);
      const wrong = { ...attempt.poll, poll_token: 'wrong' };
      for (let i = 0; i < 60; i++) expect((await test.api('POST', POLL, { body: wrong })).statusCode).toBe(404);
      expect(await polled(test, attempt)).toBe(202);
      test.now += MINUTE;
      expect(await polled(test, attempt)).toBe(200);
    });
  });
});
