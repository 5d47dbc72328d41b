import { type Check, fixed, percent, type ScenarioResult, whole } from '../result.ts';
import type { Totals, Window } from '../rig.ts';
import { cumulative, type Distribution, mergeDistributions, quantileMs } from '../statistics.ts';
import { lossChecks, threadTable, windowNotes } from './chain-report.ts';
import type { IsolationCase } from './isolation.ts';

const CHANGE_GOAL_MS = 1;

/** How much later the slowest hundredth came than in quiet times, milliseconds; undefined where it was not measured. */
const change = ({ quiet, window }: IsolationCase, of: (window: Window) => Distribution): number | undefined => {
  const [before, now] = [quantileMs(of(quiet), 0.99), quantileMs(of(window), 0.99)];
  return before === undefined || now === undefined ? undefined : now - before;
};

const stage = (window: Window): Distribution => window.stageDelay;
const chain = (window: Window): Distribution => window.chainDelay;

export const describeIsolation = (
  cases: readonly IsolationCase[],
  totals: readonly Totals[],
  streams: number,
): ScenarioResult => {
  const rows = cases.flatMap((of) => [
    { name: 'quiet', window: of.quiet, of: undefined },
    { name: of.name, window: of.window, of },
  ]);
  return {
    scenario: 'isolation',
    title: `${streams} bonded streams while the node is busy with other things`,
    data: { cases, totals },
    tables: [
      {
        title: 'Cases',
        columns: [
          'case',
          'stage p99 ms',
          'change',
          'chain p99 ms',
          'change',
          'chain max ms',
          'missing',
          'core',
          'requests/s',
          '200',
          '429',
          'other',
          'MiB answered',
        ],
        rows: rows.map(({ name, window, of }) => [
          name,
          fixed(quantileMs(stage(window), 0.99), 2),
          of ? signed(change(of, stage)) : '',
          fixed(quantileMs(chain(window), 0.99), 2),
          of ? signed(change(of, chain)) : '',
          fixed(chain(window).maxNs / 1e6, 1),
          of ? whole(of.lost) : '',
          percent(window.cpuShare),
          ...httpCells(of),
        ]),
      },
      threadTable(cases.flatMap(({ window }) => window.threads)),
    ],
    plots: [
      {
        kind: 'bar',
        title: 'Delay p99 in the SRTLA stage',
        unit: 'ms',
        bars: rows.map(({ name, window, of }) => ({
          name,
          value: quantileMs(stage(window), 0.99) ?? 0,
          group: of ? 'disturbed' : 'quiet',
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
        {
          name: `${one.name}: change of stage p99`,
          value: change(one, stage),
          relation: '≤',
          goal: CHANGE_GOAL_MS,
          unit: 'ms',
        },
        {
          name: `${one.name}: change of chain p99`,
          value: change(one, chain),
          relation: '≤',
          goal: CHANGE_GOAL_MS,
          unit: 'ms',
        },
      ]),
      ...lossChecks(totals),
    ],
    ratios: {},
    notes: cases.flatMap(({ name, window }) => windowNotes(name, window)),
  };
};

const signed = (value: number | undefined): string =>
  value !== undefined && value >= 0 ? `+${fixed(value, 2)}` : fixed(value, 2);

const httpCells = (of: IsolationCase | undefined): string[] => {
  const http = of?.http;
  if (!http) return ['', '', '', '', ''];
  const at = (status: number): number => http.statuses[status] ?? 0;
  return [
    whole(http.perSecond),
    whole(at(200)),
    whole(at(429)),
    whole(http.latenciesMs.length + at(0) - at(200) - at(429)),
    fixed(http.bytes / 2 ** 20, 1),
  ];
};
