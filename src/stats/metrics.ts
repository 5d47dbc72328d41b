import { setImmediate as nextTurn } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { StatsDeps } from './deps.ts';
import { EventCounts } from './event-counts.ts';
import { LabelBook } from './label-book.ts';
import { MetricsChoice } from './metrics-choice.ts';
import { type Labels, METRIC_PREFIX, type MetricDefinition, NO_LABELS } from './metrics-definition.ts';
import { NODE_METRICS } from './metrics-node.ts';
import { SRTLA_METRICS } from './metrics-srtla.ts';
import { LINK_METRICS, STREAM_METRICS } from './metrics-streams.ts';
import { type ControlFacts, type MetricsView, metricsView } from './metrics-view.ts';
import type { NodeWatch } from './node-watch.ts';
import { PlayerTotals } from './player-totals.ts';

/** Every metric of ours, in the order of the scrape. prom-client's own (`process_…`, `nodejs_…`) come after them. */
export const METRICS: readonly MetricDefinition[] = [
  ...NODE_METRICS,
  ...SRTLA_METRICS,
  ...STREAM_METRICS,
  ...LINK_METRICS,
];

/** After so long in one go others get their turn on the main thread. */
const SLICE_MS = 4;

interface Value {
  value: number;
  labels: Labels;
  sharedLabels: Labels;
}

const valuesOf = ({ read }: MetricDefinition, view: MetricsView): Value[] => {
  const values: Value[] = [];
  for (const [value, sharedLabels, labels = NO_LABELS] of read(view))
    if (value !== undefined && !Number.isNaN(value)) values.push({ value, labels, sharedLabels });
  return values;
};

/**
 * prom-client's own, but for the lag of its event loop: there is a better one (`event_loop_lag_seconds`), and a histogram of its own would wake
 * the main thread 100 times a second. What is left of that one cannot be turned off.
 */
const addDefaults = (registry: Registry): void => {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 60_000 });
  for (const { name } of registry.getMetricsAsArray())
    if (name.startsWith('nodejs_eventloop_lag')) registry.removeSingleMetric(name);
};

interface MetricsDeps
  extends Pick<StatsDeps, 'snapshot' | 'settings' | 'carriers' | 'quality' | 'events' | 'version' | 'hookFacts'> {
  /** Absent, or undefined, where no control plane governs the node. */
  readonly controlStatus?: () => ControlFacts | undefined;
}

/**
 * What Prometheus gets. Between scrapes nothing is kept up to date: a scrape takes one snapshot and reads all values out of it, in slices that
 * leave the main thread to others.
 */
export class Metrics {
  readonly contentType: string;
  readonly #deps: MetricsDeps;
  readonly #watch: NodeWatch;
  readonly #registry = new Registry();
  readonly #choice: MetricsChoice;
  readonly #players = new PlayerTotals();
  readonly #labels = new LabelBook();
  readonly #events = new EventCounts();
  readonly #stopListening: () => void;
  #view: MetricsView | undefined;
  #hasDefaults = false;
  #scraping: Promise<string> | undefined;
  #lastScrapeMs: number | undefined;

  constructor(deps: MetricsDeps, watch: NodeWatch) {
    this.#deps = deps;
    this.#watch = watch;
    this.contentType = this.#registry.contentType;
    this.#choice = new MetricsChoice(() => deps.settings.metrics);
    this.#stopListening = deps.events.onEvent((event) => this.#events.count(event));
    for (const definition of METRICS) this.#register(definition);
  }

  /** The text of one scrape. Whoever asks while one is under way gets the same. */
  scrape(): Promise<string> {
    this.#scraping ??= this.#scrape().finally(() => {
      this.#scraping = undefined;
    });
    return this.#scraping;
  }

  close(): void {
    this.#stopListening();
  }

  /** Made by prom-client's kinds, so that names are checked; only where the values come from is ours: copying them in first costs twice as much. */
  #register(definition: MetricDefinition): void {
    const { type, help } = definition;
    const name = METRIC_PREFIX + definition.name;
    const options = { name, help, labelNames: [...definition.labels], registers: [this.#registry] };
    const metric = type === 'counter' ? new Counter(options) : new Gauge(options);
    metric.get = async () => ({
      ...{ name, help, type: type as never, aggregator: 'sum' as const, collect: () => {} },
      values: this.#view ? valuesOf(definition, this.#view) : [],
    });
  }

  async #scrape(): Promise<string> {
    // They watch the process from then on, which costs something: not before somebody wants them.
    if (!this.#hasDefaults) addDefaults(this.#registry);
    this.#hasDefaults = true;
    let busyMs = 0;
    let sliceMs = performance.now();
    const texts: string[] = [];
    this.#view = this.#look();
    try {
      for (const { name } of this.#registry.getMetricsAsArray()) {
        texts.push(await this.#registry.getSingleMetricAsString(name));
        const spentMs = performance.now() - sliceMs;
        if (spentMs < SLICE_MS) continue;
        busyMs += spentMs;
        await nextTurn();
        sliceMs = performance.now();
      }
    } finally {
      this.#view = undefined;
    }
    this.#lastScrapeMs = busyMs + performance.now() - sliceMs;
    return `${texts.join('\n\n')}\n`;
  }

  #look(): MetricsView {
    const { snapshot, carriers, quality, version } = this.#deps;
    const { draining, score, loop } = this.#watch;
    const node = {
      ...{ version, draining, score, loop, carriers, quality },
      events: this.#events,
      control: this.#deps.controlStatus?.(),
      hooks: this.#deps.hookFacts?.(),
      lastScrapeMs: this.#lastScrapeMs,
    };
    return metricsView(snapshot(), node, { choice: this.#choice, totals: this.#players, labels: this.#labels });
  }
}
