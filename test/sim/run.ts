import { parseArgs } from 'node:util';
import { BOND_SCENARIOS, type BondScenario } from '../../src/sender/impair/scenarios.ts';
import { PROFILES, type Profile } from '../../src/sender/profile.ts';
import { cell, HEADER, row } from './table.ts';

const HELP = `Usage: npm run sim -- [options]

  --scenario NAME,NAME|all   ${[...BOND_SCENARIOS.keys()].join(', ')} (default all)
  --profile NAME,NAME|all    ${[...PROFILES.keys()].join(', ')} (default bel)
  --detection exact|ordered|plain|ideal, or several   (default plain)
  --engine libsrt|direct     the receiver of the SRT server (default libsrt)
  --seeds N                  seeds 1 … N (default 5)
  --seed N                   only this one
  --minutes M                of streaming (default 10)
  --latency MS --kbps K      instead of the scenario's latency; 6000
  --coalesce MS              the node takes what comes within so long together (default 2)
  --hop-loss RATE            of the hop between node and server, 0 … 1
  --skew PPM --isn N --timestamp US
`;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'all' },
    profile: { type: 'string', default: 'bel' },
    detection: { type: 'string', default: 'plain' },
    engine: { type: 'string', default: 'libsrt' },
    seeds: { type: 'string', default: '5' },
    seed: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    latency: { type: 'string' },
    kbps: { type: 'string', default: '6000' },
    coalesce: { type: 'string', default: '2' },
    'hop-loss': { type: 'string', default: '0' },
    skew: { type: 'string', default: '0' },
    isn: { type: 'string' },
    timestamp: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const named = <T>(text: string, known: ReadonlyMap<string, T>, what: string): T[] => {
  if (text === 'all') return [...known.values()];
  return text.split(',').map((name) => {
    const found = known.get(name);
    if (found === undefined) throw new Error(`no ${what} "${name}"; known: ${[...known.keys()].join(', ')}`);
    return found;
  });
};

const main = (): void => {
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const scenarios: BondScenario[] = named(values.scenario, BOND_SCENARIOS, 'scenario');
  const profiles: Profile[] = named(values.profile, PROFILES, 'profile');
  const seeds =
    values.seed === undefined ? Array.from({ length: Number(values.seeds) }, (_, i) => i + 1) : [Number(values.seed)];
  process.stdout.write(`${HEADER}\n`);
  for (const scenario of scenarios) {
    for (const profile of profiles) {
      for (const detection of values.detection.split(',')) {
        const result = cell(seeds, {
          scenario,
          profile,
          detection: detection === 'exact' || detection === 'ordered' ? 'exact' : 'plain',
          ordered: detection === 'ordered',
          ideal: detection === 'ideal',
          engine: values.engine === 'direct' ? 'direct' : 'libsrt',
          minutes: Number(values.minutes),
          kbps: Number(values.kbps),
          coalesceMs: Number(values.coalesce),
          hopLossRate: Number(values['hop-loss']),
          skewPpm: Number(values.skew),
          ...(values.latency === undefined ? {} : { latencyMs: Number(values.latency) }),
          ...(values.isn === undefined ? {} : { isn: Number(values.isn) }),
          ...(values.timestamp === undefined ? {} : { timestampUs: Number(values.timestamp) }),
        });
        process.stdout.write(`${row(scenario.name, profile.name, detection, result)}\n`);
      }
    }
  }
};

main();
