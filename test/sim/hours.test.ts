import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { BOND_SCENARIOS } from '../../src/sender/impair/scenarios.ts';
import { BEL, PROFILES, type Profile } from '../../src/sender/profile.ts';
import { Simulation } from './simulation.ts';

/** The whole rate and every profile: minutes of computing, for a night. */
const NIGHTLY = process.env.TRIBUTARY_SIM_NIGHTLY === '1';
const HOURS = 3;
const HOUR_MS = 3_600_000;
/** Of the core, sender, encoder and server together; the books of the simulation lie outside. */
const GROWTH_BYTES = 4 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heapBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

describe('three hours', () => {
  const profiles: Profile[] = NIGHTLY ? [...PROFILES.values()] : [BEL];
  it.each(profiles)('$name: nothing lost, nothing made up, the memory flat', { timeout: 900_000 }, (profile) => {
    const simulation = new Simulation({
      scenario: BOND_SCENARIOS.get('two-links')!,
      profile,
      seed: 1,
      minutes: HOURS * 60,
      kbps: NIGHTLY ? 6_000 : 300,
      detection: 'exact',
      isn: 2 ** 31 - 10_000,
      timestampUs: 2 ** 32 - 60_000_000,
      skewPpm: 20,
    });
    const heap: number[] = [];
    for (let hour = 1; hour <= HOURS; hour++) {
      simulation.at(hour * HOUR_MS - 1_000, () => void heap.push(heapBytes()));
    }
    const result = simulation.run();
    expect(result.sessions).toBe(1);
    expect([result.lostAtPlayer, result.duplicatedAtPlayer, result.inventedAtPlayer]).toEqual([0, 0, 0]);
    expect(heap.at(-1)! - heap[0]!).toBeLessThan(GROWTH_BYTES);
    expect(result.ratio).toBeLessThanOrEqual(1.15);
  });
});
