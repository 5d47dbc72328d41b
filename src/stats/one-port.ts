import type { IncomingMessage } from 'node:http';
import type { HttpApplication } from './http-listener.ts';
import { SESSION_COOKIE } from './plain-http-warning.ts';

/** What the dashboard answers; everything else is of the statistics. `/streams/ID/srtla` and `…/vvlive` are, too. */
const PAGES = /^\/(?:manage|setup|docs|api-docs|session|feed|theme\.js|icon\.svg|manifest\.webmanifest)?$/;
const BELOW = /^\/(?:streams|manage|docs|s|assets|data|preview)\/./;
const OF_PROGRAMS = /^\/streams\/.*\/(?:srtla|vvlive)$/;
const API = /^\/api\//;

/** Whether a request for a port that serves both is for the dashboard. The management API there is that of whoever has signed in. */
export const isForDashboard = ({ url = '/', headers }: Pick<IncomingMessage, 'url' | 'headers'>): boolean => {
  const path = url.split('?', 1)[0]!;
  if (API.test(path)) return headers.authorization === undefined && (headers.cookie ?? '').includes(SESSION_COOKIE);
  return PAGES.test(path) || (BELOW.test(path) && !OF_PROGRAMS.test(path));
};

/** Both on one port. Their own ports close them. */
export const onOnePort = (
  stats: Pick<HttpApplication, 'routing'>,
  dashboard: Pick<HttpApplication, 'routing'> | undefined,
): HttpApplication => ({
  ready: () => Promise.resolve(),
  routing: (request, response) => (dashboard && isForDashboard(request) ? dashboard : stats).routing(request, response),
  close: () => Promise.resolve(),
});
