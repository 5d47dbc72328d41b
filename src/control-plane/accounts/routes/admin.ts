import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { notFound, unauthorized } from '../../api-error.ts';
import { bodyOf, paramOf, sendJson } from '../../http.ts';
import { MAX_SLOTS } from '../../slots/slot-table.ts';
import type { Slot } from '../../slots/slots.ts';
import { bareToken } from '../../slots/stream-token.ts';
import { isAdministrator } from '../administrators.ts';
import { type AccountsContext, baseUrl } from '../context.ts';
import { type Entitlement, RELAY_ACCESS } from '../entitlement.ts';
import { entitlementAnswer, slotAnswer } from '../session-answer.ts';
import { checkedEmail } from '../user-changes.ts';
import type { User } from '../users.ts';
import { foundSlot, noSlot, slotNumberOf } from './user.ts';

const word = z.string().regex(/^[a-z0-9_.-]{1,64}$/);

/** What an entitlement may be changed by; what is not there stays as it is. */
export const entitlementSchema = z.object({
  relay_access_status: z.enum(RELAY_ACCESS).optional(),
  reason_code: word.optional(),
  plan_tier: word.optional(),
  plan_status: word.optional(),
  max_concurrent_conns: z.number().int().min(0).max(1_000_000).optional(),
});

/** The change that a body asks for. A new access without a reason has the one that says what it is. */
export const entitlementChange = (body: z.output<typeof entitlementSchema>): Partial<Entitlement> => {
  const { relay_access_status: access, reason_code, plan_tier, plan_status, max_concurrent_conns } = body;
  const reason = reason_code ?? (access === undefined ? undefined : access === 'enabled' ? 'ok' : access);
  return {
    ...(access === undefined ? {} : { relayAccess: access }),
    ...(reason === undefined ? {} : { reasonCode: reason }),
    ...(plan_tier === undefined ? {} : { planTier: plan_tier }),
    ...(plan_status === undefined ? {} : { planStatus: plan_status }),
    ...(max_concurrent_conns === undefined ? {} : { maxConcurrentConns: max_concurrent_conns }),
  };
};

const invitationSchema = z.object({
  email: z.string().max(254).optional(),
  is_admin: z.boolean().default(false),
  slots: z.number().int().min(0).max(MAX_SLOTS).default(1),
});
const flagsSchema = z.object({ is_admin: z.boolean().optional(), is_disabled: z.boolean().optional() });
const newSlotSchema = z.object({
  label: z.string().max(1_024).optional(),
  stream_token: z.string().max(128).optional(),
});
const slotSchema = z.object({ label: z.string().max(1_024).optional(), is_disabled: z.boolean().optional() });

const userAnswer = (user: User, slots: readonly Slot[]): object => ({
  id: user.id,
  email: user.email,
  display_name: user.displayName,
  is_admin: user.isAdmin,
  is_disabled: user.isDisabled,
  created_at: new Date(user.createdMs).toISOString(),
  entitlement: entitlementAnswer(user.entitlement),
  stream_slots: slots.map(({ slotNumber, label, dnsSlug, isDisabled }) => ({
    slot_number: slotNumber,
    label,
    dns_slug: dnsSlug,
    is_disabled: isDisabled,
  })),
});

/** Users, invitations, entitlements and slots for programs of the operator (docs/accounts.md). Stream tokens are told only when they are new. */
export const adminRoutes = (app: FastifyInstance, context: AccountsContext): void => {
  const { users, changes, invitations, slots, settings } = context;

  /** `:user` is an id or an e-mail address. @throws ApiError 404 */
  const named = async (request: FastifyRequest): Promise<User> => {
    const name = paramOf(request, 'user');
    const user = (await users.get(name)) ?? (await users.byEmail(name));
    if (!user) throw notFound('there is no such user');
    return user;
  };
  const answer = async (reply: FastifyReply, user: User): Promise<FastifyReply> =>
    sendJson(reply, 200, userAnswer(user, await slots.forUser(user.id)));

  app.register(
    async (scope) => {
      // Before the body is read.
      scope.addHook('onRequest', async (request) => {
        if (!(await isAdministrator(context, request))) throw unauthorized('an administrator is needed');
      });

      scope.get('/users', async (_request, reply) => {
        const byUser = Object.groupBy(await slots.all(), ({ userId }) => userId);
        const list = (await users.list()).map((user) => userAnswer(user, byUser[user.id] ?? []));
        return sendJson(reply, 200, { users: list });
      });
      scope.get('/users/:user', async (request, reply) => answer(reply, await named(request)));
      scope.put('/users/:user', async (request, reply) => {
        const { is_admin: isAdmin, is_disabled: isDisabled } = bodyOf(request, flagsSchema);
        const { id } = await named(request);
        const flags = {
          ...(isAdmin === undefined ? {} : { isAdmin }),
          ...(isDisabled === undefined ? {} : { isDisabled }),
        };
        return answer(reply, await changes.setFlags(id, flags));
      });
      scope.delete('/users/:user', async (request, reply) => {
        await changes.remove((await named(request)).id);
        return reply.code(204).send();
      });
      scope.put('/users/:user/entitlement', async (request, reply) => {
        const change = entitlementChange(bodyOf(request, entitlementSchema));
        const user = (await changes.setEntitlement((await named(request)).id, change))!;
        return sendJson(reply, 200, { entitlement: entitlementAnswer(user.entitlement) });
      });

      scope.post('/invitations', async (request, reply) => {
        const { email, is_admin: isAdmin, slots: count } = bodyOf(request, invitationSchema);
        const to = email === undefined ? {} : { email: checkedEmail(email) };
        const { token, expiresMs } = await invitations.add({ kind: 'user', isAdmin, slots: count, ...to });
        return sendJson(reply, 201, linkAnswer(request, token, expiresMs));
      });
      scope.post('/users/:user/password-link', async (request, reply) => {
        const { id } = await named(request);
        const { token, expiresMs } = await invitations.add({ kind: 'password', userId: id, isAdmin: false, slots: 0 });
        return sendJson(reply, 201, linkAnswer(request, token, expiresMs));
      });

      scope.post('/users/:user/stream-slots', async (request, reply) => {
        const { label, stream_token: token } = bodyOf(request, newSlotSchema);
        const { id } = await named(request);
        const slot = await slots.create(id, label, token === undefined ? undefined : bareToken(token));
        return sendJson(reply, 201, { stream_slot: slotAnswer(slot) });
      });
      scope.put('/users/:user/stream-slots/:number', async (request, reply) => {
        const { label, is_disabled: isDisabled } = bodyOf(request, slotSchema);
        const user = await named(request);
        const number = slotNumberOf(request);
        if (label !== undefined) foundSlot(await slots.rename(user.id, number, label));
        if (isDisabled !== undefined) foundSlot(await slots.setDisabled(user.id, number, isDisabled));
        return answer(reply, user);
      });
      scope.post('/users/:user/stream-slots/:number/regenerate', async (request, reply) => {
        const { id } = await named(request);
        const slot = foundSlot(await slots.regenerate(id, slotNumberOf(request)));
        return sendJson(reply, 200, { stream_slot: slotAnswer(slot) });
      });
      scope.delete('/users/:user/stream-slots/:number', async (request, reply) => {
        const { id } = await named(request);
        if (!(await slots.remove(id, slotNumberOf(request)))) throw noSlot();
        return reply.code(204).send();
      });
    },
    { prefix: '/api/v1/admin' },
  );

  const linkAnswer = (request: FastifyRequest, token: string, expiresMs: number): object => ({
    url: `${baseUrl(settings, request)}/invite/${token}`,
    expires_at: new Date(expiresMs).toISOString(),
  });
};
