import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { addressView } from '../shared/redact.ts';
import type { SrtlaSnapshot } from '../srtla/index.ts';
import { limited } from '../stats/access.ts';
import { Callers, peerAddress } from '../stats/callers.ts';
import type { CarrierLookup } from '../stats/carrier.ts';
import { linksAnswer } from '../stats/compat-links.ts';
import { createHttpApp, pathRest, queryValue, sendJson } from '../stats/http-app.ts';
import { LinkNames } from '../stats/link-names.ts';
import { RequestBudget } from '../stats/request-budget.ts';
import { Trust } from '../stats/trust.ts';

export interface SrtlaStatsDeps {
  snapshot: () => SrtlaSnapshot;
  logger: Logger;
  carriers: CarrierLookup;
  clock: () => Millis;
}

const REQUESTS_PER_MINUTE = 300;
const TRUSTED = ['127.0.0.0/8', '::1'];

/**
 * Statistics of links as the node's port 5080 gives them: `GET /stats`, `/stats/{ID}`; any other path is `/stats`, as it was with
 * srtla_rec. Callers from elsewhere than this machine see stream ids masked; addresses are for all as `--addresses` says.
 */
export const createSrtlaStats = ({ snapshot, logger, carriers, clock }: SrtlaStatsDeps): FastifyInstance => {
  const names = new LinkNames(carriers);
  const trust = new Trust(TRUSTED);
  const send = (request: FastifyRequest, reply: FastifyReply, streamId: string | undefined): FastifyReply =>
    sendJson(
      reply,
      200,
      linksAnswer(
        { srtla: snapshot() },
        {
          mode: 'byor',
          publisherCount: 0,
          publisherOfPlayer: () => undefined,
          privileged: trust.covers(peerAddress(request), request.headers),
          addresses: addressView(),
          streamId: streamId || undefined,
          names,
          databases: carriers.databases,
        },
      ),
    );
  const app = createHttpApp({ logger, notFound: (reply) => send(reply.request, reply, undefined) });
  const onRequest = limited(new RequestBudget(REQUESTS_PER_MINUTE), { callers: new Callers([]), clock });
  app.get('/stats/*', { onRequest }, async (request, reply) => send(request, reply, pathRest(request)));
  app.all('/*', { onRequest }, async (request, reply) => send(request, reply, queryValue(request, 'stream_id')));
  return app;
};
