/** What a scenario has found; everything that is shown, stored or compared is made of these. */
export interface ScenarioResult {
  scenario: string;
  title: string;
  /** Everything measured, for `--json`. */
  data: unknown;
  tables: Table[];
  plots: Plot[];
  checks: Check[];
  /** Quotients within this run, by name: what a baseline stores. Smaller is better. */
  ratios: Record<string, number>;
  /** What a reader has to know about this run, such as a load maker that did not keep up. */
  notes: string[];
}

export interface Table {
  title: string;
  columns: string[];
  rows: string[][];
}

/** A goal, and whether it was reached; `value` undefined = not measured. */
export interface Check {
  name: string;
  value: number | undefined;
  relation: '≤' | '≥';
  goal: number;
  unit: string;
}

export interface Series {
  name: string;
  points: (readonly [x: number, y: number])[];
}

export type Plot = LinePlot | BarPlot;

export interface LinePlot {
  kind: 'line';
  title: string;
  x: Axis;
  y: Axis;
  series: Series[];
  /** Steps for a cumulative distribution, dots where each point is a measurement. */
  style: 'plain' | 'dots';
  /** A horizontal line: a goal, a limit. */
  limit?: { y: number; label: string };
}

export interface Axis {
  label: string;
  scale: 'linear' | 'log';
  /** Else from 0 (linear) or from the data (log). */
  max?: number;
}

export interface BarPlot {
  kind: 'bar';
  title: string;
  unit: string;
  bars: { name: string; value: number; group: string }[];
  limit?: { y: number; label: string };
}

export const passes = ({ value, relation, goal }: Check): boolean | undefined =>
  value === undefined || Number.isNaN(value) ? undefined : relation === '≤' ? value <= goal : value >= goal;

const DASH = '–';

/** A number with so many decimals; a dash where there is none. */
export const fixed = (value: number | undefined, decimals = 0): string =>
  value === undefined || !Number.isFinite(value) ? DASH : value.toFixed(decimals);

/** With a space between thousands. */
export const whole = (value: number | undefined): string => fixed(value).replace(/\B(?=(?:\d{3})+$)/g, '\u202f');

export const percent = (share: number | undefined, decimals = 1): string =>
  share === undefined || !Number.isFinite(share) ? DASH : `${(share * 100).toFixed(decimals)}\u202f%`;
