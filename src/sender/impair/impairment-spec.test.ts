import { describe, expect, it } from 'vitest';
import { type LinkImpairment, parseImpairment, parseImpairments } from './impairment-spec.ts';
import { impairmentText } from './impairment-text.ts';
import { type LinkConditions, PERFECT_LINK } from './link-conditions.ts';
import { BOND_SCENARIOS } from './scenarios.ts';

const both = (conditions: Partial<LinkConditions>): LinkImpairment => {
  const each = { ...PERFECT_LINK, ...conditions };
  return { up: each, down: each, rebindMs: 0 };
};

describe('--impair', () => {
  it.each<[string, Partial<LinkConditions>]>([
    ['none', {}],
    ['30ms', { delayMs: 30 }],
    ['1.5s', { delayMs: 1_500 }],
    ['30±10ms', { delayMs: 30, jitterMs: 10 }],
    ['30ms±10ms', { delayMs: 30, jitterMs: 10 }],
    ['30+-10ms', { delayMs: 30, jitterMs: 10 }],
    ['30+/-10ms', { delayMs: 30, jitterMs: 10 }],
    ['delay=30±2.5ms', { delayMs: 30, jitterMs: 2.5 }],
    ['loss=0.5%', { lossRate: 0.005 }],
    ['loss=100%', { lossRate: 1 }],
    ['burst=1%/20%', { burst: { enterRate: 0.01, leaveRate: 0.2, lossRate: 1 } }],
    ['burst=1%/20%/50%', { burst: { enterRate: 0.01, leaveRate: 0.2, lossRate: 0.5 } }],
    ['dup=2%', { duplicateRate: 0.02 }],
    ['rate=4M', { rateKbps: 4_000 }],
    ['rate=500k', { rateKbps: 500 }],
    ['rate=2.5Mbit/s', { rateKbps: 2_500 }],
    ['queue=128K', { queueBytes: 131_072 }],
    ['queue=1MB', { queueBytes: 1_048_576 }],
    ['queue=200ms', { queueMs: 200, queueBytes: Number.POSITIVE_INFINITY }],
    ['blackout=600ms/4s', { blackout: { forMs: 600, everyMs: 4_000 } }],
    ['flap=3s/1s', { blackout: { forMs: 1_000, everyMs: 4_000 } }],
    ['reorder=0.5%:5-30ms', { reorderRate: 0.005, reorderMinMs: 5, reorderMaxMs: 30 }],
    ['reorder=0.5%:5ms-1s', { reorderRate: 0.005, reorderMinMs: 5, reorderMaxMs: 1_000 }],
    ['reorder=0.5%:30ms', { reorderRate: 0.005, reorderMinMs: 0, reorderMaxMs: 30 }],
    [' 30±10ms , loss=0.5% , rate=4M ', { delayMs: 30, jitterMs: 10, lossRate: 0.005, rateKbps: 4_000 }],
  ])('reads "%s"', (text, conditions) => {
    expect(parseImpairment(text)).toEqual(both(conditions));
  });

  it('tells the directions apart, the later word wins', () => {
    expect(parseImpairment('30ms,loss=1%,down.loss=0%,up.delay=40ms')).toEqual({
      up: { ...PERFECT_LINK, delayMs: 40, lossRate: 0.01 },
      down: { ...PERFECT_LINK, delayMs: 30 },
      rebindMs: 0,
    });
  });

  it('knows a NAT that forgets, and a list of links', () => {
    expect(parseImpairment('rebind=20s').rebindMs).toBe(20_000);
    expect(parseImpairments('30ms;none;loss=1%').map(({ up }) => [up.delayMs, up.lossRate])).toEqual([
      [30, 0],
      [0, 0],
      [0, 0.01],
    ]);
  });

  it.each([
    ['', /"" is no delay/],
    ['30', /"30" is no delay/],
    ['30±ms', /is no delay/],
    ['-30ms', /is no delay/],
    ['30ms;', /"" is no delay/],
    ['none,loss=1%', /"none" is no delay/],
    ['999999999s', /longer than a day/],
    ['loss=0.5', /"loss=0.5" wants a share/],
    ['loss=101%', /wants a share/],
    ['loss=', /"loss=" is no delay/],
    ['loss=-1%', /wants a share/],
    ['burst=1%', /wants 2 or 3 values/],
    ['burst=1%/2%/3%/4%', /wants 2 or 3 values/],
    ['burst=1%/x', /wants a share/],
    ['rate=4', /wants bit\/s/],
    ['rate=0M', /wants bit\/s/],
    ['queue=0K', /wants a size/],
    ['queue=200', /wants a size/],
    ['blackout=4s/600ms', /must leave some/],
    ['blackout=600ms', /wants 2 values/],
    ['flap=0s/1s', /must leave some/],
    ['flap=3/1', /wants a time/],
    ['reorder=0.5%', /wants a time/],
    ['reorder=0.5%:30-5ms', /wants times such as/],
    ['reorder=0.5%:1-2-3ms', /wants/],
    ['rebind=10ms', /a second at least/],
    ['up.rebind=10s', /has no direction/],
    ['delayed=30ms', /"delayed=30ms" is not known; known: delay/],
    ['constructor=1', /not known/],
    ['left.loss=1%', /is no delay/],
  ])('refuses "%s" in one line that names it', (text, message) => {
    expect(() => parseImpairments(text)).toThrow(message);
    expect(() => parseImpairments(text)).toThrow(expect.objectContaining({ code: 'TRIBUTARY_BAD_ARGUMENT' }));
    expect(() => parseImpairments(text)).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/\n/) }));
  });

  it('reads back every link of the bonds that are compared by', () => {
    for (const { links } of BOND_SCENARIOS.values()) {
      for (const link of links) {
        const { back, ...forth } = link;
        const up = { ...PERFECT_LINK, ...forth };
        expect(parseImpairment(impairmentText(link)), impairmentText(link)).toEqual({
          up,
          down: { ...up, ...back },
          rebindMs: 0,
        });
      }
    }
    const lopsided = {
      delayMs: 30,
      lossRate: 0.01,
      back: { lossRate: 0.02, queueMs: 50, queueBytes: Number.POSITIVE_INFINITY },
    };
    expect(impairmentText(lopsided)).toBe('delay=30ms,up.loss=1%,down.loss=2%,down.queue=50ms');
    expect(impairmentText({})).toBe('none');
  });
});
