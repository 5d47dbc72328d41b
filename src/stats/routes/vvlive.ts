import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isReader } from '../access.ts';
import { showsAllLinks } from '../compat-links.ts';
import { errorAnswer } from '../compat-sls.ts';
import { vvliveIngest, vvliveMetrics, vvliveRaw, vvliveStatus } from '../compat-vvlive.ts';
import { pathRest, queryValue, sendJson } from '../http-app.ts';
import type { SrtlaReports } from '../srtla-reports.ts';
import { shownPublisher } from '../timeline.ts';
import { Trust } from '../trust.ts';
import { askedPublisher, type RouteContext, refuseKeyless } from './context.ts';

const SRTLA = '/srtla';
const INGEST = '/vvlive';

/**
 * For VVLIVE, which sends no login: `GET /streams/{player or publisher id}/srtla` and `…/vvlive`, where the id is what opens them; and under the names
 * of its own backend `GET /api/srtla/{status,metrics,raw}[?stream=ID]`. Those without an id are of the stream that has come last, for whoever may see
 * all links (as on the port of link statistics) or has a key.
 */
export const vvliveRoutes = (app: FastifyInstance, context: RouteContext, reports: SrtlaReports): void => {
  const { deps } = context;
  const { settings, keys, directory } = deps;

  app.get('/streams/*', async (request, reply) => {
    const rest = pathRest(request);
    const form = [SRTLA, INGEST].find((end) => rest.endsWith(end));
    if (form === undefined) return sendJson(reply, 404, errorAnswer('Not found: ask for /streams/ID/srtla'));
    const publisherId = askedPublisher(context, rest.slice(0, -form.length), request, reply);
    if (publisherId === undefined) return reply;
    return form === INGEST
      ? sendJson(reply, 200, vvliveIngest(shownPublisher(deps.snapshot(), publisherId)))
      : sendJson(reply, 200, reports.document(publisherId).document);
  });

  const trust = new Trust(() => settings.stats.trusted);
  const isOpen = (request: FastifyRequest): boolean =>
    showsAllLinks({ mode: settings.stats.linksMode, publisherCount: directory.publisherCount }) ||
    isReader(request, { trust, keys });

  const alias = (name: string, answer: (found: ReturnType<SrtlaReports['document']>) => object): void => {
    app.get(`/api/srtla/${name}`, async (request, reply): Promise<FastifyReply> => {
      const asked = queryValue(request, 'stream');
      if (asked === undefined || asked === '')
        return isOpen(request)
          ? sendJson(reply, 200, answer(reports.document(undefined)))
          : refuseKeyless(context, request, reply, 'Name a stream (?stream=ID) or send an API key');
      const publisherId = askedPublisher(context, asked, request, reply);
      return publisherId === undefined ? reply : sendJson(reply, 200, answer(reports.document(publisherId)));
    });
  };
  alias('status', ({ document, isBonded }) => vvliveStatus(document, isBonded));
  alias('metrics', ({ document }) => vvliveMetrics(document));
  alias('raw', ({ document }) => vvliveRaw(document));
};
