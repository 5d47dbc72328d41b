import type { FastifyInstance, FastifyRequest } from 'fastify';
import { publicStreamName } from '../../shared/redact.ts';
import { addressViewOf, guards, keyOf } from '../access.ts';
import { errorAnswer, successAnswer } from '../compat-sls.ts';
import { pathRest, queryValue, sendJson } from '../http-app.ts';
import { parseBody } from '../json-body.ts';
import { type LiveView, liveStream, liveStreams } from '../live-streams.ts';
import { qualityView } from '../quality-view.ts';
import { disconnectPublisher, shownEvents } from './changes.ts';
import { actor, publisherOf, type RouteContext } from './context.ts';

const NOT_FOUND = errorAnswer('Stream not found');

/** What is going on, and how to end it: live streams, their events, disconnecting, drain. */
export const streamRoutes = (app: FastifyInstance, context: RouteContext): void => {
  const { deps, watch } = context;
  const { directory, snapshot, control, events, keys, logger } = deps;
  const may = guards(keys);
  /** What pages have to show beside carriers. */
  const attribution = (): { attribution?: string[] } => {
    const lines = deps.carriers.databases.map((database) => database.attribution);
    return lines.length === 0 ? {} : { attribution: lines };
  };
  const viewFor = (request: FastifyRequest): LiveView => ({
    snapshot: snapshot(),
    directory,
    names: deps.linkNames,
    quality: (publisherId) => qualityView(deps.quality(publisherId), deps.clock()),
    addresses: addressViewOf(keyOf(request, keys)),
  });

  app.get('/api/streams', { onRequest: may.any }, async (request, reply) =>
    sendJson(reply, 200, {
      ...attribution(),
      data: liveStreams(viewFor(request)),
      draining: watch.draining,
      status: 'success',
    }),
  );

  app.get('/api/streams/*', { onRequest: may.any }, async (request, reply) => {
    const id = publisherOf(deps, pathRest(request));
    if (id === undefined) return sendJson(reply, 404, NOT_FOUND);
    return sendJson(reply, 200, { ...attribution(), data: liveStream(viewFor(request), id), status: 'success' });
  });

  // Events of an id that is deleted stay to be read.
  app.get('/api/events/*', { onRequest: may.any }, async (request, reply) => {
    const asked = pathRest(request);
    const id = publisherOf(deps, asked) ?? asked;
    const kept = events.of(id);
    if (kept.length === 0 && publisherOf(deps, id) === undefined) return sendJson(reply, 404, NOT_FOUND);
    const view = addressViewOf(keyOf(request, keys));
    const data = shownEvents(kept, view);
    return sendJson(reply, 200, { data, status: 'success' });
  });

  app.delete('/api/disconnect/*', { onRequest: may.writers }, async (request, reply) => {
    if (!disconnectPublisher(context, request, pathRest(request)))
      return sendJson(reply, 404, errorAnswer('Publisher not found'));
    return sendJson(reply, 200, successAnswer('Publisher disconnected successfully'));
  });

  app.delete('/api/players/*', { onRequest: may.writers }, async (request, reply) => {
    const id = pathRest(request);
    const key = queryValue(request, 'key');
    const players = snapshot().players.filter((one) => one.playerId === id && (key === undefined || one.key === key));
    const [first] = players;
    if (!first) return sendJson(reply, 404, errorAnswer('Player not found'));
    if (key === undefined) control.kickPlayers(id);
    else control.kickSocket(key);
    logger.info('players disconnected', {
      stream: publicStreamName(first.publisherId),
      players: players.length,
      key: actor(request, deps),
    });
    return sendJson(reply, 200, successAnswer('Player disconnected successfully'));
  });

  app.get('/api/drain', { onRequest: may.any }, async (_request, reply) =>
    sendJson(reply, 200, { draining: watch.draining, status: 'success' }),
  );

  app.post('/api/drain', { onRequest: may.admins }, async (request, reply) => {
    const drain = parseBody(request)?.drain;
    if (typeof drain !== 'boolean') return sendJson(reply, 400, errorAnswer('Invalid drain: give true or false'));
    watch.drain(drain);
    logger.warn(drain ? 'draining: no new publisher is admitted' : 'publishers are admitted again', {
      key: actor(request, deps),
    });
    return sendJson(reply, 200, { draining: drain, status: 'success' });
  });
};
