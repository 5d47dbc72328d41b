import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type ApiError, notFound } from '../../api-error.ts';
import { bodyOf, paramOf, sendJson } from '../../http.ts';
import type { Slot } from '../../slots/slots.ts';
import type { AccountsContext } from '../context.ts';
import { slotAnswer, slotAnswers } from '../session-answer.ts';
import type { User } from '../users.ts';
import { tooManyRequests, userOf } from './auth.ts';

const labelSchema = z.object({ label: z.string().max(1_024) });
const regenerateSchema = z.object({ slot_number: z.number().int().min(1).optional() });

/** The slot number of a path; 0 where it is none, which no slot has. */
export const slotNumberOf = (request: FastifyRequest): number => {
  const text = paramOf(request, 'number');
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 0;
};

export const noSlot = (): ApiError => notFound('there is no such slot');

/** @throws ApiError 404 */
export const foundSlot = (slot: Slot | undefined): Slot => {
  if (!slot) throw noSlot();
  return slot;
};

/** Stream slots of the caller (telemy.md §3.7). */
export const userRoutes = (app: FastifyInstance, context: AccountsContext): void => {
  const { authenticator, slots, budgets, clock } = context;
  const caller = async (request: FastifyRequest): Promise<User> =>
    userOf(context, await authenticator.authenticate(request));

  app.get('/api/v1/user/stream-slots', async (request, reply) => {
    const { id } = await caller(request);
    return sendJson(reply, 200, { stream_slots: slotAnswers(await slots.forUser(id)) });
  });

  app.put('/api/v1/user/stream-slots/:number/label', async (request, reply) => {
    const { id } = await caller(request);
    const { label } = bodyOf(request, labelSchema);
    const slot = foundSlot(await slots.rename(id, slotNumberOf(request), label));
    return sendJson(reply, 200, { stream_slot: slotAnswer(slot) });
  });

  app.post('/api/v1/user/regenerate-token', async (request, reply) => {
    const { id } = await caller(request);
    const { slot_number: asked } = bodyOf(request, regenerateSchema);
    if (!budgets.regenerations.take(id, clock())) throw tooManyRequests(reply, clock());
    const slotNumber = asked ?? (await slots.forUser(id)).find(({ isDisabled }) => !isDisabled)?.slotNumber;
    const slot = foundSlot(slotNumber === undefined ? undefined : await slots.regenerate(id, slotNumber));
    return sendJson(reply, 200, slotAnswer(slot));
  });
};
