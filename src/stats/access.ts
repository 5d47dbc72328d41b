import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Millis } from '../shared/clock.ts';
import { type AddressView, addressView } from '../shared/redact.ts';
import { type Callers, peerAddress, type Received } from './callers.ts';
import { errorAnswer } from './compat-sls.ts';
import { sendJson } from './http-app.ts';
import type { ApiKey, KeyStore, Permission } from './key-store.ts';
import { RequestBudget } from './request-budget.ts';
import type { Trust } from './trust.ts';

export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;

/** What a limit needs to count a request. */
export interface Limiting {
  callers: Callers;
  clock: () => Millis;
}

export const RATE_LIMIT = errorAnswer('Rate limit exceeded');

/** 429 in the words of SLS, with the time after which it is worth asking again. */
export const tooMany = (reply: FastifyReply, now: Millis): FastifyReply =>
  sendJson(reply.header('retry-after', RequestBudget.retryAfterS(now)), 429, RATE_LIMIT);

/** Counts the request; 429 where it is one too many. */
export const limited =
  (budget: RequestBudget, { callers, clock }: Limiting): Hook =>
  async (request, reply) =>
    budget.take(callers.addressOf(request), clock()) ? undefined : tooMany(reply, clock());

/** As `limited`, of two budgets the one of requests with a valid key or of those without. */
export const limitedByKey =
  (budgets: { without: RequestBudget; with: RequestBudget }, keys: KeyStore, limiting: Limiting): Hook =>
  (request, reply) =>
    limited(bareKeyOf(request, keys) ? budgets.with : budgets.without, limiting)(request, reply);

const BEARER = 'Bearer ';

/** The bearer token of a request, or undefined. */
export const bearer = ({ headers: { authorization } }: { headers: IncomingHttpHeaders }): string | undefined =>
  authorization?.startsWith(BEARER) ? authorization.slice(BEARER.length) : undefined;

/** Requests that were let in by something else than a key, with the key whose rights they have. */
const acting = new WeakMap<object, ApiKey>();

/** From now on the request counts as one that carries this key. */
export const actAs = (request: object, key: ApiKey): void => {
  acting.set(request, key);
};

/** The API key that the request carries, or undefined. */
export const keyOf = (request: { headers: IncomingHttpHeaders }, keys: KeyStore): ApiKey | undefined => {
  const known = acting.get(request);
  if (known) return known;
  const token = bearer(request);
  return token === undefined ? undefined : keys.verify(token);
};

/** As `keyOf`; the key may also be the whole header, as irlserver's SLS has it. */
export const bareKeyOf = (request: { headers: IncomingHttpHeaders }, keys: KeyStore): ApiKey | undefined => {
  const known = acting.get(request);
  if (known) return known;
  const token = bearer(request) ?? request.headers.authorization;
  return token === undefined ? undefined : keys.verify(token);
};

/**
 * Lets a request pass that carries a key with one of these permissions: 401 without a key, 403 without the permission. Runs before
 * the body is read.
 */
export const requireKey =
  (keys: KeyStore, permissions: readonly Permission[], refusal: string): Hook =>
  async (request, reply) => {
    const key = keyOf(request, keys);
    if (!key) {
      const why = bearer(request) === undefined ? 'Missing or invalid Authorization header' : 'Invalid API key';
      return sendJson(reply, 401, errorAnswer(why));
    }
    return permissions.includes(key.permissions) ? undefined : sendJson(reply, 403, errorAnswer(refusal));
  };

/** Who may read what is not for everybody. */
export interface Readers {
  /** By their address. */
  readonly trust?: Trust;
  readonly keys: KeyStore;
  /** Secrets that are as good as a key. */
  readonly tokens?: readonly (string | undefined)[];
}

/** Whether the request comes from one of them: by its bearer token, or from where it comes. */
export const isReader = (request: Received, { trust, keys, tokens = [] }: Readers): boolean => {
  if (trust?.covers(peerAddress(request), request.headers)) return true;
  const given = bearer(request);
  if (given === undefined) return false;
  return tokens.some((token) => token !== undefined && isSameSecret(given, token)) || keys.verify(given) !== undefined;
};

/** Who may do what, in the words of SLS. */
export const guards = (keys: KeyStore): { any: Hook; writers: Hook; admins: Hook } => ({
  any: requireKey(keys, ['admin', 'write', 'read'], 'Insufficient permissions'),
  writers: requireKey(keys, ['admin', 'write'], 'Insufficient permissions'),
  admins: requireKey(keys, ['admin'], 'Admin permissions required'),
});

/** Client addresses are for keys that may change things; every other caller gets them masked, as `privacy.addresses` says. */
export const addressViewOf = (key: ApiKey | undefined): AddressView =>
  key !== undefined && key.permissions !== 'read' ? 'full' : addressView();

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares secrets in a time that does not depend on where they differ. */
export const isSameSecret = (a: string, b: string): boolean => timingSafeEqual(hash(a), hash(b));
