import { fixed, percent, type ScenarioResult, whole } from '../result.ts';
import type { Totals } from '../rig.ts';
import { quantileMs } from '../statistics.ts';
import { lossChecks, threadTable, windowNotes } from './chain-report.ts';
import type { IsolationCase } from './isolation.ts';
import { chain, change, changeChecks, comparedRows, delayPlots, signed, stage } from './quiet-comparison.ts';

export const describeIsolation = (
  cases: readonly IsolationCase[],
  totals: readonly Totals[],
  streams: number,
): ScenarioResult => {
  const rows = comparedRows(cases);
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
    plots: delayPlots(cases, 'disturbed'),
    checks: [...changeChecks(cases), ...lossChecks(totals)],
    ratios: {},
    notes: cases.flatMap(({ name, window }) => windowNotes(name, window)),
  };
};

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
