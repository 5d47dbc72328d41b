import { globSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { parse } from 'yaml';

const ROOT = resolve(import.meta.dirname, '../..');

/** A query of ours, and where it stands. */
export interface Expression {
  where: string;
  expr: string;
}

interface Panel {
  title: string;
  type: string;
  targets: { expr: string; refId: string; legendFormat: string }[];
  gridPos: { x: number; y: number; w: number; h: number };
  datasource: { type: string; uid: string };
  id: number;
}

export interface Dashboard {
  file: string;
  uid: string;
  title: string;
  tags: string[];
  panels: Panel[];
  templating: { list: { name: string; definition: string }[] };
}

export const dashboards = (): Dashboard[] =>
  globSync('docker/grafana/dashboards/*.json', { cwd: ROOT })
    .sort()
    .map((path) => ({ file: basename(path), ...JSON.parse(readFileSync(resolve(ROOT, path), 'utf8')) }));

/** What Grafana makes of its variables before it asks. */
export const asAsked = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll(/"\$[a-z]+"/g, '".*"');

export const dashboardExpressions = (): Expression[] =>
  dashboards().flatMap(({ file, panels }) =>
    panels.flatMap(({ title, targets }) =>
      targets.map(({ expr, refId }) => ({ where: `${file}: ${title} ${refId}`, expr: asAsked(expr) })),
    ),
  );

export const alertExpressions = (): Expression[] => {
  const file = parse(readFileSync(resolve(ROOT, 'docker/prometheus/alerts.yml'), 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  return file.groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ where: `alerts.yml: ${alert}`, expr })));
};

/** The metrics that a query names. */
export const metricsIn = ({ expr }: Expression): string[] => [
  ...new Set(expr.match(/\b(?:tributary|process|nodejs)_[a-z0-9_]+/g) ?? []),
];
