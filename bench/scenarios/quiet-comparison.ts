import { type Check, fixed, type Plot } from '../result.ts';
import type { Window } from '../rig.ts';
import { cumulative, type Distribution, mergeDistributions, quantileMs } from '../statistics.ts';

/** A disturbed window and a quiet one of the same node just before. */
export interface Compared {
  name: string;
  quiet: Window;
  window: Window;
}

/** A window as a row of a table; `of` where it is a disturbed one. */
export interface ComparedRow<C extends Compared> {
  name: string;
  window: Window;
  of: C | undefined;
}

const CHANGE_GOAL_MS = 1;

export const stage = (window: Window): Distribution => window.stageDelay;
export const chain = (window: Window): Distribution => window.chainDelay;

/** How much later the slowest hundredth came than in quiet times, milliseconds; undefined where it was not measured. */
export const change = ({ quiet, window }: Compared, of: (window: Window) => Distribution): number | undefined => {
  const [before, now] = [quantileMs(of(quiet), 0.99), quantileMs(of(window), 0.99)];
  return before === undefined || now === undefined ? undefined : now - before;
};

export const comparedRows = <C extends Compared>(cases: readonly C[]): ComparedRow<C>[] =>
  cases.flatMap((of) => [
    { name: 'quiet', window: of.quiet, of: undefined },
    { name: of.name, window: of.window, of },
  ]);

export const changeChecks = (cases: readonly Compared[]): Check[] =>
  cases.flatMap((one) =>
    [
      { name: 'stage', of: stage },
      { name: 'chain', of: chain },
    ].map(
      ({ name, of }): Check => ({
        name: `${one.name}: change of ${name} p99`,
        value: change(one, of),
        relation: '≤',
        goal: CHANGE_GOAL_MS,
        unit: 'ms',
      }),
    ),
  );

/** `group`: what the disturbed windows are called. */
export const delayPlots = (cases: readonly Compared[], group: string): Plot[] => [
  {
    kind: 'bar',
    title: 'Delay p99 in the SRTLA stage',
    unit: 'ms',
    bars: comparedRows(cases).map(({ name, window, of }) => ({
      name,
      value: quantileMs(stage(window), 0.99) ?? 0,
      group: of ? group : 'quiet',
    })),
  },
  {
    kind: 'line',
    style: 'plain',
    title: 'Delay beyond both latencies',
    x: { label: 'milliseconds', scale: 'log' },
    y: { label: 'share of messages', scale: 'linear', max: 1 },
    series: [
      { name: 'quiet', points: cumulative(mergeDistributions(cases.map(({ quiet }) => chain(quiet)))) },
      ...cases.map(({ name, window }) => ({ name, points: cumulative(chain(window)) })),
    ],
  },
];

export const signed = (value: number | undefined): string =>
  value !== undefined && value >= 0 ? `+${fixed(value, 2)}` : fixed(value, 2);
