import { Chain, type ChainOptions, type ChainResult, type HopOptions } from './chain.ts';

export interface Scenario {
  readonly name: string;
  readonly encoder: HopOptions;
  readonly player: HopOptions;
  readonly shared?: boolean;
}

const CLEAN: HopOptions = { rttMs: 10, latencyMs: 120 };
const loss = (share: number, more: HopOptions['data'] = {}): Pick<HopOptions, 'data' | 'back'> => ({
  data: { lossRate: share, ...more },
  back: { lossRate: share },
});
/** Bursts of five packets, 1 % in all. */
const BURST = { data: { burst: { enterRate: 0.002, leaveRate: 0.2, lossRate: 1 } } };
const REORDER = { data: { lossRate: 0.01, reorderRate: 0.05, reorderMinMs: 2, reorderMaxMs: 15 } };

const paths: readonly [rttMs: number, latencyMs: number][] = [
  [20, 120],
  [20, 500],
  [50, 250],
  [50, 1_000],
  [100, 500],
  [100, 2_000],
  [250, 1_250],
  [250, 4_000],
];

const kinds: readonly (readonly [string, Pick<HopOptions, 'data' | 'back'>])[] = [
  ['1 %', loss(0.01)],
  ['5 %', loss(0.05)],
  ['bursts', BURST],
  ['reordered, 1 %', REORDER],
  ['jitter, 1 %', { data: { lossRate: 0.01, jitterMs: 10 }, back: { lossRate: 0.01, jitterMs: 10 } }],
  ['outages of 100 ms', { data: { blackout: { everyMs: 4_000, forMs: 100 } } }],
  ['duplicates, 1 %', { data: { lossRate: 0.01, duplicateRate: 0.02 }, back: { lossRate: 0.01, duplicateRate: 0.02 } }],
];

const ofPlayer = kinds.flatMap(([kind, link]) =>
  paths.map(([rttMs, latencyMs]) => ({
    name: `player: ${kind}, RTT ${rttMs}, latency ${latencyMs}`,
    encoder: CLEAN,
    player: { rttMs, latencyMs, ...link },
  })),
);

/** The node hands on at arrival: the player's latency has room for the repair of both ways. */
const both = ([false, true] as const).flatMap((shared) =>
  [0.01, 0.05].map((share) => ({
    name: `both: ${share * 100} %, RTT 60 and 40, ${shared ? 'shared' : 'additive'}`,
    encoder: { rttMs: 60, latencyMs: 600, ...loss(share) },
    player: { rttMs: 40, latencyMs: shared ? 1_000 : 400, ...loss(share) },
    shared,
  })),
);

export const SCENARIOS: readonly Scenario[] = [{ name: 'clean', encoder: CLEAN, player: CLEAN }, ...ofPlayer, ...both];

export const DEFAULTS = { packetsPerSecond: 570 };

export const runScenario = (
  { encoder, player, shared = false }: Scenario,
  more: Pick<ChainOptions, 'seed' | 'seconds'> & Partial<ChainOptions>,
): ChainResult => new Chain({ ...DEFAULTS, encoder, player, shared, ...more }).run();

const ratio = (results: readonly ChainResult[]): string => {
  const resent = results.reduce((sum, { encoder, player }) => sum + encoder.resent + player.resent, 0);
  const missed = results.reduce((sum, { encoder, player }) => sum + encoder.missed + player.missed, 0);
  return missed === 0 ? String(resent) : (resent / missed).toFixed(3);
};

/** One line for each scenario, over all seeds. */
export const table = (
  scenarios: readonly Scenario[],
  seeds: number,
  seconds: number,
  playerEngine: 'direct' | 'libsrt',
): string => {
  const rows = scenarios.map((scenario) => {
    const results = Array.from({ length: seeds }, (_, i) =>
      runScenario(scenario, { seed: i + 1, seconds, playerEngine }),
    );
    const sum = (of: (result: ChainResult) => number): number => results.reduce((all, result) => all + of(result), 0);
    const cells = [
      scenario.name,
      sum(({ payloads }) => payloads),
      sum(({ lost }) => lost),
      sum(({ wrong }) => wrong),
      sum(({ encoder, player }) => encoder.missed + player.missed),
      ratio(results),
      sum(({ encoder, player }) => encoder.naks + player.naks),
      results[0]!.delayMs.median.toFixed(0),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = ['scenario', 'payloads', 'lost', 'wrong', 'copies lost', 'resent ÷ lost', 'NAKs', 'delay, ms'];
  return `| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|\n${rows.join('\n')}\n`;
};
