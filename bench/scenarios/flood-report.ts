import { type Check, fixed, percent, type ScenarioResult, whole } from '../result.ts';
import type { Totals, Window } from '../rig.ts';
import { cumulative, type Distribution, mergeDistributions, quantileMs } from '../statistics.ts';
import { lossChecks, windowNotes } from './chain-report.ts';
import { type FloodCase, PER_SECOND, STREAMS } from './flood.ts';

const CHANGE_GOAL_MS = 1;
/** Less of a flood proves less. */
const LEAST_SHARE = 0.95;

const stage = (window: Window): Distribution => window.stageDelay;
const chain = (window: Window): Distribution => window.chainDelay;

const p99 = (of: Distribution): number | undefined => quantileMs(of, 0.99);
const change = ({ quiet, window }: FloodCase, of: (window: Window) => Distribution): number | undefined => {
  const [before, now] = [p99(of(quiet)), p99(of(window))];
  return before === undefined || now === undefined ? undefined : now - before;
};

const perSecond = ({ flood, window }: FloodCase): number => flood.sent / window.seconds;

export const describeFlood = (cases: readonly FloodCase[], totals: Totals): ScenarioResult => {
  const rows = cases.flatMap((of) => [
    { name: 'quiet', window: of.quiet, of: undefined },
    { name: of.name, window: of.window, of },
  ]);
  return {
    scenario: 'flood',
    title: `${STREAMS} bonded streams beside floods of ${whole(PER_SECOND)} datagrams a second on the same port`,
    data: { cases, totals },
    tables: [
      {
        title: 'Floods',
        columns: [
          'case',
          'flood/s',
          'stage p99 ms',
          'change',
          'chain p99 ms',
          'change',
          'chain max ms',
          'missing',
          'core',
        ],
        rows: rows.map(({ name, window, of }) => [
          name,
          of ? whole(perSecond(of)) : '',
          fixed(p99(stage(window)), 2),
          of ? signed(change(of, stage)) : '',
          fixed(p99(chain(window)), 2),
          of ? signed(change(of, chain)) : '',
          fixed(chain(window).maxNs / 1e6, 1),
          of ? whole(of.lost) : '',
          percent(window.cpuShare),
        ]),
      },
      {
        title: 'What became of it',
        columns: ['case', 'in the addon', 'over budget', 'over the ceiling', 'foreign id', 'kernel drops'],
        rows: cases.map(({ name, dropped }) => [
          name,
          whole(dropped.reg1Dropped),
          whole(dropped.answersOverBudget),
          whole(dropped.overGroupCeiling),
          whole(dropped.foreignDestination + dropped.beforeAcceptance),
          whole(dropped.linkKernelDrops + dropped.serverKernelDrops),
        ]),
      },
    ],
    plots: [
      {
        kind: 'bar',
        title: 'Delay p99 in the SRTLA stage',
        unit: 'ms',
        bars: rows.map(({ name, window, of }) => ({
          name,
          value: p99(stage(window)) ?? 0,
          group: of ? 'flooded' : 'quiet',
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
    ],
    checks: [
      ...cases.flatMap((one): Check[] => [
        changeCheck(`${one.name}: change of stage p99`, change(one, stage)),
        changeCheck(`${one.name}: change of chain p99`, change(one, chain)),
      ]),
      ...lossChecks([totals]),
    ],
    ratios: {},
    notes: [
      ...cases.filter((one) => perSecond(one) < LEAST_SHARE * PER_SECOND).map((one) => weakNote(one)),
      ...cases.flatMap(({ name, window }) => windowNotes(name, window)),
    ],
  };
};

const changeCheck = (name: string, value: number | undefined): Check => ({
  name,
  value,
  relation: '≤',
  goal: CHANGE_GOAL_MS,
  unit: 'ms',
});

const weakNote = (one: FloodCase): string =>
  `${one.name}: the flood maker sent only ${whole(perSecond(one))} datagrams a second`;

const signed = (value: number | undefined): string =>
  value !== undefined && value >= 0 ? `+${fixed(value, 2)}` : fixed(value, 2);
