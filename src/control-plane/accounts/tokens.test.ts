import { createHmac } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { type TestAccounts, testAccounts } from '../../../test/support/accounts.ts';
import { onEachDatabase } from '../../../test/support/databases.ts';
import { SigningKeys } from './signing-keys.ts';

const SESSION = '/api/v1/auth/session';
const REFRESH = '/api/v1/auth/refresh';
const LOGOUT = '/api/v1/auth/logout';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const status = async (test: TestAccounts, token: string): Promise<number> =>
  (await test.api('GET', SESSION, { token })).statusCode;
const refreshed = (test: TestAccounts, refresh_token: string) => test.api('POST', REFRESH, { body: { refresh_token } });
const running = (test: TestAccounts, token: string) =>
  test.accounts.authenticator.authenticateRunningClient({ headers: { authorization: `Bearer ${token}` } });

const partsOf = (token: string): { header: Record<string, unknown>; claims: Record<string, unknown> } => {
  const [header, claims] = token.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  return { header, claims };
};
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const secretOf = async (test: TestAccounts): Promise<Buffer> =>
  Buffer.from((await test.db.first<{ secret: string }>('SELECT secret FROM signing_keys'))!.secret, 'base64url');

onEachDatabase((make) => {
  const signedIn = async (env?: Record<string, string>) => {
    const test = await testAccounts(make(), env);
    const browser = await test.setUp();
    return { test, ...(await test.signInPlugin(browser)) };
  };

  describe('access tokens', () => {
    it('are HS256 with uid, sid, exp, iat and jti, for a quarter of an hour', async () => {
      const { test, access, answer } = await signedIn();
      const { header, claims } = partsOf(access);
      expect(header).toEqual({ alg: 'HS256', typ: 'JWT', kid: expect.any(String) });
      const iat = test.unixMs / SECOND;
      expect(claims).toEqual({
        uid: answer.user.id,
        sid: expect.stringMatching(/^lgn_/),
        iat,
        exp: iat + 900,
        jti: expect.any(String),
      });
      test.unixMs += 15 * MINUTE - 1;
      expect(await status(test, access)).toBe(200);
      test.unixMs += 1;
      expect(await status(test, access)).toBe(401);
    });

    it('of others are refused: unsigned, of another key, of another algorithm, changed, of other claims', async () => {
      const { test, access } = await signedIn();
      const { header, claims } = partsOf(access);
      const kid = String(header.kid);
      const secret = await secretOf(test);
      const [head, body, mac] = access.split('.') as [string, string, string];
      const sign = (secretOfForger: Uint8Array, more: object, alg = 'HS256', of = kid): Promise<string> =>
        new SignJWT({ ...claims, ...more }).setProtectedHeader({ alg, kid: of }).sign(secretOfForger);
      const forged: Record<string, string> = {
        'alg none': new UnsecuredJWT(claims).encode(),
        'alg none with the key id': `${encoded({ alg: 'none', kid })}.${body}.`,
        'the right MAC under alg none': `${encoded({ alg: 'none', kid })}.${body}.${mac}`,
        'another key': await sign(Buffer.alloc(32, 7), {}),
        'an empty key': `${head}.${body}.${createHmac('sha256', '').update(`${head}.${body}`).digest('base64url')}`,
        'the key id as key': await sign(Buffer.from(kid.padEnd(32, kid)), {}),
        'an unknown key id': await sign(secret, {}, 'HS256', 'x'.repeat(26)),
        'another algorithm': await sign(Buffer.concat([secret, secret]), {}, 'HS512'),
        'other claims under the old MAC': `${head}.${encoded({ ...claims, uid: 'usr_other' })}.${mac}`,
        'no MAC': `${head}.${body}.`,
        'a user that is not the login’s': await sign(secret, { uid: 'usr_other' }),
        'a login that is none': await sign(secret, { sid: 'lgn_other' }),
        'from the future': await sign(secret, { iat: test.unixMs / SECOND + 3_600 }),
        'without an end': await sign(secret, { exp: undefined }),
        'an end that is text': await sign(secret, { exp: '99999999999' as unknown as number }).catch(() => ''),
        'no JSON inside': await import('jose').then(({ CompactSign }) =>
          new CompactSign(Buffer.from('{')).setProtectedHeader({ alg: 'HS256', kid }).sign(secret),
        ),
        empty: '',
        'three dots': '...',
        'very long': `${access}${'A'.repeat(10_000)}`,
        'a header of null': `${Buffer.from('null').toString('base64url')}.${body}.${mac}`,
        'a prototype for a key id': await sign(secret, {}, 'HS256', '__proto__'),
      };
      for (const [what, token] of Object.entries(forged)) {
        expect(await status(test, token), what).toBe(401);
        expect(await running(test, token), what).toBeUndefined();
      }
      // The forger's tool is in order: with nothing changed, its tokens count.
      expect(await status(test, await sign(secret, {}))).toBe(200);
      expect(await status(test, access)).toBe(200);
    });

    it('are needed as bearer tokens', async () => {
      const { test, access } = await signedIn();
      for (const authorization of [access, `bearer ${access}`, `Basic ${access}`, 'Bearer ', `Bearer  ${access}`])
        expect((await test.api('GET', SESSION, { headers: { authorization } })).statusCode).toBe(401);
      expect((await test.api('GET', SESSION)).json().error).toMatchObject({
        code: 'unauthorized',
        request_id: expect.any(String),
      });
    });

    it('that have expired still name a running client, while its login lasts', async () => {
      const { test, access, answer } = await signedIn();
      const { sid } = partsOf(access).claims;
      test.unixMs += 16 * MINUTE;
      expect(await status(test, access)).toBe(401);
      expect(await running(test, access)).toEqual({ userId: answer.user.id, sid });
      // A client that runs for months stays signed in, since it is in use all the time.
      for (let days = 0; days < 120; days += 20) {
        test.unixMs += 20 * DAY;
        expect(await running(test, access)).toBeDefined();
      }
      const other = await test.signInPlugin(await test.signIn('admin@example.org'));
      expect((await test.api('POST', LOGOUT, { token: other.access, body: {} })).statusCode).toBe(204);
      expect(await running(test, other.access)).toBeUndefined();
      expect(await running(test, access)).toBeDefined();
      test.unixMs += 31 * DAY;
      expect(await running(test, access)).toBeUndefined();
    });

    it('end with the login: logout takes an expired one too, and a second one finds nothing', async () => {
      const { test, access, refresh } = await signedIn();
      test.unixMs += 20 * MINUTE;
      expect((await test.api('POST', LOGOUT, { token: access, body: {} })).statusCode).toBe(204);
      expect((await test.api('POST', LOGOUT, { token: access, body: {} })).statusCode).toBe(401);
      expect((await refreshed(test, refresh)).statusCode).toBe(401);
    });
  });

  describe('refresh tokens', () => {
    it('are good for one new pair, and the answer is that of the sign-in', async () => {
      const { test, access, refresh, answer } = await signedIn();
      test.unixMs += 20 * MINUTE;
      const response = await refreshed(test, refresh);
      expect(response.statusCode).toBe(200);
      const { auth, ...rest } = response.json();
      const { auth: _before, ...before } = answer;
      expect(rest).toEqual(before);
      expect(auth.refresh_token).not.toBe(refresh);
      expect(partsOf(auth.cp_access_jwt).claims.sid).toBe(partsOf(access).claims.sid);
      expect(await status(test, auth.cp_access_jwt)).toBe(200);
      expect((await refreshed(test, auth.refresh_token)).statusCode).toBe(200);
    });

    it('that come again after a minute end the login: somebody has a copy', async () => {
      const { test, access, refresh } = await signedIn();
      const { auth } = (await refreshed(test, refresh)).json();
      test.unixMs += 61 * SECOND;
      expect((await refreshed(test, refresh)).statusCode).toBe(401);
      expect((await refreshed(test, auth.refresh_token)).statusCode).toBe(401);
      expect(await status(test, auth.cp_access_jwt)).toBe(401);
      expect(await running(test, access)).toBeUndefined();
    });

    it('that come again although the next one is in use end it at once', async () => {
      const { test, refresh } = await signedIn();
      const second = (await refreshed(test, refresh)).json().auth;
      const third = (await refreshed(test, second.refresh_token)).json().auth;
      expect((await refreshed(test, refresh)).statusCode).toBe(401);
      expect((await refreshed(test, third.refresh_token)).statusCode).toBe(401);
    });

    it('may be sent once more within a minute, where the answer was lost; the pair that got lost is worth nothing', async () => {
      const { test, refresh } = await signedIn();
      const lost = (await refreshed(test, refresh)).json().auth;
      test.unixMs += 59 * SECOND;
      const got = (await refreshed(test, refresh)).json().auth;
      expect((await refreshed(test, lost.refresh_token)).statusCode).toBe(401);
      expect((await refreshed(test, got.refresh_token)).statusCode).toBe(200);
    });

    it('of several clients at once: one of two simultaneous uses does not sign the other out', async () => {
      const { test, refresh } = await signedIn();
      const both = await Promise.all([refreshed(test, refresh), refreshed(test, refresh)]);
      expect(both.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
      const after = await Promise.all(both.map((one) => refreshed(test, one.json().auth.refresh_token)));
      expect(after.map(({ statusCode }) => statusCode).sort()).toEqual([200, 401]);
    });

    it('expire thirty days after the last use, which the client is told', async () => {
      const { test, refresh } = await signedIn();
      test.unixMs += 29 * DAY;
      const { refresh_token } = (await refreshed(test, refresh)).json().auth;
      test.unixMs += 30 * DAY;
      const response = await refreshed(test, refresh_token);
      expect([response.statusCode, response.json().error.code]).toEqual([410, 'session_expired']);
      await test.accounts.housekeep?.();
      expect((await refreshed(test, refresh_token)).statusCode).toBe(410);
      test.unixMs += 31 * DAY;
      await test.accounts.housekeep?.();
      expect((await refreshed(test, refresh_token)).statusCode).toBe(401);
    });

    it('are asked for later where the database is away', async () => {
      const { test, refresh } = await signedIn();
      test.isAway = true;
      const response = await refreshed(test, refresh);
      expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '2']);
      test.isAway = false;
      expect((await refreshed(test, refresh)).statusCode).toBe(200);
    });
  });

  describe('signing keys', () => {
    it('are the same for every process, change every 90 days, and know old tokens for long', async () => {
      const database = make();
      const db = await database.open();
      const { ACCOUNTS_SCHEMA } = await import('./schema.ts');
      const { migrate } = await import('../database/migrate.ts');
      await migrate(db, [ACCOUNTS_SCHEMA], 0);
      let unixMs = 1_790_000_000_000;
      const [one, two] = [new SigningKeys(db, () => unixMs), new SigningKeys(await database.open(), () => unixMs)];
      const [first, same] = await Promise.all([one.current(), two.current()]);
      expect(same).toEqual(first);
      expect(first.secret).toHaveLength(32);
      unixMs += 90 * DAY - 1;
      expect((await one.current()).kid).toBe(first.kid);
      unixMs += 1;
      const second = await one.current();
      expect(second.kid).not.toBe(first.kid);
      expect((await two.find(second.kid))?.secret).toEqual(second.secret);
      expect((await two.find(first.kid))?.secret).toEqual(first.secret);
      expect((await two.current()).kid).toBe(second.kid);
      unixMs += 310 * DAY;
      await two.housekeep();
      unixMs += DAY;
      expect(await two.find(first.kid)).toBeUndefined();
      expect(await two.find(second.kid)).toBeDefined();
    });

    it('that nobody has are not looked up in the database more than once a second', async () => {
      const { test } = await signedIn();
      const keys = new SigningKeys(test.db, () => test.unixMs);
      await keys.current();
      test.isAway = true;
      expect(await keys.find('nothing')).toBeUndefined();
      test.unixMs += SECOND;
      await expect(keys.find('nothing')).rejects.toThrow('does not answer');
    });
  });
});
