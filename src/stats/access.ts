import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Millis } from '../shared/clock.ts';
import { errorAnswer } from './compat-sls.ts';
import { callerAddress, sendJson } from './http-app.ts';
import type { ApiKey, KeyStore, Permission } from './key-store.ts';
import type { RequestBudget } from './request-budget.ts';

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;

/** Counts the request; 429 where it is one too many. */
export const limited =
  (budget: RequestBudget, clock: () => Millis): Hook =>
  async (request, reply) =>
    budget.take(callerAddress(request), clock()) ? undefined : sendJson(reply, 429, errorAnswer('Rate limit exceeded'));

const BEARER = 'Bearer ';

/** The bearer token of a request, or undefined. */
export const bearer = (request: FastifyRequest): string | undefined => {
  const header = request.headers.authorization;
  return header?.startsWith(BEARER) ? header.slice(BEARER.length) : undefined;
};

/** The API key that the request carries, or undefined. */
export const keyOf = (request: FastifyRequest, keys: KeyStore): ApiKey | undefined => {
  const token = bearer(request);
  return token === undefined ? undefined : keys.verify(token);
};

/**
 * Lets a request pass that carries a key with one of these permissions: 401 without a key, 403 without the permission. Runs before
 * the body is read.
 */
export const requireKey =
  (keys: KeyStore, permissions: readonly Permission[], refusal: string): Hook =>
  async (request, reply) => {
    if (bearer(request) === undefined)
      return sendJson(reply, 401, errorAnswer('Missing or invalid Authorization header'));
    const key = keyOf(request, keys);
    if (!key) return sendJson(reply, 401, errorAnswer('Invalid API key'));
    return permissions.includes(key.permissions) ? undefined : sendJson(reply, 403, errorAnswer(refusal));
  };

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares secrets in a time that does not depend on where they differ. */
export const isSameSecret = (a: string, b: string): boolean => timingSafeEqual(hash(a), hash(b));
