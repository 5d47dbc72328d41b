import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BondScenario, LinkScenario } from '../../src/sender/impair/scenarios.ts';
import { PROFILES } from '../../src/sender/profile.ts';
import { srtlaAckCount, srtlaAckEntry } from '../../src/srtla/packet.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';
import { readU32 } from './srt-wire.ts';

const DETECTION = 'exact';
/** True once the receiver is patient with a link that carries its first packet long after the others. */
const ASKS_NOTHING_WHILE_LEARNING = false;
const SECONDS = 12;
const RUNS = 15;
/** The same worlds each time; a night looks for new ones. */
const SEED = process.env.TRIBUTARY_SIM_NIGHTLY === '1' ? {} : { seed: 4_711 };

const share = (most: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 1_000 }).map((x) => (x / 1_000) * most);
const sometimes = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 2 });

const blackout = fc.record({
  everyMs: fc.integer({ min: 1_500, max: 6_000 }),
  forMs: fc.integer({ min: 50, max: 1_200 }),
});
const burst = fc.record({ enterRate: share(0.01), leaveRate: share(0.4).map((x) => 0.1 + x), lossRate: share(1) });
const link: fc.Arbitrary<LinkScenario> = fc
  .record({
    delayMs: fc.integer({ min: 1, max: 250 }),
    jitterMs: fc.integer({ min: 0, max: 40 }),
    lossRate: share(0.04),
    burst: sometimes(burst),
    duplicateRate: share(0.01),
    reorderRate: share(0.01),
    rateKbps: fc.integer({ min: 3_000, max: 12_000 }),
    blackout: sometimes(blackout),
  })
  .map((conditions) => ({ ...conditions, reorderMinMs: 5, reorderMaxMs: 30 }));

type Happening = { atMs: number; what: 'rebind' | 'remove' | 'add' | 'unplug' | 'plug'; link: number };
const happening: fc.Arbitrary<Happening> = fc.record({
  atMs: fc.integer({ min: 1_500, max: SECONDS * 1_000 }),
  what: fc.constantFrom('rebind', 'remove', 'add', 'unplug', 'plug'),
  link: fc.nat(5),
});

const world = fc.record({
  links: fc.array(link, { minLength: 1, maxLength: 4 }),
  happenings: fc.array(happening, { maxLength: 4 }),
  profile: fc.constantFrom(...PROFILES.values()),
  seed: fc.nat(1_000_000),
  isn: fc.oneof(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.constant(2 ** 31 - 2_000)),
  timestampUs: fc.oneof(fc.constant(0), fc.constant(2 ** 32 - 5_000_000)),
  skewPpm: fc.integer({ min: -100, max: 100 }),
  coalesceMs: fc.constantFrom(0, 2, 5),
  detection: fc.constantFrom('plain' as const, DETECTION as 'exact' | 'plain'),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

const scenarioOf = (links: readonly LinkScenario[], latencyMs = 1_500): BondScenario => ({
  name: 'any',
  title: 'any',
  latencyMs,
  links,
});

const simulate = (each: World, more: Partial<SimulationOptions> = {}): Simulation => {
  const { links, happenings, ...rest } = each;
  const simulation = new Simulation({
    ...rest,
    scenario: scenarioOf(links),
    minutes: SECONDS / 60,
    kbps: 3_000,
    ...more,
  });
  for (const { atMs, what, link: index } of happenings) {
    simulation.at(atMs, () => {
      const chosen = simulation.links[index % simulation.links.length]!;
      if (what === 'add') simulation.addLink(links[index % links.length]!);
      else if (chosen.peer === 0) return;
      else if (what === 'rebind') simulation.rebind(chosen);
      else if (what === 'remove') simulation.removeLink(chosen);
      else chosen.plugged = what === 'plug';
    });
  }
  return simulation;
};

describe('whatever the links do', () => {
  it('each payload is played once, or was not at the node in time', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(world, (each) => {
        const result = simulate(each).run();
        expect([result.duplicatedAtPlayer, result.inventedAtPlayer, result.swallowed]).toEqual([0, 0, 0]);
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  it('each arrival is listed once in an SRTLA ACK on its own link, in order', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(world, (each) => {
        const arrived = new Map<number, number[]>();
        const listed = new Map<number, number[]>();
        const listOf = (map: Map<number, number[]>, peer: number): number[] => {
          const list = map.get(peer) ?? [];
          map.set(peer, list);
          return list;
        };
        const simulation = simulate(each, {
          watch: {
            arrived: (peer, bytes) => {
              if (bytes[0]! < 0x80) listOf(arrived, peer).push(readU32(bytes, 0));
            },
            answered: (peer, bytes) => {
              if (bytes[0] !== 0x91) return;
              expect(srtlaAckCount(bytes)).toBeGreaterThan(0);
              for (let i = 0; i < srtlaAckCount(bytes); i++) listOf(listed, peer).push(srtlaAckEntry(bytes, i));
            },
          },
        });
        simulation.run();
        expect(listed).toEqual(arrived);
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  it('memory stays bounded: links, sessions, what is under way', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(world, (each) => {
        const simulation = simulate(each);
        let most = 0;
        for (let ms = 500; ms < SECONDS * 1_000; ms += 500) {
          simulation.at(ms, () => {
            most = Math.max(most, simulation.flightCount);
          });
        }
        simulation.run();
        const { groups } = simulation.node.core.snapshot(simulation.now);
        expect(groups.length).toBeLessThanOrEqual(2);
        for (const group of groups) expect(group.links.length).toBeLessThanOrEqual(16);
        // Three megabits for a second, the queues of the links, control beside them.
        expect(most).toBeLessThan(3_000);
        for (const receiver of simulation.server.receivers) expect(receiver.spanPackets).toBeLessThan(2_000);
      }),
      { numRuns: 10, ...SEED },
    );
  });
});

describe('links that stay in order', () => {
  const steady = fc.record({
    delays: fc.array(fc.integer({ min: 1, max: 250 }), { minLength: 1, maxLength: 4 }),
    lossRate: share(0.03),
    profile: fc.constantFrom(...PROFILES.values()),
    seed: fc.nat(1_000_000),
  });
  it('a packet that arrives within the delay of its link is never asked for', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(steady, ({ delays, lossRate, profile, seed }) => {
        const links = delays.map((delayMs) => ({ delayMs, lossRate }));
        const result = new Simulation({
          scenario: scenarioOf(links),
          profile,
          seed,
          minutes: SECONDS / 60,
          kbps: 3_000,
          detection: 'exact',
        }).run();
        expect(ASKS_NOTHING_WHILE_LEARNING ? result.askedTooEarly : result.askedTooEarlyLater).toBe(0);
      }),
      { numRuns: RUNS, ...SEED },
    );
  });
});

describe('recovery', () => {
  const outage = fc.record({
    profile: fc.constantFrom(...PROFILES.values()),
    seed: fc.nat(1_000_000),
    atMs: fc.integer({ min: 3_000, max: 5_000 }),
    forMs: fc.integer({ min: 200, max: 12_000 }),
    what: fc.constantFrom('unplug', 'rebind'),
  });

  it('a link carries data again within the sender’s timeout and 2 s', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(outage, ({ profile, seed, atMs, forMs, what }) => {
        const lastDataMs: number[] = [];
        const simulation: Simulation = new Simulation({
          scenario: scenarioOf([{ delayMs: 20 }, { delayMs: 60 }]),
          profile,
          seed,
          minutes: 30 / 60,
          kbps: 3_000,
          detection: DETECTION,
          watch: {
            arrived: (peer, bytes) => {
              if (bytes[0]! >= 0x80) return;
              const index = simulation.links.findIndex((each) => each.peer === peer);
              if (index >= 0) lastDataMs[index] = simulation.elapsedMs;
            },
          },
        });
        const link = simulation.links[0]!;
        const endMs = what === 'unplug' ? atMs + forMs : atMs;
        simulation.at(atMs, () => {
          if (what === 'unplug') link.plugged = false;
          else simulation.rebind(link);
        });
        simulation.at(endMs, () => {
          link.plugged = true;
          lastDataMs[0] = 0;
        });
        const limitMs = endMs + profile.linkTimeoutMs + 2_000;
        let back = 0;
        simulation.at(limitMs, () => {
          back = lastDataMs[0] ?? 0;
        });
        simulation.run();
        expect(back).toBeGreaterThan(endMs);
      }),
      { numRuns: 8, ...SEED },
    );
  });

  it('the stream goes on within the sender’s timeout and 2 s when all links were gone for less than SRT’s patience', {
    timeout: 60_000,
  }, () => {
    fc.assert(
      fc.property(outage, ({ profile, seed, atMs, forMs }) => {
        const endMs = atMs + Math.min(forMs, 4_500);
        let resumedMs = 0;
        const simulation: Simulation = new Simulation({
          scenario: scenarioOf([{ delayMs: 20 }, { delayMs: 60 }]),
          profile,
          seed,
          minutes: 25 / 60,
          kbps: 3_000,
          detection: DETECTION,
          watch: {
            handedOver: () => {
              if (resumedMs === 0 && simulation.elapsedMs > endMs) resumedMs = simulation.elapsedMs;
            },
          },
        });
        const plug = (plugged: boolean): void => {
          for (const each of simulation.links) each.plugged = plugged;
        };
        simulation.at(atMs, () => plug(false));
        simulation.at(endMs, () => plug(true));
        const result = simulation.run();
        expect(resumedMs).toBeGreaterThan(0);
        expect(resumedMs - endMs).toBeLessThanOrEqual(profile.linkTimeoutMs + 2_000);
        expect([result.duplicatedAtPlayer, result.inventedAtPlayer, result.swallowed]).toEqual([0, 0, 0]);
      }),
      { numRuns: 8, ...SEED },
    );
  });
});
