import type { MetricsView } from './metrics-view.ts';

/** Of every metric of ours. */
export const METRIC_PREFIX = 'tributary_';

export type Labels = Readonly<Record<string, string>>;

/**
 * A value with its labels; one without a number is left out. prom-client writes the first labels down once for each object, so that these are
 * best objects that stay; the second ones are added to them.
 */
export type Reading = readonly [value: number | undefined, labels: Labels, more?: Labels];

/**
 * One metric: what it is called, and where its values are when somebody asks. Units are those of Prometheus: seconds, bytes, totals that only
 * grow while their object lives.
 */
export interface MetricDefinition {
  /** Without the prefix. */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** One sentence, for the scrape and for docs/metrics.md. */
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (view: MetricsView) => Iterable<Reading>;
}

type Make = (name: string, labels: readonly string[], help: string, read: MetricDefinition['read']) => MetricDefinition;

export const counter: Make = (name, labels, help, read) => ({
  name: `${name}_total`,
  type: 'counter',
  help,
  labels,
  read,
});
export const gauge: Make = (name, labels, help, read) => ({ name, type: 'gauge', help, labels, read });

export const NO_LABELS: Labels = {};

/** One reading without labels. */
export const one = (value: number | undefined): Reading[] => [[value, NO_LABELS]];

export const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1_000);

/** `handshakesOverBudget`, `in-use` → `handshakes_over_budget`, `in_use`. */
export const snakeCase = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
