import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf, messageOf } from '../../shared/errors.ts';
import type { Row } from '../../sls-bridge/directory.ts';
import { requireKey } from '../access.ts';
import { errorAnswer, successAnswer } from '../compat-sls.ts';
import type { StatsDeps } from '../deps.ts';
import { pathRest, sendJson } from '../http-app.ts';
import { parseBody } from '../json-body.ts';

const ADDED = successAnswer('Stream ID added successfully');
const DELETED = successAnswer('Stream ID deleted successfully');

/** `/api/stream-ids`: list, add, delete. Replies are byte for byte those of SLS where the request is one that SLS knows. */
export const streamIdRoutes = (app: FastifyInstance, deps: StatsDeps): void => {
  const { directory, store, keys, logger } = deps;
  const anyKey = requireKey(keys, ['admin', 'write', 'read'], 'Insufficient permissions');
  const writers = requireKey(keys, ['admin', 'write'], 'Insufficient permissions');
  const admins = requireKey(keys, ['admin'], 'Admin permissions required');

  app.get('/api/stream-ids', { onRequest: anyKey }, async (_request, reply) =>
    sendJson(reply, 200, { data: directory.rows().map(listed), status: 'success' }),
  );

  app.post('/api/stream-ids', { onRequest: writers }, async (request, reply) => {
    const wanted = wish(request);
    if ('problem' in wanted) return sendJson(reply, 400, errorAnswer(wanted.problem));
    try {
      if ('row' in wanted) {
        await store.add(wanted.row);
        return sendJson(reply, 200, ADDED);
      }
      const { player, publisher } = await store.create(wanted.generate);
      return sendJson(reply, 200, { message: ADDED.message, player, publisher, status: ADDED.status });
    } catch (error) {
      return refuse(reply, error, 'row' in wanted ? wanted.row.player : '');
    }
  });

  app.delete('/api/stream-ids/*', { onRequest: admins }, async (request, reply) => {
    try {
      const gone = await store.remove(pathRest(request));
      return gone.length === 0
        ? sendJson(reply, 404, errorAnswer('Stream ID not found'))
        : sendJson(reply, 200, DELETED);
    } catch (error) {
      return refuse(reply, error, '');
    }
  });

  const refuse = (reply: FastifyReply, error: unknown, player: string): FastifyReply => {
    switch (codeOf(error)) {
      case 'TRIBUTARY_STREAM_ID_TAKEN':
        return sendJson(reply, 409, errorAnswer(`Stream ID with player '${player}' already exists`));
      case 'TRIBUTARY_STREAM_ID_INVALID':
        return sendJson(reply, 400, errorAnswer(messageOf(error)));
      case 'TRIBUTARY_DATA_DIR_UNWRITABLE':
        // Not 409, as SLS does: control planes take that for "exists already".
        logger.error('stream ids were not stored', { error: messageOf(error) });
        return sendJson(reply, 500, errorAnswer('The change could not be stored'));
      default:
        throw error;
    }
  };
};

const listed = ({ description, player, publisher }: Row): object => ({
  ...(description ? { description } : {}),
  player,
  publisher,
});

type Wish =
  | { row: Row }
  | { generate: { forPlugin: boolean; description?: string; passphrase?: string } }
  | { problem: string };

const TEXTS = ['description', 'passphrase'] as const;

/** What the body asks for: a given pair, or with neither id in it a new one. */
const wish = (request: FastifyRequest): Wish => {
  const body = parseBody(request);
  if (!body) return { problem: 'Invalid JSON body' };
  const { publisher, player, plugin = false } = body;
  const texts: { description?: string; passphrase?: string } = {};
  for (const name of TEXTS) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string') return { problem: `Invalid ${name}: give a string` };
    texts[name] = value;
  }
  if (publisher === undefined && player === undefined) {
    if (typeof plugin !== 'boolean') return { problem: 'Invalid plugin: give true or false' };
    return { generate: { forPlugin: plugin, ...texts } };
  }
  if (typeof publisher !== 'string' || typeof player !== 'string')
    return { problem: 'Missing or invalid required fields: publisher, player' };
  return { row: { publisher, player, ...texts } };
};
