import type { FastifyInstance } from 'fastify';
import { codeOf, messageOf, type TributaryError } from '../../shared/errors.ts';
import { guards } from '../access.ts';
import { errorAnswer, successAnswer } from '../compat-sls.ts';
import { pathRest, sendJson } from '../http-app.ts';
import { parseBody } from '../json-body.ts';
import { PERMISSIONS } from '../key-store.ts';
import { sorted } from '../sorted.ts';
import { makeKey } from './changes.ts';
import { actor, type RouteContext, refuseChange } from './context.ts';

const MAX_NAME = 200;

/** `/api/keys`: makes, lists and revokes API keys. Unlike SLS it refuses permissions that mean nothing. */
export const keyRoutes = (app: FastifyInstance, context: RouteContext): void => {
  const { deps } = context;
  const { keys, logger } = deps;
  const onRequest = guards(keys).admins;

  app.post('/api/keys', { onRequest }, async (request, reply) => {
    const body = parseBody(request);
    if (!body) return sendJson(reply, 400, errorAnswer('Invalid JSON body'));
    const { name = 'New API Key', permissions = 'read' } = body;
    if (typeof name !== 'string' || name.length > MAX_NAME)
      return sendJson(reply, 400, errorAnswer(`Invalid name: give a string of at most ${MAX_NAME} characters`));
    const permission = PERMISSIONS.find((known) => known === permissions);
    if (!permission)
      return sendJson(reply, 400, errorAnswer(`Invalid permissions: give one of ${PERMISSIONS.join(', ')}`));
    try {
      const key = await makeKey(context, request, name, permission);
      return sendJson(reply, 200, {
        api_key: key,
        message: 'Save this key securely. It cannot be retrieved again.',
        status: 'success',
      });
    } catch (error) {
      if (codeOf(error) === 'TRIBUTARY_KEY_LIMIT')
        return sendJson(reply, 400, errorAnswer((error as TributaryError).line));
      logger.error('an API key was not stored', { error: messageOf(error) });
      return sendJson(reply, 500, errorAnswer('Failed to create API key'));
    }
  });

  app.get('/api/keys', { onRequest }, async (_request, reply) =>
    sendJson(reply, 200, { data: keys.list().map(sorted), status: 'success' }),
  );

  app.delete('/api/keys/*', { onRequest }, async (request, reply) => {
    try {
      const gone = await keys.revoke(pathRest(request));
      if (!gone) return sendJson(reply, 404, errorAnswer('API key not found'));
      logger.info('an API key was revoked', { revoked: gone.id, key: actor(request, deps) });
      return sendJson(reply, 200, successAnswer('API key revoked successfully'));
    } catch (error) {
      return codeOf(error) === 'TRIBUTARY_KEY_NEEDED'
        ? sendJson(reply, 409, errorAnswer((error as TributaryError).line))
        : refuseChange(reply, deps, error);
    }
  });
};
