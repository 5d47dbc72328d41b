import { describe, expect, it } from 'vitest';
import { type TestAccounts, testAccounts } from '../../../test/support/accounts.ts';
import { onEachDatabase } from '../../../test/support/databases.ts';
import { SLOT_IS_THERE } from '../slots/stream-token.ts';
import { SIGNATURE_HEADER, signHook } from './routes/entitlement-hook.ts';

const KEY = 'k'.repeat(32);
const HOOK_KEY = 'h'.repeat(32);
const ADMIN = '/api/v1/admin';
const HOOK = '/api/v1/hooks/entitlement';
const EMAIL = 'user@example.org';

onEachDatabase((make) => {
  const ready = async () => {
    const test = await testAccounts(make(), { CONTROL_PLANE_ADMIN_KEY: KEY, ENTITLEMENT_KEY: HOOK_KEY });
    const admin = await test.setUp();
    const user = await test.addUser(admin, EMAIL);
    const tokens = await test.signInPlugin(user);
    const [slot] = tokens.answer.stream_slots as { stream_token: string }[];
    const call = (method: string, path: string, body?: unknown) =>
      test.api(method, `${ADMIN}${path}`, { token: KEY, ...(body === undefined ? {} : { body }) });
    return { test, admin, user, tokens, userId: tokens.answer.user.id, streamToken: slot!.stream_token, call };
  };
  const entitlementOf = (test: TestAccounts, userId: string) => test.accounts.entitlements.of(userId);

  describe('the administration API', () => {
    it('is for administrators: by the key, by their token, by their cookie with the CSRF token', async () => {
      const { test, admin, user, tokens } = await ready();
      const own = await test.signInPlugin(admin);
      await admin.open('/admin/users');
      await user.open('/account');
      const cookie = (browser: typeof admin) => [...browser.cookies].map((pair) => pair.join('=')).join('; ');
      const cases: [number, Record<string, string>][] = [
        [200, { authorization: `Bearer ${KEY}` }],
        [200, { authorization: `Bearer ${own.access}` }],
        [200, { cookie: cookie(admin), 'x-csrf-token': admin.csrf }],
        [401, { cookie: cookie(admin) }],
        [401, { cookie: cookie(admin), 'x-csrf-token': user.csrf }],
        [401, { cookie: cookie(user), 'x-csrf-token': user.csrf }],
        [401, { authorization: `Bearer ${tokens.access}` }],
        [401, { authorization: `Bearer ${KEY}x` }],
        [401, { authorization: KEY }],
        [401, {}],
      ];
      for (const [status, headers] of cases) {
        const response = await test.api('GET', `${ADMIN}/users`, { headers });
        expect([response.statusCode, await test.accounts.isAdmin({ headers })]).toEqual([status, status === 200]);
      }
      const open = await testAccounts(make());
      for (const token of ['', 'undefined', KEY])
        expect((await open.api('GET', `${ADMIN}/users`, { token })).statusCode).toBe(401);
    });

    it('lists users, by id or e-mail address, without tokens', async () => {
      const { call, userId, streamToken } = await ready();
      const list = await call('GET', '/users');
      expect(list.json().users.map(({ email }: { email: string }) => email)).toEqual(['admin@example.org', EMAIL]);
      expect(list.body).not.toContain(streamToken);
      const one = (await call('GET', `/users/${userId}`)).json();
      expect(one).toEqual({
        id: userId,
        email: EMAIL,
        display_name: EMAIL,
        is_admin: false,
        is_disabled: false,
        created_at: '2026-09-21T14:13:20.001Z',
        entitlement: expect.objectContaining({ relay_access_status: 'enabled', max_concurrent_conns: 99 }),
        stream_slots: [{ slot_number: 1, label: 'Slot 1', dns_slug: expect.any(String), is_disabled: false }],
      });
      expect((await call('GET', `/users/${EMAIL.toUpperCase()}`)).json()).toEqual(one);
      expect((await call('GET', '/users/nobody')).statusCode).toBe(404);
    });

    it('invites, with an address and a number of slots', async () => {
      const { test, call } = await ready();
      const made = await call('POST', '/invitations', { email: 'New@Example.org', slots: 3 });
      expect(made.statusCode).toBe(201);
      const { url, expires_at } = made.json();
      expect(expires_at).toBe(new Date(test.unixMs + 7 * 86_400_000).toISOString());
      const browser = test.browser();
      const { pathname } = new URL(url);
      await browser.open(pathname);
      expect(browser.page).toContain('value="new@example.org" readonly');
      // The address of the invitation counts, whatever the form says.
      await browser.send(pathname, {
        email: 'x@example.org',
        name: 'N',
        password: 'a good password',
        again: 'a good password',
      });
      const { stream_slots, is_admin } = (await call('GET', '/users/new@example.org')).json();
      expect([stream_slots.length, is_admin]).toEqual([3, false]);
      for (const body of [
        { email: 'no address' },
        { slots: -1 },
        { slots: 1.5 },
        { slots: '1' },
        { slots: 100 },
        { is_admin: 'yes' },
        [],
        'x',
        '{',
      ])
        expect((await call('POST', '/invitations', body)).statusCode, JSON.stringify(body)).toBe(400);
    });

    it('disables a user: every login ends, and every stream is cut; entitlement and slots are there again afterwards', async () => {
      const { test, call, tokens, userId, streamToken, user } = await ready();
      const response = await call('PUT', `/users/${EMAIL}`, { is_disabled: true });
      expect([response.statusCode, response.json().is_disabled]).toEqual([200, true]);
      expect(test.revoked).toEqual([{ streamTokens: [streamToken], reason: 'user_disabled' }]);
      expect(await entitlementOf(test, userId)).toMatchObject({ relayAccess: 'disabled', reasonCode: 'user_disabled' });
      expect((await test.api('GET', '/api/v1/auth/session', { token: tokens.access })).statusCode).toBe(401);
      const refresh_token = tokens.refresh;
      expect((await test.api('POST', '/api/v1/auth/refresh', { body: { refresh_token } })).statusCode).toBe(401);
      expect((await user.open('/account')).statusCode).toBe(303);
      await expect(test.signIn(EMAIL)).rejects.toThrow('Address or password is not right');
      await call('PUT', `/users/${EMAIL}`, { is_disabled: false });
      expect(await entitlementOf(test, userId)).toMatchObject({ relayAccess: 'enabled', reasonCode: 'ok' });
      await test.signIn(EMAIL);
      expect(test.revoked).toHaveLength(1);
    });

    it('takes an entitlement away: what runs is cut, the login stays', async () => {
      const { test, call, tokens, userId, streamToken } = await ready();
      const body = { relay_access_status: 'disabled' };
      const response = await call('PUT', `/users/${userId}/entitlement`, body);
      expect(response.json()).toEqual({
        entitlement: {
          relay_access_status: 'disabled',
          reason_code: 'disabled',
          plan_tier: 'internal',
          plan_status: 'active',
          max_concurrent_conns: 99,
        },
      });
      expect(test.revoked).toEqual([{ streamTokens: [streamToken], reason: 'entitlement' }]);
      expect(await entitlementOf(test, userId)).toMatchObject({ relayAccess: 'disabled' });
      const session = await test.api('GET', '/api/v1/auth/session', { token: tokens.access });
      expect(session.json().entitlement.relay_access_status).toBe('disabled');
      await call('PUT', `/users/${userId}/entitlement`, {
        relay_access_status: 'enabled',
        max_concurrent_conns: 2,
        plan_tier: 'pro',
      });
      expect(await entitlementOf(test, userId)).toEqual({
        relayAccess: 'enabled',
        reasonCode: 'ok',
        planTier: 'pro',
        planStatus: 'active',
        maxConcurrentConns: 2,
      });
      expect(test.revoked).toHaveLength(1);
      for (const wrong of [
        { relay_access_status: 'on' },
        { max_concurrent_conns: -1 },
        { max_concurrent_conns: '3' },
        { plan_tier: 'Two Words' },
        { reason_code: '' },
        'text',
        '[1]',
        'null',
      ])
        expect((await call('PUT', `/users/${userId}/entitlement`, wrong)).statusCode, JSON.stringify(wrong)).toBe(400);
      expect(await entitlementOf(test, 'usr_nobody')).toMatchObject({
        relayAccess: 'disabled',
        reasonCode: 'unknown_user',
      });
    });

    it('adds, changes and removes slots, also with a token that senders know already', async () => {
      const { test, call, userId } = await ready();
      const added = await call('POST', `/users/${EMAIL}/stream-slots`, {
        label: 'old',
        stream_token: 'LIVE_3F9A0C1E ',
      });
      expect([added.statusCode, added.json().stream_slot]).toMatchObject([
        201,
        { slot_number: 2, label: 'old', stream_token: '3f9a0c1e' },
      ]);
      for (const stream_token of ['abcd', 'k3f9a0c1', 'slug.example.org', ''])
        expect((await call('POST', `/users/${EMAIL}/stream-slots`, { stream_token })).statusCode, stream_token).toBe(
          400,
        );
      const twice = await call('POST', `/users/${EMAIL}/stream-slots`, { stream_token: '3f9a0c1e' });
      expect([twice.statusCode, twice.json().error.message]).toEqual([409, SLOT_IS_THERE]);
      const changed = await call('PUT', `/users/${EMAIL}/stream-slots/2`, { label: 'new', is_disabled: true });
      expect(changed.json().stream_slots[1]).toMatchObject({ label: 'new', is_disabled: true });
      const fresh = await call('POST', `/users/${EMAIL}/stream-slots/2/regenerate`);
      expect(fresh.json().stream_slot.stream_token).toMatch(/^[a-z2-7]{26}$/);
      expect((await call('DELETE', `/users/${EMAIL}/stream-slots/2`)).statusCode).toBe(204);
      expect((await call('DELETE', `/users/${EMAIL}/stream-slots/2`)).statusCode).toBe(404);
      expect(test.revoked.map(({ reason }) => reason)).toEqual(['slot_disabled', 'token_regenerated', 'slot_removed']);
      expect(await test.accounts.slots.forUser(userId)).toHaveLength(1);
    });

    it('removes a user with everything, and never the last administrator', async () => {
      const { test, call, tokens, streamToken } = await ready();
      for (const [method, body] of [['DELETE'], ['PUT', { is_disabled: true }], ['PUT', { is_admin: false }]] as const)
        expect((await call(method, '/users/admin@example.org', body)).statusCode).toBe(409);
      expect((await call('DELETE', `/users/${EMAIL}`)).statusCode).toBe(204);
      expect(test.revoked).toEqual([{ streamTokens: [streamToken], reason: 'user_disabled' }]);
      expect(await test.accounts.slots.byToken(streamToken)).toBeUndefined();
      expect((await test.api('GET', '/api/v1/auth/session', { token: tokens.access })).statusCode).toBe(401);
      expect((await call('GET', `/users/${EMAIL}`)).statusCode).toBe(404);
      expect((await call('GET', '/users/admin@example.org')).json().is_disabled).toBe(false);
    });

    it('makes a link for a new password, which signs everything out', async () => {
      const { test, call, tokens, user } = await ready();
      const { url } = (await call('POST', `/users/${EMAIL}/password-link`)).json();
      const { pathname } = new URL(url);
      const browser = test.browser();
      await browser.open(pathname);
      const fresh = 'another good one';
      expect((await browser.send(pathname, { password: fresh, again: fresh })).statusCode).toBe(303);
      expect((await browser.open('/account')).statusCode).toBe(200);
      expect((await user.open('/account')).statusCode).toBe(303);
      expect((await test.api('GET', '/api/v1/auth/session', { token: tokens.access })).statusCode).toBe(401);
      await expect(test.signIn(EMAIL)).rejects.toThrow('not right');
      expect((await test.browser().open(pathname)).statusCode).toBe(410);
    });
  });

  describe('the entitlement hook', () => {
    it('takes what is signed with the key, once and in order', async () => {
      const { test, userId, streamToken } = await ready();
      const send = (body: unknown, unixMs = test.unixMs, key = HOOK_KEY) => {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        return test.api('POST', HOOK, { body: text, headers: { [SIGNATURE_HEADER]: signHook(key, unixMs, text) } });
      };
      const off = { email: EMAIL, relay_access_status: 'subscription_required', reason_code: 'payment_failed' };
      const first = await send(off);
      expect([first.statusCode, first.json()]).toMatchObject([
        200,
        { applied: true, entitlement: { relay_access_status: 'subscription_required', reason_code: 'payment_failed' } },
      ]);
      expect(test.revoked).toEqual([{ streamTokens: [streamToken], reason: 'entitlement' }]);
      const on = { user_id: userId, relay_access_status: 'enabled' };
      expect((await send(on, test.unixMs + 5)).json()).toMatchObject({ applied: true });
      // Repeated by the sender, or by somebody who has overheard it.
      expect((await send(off)).json()).toMatchObject({
        applied: false,
        entitlement: { relay_access_status: 'enabled' },
      });
      expect(await entitlementOf(test, userId)).toMatchObject({ relayAccess: 'enabled', reasonCode: 'ok' });
      expect(test.revoked).toHaveLength(1);
      for (const [status, response] of [
        [401, await send(off, test.unixMs + 10, 'x'.repeat(32))],
        [401, await send(off, test.unixMs - 5 * 60_000 - 1)],
        [401, await send(off, test.unixMs + 5 * 60_000 + 1)],
        [404, await send({ ...off, email: 'nobody@example.org' })],
        [400, await send({ relay_access_status: 'disabled' })],
        [400, await send({ ...off, relay_access_status: 'off' })],
        [400, await send('no JSON')],
      ] as const)
        expect(response.statusCode).toBe(status);
    });

    it('refuses another body under the signature, and headers of other forms', async () => {
      const { test } = await ready();
      const body = JSON.stringify({ email: EMAIL, relay_access_status: 'disabled' });
      const signature = signHook(HOOK_KEY, test.unixMs, body);
      const other = signature.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
      for (const [text, header] of [
        [`${body} `, signature],
        [body, other],
        [body, signature.replace('t=', 't=1')],
        [body, signature.toUpperCase()],
        [body, 't=,v1='],
        [body, ''],
      ] as const)
        expect((await test.api('POST', HOOK, { body: text, headers: { [SIGNATURE_HEADER]: header } })).statusCode).toBe(
          401,
        );
      expect((await test.api('POST', HOOK, { body })).statusCode).toBe(401);
      expect(test.revoked).toEqual([]);
    });

    it('is not there without a key', async () => {
      const test = await testAccounts(make());
      const body = '{}';
      const headers = { [SIGNATURE_HEADER]: signHook('', test.unixMs, body) };
      expect((await test.api('POST', HOOK, { body, headers })).statusCode).toBe(404);
    });

    it('does not undo what an administrator has said since', async () => {
      const { test, call, userId } = await ready();
      const text = JSON.stringify({ user_id: userId, relay_access_status: 'enabled' });
      const headers = { [SIGNATURE_HEADER]: signHook(HOOK_KEY, test.unixMs, text) };
      test.unixMs += 1;
      await call('PUT', `/users/${userId}/entitlement`, { relay_access_status: 'disabled', reason_code: 'abuse' });
      expect((await test.api('POST', HOOK, { body: text, headers })).json()).toMatchObject({ applied: false });
      expect(await entitlementOf(test, userId)).toMatchObject({ relayAccess: 'disabled', reasonCode: 'abuse' });
    });
  });

  describe('bodies', () => {
    it('of a wrong kind are 400, too long ones 413, other methods 404', async () => {
      const { test, tokens, call } = await ready();
      const token = tokens.access;
      const paths: [string, string][] = [
        ['POST', '/api/v1/auth/plugin/login/start'],
        ['POST', '/api/v1/auth/plugin/login/poll'],
        ['POST', '/api/v1/auth/plugin/login/complete'],
        ['POST', '/api/v1/auth/refresh'],
        ['PUT', '/api/v1/user/stream-slots/1/label'],
        ['POST', '/api/v1/user/regenerate-token'],
      ];
      for (const [method, path] of paths) {
        for (const body of [
          '{',
          '[]',
          '1',
          '"text"',
          'null',
          '{"client":5,"login_attempt_id":5,"refresh_token":5,"label":5,"slot_number":"5"}',
        ])
          expect((await test.api(method, path, { token, body })).statusCode, `${path} ${body}`).toBe(400);
        expect((await test.api(method, path, { token, body: 'x'.repeat(2 ** 20 + 1) })).statusCode, path).toBe(413);
        expect((await test.api('PATCH', path, { token, body: {} })).statusCode, path).toBe(404);
      }
      expect((await call('PUT', `/users/${EMAIL}`, 'x'.repeat(2 ** 20 + 1))).statusCode).toBe(413);
      const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
      expect((await test.api('POST', paths[3]![1], { body: deep })).statusCode).toBe(400);
    });
    it('may have members that nobody knows', async () => {
      const { test } = await ready();
      const body = { client: { device_name: 'PC', gpu: 'yes' }, extra: [1], __proto__: { x: 1 } };
      expect((await test.api('POST', '/api/v1/auth/plugin/login/start', { body })).statusCode).toBe(201);
    });
  });
});
