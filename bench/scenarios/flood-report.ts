import { fixed, percent, type ScenarioResult, whole } from '../result.ts';
import type { Totals } from '../rig.ts';
import { quantileMs } from '../statistics.ts';
import { lossChecks, windowNotes } from './chain-report.ts';
import { type FloodCase, PER_SECOND, STREAMS } from './flood.ts';
import { chain, change, changeChecks, comparedRows, delayPlots, signed, stage } from './quiet-comparison.ts';

/** Less of a flood proves less. */
const LEAST_SHARE = 0.95;

const perSecond = ({ flood, window }: FloodCase): number => flood.sent / window.seconds;

export const describeFlood = (cases: readonly FloodCase[], totals: Totals): ScenarioResult => {
  const rows = comparedRows(cases);
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
          fixed(quantileMs(stage(window), 0.99), 2),
          of ? signed(change(of, stage)) : '',
          fixed(quantileMs(chain(window), 0.99), 2),
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
    plots: delayPlots(cases, 'flooded'),
    checks: [...changeChecks(cases), ...lossChecks([totals])],
    ratios: {},
    notes: [
      ...cases.filter((one) => perSecond(one) < LEAST_SHARE * PER_SECOND).map((one) => weakNote(one)),
      ...cases.flatMap(({ name, window }) => windowNotes(name, window)),
    ],
  };
};

const weakNote = (one: FloodCase): string =>
  `${one.name}: the flood maker sent only ${whole(perSecond(one))} datagrams a second`;
