import { describe, expect, it } from 'vitest';
import { PASSWORD, testAccounts } from '../../../test/support/accounts.ts';
import { onEachDatabase } from '../../../test/support/databases.ts';
import { safeNext } from './site.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const EMAIL = 'user@example.org';

onEachDatabase((make) => {
  const ready = async () => {
    const test = await testAccounts(make());
    const admin = await test.setUp();
    const user = await test.addUser(admin, EMAIL);
    const { id } = (await test.db.first<{ id: string }>('SELECT id FROM users WHERE email = ?', [EMAIL]))!;
    return { test, admin, user, userId: id };
  };

  describe('the first administrator', () => {
    it('comes by a link that works once, and is not offered again', async () => {
      const test = await testAccounts(make(), { CONTROL_PLANE_PUBLIC_URL: 'https://plane.example' });
      expect(test.links).toHaveLength(1);
      expect(test.links[0]).toMatch(/^https:\/\/plane\.example\/invite\/[a-z2-7]{26}$/);
      const path = new URL(test.links[0]!).pathname;
      const [first, second] = [test.browser(), test.browser()];
      await first.open(path);
      await second.open(path);
      const person = { email: 'a@example.org', name: 'A', password: PASSWORD, again: PASSWORD };
      const both = await Promise.all([first, second].map((browser) => browser.send(path, person)));
      expect(both.map(({ statusCode }) => statusCode).sort()).toEqual([303, 410]);
      expect((await test.browser().open(path)).statusCode).toBe(410);
      const row = await test.db.first<{ n: number }>('SELECT COUNT(*) AS n FROM users WHERE is_admin = 1');
      expect(Number(row?.n)).toBe(1);
    });

    it('is offered anew at each start until there is one; then every such link is void', async () => {
      const database = make();
      const before = await testAccounts(database);
      const after = await testAccounts(database);
      expect(after.links[0]).not.toBe(before.links[0]);
      await before.setUp();
      expect((await after.browser().open(new URL(after.links[0]!).pathname)).statusCode).toBe(410);
      expect((await testAccounts(database)).links).toEqual([]);
    });

    it('has a day to use the link', async () => {
      const test = await testAccounts(make());
      test.unixMs += DAY;
      expect((await test.browser().open(new URL(test.links[0]!).pathname)).statusCode).toBe(410);
    });
  });

  describe('signing in', () => {
    it('needs address and password, and tells nobody which of them was wrong', async () => {
      const { test } = await ready();
      const browser = test.browser();
      const answers = new Set<string>();
      for (const [email, password] of [
        [EMAIL, 'wrong password'],
        ['nobody@example.org', PASSWORD],
        [EMAIL, ''],
        ['', ''],
      ] as const) {
        await browser.open('/sign-in');
        const response = await browser.send('/sign-in', { email, password });
        expect(response.statusCode).toBe(403);
        answers.add(response.body.replaceAll(/value="[^"]*"/g, ''));
      }
      expect(answers.size).toBe(1);
      await browser.open('/sign-in');
      const response = await browser.send('/sign-in', { email: ` ${EMAIL.toUpperCase()}`, password: PASSWORD });
      expect([response.statusCode, response.headers.location]).toEqual([303, '/']);
      expect((await browser.open('/account')).statusCode).toBe(200);
    });

    it('sets a cookie that scripts, other sites and plain connections do not get', async () => {
      const { test } = await ready();
      await test.signIn(EMAIL);
      const secure = await testAccounts(make(), { BEHIND_PROXY: '1' });
      const browser = secure.browser();
      const visit = await browser.open('/sign-in');
      expect(visit.headers['set-cookie']).toMatch(
        /^__Host-tributary-visitor=\w+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/,
      );
      await secure.setUp();
      await browser.open('/sign-in');
      const response = await browser.send('/sign-in', { email: 'admin@example.org', password: PASSWORD });
      expect(response.headers['set-cookie']).toMatch(
        /^__Host-tributary-login=\w{26}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure$/,
      );
    });

    it('may be tried ten times a minute from one address, and for one account from wherever', async () => {
      const { test } = await ready();
      const tried = async (email: string, address: string, password = 'wrong password') => {
        const browser = test.browser(address);
        await browser.open('/sign-in');
        return (await browser.send('/sign-in', { email, password })).statusCode;
      };
      test.now += MINUTE;
      for (let i = 0; i < 10; i++) expect(await tried(`${i}@example.org`, '198.51.100.1')).toBe(403);
      expect(await tried(EMAIL, '198.51.100.1', PASSWORD)).toBe(429);
      expect(await tried(EMAIL, '198.51.100.2', PASSWORD)).toBe(303);
      for (let i = 0; i < 9; i++) expect(await tried(EMAIL, `198.51.100.${10 + i}`)).toBe(403);
      expect(await tried(EMAIL, '198.51.100.99', PASSWORD)).toBe(429);
      test.now += MINUTE;
      expect(await tried(EMAIL, '198.51.100.1', PASSWORD)).toBe(303);
    });

    it('lasts a week without use, and longer with it; signing out ends it', async () => {
      const { test, user } = await ready();
      test.unixMs += 6 * DAY;
      expect((await user.open('/account')).headers['set-cookie']).toMatch(/^tributary-login=/);
      test.unixMs += 6 * DAY;
      expect((await user.open('/account')).statusCode).toBe(200);
      const cookies = new Map(user.cookies);
      expect((await user.send('/sign-out')).statusCode).toBe(303);
      expect(user.cookies.has('tributary-login')).toBe(false);
      const thief = test.browser();
      for (const [name, value] of cookies) thief.cookies.set(name, value);
      expect((await thief.open('/account')).statusCode).toBe(303);
      const idle = await test.signIn(EMAIL);
      test.unixMs += 7 * DAY;
      expect((await idle.open('/account')).statusCode).toBe(303);
    });

    it('leads back to a page of ours, and to no other', () => {
      for (const path of ['/account', '/plugin-login/pla_abc', '/admin/users/usr_x']) expect(safeNext(path)).toBe(path);
      for (const path of [
        '//evil.example',
        'https://evil.example',
        '/\\evil.example',
        '/a//b',
        '/a?b',
        '/%2f',
        'x',
        '',
        undefined,
        `/${'a'.repeat(300)}`,
      ])
        expect(safeNext(path)).toBe('/');
    });
  });

  describe('links', () => {
    it('that do not work are counted: ten a minute from one address', async () => {
      const { test } = await ready();
      test.now += MINUTE;
      const browser = test.browser('198.51.100.1');
      for (let i = 0; i < 10; i++) expect((await browser.open(`/invite/wrong${i}`)).statusCode).toBe(404);
      expect((await browser.open('/invite/wrong')).statusCode).toBe(429);
      expect((await test.browser('198.51.100.2').open('/invite/wrong')).statusCode).toBe(404);
    });

    it('of an invitation can be withdrawn, and expire after a week', async () => {
      const { test, admin } = await ready();
      const invite = async (): Promise<string> => {
        await admin.open('/admin/users');
        await admin.send('/admin/invitations', { email: '', slots: '1', role: 'user' });
        return new URL(/<code>([^<]+\/invite\/[^<]+)<\/code>/.exec(admin.page)![1]!).pathname;
      };
      const withdrawn = await invite();
      const action = /action="(\/admin\/invitations\/[0-9a-f]{64}\/withdraw)"/.exec(admin.page)![1]!;
      expect((await admin.send(action)).headers.location).toBe('/admin/users?done=withdrawn');
      expect((await test.browser().open(withdrawn)).statusCode).toBe(404);
      expect((await admin.send(action)).statusCode).toBe(404);
      const late = await invite();
      test.unixMs += 7 * DAY - 1;
      expect((await test.browser().open(late)).statusCode).toBe(200);
      test.unixMs += 1;
      expect((await test.browser().open(late)).statusCode).toBe(410);
    });

    it('say what is wrong with what was entered, and are not used up by it', async () => {
      const test = await testAccounts(make());
      const path = new URL(test.links[0]!).pathname;
      const browser = test.browser();
      await browser.open(path);
      const right = { email: 'a@example.org', name: 'A "quoted" <name>', password: PASSWORD, again: PASSWORD };
      for (const [fields, text] of [
        [{ again: `${PASSWORD}x` }, 'The two passwords differ'],
        [{ password: 'short', again: 'short' }, 'at least 10 characters'],
        [{ email: 'no address' }, 'no e-mail address'],
        [{ name: ' ' }, '1 to 64 characters'],
      ] as const) {
        const response = await browser.send(path, { ...right, ...fields });
        expect([response.statusCode, response.body]).toEqual([400, expect.stringContaining(text)]);
        expect(response.body).not.toContain(PASSWORD);
      }
      expect(browser.page).toContain('value="a@example.org"');
      expect((await browser.send(path, right)).statusCode).toBe(303);
    });

    it('make no second account of one address', async () => {
      const { test, admin } = await ready();
      await admin.open('/admin/users');
      await admin.send('/admin/invitations', { email: EMAIL, slots: '1', role: 'user' });
      const path = new URL(/<code>([^<]+\/invite\/[^<]+)<\/code>/.exec(admin.page)![1]!).pathname;
      const browser = test.browser();
      await browser.open(path);
      const response = await browser.send(path, { name: 'Twin', password: PASSWORD, again: PASSWORD });
      expect([response.statusCode, response.body]).toEqual([409, expect.stringContaining('an account with this')]);
      // Nothing of it has happened: the link is still good.
      expect((await test.browser().open(path)).statusCode).toBe(200);
    });
  });

  describe('every page', () => {
    const ADMIN_PAGES = ['/admin/nodes', '/admin/sessions', '/admin/users', '/admin/slots'];

    it('is for who may see it', async () => {
      const { test, admin, user, userId } = await ready();
      const stranger = test.browser();
      for (const path of [...ADMIN_PAGES, `/admin/users/${userId}`]) {
        expect((await admin.open(path)).statusCode, path).toBe(200);
        expect((await user.open(path)).statusCode, path).toBe(403);
        const sent = await stranger.open(path);
        expect([sent.statusCode, sent.headers.location]).toEqual([303, `/sign-in?next=${encodeURIComponent(path)}`]);
      }
      expect((await user.visit('/')).statusCode).toBe(200);
      expect(user.page).toContain('My account');
      expect(user.page).not.toContain('/admin/');
      expect((await admin.open('/admin/users/usr_nobody')).statusCode).toBe(404);
    });

    it('runs nothing, is framed by nobody and kept by nobody', async () => {
      const { test, admin } = await ready();
      for (const path of [...ADMIN_PAGES, '/account', '/sign-in', '/invite/none', '/admin/users/none']) {
        const { headers, body } = await admin.open(path);
        expect(headers['content-security-policy'], path).toMatch(
          /^default-src 'none'; style-src 'self';.*frame-ancestors 'none'/,
        );
        expect(headers).toMatchObject({
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'same-origin',
        });
        expect(body, path).not.toMatch(/<script|\sstyle=|\son\w+=|javascript:/i);
      }
      const sheet = /href="(\/assets\/pages-\w+\.css)"/.exec(admin.page)![1]!;
      const { statusCode, headers } = await test.browser().open(sheet);
      expect([statusCode, headers['content-type']]).toEqual([200, 'text/css; charset=utf-8']);
    });

    it('shows what people and machines call themselves as text', async () => {
      const { test, admin, user, userId } = await ready();
      const evil = `<img src=x onerror="alert(1)">'&`;
      await user.open('/account');
      await user.send('/account/name', { name: evil });
      await user.send('/account/slots/1/rename', { label: evil });
      const node = { region: evil, provider: evil, address: evil, version: evil, status: evil, health: evil };
      test.nodes.push({ id: evil, ...node, healthScore: 1, sessions: 0, maxSessions: 1, lastSeenMs: 0 });
      const session = { nodeId: evil, region: evil, status: evil, isIngesting: false, startedMs: 0 };
      test.sessions.push({ id: evil, userId, slotNumber: 1, ...session });
      for (const path of [...ADMIN_PAGES, `/admin/users/${userId}`, `/admin/users?q=${encodeURIComponent(evil)}`]) {
        const { body, statusCode } = await admin.open(path);
        expect(statusCode).toBe(200);
        expect(body, path).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;');
        expect(body, path).not.toContain('<img');
      }
      expect((await user.open('/account')).body).not.toContain('<img');
    });

    it('of an administrator holds nobody’s stream token', async () => {
      const { test, admin, userId } = await ready();
      const [slot] = await test.accounts.slots.forUser(userId);
      for (const path of [...ADMIN_PAGES, `/admin/users/${userId}`])
        expect((await admin.open(path)).body).not.toContain(slot!.streamToken);
    });

    it('says so where the database is away', async () => {
      const { test, admin } = await ready();
      test.isAway = true;
      const response = await admin.open('/admin/users');
      expect([response.statusCode, response.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8']);
      expect(response.body).toContain('The database does not answer');
    });
  });

  describe('every form', () => {
    it('needs the CSRF token of this very browser, and comes from our own pages', async () => {
      const { test, admin, user, userId } = await ready();
      await user.open('/account');
      await admin.open(`/admin/users/${userId}`);
      const forms = [
        '/sign-out',
        '/account/name',
        '/account/password',
        '/account/slots/1/rename',
        '/account/slots/1/regenerate',
        '/account/logins/lgn_x/end',
        '/admin/invitations',
        '/admin/nodes/kc1/status',
        '/admin/sessions/ses_1/move',
        '/admin/sessions/ses_1/end',
        ...[
          'entitlement',
          'slots',
          'slots/1/rename',
          'slots/1/regenerate',
          'slots/1/disable',
          'slots/1/enable',
          'slots/1/remove',
          'sign-out',
          'admin',
          'disabled',
          'remove',
          'password-link',
        ].map((rest) => `/admin/users/${userId}/${rest}`),
      ];
      const { csrf } = admin;
      for (const path of forms) {
        for (const wrong of ['', user.csrf, csrf.slice(1), `${csrf}A`])
          expect((await admin.send(path, { csrf: wrong })).statusCode, path).toBe(403);
        for (const site of ['cross-site', 'same-site'])
          expect((await admin.send(path, { csrf }, { 'sec-fetch-site': site })).statusCode, path).toBe(403);
        const stranger = test.browser();
        await stranger.open('/sign-in');
        expect((await stranger.send(path)).statusCode, path).toBe(403);
      }
      for (const path of forms.filter((one) => one.startsWith('/admin/')))
        expect((await user.send(path, { csrf: user.csrf })).statusCode, path).toBe(403);
      expect(test.orders).toEqual([]);
      expect(test.revoked).toEqual([]);
      expect((await user.open('/account')).statusCode).toBe(200);
    });

    it('is a form: other kinds of body, and too long ones, are refused', async () => {
      const { admin } = await ready();
      await admin.open('/account');
      const json = JSON.stringify({ csrf: admin.csrf, name: 'x' });
      for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x'])
        expect((await admin.post('/account/name', json, { 'content-type': type })).statusCode).toBe(415);
      expect((await admin.post('/account/name', 'x'.repeat(16 * 1024 + 1))).statusCode).toBe(413);
      expect((await admin.post('/account/name', '%zz=%&&&=')).statusCode).toBe(403);
    });
  });

  describe('an account', () => {
    it('has its slots: rename, new token, with what is wrong said on the page', async () => {
      const { test, user, userId } = await ready();
      const before = (await test.accounts.slots.get(userId, 1))!;
      await user.open('/account');
      expect(user.page).toContain(`live_${before.streamToken}`);
      expect((await user.send('/account/slots/1/rename', { label: '' })).statusCode).toBe(400);
      expect(user.page).toContain('1 to 64 characters');
      expect((await user.send('/account/slots/1/rename', { label: 'Bag' })).statusCode).toBe(303);
      expect((await user.send('/account/slots/2/rename', { label: 'Bag' })).statusCode).toBe(404);
      await user.visit('/account');
      await user.send('/account/slots/1/regenerate');
      await user.visit('/account?done=regenerated');
      expect(user.page).toContain('The slot has a new token');
      expect(user.page).not.toContain(before.streamToken);
      expect(test.revoked).toEqual([{ streamTokens: [before.streamToken], reason: 'token_regenerated' }]);
      await user.visit('/account?done=__proto__');
      expect(user.page).not.toContain('notice');
    });

    it('changes its password: other browsers are signed out, OBS only where that is wished', async () => {
      const { test, user } = await ready();
      const other = await test.signIn(EMAIL);
      const { access } = await test.signInPlugin(user);
      const session = () => test.api('GET', '/api/v1/auth/session', { token: access });
      const fresh = 'an even better one';
      await user.open('/account');
      for (const [fields, status] of [
        [{ old: 'wrong', password: fresh, again: fresh }, 403],
        [{ old: PASSWORD, password: fresh, again: 'different one' }, 400],
        [{ old: PASSWORD, password: 'short', again: 'short' }, 400],
      ] as const)
        expect((await user.send('/account/password', fields)).statusCode).toBe(status);
      expect((await user.send('/account/password', { old: PASSWORD, password: fresh, again: fresh })).statusCode).toBe(
        303,
      );
      expect((await user.open('/account')).statusCode).toBe(200);
      expect((await other.open('/account')).statusCode).toBe(303);
      expect((await session()).statusCode).toBe(200);
      const again = { old: fresh, password: PASSWORD, again: PASSWORD, clients: 'yes' };
      expect((await user.send('/account/password', again)).statusCode).toBe(303);
      expect((await session()).statusCode).toBe(401);
      await test.signIn(EMAIL);
    });

    it('ends its own sign-ins, and nobody else’s', async () => {
      const { test, admin, user } = await ready();
      const { access } = await test.signInPlugin(user);
      await user.open('/account');
      const path = /action="(\/account\/logins\/lgn_\w+\/end)"/.exec(user.page)![1]!;
      await admin.open('/account');
      expect((await admin.send(path)).statusCode).toBe(404);
      expect((await test.api('GET', '/api/v1/auth/session', { token: access })).statusCode).toBe(200);
      expect((await user.send(path)).statusCode).toBe(303);
      expect((await test.api('GET', '/api/v1/auth/session', { token: access })).statusCode).toBe(401);
    });
  });

  describe('administration', () => {
    it('sets the status of nodes and ends sessions', async () => {
      const { test, admin, userId } = await ready();
      const node = {
        region: 'us-east',
        provider: 'own',
        address: '192.0.2.1',
        version: '1',
        status: 'active',
        health: 'healthy',
      };
      test.nodes.push({
        id: 'kc/1',
        ...node,
        healthScore: 97,
        sessions: 1,
        maxSessions: 10,
        lastSeenMs: test.unixMs - 4_000,
      });
      test.sessions.push({
        id: 'ses_1',
        userId,
        slotNumber: 1,
        nodeId: 'kc/1',
        region: 'us-east',
        status: 'active',
        isIngesting: true,
        startedMs: test.unixMs,
      });
      await admin.open('/admin/nodes');
      for (const shown of ['kc/1', 'us-east', 'healthy', '97', '1 / 10', '4 s ago'])
        expect(admin.page).toContain(shown);
      const action = /action="([^"]+\/status)"/.exec(admin.page)![1]!;
      expect((await admin.send(action, { status: 'draining' })).headers.location).toBe(
        '/admin/nodes?done=node-draining',
      );
      expect((await admin.send(action, { status: 'gone' })).statusCode).toBe(400);
      await admin.open('/admin/nodes');
      expect((await admin.send('/admin/nodes/nothing/status', { status: 'active' })).statusCode).toBe(404);
      await admin.open('/admin/sessions');
      expect(admin.page).toContain(EMAIL);
      expect((await admin.send('/admin/sessions/ses_1/move')).statusCode).toBe(303);
      expect((await admin.send('/admin/sessions/ses_2/move')).statusCode).toBe(404);
      await admin.open('/admin/sessions');
      expect((await admin.send('/admin/sessions/ses_1/end')).statusCode).toBe(303);
      expect((await admin.send('/admin/sessions/ses_2/end')).statusCode).toBe(404);
      expect(test.orders).toEqual([
        'kc/1 draining',
        'nothing active',
        'move ses_1',
        'move ses_2',
        'end ses_1',
        'end ses_2',
      ]);
      expect((await admin.open('/admin/slots?q=user')).body).toContain('kc/1');
      expect((await admin.open('/admin/slots?q=nothing')).body).toContain('No slot is found');
    });

    it('changes a user: entitlement, slots, role, account', async () => {
      const { test, admin, user, userId } = await ready();
      const base = `/admin/users/${userId}`;
      const send = async (rest: string, fields: Record<string, string> = {}) => {
        await admin.open(base);
        const { statusCode, headers } = await admin.send(`${base}/${rest}`, fields);
        return [
          statusCode,
          headers.location === undefined ? '' : new URL(headers.location, 'http://x').searchParams.get('done'),
        ];
      };
      const plan = { plan_tier: 'pro', max_concurrent_conns: '2' };
      expect(await send('entitlement', { relay_access_status: 'disabled', ...plan })).toEqual([303, 'entitlement']);
      expect(await test.accounts.entitlements.of(userId)).toMatchObject({
        relayAccess: 'disabled',
        reasonCode: 'disabled',
        maxConcurrentConns: 2,
      });
      expect((await user.open('/account')).body).toContain('switched off for this account');
      for (const wrong of [
        { relay_access_status: 'x' },
        { plan_tier: 'Big Plan' },
        { max_concurrent_conns: '-1' },
        { max_concurrent_conns: 'x' },
      ])
        expect((await send('entitlement', { relay_access_status: 'enabled', ...plan, ...wrong }))[0]).toBe(400);
      expect(await send('entitlement', { relay_access_status: 'enabled', ...plan })).toEqual([303, 'entitlement']);
      expect(await send('slots', { label: 'old', stream_token: ' live_3F9A0C1E' })).toEqual([303, 'slot-added']);
      expect((await send('slots', { label: '', stream_token: 'a.host.name' }))[0]).toBe(400);
      expect((await send('slots', { label: '', stream_token: '3f9a0c1e' }))[0]).toBe(409);
      expect(await send('slots/2/rename', { label: 'older' })).toEqual([303, 'slot-renamed']);
      expect(await send('slots/2/disable')).toEqual([303, 'slot-disabled']);
      expect(await send('slots/2/enable')).toEqual([303, 'slot-enabled']);
      expect(await send('slots/2/regenerate')).toEqual([303, 'slot-regenerated']);
      expect(await send('slots/2/remove')).toEqual([303, 'slot-removed']);
      expect((await send('slots/2/remove'))[0]).toBe(404);
      expect(test.revoked.map(({ reason }) => reason)).toEqual([
        'entitlement',
        'slot_disabled',
        'token_regenerated',
        'slot_removed',
      ]);
      expect(await send('admin', { to: 'yes' })).toEqual([303, 'admin']);
      expect((await user.open('/admin/nodes')).statusCode).toBe(200);
      expect(await send('admin', { to: 'no' })).toEqual([303, 'no-admin']);
      expect((await user.open('/admin/nodes')).statusCode).toBe(403);
      expect(await send('sign-out')).toEqual([303, 'signed-out']);
      expect((await user.open('/account')).statusCode).toBe(303);
      expect(await send('disabled', { to: 'yes' })).toEqual([303, 'disabled']);
      expect(await send('disabled', { to: 'no' })).toEqual([303, 'enabled']);
      expect((await send('password-link'))[0]).toBe(200);
      expect(admin.page).toMatch(/<code>[^<]+\/invite\/[a-z2-7]{26}<\/code>/);
      expect(await send('remove')).toEqual([303, 'removed']);
      expect((await admin.open(base)).statusCode).toBe(404);
    });

    it('keeps the last administrator', async () => {
      const { test, admin } = await ready();
      const { id } = (await test.db.first<{ id: string }>('SELECT id FROM users WHERE is_admin = 1'))!;
      await admin.open(`/admin/users/${id}`);
      for (const [rest, fields] of [
        ['admin', { to: 'no' }],
        ['disabled', { to: 'yes' }],
        ['remove', {}],
      ] as const) {
        const response = await admin.send(`/admin/users/${id}/${rest}`, fields);
        expect([response.statusCode, response.body]).toEqual([409, expect.stringContaining('last administrator')]);
      }
      expect((await admin.open('/admin/users')).statusCode).toBe(200);
    });
  });
});
