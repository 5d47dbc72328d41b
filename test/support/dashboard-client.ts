import { resolve } from 'node:path';
import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify';
import { onTestFinished } from 'vitest';
import { EventHistory } from '../../src/data-plane/event-history.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import type { Row } from '../../src/sls-bridge/directory.ts';
import type { DashboardDeps } from '../../src/stats/dashboard-deps.ts';
import { createDashboardServer, type DashboardServer } from '../../src/stats/dashboard-server.ts';
import { ShareStore } from '../../src/stats/dashboard-shares.ts';
import { NodeWatch } from '../../src/stats/node-watch.ts';
import { ADMIN, statsDeps, type TestDeps } from './stats-deps.ts';

export const DASHBOARD_ROWS: readonly Row[] = [
  { publisher: 'live_a', player: 'play_a_long_one', label: 'Bike' },
  { publisher: 'live_b', player: 'play_b' },
];

export interface DashboardClient extends DashboardServer {
  deps: TestDeps & DashboardDeps;
  events: EventHistory;
  /** Of a browser on the very pages: with the cookie of the last sign-in. */
  call: (
    method: InjectOptions['method'],
    url: string,
    body?: object,
    headers?: Record<string, string>,
  ) => Promise<Response>;
  signIn: (key?: string) => Promise<Response>;
  cookie: () => string;
}

/** The dashboard's server over a snapshot that the test chooses, and a browser of it. */
export const dashboardClient = async (env: Record<string, string> = {}): Promise<DashboardClient> => {
  const base = await statsDeps(DASHBOARD_ROWS, env);
  const events = new EventHistory(silentLogger);
  // Not a copy: the test changes what the base shows.
  const deps = Object.assign(base, {
    events,
    watch: new NodeWatch(base),
    shares: await ShareStore.open(base.folder, () => base.unixMs),
    publicHost: 'relay.example.net',
    ports: () => ({ srtla: [5_000], publish: 4_001, play: 4_000, stats: 8_090, links: 5_080, dashboard: 3_000 }),
    settingViews: () => [],
    pagesDir: resolve(import.meta.dirname, '../../dist/dashboard'),
    preview: undefined,
  }) as TestDeps & DashboardDeps;
  const server = createDashboardServer(deps);
  onTestFinished(() => server.app.close());
  let cookie = '';
  const call: DashboardClient['call'] = async (method, url, body, headers = {}) => {
    const sent = { host: 'relay.example.net:3000', origin: 'http://relay.example.net:3000', cookie, ...headers };
    const answer = await server.app.inject({
      ...{ method: method!, url, headers: sent },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    const set = answer.cookies[0];
    if (set) cookie = `${set.name}=${set.value}`;
    return answer;
  };
  return {
    ...{ ...server, deps, events, call, cookie: () => cookie },
    signIn: (key = ADMIN) => call('POST', '/session', { key }),
  };
};
