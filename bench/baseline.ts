import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ScenarioResult } from './result.ts';

/** Quotients of earlier runs, by scenario and name. Absolute times are never stored: they belong to a machine. */
export interface Baseline {
  node: string;
  ratios: Record<string, Record<string, number>>;
}

export interface Drift {
  scenario: string;
  name: string;
  stored: number;
  now: number;
  /** now ÷ stored; above 1 is worse. */
  change: number;
  verdict: 'better' | 'same' | 'worse';
}

/** Ratios of short runs vary by about this much. */
export const TOLERANCE = 0.15;

/** Every ratio of these results that the baseline has too. */
export const compare = (baseline: Baseline, results: readonly ScenarioResult[], tolerance = TOLERANCE): Drift[] =>
  results.flatMap(({ scenario, ratios }) =>
    Object.entries(ratios).flatMap(([name, now]) => {
      const stored = baseline.ratios[scenario]?.[name];
      if (stored === undefined || !(stored > 0) || !Number.isFinite(now)) return [];
      const change = now / stored;
      const verdict = change > 1 + tolerance ? 'worse' : change < 1 / (1 + tolerance) ? 'better' : 'same';
      return [{ scenario, name, stored, now, change, verdict } as const];
    }),
  );

const rounded = (ratios: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(ratios)
      .filter(([, value]) => Number.isFinite(value))
      .map(([name, value]) => [name, Number(value.toPrecision(4))]),
  );

/** The baseline with the scenarios of these results replaced; others stay. */
export const updated = (
  baseline: Baseline | undefined,
  results: readonly ScenarioResult[],
  node: string,
): Baseline => ({
  node,
  ratios: {
    ...baseline?.ratios,
    ...Object.fromEntries(results.map(({ scenario, ratios }) => [scenario, rounded(ratios)])),
  },
});

export const readBaseline = (path: string): Baseline | undefined =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Baseline) : undefined;

export const writeBaseline = (path: string, baseline: Baseline): void =>
  writeFileSync(path, `${JSON.stringify(baseline, null, 2)}\n`);
