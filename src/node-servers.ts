import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Settings } from './config/schema.ts';
import { TributaryError } from './shared/errors.ts';
import type { Logger } from './shared/logger.ts';
import type { DashboardDeps } from './stats/dashboard-deps.ts';
import { createDashboardServer } from './stats/dashboard-server.ts';
import type { DashboardState } from './stats/dashboard-state.ts';
import type { HistoryView } from './stats/dashboard-types.ts';
import type { StatsDeps } from './stats/deps.ts';
import { HttpListener } from './stats/http-listener.ts';
import { createLinksServer } from './stats/links-server.ts';
import type { NodeWatch } from './stats/node-watch.ts';
import { onOnePort } from './stats/one-port.ts';
import { RequestBudget } from './stats/request-budget.ts';
import { createStatsServer } from './stats/stats-server.ts';
import { TlsPort } from './stats/tls-port.ts';

export interface OpenServers {
  stats: HttpListener;
  links: HttpListener;
  watch: NodeWatch;
  /** Undefined where there is to be none, and where its port could not be had. */
  dashboard: HttpListener | undefined;
  /** The last 30 minutes of streams, kept while the dashboard is served. */
  historyOf: (publisherId: string) => HistoryView | undefined;
  /** Both by HTTPS; undefined where there is no certificate. */
  tls: TlsPort | undefined;
}

/** Beside the compiled program; where it runs from its sources, where they are built to. */
export const PAGES_DIR = fileURLToPath(new URL('../dist/dashboard', import.meta.url));

/** The same place from either of them. */
export const DOCS_DIR = fileURLToPath(new URL('../docs', import.meta.url));

/** Streams do not need it: what keeps it from being served is said, and the node goes on. */
const openDashboard = async (
  deps: DashboardDeps,
  settings: Settings,
  keyless: RequestBudget,
  logger: Logger,
): Promise<{ listener: HttpListener; app: FastifyInstance; state: DashboardState } | undefined> => {
  const { bind, http } = settings;
  const { app, state } = createDashboardServer(deps, keyless);
  try {
    const listener = await HttpListener.open(app, {
      ...{
        bind,
        trustedProxies: () => settings.http.trustedProxies,
        port: http.dashboardPort,
        portSetting: 'SLS_MGNT_PORT',
      },
      onClose: () => state.feed.close(),
    });
    if (!existsSync(join(deps.pagesDir, 'index.html')))
      logger.warn('the pages of the dashboard are not built: `npm start` builds them, or `node bin/pages.cjs`');
    return { listener, app, state };
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    logger.error('the dashboard is not served, streams and statistics are', { error: error.line });
    return undefined;
  }
};

/**
 * @param dashboardDeps of the dashboard, once the ports of the others are known; undefined where there is to be none
 * @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED, of the statistics; nothing stays open then
 */
export const openServers = async (
  deps: StatsDeps,
  settings: Settings,
  dashboardDeps: ((watch: NodeWatch) => DashboardDeps) | undefined,
): Promise<OpenServers> => {
  const { bind, http } = settings;
  const trustedProxies = (): readonly string[] => settings.http.trustedProxies;
  const keyless = RequestBudget.ofKeyTries(settings);
  const { app, onUpgrade, push, eventStream, watch } = createStatsServer(deps, keyless);
  const open: HttpListener[] = [];
  const listen = async (...[application, options]: Parameters<typeof HttpListener.open>): Promise<HttpListener> => {
    const listener = await HttpListener.open(application, options);
    open.push(listener);
    return listener;
  };
  try {
    const stats = await listen(app, {
      ...{ bind, trustedProxies, port: http.statsPort, portSetting: 'SLS_STATS_PORT' },
      aliasPorts: http.statsAliasPorts.filter((alias) => alias !== http.statsPort),
      aliasPortsSetting: 'TRIBUTARY_HTTP_STATS_ALIAS_PORTS',
      onUpgrade,
      onClose: () => {
        push.close();
        eventStream.close();
      },
    });
    const links = await listen(createLinksServer(deps, keyless), {
      ...{ bind, trustedProxies, port: http.linksPort, portSetting: 'LINK_STATS_PORT' },
    });
    const dashboard = dashboardDeps && (await openDashboard(dashboardDeps(watch), settings, keyless, deps.logger));
    const tls = await TlsPort.open({
      ...{ app: onOnePort(app, dashboard?.app), onUpgrade, settings, logger: deps.logger },
    });
    const historyOf = (publisherId: string): HistoryView | undefined => dashboard?.state.history(publisherId);
    return { stats, links, watch, dashboard: dashboard?.listener, historyOf, tls };
  } catch (error) {
    await Promise.all(open.map((listener) => listener.close()));
    throw error;
  }
};
