import type { FastifyInstance } from 'fastify';
import { isReader } from '../access.ts';
import type { Metrics } from '../metrics.ts';
import { Trust } from '../trust.ts';
import { type RouteContext, refuseKeyless } from './context.ts';

/**
 * `/metrics`: everything that Prometheus is told. Streams have their public names there, and no address is in it; yet how much goes on is nobody's
 * business but the operator's.
 */
export const metricsRoute = (app: FastifyInstance, context: RouteContext, metrics: Metrics): void => {
  const { keys, settings } = context.deps;
  const trust = new Trust(() => settings.metrics.trusted);

  app.get('/metrics', async (request, reply) => {
    if (!isReader(request, { trust, keys, tokens: [settings.metrics.token] }))
      return refuseKeyless(context, request, reply, 'Missing or invalid Authorization header');
    const text = await metrics.scrape();
    return reply.headers({ 'content-type': metrics.contentType, 'cache-control': 'no-store' }).send(text);
  });
};
