import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observedLevel, QualityMachine } from '../../src/quality/machine.ts';
import { QUALITY_LEVELS, QUALITY_RULES, type QualityInput } from '../../src/quality/types.ts';
import { comparisons, drive, RULE_SETS, TRACES } from './plant.ts';

const CLEAN: QualityInput = {
  linksHeard: 2,
  deliveredKbps: 2_500,
  capacityKbps: 2_900,
  lossPct: 0,
  playerLossPct: 0,
  rttMs: 60,
  bufferMs: 1_900,
  latencyMs: 2_000,
};

/** What a machine says after so many seconds of the same. */
const after = (
  seconds: number,
  input: Partial<QualityInput>,
  machine = new QualityMachine(0),
  fromS = 0,
): QualityMachine => {
  for (let atS = fromS; atS <= fromS + seconds; atS++) machine.take({ ...CLEAN, ...input }, atS * 1_000);
  return machine;
};
const stateAfter = (seconds: number, input: Partial<QualityInput>): string => after(seconds, input).quality.state;

describe('the quality machine, from MEDIUM', () => {
  it.each<[why: string, seconds: number, input: Partial<QualityInput>, state: string, reason: string]>([
    ['loss', 4, { lossPct: 3.1 }, 'LOW', 'loss'],
    ['much loss', 1, { lossPct: 10.1 }, 'LOW', 'loss'],
    ['loss that a viewer sees', 4, { playerLossPct: 0.2 }, 'LOW', 'player-loss'],
    ['a round trip of a third of the latency', 4, { rttMs: 670 }, 'LOW', 'round-trip'],
    ['a round trip of half of it', 1, { rttMs: 1_001 }, 'LOW', 'round-trip'],
    ['a buffer that runs dry', 4, { bufferMs: 499 }, 'LOW', 'buffer'],
    ['too little capacity', 4, { capacityKbps: 2_700 }, 'LOW', 'capacity'],
    ['far too little capacity, straight to the level that fits', 4, { capacityKbps: 800 }, 'VERY_LOW', 'capacity'],
    ['less arriving than is sent', 4, { capacityKbps: undefined, deliveredKbps: 1_900 }, 'LOW', 'rate'],
    ['half of it arriving', 1, { capacityKbps: undefined, deliveredKbps: 1_200 }, 'LOW', 'rate'],
    ['no links', 3, { linksHeard: 0 }, 'ERROR', 'no-links'],
    ['capacity for more', 30, { capacityKbps: 6_400 }, 'RECOVERY', 'clean'],
    ['all of it arriving', 20, { capacityKbps: undefined }, 'RECOVERY', 'clean'],
  ])('%s: not before %i s', (_why, seconds, input, state, reason) => {
    expect(stateAfter(seconds - 1, input)).toBe('MEDIUM');
    const { quality } = after(seconds, input);
    expect(quality).toMatchObject({ state, reason, sinceMs: seconds * 1_000 });
  });

  it.each<[what: string, input: Partial<QualityInput>]>([
    ['as it should be', {}],
    ['loss at the limit', { lossPct: 3 }],
    ['a round trip at the limit', { rttMs: 660 }],
    ['an unknown round trip', { rttMs: undefined }],
    ['a buffer at the limit', { bufferMs: 500 }],
    ['no buffer', { bufferMs: undefined }],
    ['capacity for more, with a little loss', { capacityKbps: 9_000, lossPct: 0.5 }],
    ['capacity for more, with a long round trip', { capacityKbps: 9_000, rttMs: 400 }],
  ])('stays with %s', (_what, input) => {
    expect(stateAfter(600, input)).toBe('MEDIUM');
  });

  it('takes a second of something else for the end of it', () => {
    const machine = new QualityMachine(0);
    for (let atS = 0; atS < 100; atS++) machine.take({ ...CLEAN, lossPct: atS % 4 === 0 ? 0 : 5 }, atS * 1_000);
    expect(machine.quality.state).toBe('MEDIUM');
  });

  it('comes back from an error after 3 s of links, at the level that fits', () => {
    const machine = after(10, { linksHeard: 0 });
    after(2, { capacityKbps: 1_500 }, machine, 11);
    expect(machine.quality.state).toBe('ERROR');
    after(0, { capacityKbps: 1_500 }, machine, 14);
    expect(machine.quality).toMatchObject({ state: 'RECOVERY', level: 'LOW', reason: 'links-back' });
    after(60, { capacityKbps: 1_500 }, machine, 15);
    expect(machine.quality).toMatchObject({ state: 'LOW', reason: 'clean' });
  });

  it.each([
    ['where the capacity is known', true, [30, 60, 120, 240, 300, 300]],
    ['where only the rate is', false, [20, 40, 80, 160, 300, 300]],
  ])(
    'waits twice as long after each climb that falls back, five minutes at most, and as at first after one that holds: %s',
    (_where, isCapacityKnown, waits) => {
      const room = isCapacityKnown ? { capacityKbps: 9_000 } : { capacityKbps: undefined, deliveredKbps: 4_500 };
      const noRoom = isCapacityKnown ? { capacityKbps: 4_000 } : { capacityKbps: undefined, deliveredKbps: 3_500 };
      const machine = new QualityMachine(0);
      let atS = 0;
      const secondsOf = (input: Partial<QualityInput>, isOver: () => boolean): number => {
        const fromS = atS;
        while (!isOver()) machine.take({ ...CLEAN, ...input }, atS++ * 1_000);
        return atS - 1 - fromS;
      };
      const climb = (): number => secondsOf(room, () => machine.quality.level === 'HIGH');
      const fall = (): number => secondsOf(noRoom, () => machine.quality.level === 'MEDIUM');
      const climbs = waits.map(() => {
        const waited = climb();
        fall();
        return waited;
      });
      expect(climbs).toEqual(waits);
      secondsOf(room, () => machine.quality.state === 'HIGH');
      fall();
      expect(climb()).toBe(waits[0]);
    },
  );

  it('does not take the way back from an error for a climb', () => {
    const machine = after(10, { linksHeard: 0 });
    after(3, { capacityKbps: 6_400 }, machine, 11);
    expect(machine.quality).toMatchObject({ state: 'RECOVERY', level: 'HIGH' });
    after(4, { capacityKbps: 4_000 }, machine, 15);
    expect(machine.quality).toMatchObject({ state: 'MEDIUM', reason: 'capacity' });
    after(30, { capacityKbps: 6_400 }, machine, 20);
    expect(machine.quality).toMatchObject({ state: 'RECOVERY', level: 'HIGH' });
  });

  it('leaves every error, and changes no more than once a second, whatever it is told', () => {
    const input = fc.record({
      linksHeard: fc.nat(3),
      deliveredKbps: fc.double({ min: 0, max: 20_000, noNaN: true }),
      capacityKbps: fc.option(fc.double({ min: 0, max: 20_000, noNaN: true }), { nil: undefined }),
      lossPct: fc.double({ min: 0, max: 100, noNaN: true }),
      playerLossPct: fc.double({ min: 0, max: 100, noNaN: true }),
      rttMs: fc.option(fc.double({ min: 0, max: 10_000, noNaN: true }), { nil: undefined }),
      bufferMs: fc.option(fc.nat(10_000), { nil: undefined }),
      latencyMs: fc.constantFrom(120, 2_000, 8_000),
    });
    fc.assert(
      fc.property(fc.array(input, { maxLength: 120 }), (inputs) => {
        const machine = new QualityMachine(0);
        for (const [atS, one] of inputs.entries()) machine.take(one, atS * 1_000);
        expect(QUALITY_LEVELS).toContain(machine.quality.level);
        after(3, {}, machine, inputs.length + 1);
        expect(machine.quality.state).not.toBe('ERROR');
      }),
    );
  });
});

describe('half an hour of an encoder that listens', () => {
  const outcomes = (name: string, isCapacityKnown = true) =>
    Object.fromEntries(
      Object.entries(RULE_SETS).map(([rules, make]) => [rules, drive(TRACES[name]!, make(), isCapacityKnown)]),
    );

  it.each(Object.keys(TRACES))(
    '%s: less overload and more picture than by the published rules, and no error that stays',
    (name) => {
      const { ours, published, 'published, mended': mended } = outcomes(name);
      expect(ours!.errorS).toBeLessThanOrEqual(5);
      expect(ours!.longestOverloadS).toBeLessThanOrEqual(10);
      // Less is sent than the published rules do only where that is what keeps it from being too much.
      for (const other of [published!, mended!]) {
        expect(ours!.overloadedS).toBeLessThanOrEqual(other.overloadedS + 2);
        if (ours!.overloadedS + 60 >= other.overloadedS)
          expect(ours!.cleanKbps).toBeGreaterThanOrEqual(other.cleanKbps - 1);
      }
    },
  );

  it('goes into a tunnel and out of it', () => {
    const { states } = outcomes('tunnel of 90 s').ours!;
    const from = states.findIndex(({ state }) => state === 'ERROR');
    expect(states.slice(from)).toEqual([
      { atS: 603, state: 'ERROR' },
      { atS: 693, state: 'RECOVERY' },
      { atS: 753, state: 'HIGH' },
    ]);
  });
  it('comes down in time as a link fades, level by level, and up again', () => {
    const { states } = outcomes('slow fade 10 → 1 → 10 Mbit/s').ours!;
    const names = states.map(({ state }) => state);
    const down = names.slice(names.lastIndexOf('HIGH', names.indexOf('LOW')));
    expect(down.slice(0, 4)).toEqual(['HIGH', 'MEDIUM', 'LOW', 'VERY_LOW']);
    expect(names.at(-1)).toBe('HIGH');
  });
  it('probes where only the rate is known, and ends higher than the published rules', () => {
    for (const name of ['steady 10 Mbit/s', '10 → 2 Mbit/s for 180 s', 'tunnel of 90 s']) {
      const { ours, 'published, mended': mended } = outcomes(name, false);
      expect(ours!.cleanKbps, name).toBeGreaterThan(mended!.cleanKbps * 2);
      expect(ours!.longestOverloadS, name).toBeLessThanOrEqual(10);
    }
  });
  it('is the committed table', () => expect(comparisons()).toMatchFileSnapshot('./table.md'));
});

describe('observedLevel', () => {
  it('names the rate, and lets go of a name 15 % below it', () => {
    expect([5_000, 4_500, 4_499, 1_200, 1_199, 0].map((kbps) => observedLevel(kbps, undefined))).toEqual([
      ...['HIGH', 'HIGH', 'MEDIUM', 'LOW', 'VERY_LOW', 'VERY_LOW'],
    ]);
    const edge = QUALITY_RULES.levels.HIGH.rateKbps * 0.85;
    expect([observedLevel(edge, 'HIGH'), observedLevel(edge - 1, 'HIGH')]).toEqual(['HIGH', 'MEDIUM']);
    expect(observedLevel(4_499, 'MEDIUM')).toBe('MEDIUM');
    expect(observedLevel(100, 'HIGH')).toBe('VERY_LOW');
  });
});
