import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addressViewOf, bearer, isReader, keyOf, limited, tooMany } from './access.ts';
import { Callers } from './callers.ts';
import { linksAnswer } from './compat-links.ts';
import { errorAnswer } from './compat-sls.ts';
import type { StatsDeps } from './deps.ts';
import { GuessLimit } from './guess-limit.ts';
import { createHttpApp, pathRest, queryValue, sendJson } from './http-app.ts';
import { RequestBudget } from './request-budget.ts';
import { publisherOf } from './routes/context.ts';
import { Trust } from './trust.ts';

/**
 * The server of port 5080: `GET /stats[?stream_id=ID]` and `GET /stats/{ID}`, statistics of links. No CORS headers: the answer to a
 * trusted address must not be readable by a web page that is open there.
 * @param keyless what tries of wrong keys count against
 */
export const createLinksServer = (
  deps: StatsDeps,
  keyless = RequestBudget.ofKeyTries(deps.settings),
): FastifyInstance => {
  const { directory, keys, settings, clock, logger } = deps;
  const notFound = (reply: FastifyReply): FastifyReply =>
    sendJson(reply, 404, errorAnswer('Not found: ask for /stats'));
  const app = createHttpApp({ logger, notFound });
  const trust = new Trust(() => settings.stats.trusted);
  const callers = new Callers(() => settings.http.trustedProxies);
  const guesses = new GuessLimit(() => settings.http.unknownIdsPerMinute);

  const send = (request: FastifyRequest, reply: FastifyReply, asked: string | undefined): FastifyReply => {
    const streamId = asked === '' ? undefined : asked;
    const key = keyOf(request, keys);
    if (!key && bearer(request) !== undefined && !keyless.take(callers.addressOf(request), clock()))
      return tooMany(reply, clock());
    const privileged = isReader(request, { trust, keys });
    if (streamId !== undefined && !privileged) {
      const isKnown = publisherOf(deps, streamId) !== undefined;
      if (!guesses.admits(callers.addressOf(request), streamId, isKnown, clock())) return tooMany(reply, clock());
    }
    const answer = linksAnswer(deps.snapshot(), {
      mode: settings.stats.linksMode,
      publisherCount: directory.publisherCount,
      publisherOfPlayer: (id) => directory.publisherOfPlayer(id),
      privileged,
      addresses: addressViewOf(key),
      streamId,
      names: deps.linkNames,
      databases: deps.carriers.databases,
    });
    return sendJson(reply, 200, answer);
  };

  const onRequest = limited(new RequestBudget(() => settings.http.statsPerMinute), { callers, clock });
  app.get('/stats', { onRequest }, async (request, reply) => send(request, reply, queryValue(request, 'stream_id')));
  app.get('/stats/*', { onRequest }, async (request, reply) => send(request, reply, pathRest(request)));
  return app;
};
