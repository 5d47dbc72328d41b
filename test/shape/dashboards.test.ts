import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { METRICS } from '../../src/stats/metrics.ts';
import { METRIC_PREFIX } from '../../src/stats/metrics-definition.ts';
import { alertExpressions, asAsked, dashboardExpressions, dashboards, metricsIn } from '../system/promql.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const yaml = (path: string) => parse(readFileSync(resolve(ROOT, path), 'utf8'));
const source = yaml('docker/grafana/provisioning/datasources/prometheus.yml').datasources[0];

describe('dashboards', () => {
  const all = dashboards();

  it('are three, each with a name of its own', () => {
    expect(all.map(({ file }) => file)).toEqual(['links.json', 'node.json', 'stream.json']);
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(3);
  });

  it.each(all.map((one) => [one.file, one] as const))('%s is sound', (_file, { panels, templating }) => {
    const variables = new Set(templating.list.map(({ name }) => name));
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, targets, datasource, gridPos } of panels) {
      expect(datasource, title).toEqual({ type: 'prometheus', uid: source.uid });
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      for (const { expr } of targets) {
        for (const [, name] of expr.matchAll(/"\$([a-z]+)"/g)) expect(variables, title).toContain(name);
        expect(asAsked(expr), title).not.toContain('$');
      }
    }
    const overlap = panels.some((a, i) =>
      panels.some(
        (b, j) =>
          i < j &&
          a.gridPos.x < b.gridPos.x + b.gridPos.w &&
          b.gridPos.x < a.gridPos.x + a.gridPos.w &&
          a.gridPos.y < b.gridPos.y + b.gridPos.h &&
          b.gridPos.y < a.gridPos.y + a.gridPos.h,
      ),
    );
    expect(overlap).toBe(false);
  });
});

describe('queries of dashboards and alerts', () => {
  const byName = new Map(METRICS.map((metric) => [METRIC_PREFIX + metric.name, metric]));

  it.each([...dashboardExpressions(), ...alertExpressions()].map((one) => [one.where, one] as const))(
    '%s names what there is',
    (_where, expression) => {
      for (const name of metricsIn(expression)) {
        if (!name.startsWith(METRIC_PREFIX)) continue;
        const metric = byName.get(name);
        expect(metric, name).toBeDefined();
        // Every label that is asked for is one of its labels, or one that Prometheus adds.
        const selectors = expression.expr.match(new RegExp(`${name}\\{([^}]*)\\}`))?.[1] ?? '';
        for (const [, label] of selectors.matchAll(/([a-z_]+)=/g))
          expect([...metric!.labels, 'instance', 'job'], name).toContain(label);
      }
    },
  );
});

describe('compose.full.yml', () => {
  it('gives the node the token that Prometheus shows it', () => {
    const { services, volumes } = yaml('docker/compose.full.yml');
    const { scrape_configs: jobs } = yaml('docker/prometheus/prometheus.yml');
    expect(jobs[0].authorization.credentials_file).toBe('token/metrics');
    expect(services.prometheus.volumes).toContain('metrics-token:/etc/prometheus/token:ro');
    expect(services.receiver.volumes).toContain('metrics-token:/run/tributary:ro');
    expect(services.receiver.environment.TRIBUTARY_METRICS_TOKEN_FILE).toBe('/run/tributary/metrics');
    expect(services['metrics-token'].volumes).toContain('metrics-token:/token');
    expect(services['metrics-token'].command[0]).toContain('/token/metrics');
    expect(Object.keys(volumes)).toEqual(['metrics-token', 'prometheus', 'grafana']);
  });

  it('shows its pages to the host alone', () => {
    const { services } = yaml('docker/compose.full.yml');
    for (const port of [...services.prometheus.ports, ...services.grafana.ports])
      expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('mounts files that are there', () => {
    const { services } = yaml('docker/compose.full.yml');
    const mounts = [...services.prometheus.volumes, ...services.grafana.volumes]
      .map((mount: string) => /^\$\{TRIBUTARY_CONTEXT:-\.\}\/(.*?):/.exec(mount)?.[1])
      .filter((path) => path !== undefined);
    expect(mounts).toHaveLength(4);
    for (const path of mounts) expect(() => readFileSync(resolve(ROOT, path)), path).not.toThrow(/ENOENT/);
  });
});
