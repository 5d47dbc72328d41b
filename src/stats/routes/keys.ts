import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../shared/errors.ts';
import { requireKey } from '../access.ts';
import { errorAnswer } from '../compat-sls.ts';
import type { StatsDeps } from '../deps.ts';
import { sendJson } from '../http-app.ts';
import { parseBody } from '../json-body.ts';
import { PERMISSIONS } from '../key-store.ts';

const MAX_NAME = 200;

/** `POST /api/keys`: makes an API key. Unlike SLS it refuses permissions that mean nothing. */
export const keyRoutes = (app: FastifyInstance, { keys, logger }: StatsDeps): void => {
  const admins = requireKey(keys, ['admin'], 'Admin permissions required');
  app.post('/api/keys', { onRequest: admins }, async (request, reply) => {
    const body = parseBody(request);
    if (!body) return sendJson(reply, 400, errorAnswer('Invalid JSON body'));
    const { name = 'New API Key', permissions = 'read' } = body;
    if (typeof name !== 'string' || name.length > MAX_NAME)
      return sendJson(reply, 400, errorAnswer(`Invalid name: give a string of at most ${MAX_NAME} characters`));
    const permission = PERMISSIONS.find((known) => known === permissions);
    if (!permission)
      return sendJson(reply, 400, errorAnswer(`Invalid permissions: give one of ${PERMISSIONS.join(', ')}`));
    try {
      return sendJson(reply, 200, {
        api_key: await keys.create(name, permission),
        message: 'Save this key securely. It cannot be retrieved again.',
        status: 'success',
      });
    } catch (error) {
      logger.error('an API key was not stored', { error: messageOf(error) });
      return sendJson(reply, 500, errorAnswer('Failed to create API key'));
    }
  });
};
