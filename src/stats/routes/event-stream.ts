import type { FastifyInstance } from 'fastify';
import { HOOK_TYPES } from '../../hooks/hook-event.ts';
import { addressViewOf, guards, keyOf, tooMany } from '../access.ts';
import { errorAnswer } from '../compat-sls.ts';
import type { EventStream } from '../event-stream.ts';
import { queryValue, sendJson } from '../http-app.ts';
import { publisherOf, type RouteContext } from './context.ts';

/** `/v1/events`: what happens to streams, as it happens. */
export const eventStreamRoute = (app: FastifyInstance, { deps, clock }: RouteContext, stream: EventStream): void => {
  const { keys } = deps;

  // No HEAD: it would be a stream without a body.
  app.get('/v1/events', { onRequest: guards(keys).any, exposeHeadRoute: false }, async (request, reply) => {
    const key = keyOf(request, keys);
    const id = queryValue(request, 'id');
    const publisherId = id === undefined ? undefined : publisherOf(deps, id);
    if (id !== undefined && publisherId === undefined) return sendJson(reply, 404, errorAnswer('Stream not found'));
    const asked = queryValue(request, 'types');
    const types = asked?.split(',');
    if (types?.some((type) => !(HOOK_TYPES as readonly string[]).includes(type)))
      return sendJson(reply, 400, errorAnswer(`Invalid types: give some of ${HOOK_TYPES.join(', ')}`));
    const { 'last-event-id': lastId } = request.headers;
    const hasRoom = stream.open(request, reply, {
      ...{ publisherId, types: types && new Set(types), addresses: addressViewOf(key) },
      lastId: typeof lastId === 'string' ? lastId.slice(0, 64) : undefined,
      mayStay: () => key !== undefined && keys.has(key.id),
    });
    return hasRoom ? reply : tooMany(reply, clock());
  });
};
