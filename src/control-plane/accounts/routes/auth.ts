import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isSameSecret } from '../../../stats/access.ts';
import { RequestBudget } from '../../../stats/request-budget.ts';
import { ApiError, invalidRequest, unauthorized } from '../../api-error.ts';
import { DatabaseAwayError } from '../../database/database.ts';
import { bodyOf, sendJson } from '../../http.ts';
import type { Caller } from '../authenticator.ts';
import { type AccountsContext, baseUrl, shortText } from '../context.ts';
import type { Device } from '../logins.ts';
import { POLL_INTERVAL_S } from '../plugin-logins.ts';
import { sessionAnswer } from '../session-answer.ts';
import type { User } from '../users.ts';

const shortString = z.string().max(1_024);
const startSchema = z.object({
  client: z
    .object({
      platform: shortString.optional(),
      plugin_version: shortString.optional(),
      device_name: shortString.optional(),
    })
    .optional(),
});
const pollSchema = z.object({ login_attempt_id: shortString.min(1), poll_token: shortString.min(1) });
const completeSchema = z.object({
  login_attempt_id: shortString.min(1),
  outcome: z.enum(['completed', 'denied']),
  user_id: shortString.optional(),
  reason_code: z.string().max(64).optional(),
});
const refreshSchema = z.object({ refresh_token: shortString.min(1) });

/** @throws ApiError 429 with the time after which it is worth asking again */
export const tooManyRequests = (reply: FastifyReply, nowMs: number): ApiError => {
  reply.header('retry-after', RequestBudget.retryAfterS(nowMs));
  return new ApiError(429, 'rate_limited', 'Too many tries. Wait a minute.');
};

/** Where an attempt is approved; the path of the page. */
export const APPROVE_PATH = '/plugin-login';

/** The user of a caller. @throws ApiError 401 */
export const userOf = async ({ users }: AccountsContext, caller: Caller | undefined): Promise<User> => {
  const user = caller && (await users.get(caller.userId));
  if (!user) throw unauthorized();
  return user;
};

const loginRoutes = (app: FastifyInstance, context: AccountsContext): void => {
  const { pluginLogins, tokens, settings, clock, addressOf, budgets, authenticator, users, logger } = context;

  app.post('/api/v1/auth/plugin/login/start', async (request, reply) => {
    const { client = {} } = bodyOf(request, startSchema);
    const now = clock();
    if (!budgets.loginStarts.take(addressOf(request), now)) throw tooManyRequests(reply, now);
    const device: Device = {
      deviceName: shortText(client.device_name),
      platform: shortText(client.platform),
      clientVersion: shortText(client.plugin_version),
      address: addressOf(request),
    };
    const { id, pollToken, expiresMs } = await pluginLogins.start(device);
    return sendJson(reply, 201, {
      login_attempt_id: id,
      authorize_url: `${baseUrl(settings, request)}${APPROVE_PATH}/${id}`,
      poll_token: pollToken,
      expires_at: new Date(expiresMs).toISOString(),
      poll_interval_seconds: POLL_INTERVAL_S,
    });
  });

  app.post('/api/v1/auth/plugin/login/poll', async (request, reply) => {
    const { login_attempt_id: id, poll_token: pollToken } = bodyOf(request, pollSchema);
    const pending = (): FastifyReply => sendJson(reply, 202, { status: 'pending' });
    // Anything but an answer of the protocol makes the plugin give the sign-in up: one that asks too often is told to go on waiting.
    if (!budgets.polls.take(id, clock())) return pending();
    let claimed: string | undefined;
    try {
      const poll = await pluginLogins.poll(id, pollToken);
      if (poll.status === 'pending') return pending();
      claimed = poll.refreshToken;
      const user = await userOf(context, poll);
      const body = {
        status: 'completed',
        auth: { cp_access_jwt: await tokens.issue(poll), refresh_token: poll.refreshToken },
        ...(await sessionAnswer(context, user)),
      };
      logger.info('signed in', { user: user.id, login: poll.sid });
      return sendJson(reply, 200, body);
    } catch (error) {
      if (!(error instanceof DatabaseAwayError)) throw error;
      if (claimed !== undefined) pluginLogins.notAnswered(id, claimed);
      return pending();
    }
  });

  app.post('/api/v1/auth/plugin/login/complete', async (request, reply) => {
    const body = bodyOf(request, completeSchema);
    const userId = await completerOf(request, body.user_id);
    if (!(await users.get(userId))) throw invalidRequest('user_id: there is no such user');
    await pluginLogins.decide(body.login_attempt_id, userId, body.outcome, {
      viaPage: false,
      reasonCode: body.reason_code ?? null,
    });
    return reply.code(204).send();
  });

  /** In whose name an attempt is completed: a web site with the key may name anybody, a user only itself. */
  const completerOf = async (request: FastifyRequest, named: string | undefined): Promise<string> => {
    const { 'x-plugin-login-auth': given } = request.headers;
    const { loginKey } = settings.controlPlane;
    if (typeof given === 'string') {
      if (loginKey === undefined || !isSameSecret(given, loginKey))
        throw unauthorized('X-Plugin-Login-Auth is not right');
      if (named === undefined) throw invalidRequest('user_id: missing');
      return named;
    }
    const caller = await authenticator.authenticate(request);
    if (!caller) throw unauthorized();
    if (named !== undefined && named !== caller.userId)
      throw new ApiError(403, 'login_denied', 'user_id: nobody signs in for somebody else');
    return caller.userId;
  };
};

/** Sign-in and sessions of the OBS plugin (telemy.md §3.2). */
export const authRoutes = (app: FastifyInstance, context: AccountsContext): void => {
  const { authenticator, logins, tokens, users, logger } = context;
  loginRoutes(app, context);

  app.post('/api/v1/auth/refresh', async (request, reply) => {
    const { refresh_token: refreshToken } = bodyOf(request, refreshSchema);
    const refreshed = await logins.refresh(refreshToken);
    if ('refused' in refreshed) {
      if (refreshed.refused === 'expired') throw new ApiError(410, 'session_expired', 'the sign-in has expired');
      if (refreshed.refused === 'reused') logger.warn('a used refresh token has come again: its login is over');
      throw unauthorized('the refresh token is not valid');
    }
    const user = await users.get(refreshed.userId);
    if (!user) throw unauthorized();
    return sendJson(reply, 200, {
      status: 'completed',
      auth: { cp_access_jwt: await tokens.issue(refreshed), refresh_token: refreshed.refreshToken },
      ...(await sessionAnswer(context, user)),
    });
  });

  app.get('/api/v1/auth/session', async (request, reply) => {
    const user = await userOf(context, await authenticator.authenticate(request));
    return sendJson(reply, 200, await sessionAnswer(context, user));
  });

  app.post('/api/v1/auth/logout', async (request, reply) => {
    // Whoever signs out may have an old token by then.
    const caller = await authenticator.authenticateRunningClient(request);
    if (!caller) throw unauthorized();
    await logins.end(caller.sid, caller.userId);
    return reply.code(204).send();
  });
};
