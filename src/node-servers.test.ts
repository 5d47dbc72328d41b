import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dashboardClient } from '../test/support/dashboard-client.ts';
import type { Settings } from './config/schema.ts';
import { openServers } from './node-servers.ts';
import type { Logger } from './shared/logger.ts';

const opened = async (dashboardPort: number, pagesDir?: string) => {
  const { deps } = await dashboardClient({ SLS_STATS_PORT: '0', LINK_STATS_PORT: '0' });
  const said: string[] = [];
  const say = (level: string) => (text: string, fields?: object) =>
    void said.push(`${level} ${text} ${JSON.stringify(fields ?? {})}`);
  const logger = { ...deps.logger, warn: say('warn'), error: say('error') } as Logger;
  const settings = {
    ...deps.settings,
    bind: ['127.0.0.1'],
    http: { ...deps.settings.http, statsPort: 0, linksPort: 0, statsAliasPorts: [], dashboardPort },
  } as unknown as Settings;
  const all = { ...deps, logger, ...(pagesDir === undefined ? {} : { pagesDir }) };
  const servers = await openServers(all, settings, (watch) => ({ ...all, watch }));
  const { stats, links, dashboard } = servers;
  onTestFinished(async () => void (await Promise.all([stats, links, dashboard].map((one) => one?.close(0)))));
  return { ...servers, said };
};

const statusOf = async (port: number, path: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}${path}`)).status;

describe('the dashboard of a node', () => {
  it('is left out where its port is taken: the statistics are served, and the log names the port', async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const { stats, dashboard, said } = await opened(port);
    expect(dashboard).toBeUndefined();
    expect(await statusOf(stats.port, '/healthz')).toBe(200);
    expect(said.join('\n')).toMatch(
      new RegExp(`^error the dashboard is not served.*:${port} is in use.*SLS_MGNT_PORT`),
    );
  });

  it('says so where its pages are not built, at the start and to whoever asks', async () => {
    const { dashboard, said } = await opened(0, '/nowhere');
    expect(await statusOf(dashboard!.port, '/')).toBe(503);
    expect(said.join('\n')).toMatch(/^warn the pages of the dashboard are not built: `npm start`/);
  });

  it('says nothing where all is well', async () => {
    const { dashboard, said } = await opened(0);
    expect(await statusOf(dashboard!.port, '/')).toBe(200);
    expect(said).toEqual([]);
  });
});
