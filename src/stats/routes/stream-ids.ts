import type { FastifyInstance } from 'fastify';
import { publicStreamName } from '../../shared/redact.ts';
import type { Row } from '../../sls-bridge/directory.ts';
import { guards, keyOf } from '../access.ts';
import { errorAnswer, successAnswer } from '../compat-sls.ts';
import { pathRest, queryValue, sendJson } from '../http-app.ts';
import { parseBody } from '../json-body.ts';
import { readNewRow, readRowChange } from '../row-body.ts';
import { sorted } from '../sorted.ts';
import { addStreamId, deleteStreamId } from './changes.ts';
import { actor, type RouteContext, refuseChange } from './context.ts';

const ADDED = successAnswer('Stream ID added successfully');
const DELETED = successAnswer('Stream ID deleted successfully');
const UPDATED = 'Stream ID updated successfully';
const NOT_FOUND = errorAnswer('Stream ID not found');

/** `/api/stream-ids`: list, add, change, delete. Replies are byte for byte those of SLS where the request is one that SLS knows. */
export const streamIdRoutes = (app: FastifyInstance, context: RouteContext): void => {
  const { deps } = context;
  const { directory, store, keys, logger, unixNow } = deps;
  const may = guards(keys);

  app.get('/api/stream-ids', { onRequest: may.any }, async (_request, reply) =>
    sendJson(reply, 200, { data: directory.rows().map((row) => listed(row, unixNow())), status: 'success' }),
  );

  app.get('/api/stream-ids/*', { onRequest: may.any }, async (request, reply) => {
    const showsSecrets = keyOf(request, keys)?.permissions !== 'read';
    const data = directory.listedOf(pathRest(request)).map((row) => detailed(row, unixNow(), showsSecrets));
    return data.length === 0 ? sendJson(reply, 404, NOT_FOUND) : sendJson(reply, 200, { data, status: 'success' });
  });

  app.post('/api/stream-ids', { onRequest: may.writers }, async (request, reply) => {
    const wanted = readNewRow(parseBody(request));
    if ('problem' in wanted) return sendJson(reply, 400, errorAnswer(wanted.problem));
    try {
      const row = await addStreamId(context, request, wanted);
      if ('row' in wanted) return sendJson(reply, 200, ADDED);
      const { player, publisher } = row;
      return sendJson(reply, 200, { message: ADDED.message, player, publisher, status: ADDED.status });
    } catch (error) {
      return refuseChange(reply, deps, error, 'row' in wanted ? wanted.row.player : '');
    }
  });

  app.patch('/api/stream-ids/*', { onRequest: may.writers }, async (request, reply) => {
    const wanted = readRowChange(parseBody(request));
    if ('problem' in wanted) return sendJson(reply, 400, errorAnswer(wanted.problem));
    try {
      const rows = await store.update(pathRest(request), wanted.change);
      if (rows.length === 0) return sendJson(reply, 404, NOT_FOUND);
      logger.info('stream id changed', { stream: publicStreamName(rows[0]!.publisher), key: actor(request, deps) });
      const data = rows.map((row) => detailed(row, unixNow(), true));
      return sendJson(reply, 200, { data, message: UPDATED, status: 'success' });
    } catch (error) {
      return refuseChange(reply, deps, error);
    }
  });

  app.delete('/api/stream-ids/*', { onRequest: may.admins }, async (request, reply) => {
    const mode = queryValue(request, 'mode') ?? 'soft';
    if (mode !== 'soft' && mode !== 'revoke')
      return sendJson(reply, 400, errorAnswer('Invalid mode: give soft or revoke'));
    try {
      const gone = await deleteStreamId(context, request, pathRest(request), mode);
      return gone.length === 0 ? sendJson(reply, 404, NOT_FOUND) : sendJson(reply, 200, DELETED);
    } catch (error) {
      return refuseChange(reply, deps, error);
    }
  });
};

/** A row of SLS looks as in SLS; what it does not know comes in addition. */
const listed = (row: Row, unixNow: number): object => {
  const { description, passphrase, ...rest } = row;
  return sorted({
    ...rest,
    description: description || undefined,
    encrypted: passphrase === undefined ? undefined : true,
    expired: row.expiresAt !== undefined && row.expiresAt <= unixNow ? true : undefined,
  });
};

const detailed = (row: Row, unixNow: number, showsSecrets: boolean): object =>
  sorted({
    ...listed(row, unixNow),
    owner: row.owner ?? 'local',
    passphrase: showsSecrets ? row.passphrase : undefined,
  });
