import { type Check, fixed, type Plot, percent, type ScenarioResult, whole } from '../result.ts';
import { cumulative, quantileMs } from '../statistics.ts';
import { isReference, type Kind, type SrtlaCell } from './srtla.ts';

const KINDS: readonly Kind[] = ['batched', 'dgram', 'perpacket', 'floor'];

/** [packets per second, batched ÷ dgram, batched ÷ perpacket] */
const GOALS: readonly (readonly [number, number, number])[] = [
  [5_000, 0.25, 0.4],
  [20_000, 0.2, 0.35],
];
const DGRAM_GOAL = 2;
const TOP_RATE = 150_000;
const STAGE_P99_MS = 3;

/** Tables, plots, checks and ratios of the measured cells. */
export const describeSrtla = (cells: readonly SrtlaCell[], notes: string[]): ScenarioResult => {
  const at = (kind: Kind, rate: number): SrtlaCell | undefined =>
    cells.find((cell) => cell.kind === kind && cell.shape.packetsPerSecond === rate);
  const ratio = (rate: number, above: Kind, below: Kind): number | undefined => {
    const [a, b] = [at(above, rate), at(below, rate)];
    return a && b ? a.cpuUsPerPacket / b.cpuUsPerPacket : undefined;
  };
  const rates = [...new Set(cells.map(({ shape }) => shape.packetsPerSecond))];
  const ratios: Record<string, number> = {};
  for (const rate of rates) {
    for (const [above, below] of [
      ['batched', 'dgram'],
      ['batched', 'perpacket'],
      ['dgram', 'perpacket'],
      ['batched', 'floor'],
      ['floor', 'perpacket'],
    ] as const) {
      const value = ratio(rate, above, below);
      if (value !== undefined) ratios[`${above} ÷ ${below} at ${rate}/s`] = value;
    }
  }
  return {
    scenario: 'srtla',
    title: 'SRTLA stage alone',
    data: cells,
    tables: [costTable(cells), ratioTable(rates, ratio)],
    plots: plots(cells),
    checks: checksOf(cells, at, ratio),
    ratios,
    notes,
  };
};

type RatioOf = (rate: number, above: Kind, below: Kind) => number | undefined;

const costTable = (cells: readonly SrtlaCell[]) => ({
  title: 'Cost, loss and delay',
  columns: [
    ...[
      'packets/s',
      'groups×links',
      'way',
      'µs/packet',
      'core',
      'lost',
      'ACK wrong',
      'unacked',
      'delay p50',
      'p99',
      'max ms',
    ],
    'ACK p99 ms',
    'MiB',
  ],
  rows: cells.map((cell) => [
    whole(cell.shape.packetsPerSecond),
    `${cell.shape.groups}×${cell.shape.links}`,
    cell.kind,
    fixed(cell.cpuUsPerPacket, 2),
    percent(cell.cpuShare),
    whole(cell.lost),
    whole(cell.ackedWrong + cell.ackedAgain),
    whole(cell.unacked),
    fixed(quantileMs(cell.delay, 0.5), 2),
    fixed(quantileMs(cell.delay, 0.99), 2),
    fixed(cell.delay.maxNs / 1e6, 1),
    fixed(quantileMs(cell.ackDelay, 0.99), 2),
    fixed(cell.memoryMiB),
  ]),
});

const ratioTable = (rates: readonly number[], ratio: RatioOf) => ({
  title: 'Ratios of CPU per packet',
  columns: [
    'packets/s',
    'batched ÷ dgram',
    'batched ÷ perpacket',
    'dgram ÷ perpacket',
    'batched ÷ floor',
    'floor ÷ perpacket',
  ],
  rows: rates.map((rate) => [
    whole(rate),
    fixed(ratio(rate, 'batched', 'dgram'), 2),
    fixed(ratio(rate, 'batched', 'perpacket'), 2),
    fixed(ratio(rate, 'dgram', 'perpacket'), 2),
    fixed(ratio(rate, 'batched', 'floor'), 2),
    fixed(ratio(rate, 'floor', 'perpacket'), 2),
  ]),
});

const checksOf = (
  cells: readonly SrtlaCell[],
  at: (kind: Kind, rate: number) => SrtlaCell | undefined,
  ratio: RatioOf,
): Check[] => {
  const ours = cells.filter(({ kind }) => !isReference(kind));
  const top = at('batched', TOP_RATE);
  const sum = (of: (cell: SrtlaCell) => number): number => ours.reduce((total, cell) => total + of(cell), 0);
  const most = (name: string, value: number | undefined, goal: number, unit: string): Check => ({
    name,
    value,
    relation: '≤',
    goal,
    unit,
  });
  return [
    ...GOALS.flatMap(([rate, dgram, perpacket]) => [
      most(`batched ÷ dgram, CPU per packet at ${whole(rate)}/s`, ratio(rate, 'batched', 'dgram'), dgram, '×'),
      most(
        `batched ÷ perpacket, CPU per packet at ${whole(rate)}/s`,
        ratio(rate, 'batched', 'perpacket'),
        perpacket,
        '×',
      ),
      most(`dgram ÷ perpacket, CPU per packet at ${whole(rate)}/s`, ratio(rate, 'dgram', 'perpacket'), DGRAM_GOAL, '×'),
      most(`batched, lost at ${whole(rate)}/s`, at('batched', rate)?.lost, 0, 'packets'),
      most(
        `batched, delay p99 at ${whole(rate)}/s`,
        at('batched', rate) && quantileMs(at('batched', rate)!.delay, 0.99),
        STAGE_P99_MS,
        'ms',
      ),
    ]),
    most(`batched, lost at ${whole(TOP_RATE)}/s on one core`, top?.lost, 0, 'packets'),
    {
      name: 'batched, packets carried at the top rate',
      value: top && ratePerSecond(top),
      relation: '≥',
      goal: TOP_RATE * 0.99,
      unit: '/s',
    },
    most(
      'batched and dgram, payloads altered or sent to a wrong session',
      sum((c) => c.altered + c.misaddressed),
      0,
      'packets',
    ),
    most(
      'batched and dgram, duplicated or reordered',
      sum((c) => c.duplicated + c.reordered),
      0,
      'packets',
    ),
    most(
      'batched and dgram, SRTLA ACKs wrong, repeated or missing',
      sum((c) => c.ackedWrong + c.ackedAgain + c.unacked),
      0,
      'packets',
    ),
  ];
};

/** CPU share ÷ CPU per packet. */
const ratePerSecond = (cell: SrtlaCell): number => (cell.cpuShare * 1e6) / cell.cpuUsPerPacket;

const plots = (cells: readonly SrtlaCell[]): Plot[] => {
  const named = (kind: Kind): SrtlaCell[] => cells.filter((cell) => cell.kind === kind);
  const delayAt = (rate: number): Plot => ({
    kind: 'line',
    style: 'plain',
    title: `Delay in the stage at ${whole(rate)} packets/s`,
    x: { label: 'milliseconds', scale: 'log' },
    y: { label: 'share of packets', scale: 'linear', max: 1 },
    series: cells
      .filter(({ shape }) => shape.packetsPerSecond === rate)
      .map((cell) => ({ name: cell.kind, points: cumulative(cell.delay) })),
  });
  return [
    {
      kind: 'line',
      style: 'dots',
      title: 'CPU per packet against load',
      x: { label: 'packets per second', scale: 'log' },
      y: { label: 'µs per packet', scale: 'linear' },
      series: KINDS.map((kind) => ({
        name: kind,
        points: named(kind).map((cell) => [cell.shape.packetsPerSecond, cell.cpuUsPerPacket] as const),
      })).filter(({ points }) => points.length > 0),
    },
    ...GOALS.map(([rate]) => delayAt(rate)),
  ];
};
