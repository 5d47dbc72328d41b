import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawPlayer } from '../support/media.ts';
import { samplesOf } from '../support/metrics-text.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';
import { configFolder, Prometheus, prometheusPrograms, promtool } from './prometheus.ts';
import { alertExpressions, dashboardExpressions, metricsIn } from './promql.ts';

const TOKEN = 'the-token-of-the-system-test';

let folder = '';
let programs = '';
let config = '';
let node: TestNode;
let server: Prometheus;
const running: Program[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-system-'));
  programs = await prometheusPrograms();
  config = configFolder(folder, TOKEN, 'test/system/alerts.test.yml');
  // Nobody may read without the token here, as from another container.
  node = await TestNode.start({ TRIBUTARY_METRICS_TRUSTED: '192.0.2.1', TRIBUTARY_METRICS_TOKEN: TOKEN });
  const [row] = await node.rows();
  const url = `srt://127.0.0.1:${node.ports.play}?streamid=${row!.player}&mode=caller&latency=200`;
  running.push(rawPlayer(url, join(folder, 'played.ts')));
  // Two links that lose something, so that everything that is told of losses has a number.
  running.push(
    tributary([
      ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1', '--input', 'test'],
      ...['--impair', '20±5ms,loss=2%,rate=8M;60±20ms,loss=3%,rate=8M'],
      ...['--streamid', row!.publisher, '--latency', '1500'],
    ]),
  );
  server = await Prometheus.start(programs, config, `127.0.0.1:${node.ports.stats}`);
});

afterAll(async () => {
  await server?.stop();
  for (const program of running.reverse()) await program.stop();
  await node?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const metrics = async (): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${node.ports.stats}/metrics`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return answer.text();
};

describe('promtool', () => {
  it('takes the configuration and the rules', async () => {
    const said = await promtool(programs, ['check', 'config', 'prometheus.yml'], config);
    expect(said).toContain('SUCCESS: 1 rule files found');
    expect(said).toContain('SUCCESS: 9 rules found');
  });
  it('finds that each alert fires when it should, and else not', async () => {
    expect(await promtool(programs, ['test', 'rules', 'alerts.test.yml'], config)).toContain('SUCCESS');
  });
  it('has nothing to say against a scrape of ours', async () => {
    const own = (await metrics()).split('\n\n').filter((metric) => metric.includes('tributary_'));
    expect(own.length).toBeGreaterThan(50);
    expect(await promtool(programs, ['check', 'metrics'], config, `${own.join('\n')}\n`)).toBe('');
  });
});

describe('a real Prometheus and a bonded stream', () => {
  it('scrapes the node with its token', async () => {
    type Targets = { activeTargets: { health: string; lastError: string }[] };
    const targets = async (): Promise<Targets['activeTargets']> =>
      (await server.ask<Targets>('targets')).data.activeTargets;
    // What Prometheus has against it is in the message, where it has something.
    await until('a scrape', async () => (await targets())[0]?.health === 'up', 30_000).catch(() => undefined);
    expect(await targets()).toMatchObject([{ health: 'up', lastError: '' }]);
    // And nobody without.
    expect((await fetch(`http://127.0.0.1:${node.ports.stats}/metrics`)).status).toBe(401);
  });

  it('sees the stream, its player and its links', async () => {
    await until(
      'two links that bring something',
      async () => (await server.query('rate(tributary_srtla_link_received_bytes_total[10s]) > 10000')).length === 2,
      60_000,
    );
    await until(
      'repaired losses',
      async () => {
        const repaired = await server.query('tributary_srtla_stream_losses_total{kind="repaired"} > 5');
        return repaired.length === 1;
      },
      60_000,
    );
    expect((await server.query('tributary_stream_up')).map(({ value }) => value[1])).toEqual(['1']);
    expect((await server.query('tributary_stream_players')).map(({ value }) => value[1])).toEqual(['1']);
    expect((await server.query('tributary_srtla_links{state="active"}')).map(({ value }) => value[1])).toEqual(['2']);
  });

  it('has every metric that a dashboard or an alert names', async () => {
    const there = new Set(samplesOf(await metrics()).map(({ name }) => name));
    const named = [...dashboardExpressions(), ...alertExpressions()].flatMap((one) =>
      metricsIn(one).map((metric) => ({ metric, where: one.where })),
    );
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter(({ metric }) => !there.has(metric))).toEqual([]);
  });

  it('answers every query of the dashboards and alerts, and those of the dashboards with something', async () => {
    for (const { expr } of alertExpressions()) await server.query(expr);
    // What is only there when something goes wrong, or over a minute.
    const mayBeEmpty = /> 0$/;
    const empty: string[] = [];
    await until(
      'rates over a minute',
      async () => {
        empty.length = 0;
        for (const { where, expr } of dashboardExpressions())
          if ((await server.query(expr)).length === 0 && !mayBeEmpty.test(expr)) empty.push(where);
        return empty.length === 0;
      },
      90_000,
    ).catch((error: unknown) => {
      if (empty.length === 0) throw error;
    });
    expect(empty).toEqual([]);
  });

  it('loads the rules, of which none fires without a reason', async () => {
    const { data } = await server.ask<{ groups: { rules: { name: string; health: string; state: string }[] }[] }>(
      'rules',
    );
    const rules = data.groups.flatMap((group) => group.rules);
    expect(rules).toHaveLength(9);
    for (const rule of rules) expect(rule.health, rule.name).toBe('ok');
    const firing = rules.filter(({ state }) => state === 'firing').map(({ name }) => name);
    expect(firing.filter((name) => ['TributaryDown', 'TributaryDataPlaneRestarted'].includes(name))).toEqual([]);
  });
});
