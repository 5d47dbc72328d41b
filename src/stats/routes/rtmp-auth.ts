import type { FastifyInstance } from 'fastify';
import { tooMany } from '../access.ts';
import type { RouteContext } from './context.ts';

/** Applications of an RTMP server under which stream ids of this node are names. */
const APPS: ReadonlySet<string> = new Set(['live', 'publish']);

/**
 * `POST /auth/`, as nginx-rtmp asks before it lets somebody publish (spec: neighbours.md §1B.3 f): a form with `app` and `name`. 200 where the
 * name is a publisher id that may be used now, 401 where it is not, 404 for another application. Guesses are limited as everywhere.
 */
export const rtmpAuthRoute = (app: FastifyInstance, { deps, watch, guesses, callers, clock }: RouteContext): void => {
  app.post('/auth/', async (request, reply) => {
    const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '');
    const name = form.get('name') ?? '';
    if (!APPS.has(form.get('app') ?? '')) return reply.code(404).send('');
    const rows = deps.directory.playersOf(name);
    if (!guesses.admits(callers.addressOf(request), name, rows.length > 0, clock())) return tooMany(reply, clock());
    const now = deps.unixNow();
    const mayUse = rows.some(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > now);
    return reply.code(mayUse && !watch.draining ? 200 : 401).send('');
  });
};
