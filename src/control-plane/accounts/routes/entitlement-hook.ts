import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Millis } from '../../../shared/clock.ts';
import { invalidRequest, notFound, unauthorized } from '../../api-error.ts';
import { bodyOf, sendJson } from '../../http.ts';
import type { AccountsContext } from '../context.ts';
import { entitlementAnswer } from '../session-answer.ts';
import { entitlementChange, entitlementSchema } from './admin.ts';

export const SIGNATURE_HEADER = 'x-tributary-signature';
/** A message is good for so long: what was overheard cannot be said again later. */
export const HOOK_WINDOW_MS: Millis = 5 * 60_000;

const hookSchema = entitlementSchema.extend({
  user_id: z.string().min(1).max(254).optional(),
  email: z.string().min(1).max(254).optional(),
});

const macOfMessage = (key: string, ms: string, body: string): Buffer =>
  createHmac('sha256', key).update(`${ms}.${body}`).digest();

/** The header of a message: `t=UNIX_MS,v1=HEX`, HEX being the HMAC-SHA-256 of `UNIX_MS.BODY`. */
export const signHook = (key: string, unixMs: Millis, body: string): string =>
  `t=${unixMs},v1=${macOfMessage(key, String(unixMs), body).toString('hex')}`;

/** The moment of a message that is signed with the key, or undefined. */
const signedMs = (key: string, header: unknown, body: string): Millis | undefined => {
  const [, ms, hex] = (typeof header === 'string' && /^t=(\d{1,15}),v1=([0-9a-f]{64})$/.exec(header)) || [];
  if (ms === undefined || hex === undefined) return undefined;
  return timingSafeEqual(macOfMessage(key, ms, body), Buffer.from(hex, 'hex')) ? Number(ms) : undefined;
};

/** What a billing system says about the entitlement of a user (docs/accounts.md). */
export const entitlementHook = (
  app: FastifyInstance,
  { settings, users, changes, unixNow, logger }: AccountsContext,
): void => {
  const key = settings.controlPlane.entitlementKey;
  app.post('/api/v1/hooks/entitlement', async (request, reply) => {
    if (key === undefined) throw notFound('the settings have no key for entitlements (controlPlane.entitlementKey)');
    const text = typeof request.body === 'string' ? request.body : '';
    const eventMs = signedMs(key, request.headers[SIGNATURE_HEADER], text);
    if (eventMs === undefined) throw unauthorized(`${SIGNATURE_HEADER} is missing or wrong`);
    if (Math.abs(unixNow() - eventMs) > HOOK_WINDOW_MS)
      throw unauthorized(`${SIGNATURE_HEADER}: t is more than five minutes from now; check the clocks`);
    const { user_id: id, email, ...body } = bodyOf(request, hookSchema);
    if (id === undefined && email === undefined) throw invalidRequest('user_id or email: one of them is needed');
    const user = id === undefined ? await users.byEmail(email!) : await users.get(id);
    if (!user) throw notFound('there is no such user');
    const changed = await changes.setEntitlement(user.id, entitlementChange(body), eventMs);
    logger.info('entitlement told', { user: user.id, applied: changed !== undefined });
    return sendJson(reply, 200, {
      applied: changed !== undefined,
      entitlement: entitlementAnswer((changed ?? user).entitlement),
    });
  });
};
