import type { FastifyInstance } from 'fastify';
import { bareKeyOf, tooMany } from '../access.ts';
import { irlserverPublisher } from '../compat-irlserver.ts';
import { errorAnswer } from '../compat-sls.ts';
import { queryValue, sendJson } from '../http-app.ts';
import { shown, shownPublisher } from '../timeline.ts';
import { publisherOf, type RouteContext, refuseKeyless } from './context.ts';

const UNAUTHORISED = 'Unauthorized: API key required or invalid.';

/**
 * What clients of irlserver's SLS ask for: `GET /stats?publisher=ID`, and the list of all publishers with a key. The key is the whole
 * Authorization header there; a bearer key does as well.
 */
export const irlserverStatsRoutes = (app: FastifyInstance, context: RouteContext): void => {
  const { deps, guesses, callers, clock } = context;
  const { keys, snapshot } = deps;

  app.get('/stats', async (request, reply) => {
    const asked = queryValue(request, 'publisher');
    const state = snapshot();
    if (asked === undefined) {
      if (!bareKeyOf(request, keys)) return refuseKeyless(context, request, reply, UNAUTHORISED);
      const live = state.publishers.flatMap((publisher) => shown(publisher) ?? []);
      const publishers = Object.fromEntries(
        live.map((one) => [one.publisher.publisherId, irlserverPublisher(one, state.players)]),
      );
      return sendJson(reply, 200, { publishers, status: 'ok' });
    }
    const publisherId = publisherOf(deps, asked);
    if (!guesses.admits(callers.addressOf(request), asked, publisherId !== undefined, clock()))
      return tooMany(reply, clock());
    const live = publisherId === undefined ? undefined : shownPublisher(state, publisherId);
    // Under the name that was asked for: a player id does not tell its publisher id.
    const publishers = live ? { [asked]: irlserverPublisher(live, state.players) } : {};
    return sendJson(reply, 200, { publishers, status: 'ok' });
  });
};

/** `POST /disconnect?stream=ID`, likewise. */
export const irlserverDisconnectRoute = (app: FastifyInstance, { deps }: RouteContext): void => {
  const { keys, snapshot, control } = deps;

  app.post('/disconnect', async (request, reply) => {
    const key = bareKeyOf(request, keys);
    if (!key || key.permissions === 'read') return sendJson(reply, 401, errorAnswer(UNAUTHORISED));
    const stream = queryValue(request, 'stream');
    if (stream === undefined || stream === '')
      return sendJson(reply, 400, errorAnswer('Missing required parameter: stream'));
    if (!snapshot().publishers.some(({ publisherId }) => publisherId === stream))
      return sendJson(reply, 404, errorAnswer('Stream not found'));
    control.kickPublisher(stream);
    return sendJson(reply, 200, { message: 'Stream disconnected successfully', status: 'ok', stream });
  });
};
