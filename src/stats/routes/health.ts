import type { FastifyInstance } from 'fastify';
import { sendJson } from '../http-app.ts';
import type { RouteContext } from './context.ts';

/**
 * `/health` and `/healthz`: the process lives, 200. `/readyz`: encoders may be sent here, else 503. Without a limit: whoever watches a node
 * must not take it for dead.
 */
export const healthRoutes = (app: FastifyInstance, { deps, watch }: RouteContext): void => {
  // The name of the service is what health checks of the old stack look for.
  app.get('/health', async (_request, reply) => {
    const { counters, srtVersion } = deps.snapshot();
    const reasons = watch.notReady;
    return sendJson(reply, 200, {
      controlPlane: deps.controlStatus()?.state,
      dataPlaneRestarts: counters.dataPlaneRestarts ?? 0,
      draining: watch.draining,
      ready: reasons.length === 0,
      score: watch.score,
      ...(deps.settingsState ? { settings: deps.settingsState() } : {}),
      service: 'srt-live-server',
      // Datagrams that a full receive buffer of SRT has cost.
      srtKernelDrops: counters.srtKernelDrops ?? 0,
      srtPackage: deps.srtPackage ?? null,
      srtVersion,
      status: counters.dataPlaneUp === 0 ? 'data plane restarting' : 'ok',
      version: deps.version,
    });
  });

  app.get('/healthz', async (_request, reply) => sendJson(reply, 200, { status: 'ok' }));

  app.get('/readyz', async (_request, reply) => {
    const reasons = watch.notReady;
    return reasons.length === 0
      ? sendJson(reply, 200, { ready: true, status: 'ok' })
      : sendJson(reply, 503, { ready: false, reasons, status: 'not ready' });
  });
};
