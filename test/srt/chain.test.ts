import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LARGEST_SEQUENCE } from '../../src/srt/sequence.ts';
import { Chain, type ChainResult } from './chain.ts';
import { runScenario, SCENARIOS } from './scenarios.ts';

const resent = ({ encoder, player }: ChainResult): number => encoder.resent + player.resent;
const missed = ({ encoder, player }: ChainResult): number => encoder.missed + player.missed;

describe('engine against engine', () => {
  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    '%s: nothing is lost, and hardly anything sent twice in vain',
    (_name, scenario) => {
      const result = runScenario(scenario, { seed: 11, seconds: 20 });
      expect(result.payloads).toBeGreaterThan(11_000);
      expect([result.lost, result.wrong, result.left]).toEqual([0, 0, 0]);
      expect(resent(result)).toBeLessThanOrEqual(1.1 * missed(result));
    },
  );

  const ofPlayers = SCENARIOS.filter(({ name }) => /^player: (?:1 %|bursts|jitter)/.test(name));
  it.each(ofPlayers.map((scenario) => [scenario.name, scenario] as const))(
    '%s: the same with a player on libsrt, which asks in its own way',
    (_name, scenario) => {
      const result = runScenario(scenario, { seed: 11, seconds: 20, playerEngine: 'libsrt' });
      expect([result.lost, result.wrong, result.left]).toEqual([0, 0, 0]);
      expect(resent(result)).toBeLessThanOrEqual(1.1 * missed(result));
    },
  );

  it('the same seed gives the same run', () => {
    const run = (): ChainResult => runScenario(SCENARIOS.at(-1)!, { seed: 3, seconds: 5 });
    expect(run()).toEqual(run());
    expect(runScenario(SCENARIOS.at(-1)!, { seed: 4, seconds: 5 })).not.toEqual(run());
  });

  it('a packet that is repaired on both ways is in time where the player’s latency has room for it', () => {
    const hops = {
      encoder: { rttMs: 60, latencyMs: 600, data: { lossRate: 0.03 }, back: { lossRate: 0.03 } },
      player: { rttMs: 40, latencyMs: 700, data: { lossRate: 0.03 }, back: { lossRate: 0.03 } },
    };
    const shared = new Chain({ seed: 5, seconds: 20, packetsPerSecond: 570, ...hops, shared: true }).run();
    const additive = new Chain({ seed: 5, seconds: 20, packetsPerSecond: 570, ...hops }).run();
    expect([shared.lost, additive.lost]).toEqual([0, 0]);
    // The latency of the player alone, and that of both: each plus the ways of the handshakes.
    expect(shared.delayMs.most).toBeLessThan(700 + 50 + 20);
    expect(additive.delayMs.least).toBeGreaterThan(1_300);
  });
});

describe('long sessions', () => {
  const lossy = { rttMs: 40, latencyMs: 400, data: { lossRate: 0.02 }, back: { lossRate: 0.02 } };

  it('pass the wraps of the clock and of sequence numbers', () => {
    const result = new Chain({
      seed: 1,
      seconds: 20,
      packetsPerSecond: 570,
      encoder: lossy,
      player: lossy,
      stampUs: 2 ** 32 - 8_000_000,
      firstSequence: LARGEST_SEQUENCE - 5_000,
    }).run();
    expect([result.lost, result.wrong, result.left]).toEqual([0, 0, 0]);
    expect(resent(result)).toBeLessThanOrEqual(1.1 * missed(result));
  });

  it('of 75 minutes, with a clock that runs 40 ppm too fast, keep their delay', { timeout: 60_000 }, () => {
    const result = new Chain({
      seed: 2,
      seconds: 75 * 60,
      packetsPerSecond: 40,
      encoder: lossy,
      player: lossy,
      skewPpm: 40,
    }).run();
    expect(result.payloads).toBeGreaterThan(170_000);
    expect([result.lost, result.wrong, result.left]).toEqual([0, 0, 0]);
    // Without drift: 180 ms.
    expect(result.delayMs.most - result.delayMs.least).toBeLessThan(40);
  });
});

it('on any link: in order, once each, and the memory comes back', { timeout: 60_000 }, () => {
  const share = (most: number): fc.Arbitrary<number> => fc.double({ min: 0, max: most, noNaN: true });
  const way = fc.record({
    lossRate: share(0.3),
    duplicateRate: share(0.3),
    reorderRate: share(0.3),
    reorderMinMs: fc.constant(0),
    reorderMaxMs: fc.nat(300),
    jitterMs: fc.nat(40),
  });
  const hop = fc.record({ rttMs: fc.nat(300), latencyMs: fc.integer({ min: 20, max: 1_500 }), data: way, back: way });
  fc.assert(
    fc.property(
      fc.nat(),
      hop,
      hop,
      fc.boolean(),
      fc.nat(40),
      fc.nat(2 ** 31 - 1),
      fc.nat(2 ** 32 - 1),
      (seed, encoder, player, shared, mostReorderPackets, firstSequence, stampUs) => {
        const result = new Chain({
          seed: seed & 0xffffff,
          seconds: 3,
          packetsPerSecond: 400,
          encoder,
          player,
          shared,
          mostReorderPackets,
          firstSequence,
          stampUs,
        }).run();
        expect([result.wrong, result.left]).toEqual([0, 0]);
      },
    ),
    { numRuns: 60 },
  );
});
