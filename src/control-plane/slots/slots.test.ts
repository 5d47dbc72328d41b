import { describe, expect, it } from 'vitest';
import { type TestAccounts, testAccounts } from '../../../test/support/accounts.ts';
import { onEachDatabase } from '../../../test/support/databases.ts';
import { silentLogger } from '../../shared/logger.ts';
import { Revocations } from '../accounts/revocations.ts';
import { ACCOUNTS_SCHEMA } from '../accounts/schema.ts';
import { Users } from '../accounts/users.ts';
import { migrate } from '../database/migrate.ts';
import { SlotTable } from './slot-table.ts';
import type { Revocation } from './slots.ts';
import { isStreamToken, SLOT_IS_THERE } from './stream-token.ts';

const SLOTS = '/api/v1/user/stream-slots';
const REGENERATE = '/api/v1/user/regenerate-token';

onEachDatabase((make) => {
  const signedIn = async () => {
    const test = await testAccounts(make());
    const admin = await test.setUp();
    const { access, answer } = await test.signInPlugin(admin);
    return { test, admin, token: access, userId: answer.user.id };
  };
  const listed = async (test: TestAccounts, token: string) =>
    (await test.api('GET', SLOTS, { token })).json().stream_slots;

  describe('slots of a user', () => {
    it('are listed by number with token and slug, and renamed', async () => {
      const { test, token, userId } = await signedIn();
      const { slots } = test.accounts;
      const second = await slots.create(userId, '  Back\npack  ');
      expect(second).toMatchObject({ slotNumber: 2, label: 'Back pack', isDisabled: false });
      const list = await listed(test, token);
      expect(list).toEqual([
        { slot_number: 1, label: 'Slot 1', stream_token: expect.any(String), dns_slug: expect.any(String) },
        { slot_number: 2, label: 'Back pack', stream_token: second.streamToken, dns_slug: second.dnsSlug },
      ]);
      const renamed = await test.api('PUT', `${SLOTS}/2/label`, { token, body: { label: 'Rücksack <1>' } });
      expect([renamed.statusCode, renamed.json().stream_slot.label]).toEqual([200, 'Rücksack <1>']);
      expect((await listed(test, token))[1].label).toBe('Rücksack <1>');
      expect(test.revoked).toEqual([]);
    });

    it('are named by their number, and their labels have 1 to 64 characters', async () => {
      const { test, token } = await signedIn();
      const renamed = (number: string, body: object) => test.api('PUT', `${SLOTS}/${number}/label`, { token, body });
      for (const number of ['0', '-1', '01', '1.5', 'x', '99', '999999999999', '%00'])
        expect((await renamed(number, { label: 'x' })).statusCode, number).toBe(404);
      for (const label of [undefined, '', ' \t', 'x'.repeat(65), 7, null, 'a\u0007b', ['a']]) {
        const response = await renamed('1', { label });
        expect([response.statusCode, response.json().error.code]).toEqual([400, 'invalid_request']);
      }
      expect((await renamed('1', { label: '𝄞'.repeat(64) })).statusCode).toBe(200);
    });

    it('fill the gaps of numbers, up to 99', async () => {
      const { test, userId } = await signedIn();
      const { slots } = test.accounts;
      for (let i = 2; i <= 99; i++) await slots.create(userId);
      await expect(slots.create(userId)).rejects.toMatchObject({ status: 409 });
      expect(await slots.remove(userId, 40)).toBe(true);
      expect(await slots.remove(userId, 40)).toBe(false);
      expect((await slots.create(userId)).slotNumber).toBe(40);
    });

    it('that are there already are said to be, though there is room for no more', async () => {
      const { test, userId } = await signedIn();
      const { slots } = test.accounts;
      const TOKEN = '0a1b2c3d';
      await slots.create(userId, 'Adopted', TOKEN);
      for (let n = 3; n <= 99; n++) await slots.create(userId);
      await expect(slots.create(userId, 'Again', TOKEN)).rejects.toThrow(SLOT_IS_THERE);
      await expect(slots.create(userId, 'Another', 'ffffffff')).rejects.toThrow(/at most 99 slots/);
    });

    it('that are made at once get different numbers', async () => {
      const { test, userId } = await signedIn();
      const made = await Promise.all(Array.from({ length: 12 }, () => test.accounts.slots.create(userId)));
      expect(new Set(made.map(({ slotNumber }) => slotNumber)).size).toBe(12);
    });

    it('of others are out of reach', async () => {
      const { test, admin, token } = await signedIn();
      const other = await test.signInPlugin(await test.addUser(admin, 'other@example.org'));
      const [theirs] = other.answer.stream_slots as { stream_token: string }[];
      const { userId } = (await test.accounts.slots.byToken(theirs!.stream_token))!;
      expect(userId).toBe(other.answer.user.id);
      await test.accounts.slots.create(userId);
      expect((await test.api('PUT', `${SLOTS}/2/label`, { token, body: { label: 'mine' } })).statusCode).toBe(404);
      expect((await test.api('POST', REGENERATE, { token, body: { slot_number: 2 } })).statusCode).toBe(404);
      expect(await listed(test, other.access)).toHaveLength(2);
    });

    it('need a token of a login', async () => {
      const { test } = await signedIn();
      for (const [method, path] of [
        ['GET', SLOTS],
        ['PUT', `${SLOTS}/1/label`],
        ['POST', REGENERATE],
      ] as const)
        expect((await test.api(method, path, { body: method === 'GET' ? undefined : {} })).statusCode).toBe(401);
    });
  });

  describe('a new token', () => {
    it('replaces the old one, which is revoked; the slug stays', async () => {
      const { test, token, userId } = await signedIn();
      const before = (await listed(test, token))[0];
      const response = await test.api('POST', REGENERATE, { token, body: {} });
      expect(response.statusCode).toBe(200);
      const after = response.json();
      expect(after).toEqual({ ...before, stream_token: expect.any(String) });
      expect(after.stream_token).not.toBe(before.stream_token);
      expect(isStreamToken(after.stream_token)).toBe(true);
      expect(test.revoked).toEqual([{ streamTokens: [before.stream_token], reason: 'token_regenerated' }]);
      expect(await test.accounts.slots.toStart(userId, before.stream_token)).toEqual({ refused: 'unknown' });
      expect(await test.accounts.slots.toStart(userId, after.stream_token)).toMatchObject({ slot: { slotNumber: 1 } });
      expect(await listed(test, token)).toEqual([after]);
    });

    it('is made for the slot that is named', async () => {
      const { test, token, userId } = await signedIn();
      const second = await test.accounts.slots.create(userId);
      const response = await test.api('POST', REGENERATE, { token, body: { slot_number: 2, more: 'ignored' } });
      expect(response.json()).toMatchObject({ slot_number: 2, dns_slug: second.dnsSlug });
      for (const slot_number of [0, 1.5, '2', null, -1, 3])
        expect((await test.api('POST', REGENERATE, { token, body: { slot_number } })).statusCode).toBeOneOf([400, 404]);
      expect(test.revoked).toHaveLength(1);
    });

    it('is not made more than ten times a minute', async () => {
      const { test, token } = await signedIn();
      for (let i = 0; i < 10; i++)
        expect((await test.api('POST', REGENERATE, { token, body: {} })).statusCode).toBe(200);
      expect((await test.api('POST', REGENERATE, { token, body: {} })).statusCode).toBe(429);
      expect(test.revoked).toHaveLength(10);
    });
  });

  describe('what relay/start may use', () => {
    it('is a token of the user: no slug, no host name, no id, nothing of somebody else', async () => {
      const { test, admin, userId } = await signedIn();
      const { slots } = test.accounts;
      const [slot] = await slots.forUser(userId);
      const { streamToken, dnsSlug } = slot!;
      expect(await slots.toStart(userId, streamToken)).toEqual({ slot });
      await test.addUser(admin, 'other@example.org');
      const other = (await test.db.first<{ id: string }>("SELECT id FROM users WHERE email = 'other@example.org'"))!.id;
      expect(await slots.toStart(other, streamToken)).toEqual({ refused: 'unknown' });
      for (const text of [
        dnsSlug,
        `${dnsSlug}.relay.example`,
        `live_${streamToken}`,
        streamToken.toUpperCase(),
        '',
        `${streamToken} `,
      ])
        expect(await slots.toStart(userId, text), text).toEqual({ refused: 'unknown' });
      expect(await slots.bySlug(dnsSlug)).toEqual(slot);
      expect(await slots.byToken(dnsSlug)).toBeUndefined();
    });

    it('without a token: the first enabled slot that is free', async () => {
      const { test, userId } = await signedIn();
      const { slots } = test.accounts;
      await slots.create(userId);
      await slots.create(userId);
      await slots.setDisabled(userId, 2, true);
      const number = async (taken: number[]) => {
        const choice = await slots.toStart(userId, undefined, taken);
        return 'slot' in choice ? choice.slot.slotNumber : choice.refused;
      };
      expect(await number([])).toBe(1);
      expect(await number([1])).toBe(3);
      expect(await number([1, 3])).toBe('none');
      for (const slotNumber of [1, 3]) await slots.setDisabled(userId, slotNumber, true);
      expect(await number([])).toBe('none');
    });

    it('is no disabled slot: that revokes, leaves the list of the plugin, and can be undone', async () => {
      const { test, token, userId } = await signedIn();
      const { slots } = test.accounts;
      const { streamToken } = (await slots.get(userId, 1))!;
      expect(await slots.setDisabled(userId, 1, true)).toMatchObject({ isDisabled: true, streamToken });
      expect(test.revoked).toEqual([{ streamTokens: [streamToken], reason: 'slot_disabled' }]);
      expect(await slots.toStart(userId, streamToken)).toEqual({ refused: 'disabled' });
      expect(await listed(test, token)).toEqual([]);
      expect((await test.api('POST', REGENERATE, { token, body: {} })).statusCode).toBe(404);
      await slots.setDisabled(userId, 1, false);
      expect(await slots.toStart(userId, streamToken)).toMatchObject({ slot: { slotNumber: 1 } });
      expect(test.revoked).toHaveLength(1);
      expect(await slots.setDisabled(userId, 7, true)).toBeUndefined();
    });

    it('is no removed slot', async () => {
      const { test, userId } = await signedIn();
      const { streamToken } = (await test.accounts.slots.get(userId, 1))!;
      await test.accounts.slots.remove(userId, 1);
      expect(test.revoked).toEqual([{ streamTokens: [streamToken], reason: 'slot_removed' }]);
      expect(await test.accounts.slots.toStart(userId, streamToken)).toEqual({ refused: 'unknown' });
    });
  });

  describe('slots of a deployment that is taken over', () => {
    it('keep their token of 8 hex digits; what is none is refused, and what is taken as well', async () => {
      const { test, userId } = await signedIn();
      const { slots } = test.accounts;
      expect(await slots.create(userId, 'old', '3f9a0c1e')).toMatchObject({ streamToken: '3f9a0c1e' });
      expect(await slots.toStart(userId, '3f9a0c1e')).toMatchObject({ slot: { label: 'old' } });
      for (const text of ['k3f9a0c1', 'host.example', '', 'live_3f9a0c1e', '3f9a0c1'])
        await expect(slots.create(userId, 'x', text), text).rejects.toMatchObject({ status: 400 });
      await expect(slots.create(userId, 'x', '3f9a0c1e')).rejects.toMatchObject({ status: 409 });
      expect(await slots.forUser(userId)).toHaveLength(2);
    });
  });

  describe('the table itself', () => {
    const bare = async (drawSlug?: () => string) => {
      const db = await make().open();
      await migrate(db, [ACCOUNTS_SCHEMA], 0);
      const revoked: Revocation[] = [];
      let isBroken = false;
      const revoker = {
        revoke: async (revocation: Revocation) => {
          if (isBroken) throw new Error('no node answers');
          revoked.push(revocation);
        },
      };
      const revocations = new Revocations(db, revoker, silentLogger);
      const slots = new SlotTable({ db, revocations, unixNow: () => 1_000, ...(drawSlug ? { drawSlug } : {}) });
      const person = { email: 'a@example.org', displayName: 'A', passwordHash: '', isAdmin: false };
      const user = (await new Users(db).add(person, 0, db))!;
      const breakRevoker = (broken: boolean): void => {
        isBroken = broken;
      };
      return { slots, revoked, revocations, breakRevoker, userId: user.id };
    };

    it('draws another slug where one is taken', async () => {
      const draws = ['aaaaaaaz', 'aaaaaaaz', 'aaaaaaaz', 'bbbbbbbz'];
      const { slots, userId } = await bare(() => draws.shift()!);
      expect((await slots.create(userId)).dnsSlug).toBe('aaaaaaaz');
      expect((await slots.create(userId)).dnsSlug).toBe('bbbbbbbz');
    });

    it('remembers what could not be cut, and cuts it later, once', async () => {
      const { slots, revoked, revocations, breakRevoker, userId } = await bare();
      const { streamToken } = await slots.create(userId);
      breakRevoker(true);
      expect((await slots.regenerate(userId, 1))?.streamToken).not.toBe(streamToken);
      await revocations.carryOutAll();
      expect(revoked).toEqual([]);
      breakRevoker(false);
      await revocations.carryOutAll();
      await revocations.carryOutAll();
      expect(revoked).toEqual([{ streamTokens: [streamToken], reason: 'token_regenerated' }]);
    });
  });
});
