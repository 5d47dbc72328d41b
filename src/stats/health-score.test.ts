import { describe, expect, it } from 'vitest';
import { dataPlaneSnapshot, publisherSnapshot, srtStats } from '../../test/support/snapshots.ts';
import { healthScore, LossWindow } from './health-score.ts';

const idle = { lagMs: 1, perCore: 0, memory: 0 };
const empty = dataPlaneSnapshot({ publishers: [], counters: { dataPlaneUp: 1 } });
const publisher = (received: number, dropped: number, bitrateKbps = 4_000, publisherId = 'live_a') =>
  publisherSnapshot({
    publisherId,
    bitrateKbps,
    stats: srtStats({ pktRecvTotal: received, pktRcvDropTotal: dropped }),
  });

describe('healthScore', () => {
  it.each([
    ['an idle node', empty, 0, idle, 100],
    ['no data plane', { ...empty, counters: { dataPlaneUp: 0 } }, 0, idle, 0],
    ['half of its publishers', { ...empty, publishers: Array.from({ length: 5 }, () => publisher(1, 0)) }, 0, idle, 88],
    [
      'more publishers than it is made for',
      { ...empty, publishers: Array.from({ length: 11 }, () => publisher(1, 0)) },
      0,
      idle,
      75,
    ],
    ['1 % lost', empty, 0.01, idle, 95],
    ['20 % lost', empty, 0.2, idle, 75],
    ['a late main thread', empty, 0, { ...idle, lagMs: 80 }, 90],
    ['a busy machine', empty, 0, { ...idle, perCore: 0.5 }, 90],
    ['no memory left', empty, 0, { ...idle, perCore: 0.5, memory: 1 }, 80],
  ])('%s', (_, snapshot, loss, load, score) => {
    expect(healthScore(snapshot, 10, loss, load)).toBe(score);
  });
});

describe('LossWindow', () => {
  const look = (window: LossWindow, ...publishers: ReturnType<typeof publisher>[]): void => window.look({ publishers });

  it('is what was lost for good between looks, of all streams together', () => {
    const window = new LossWindow();
    look(window, publisher(1_000, 500), publisher(0, 0, 4_000, 'live_b'));
    expect(window.loss).toBe(0);
    look(window, publisher(1_900, 600), publisher(1_000, 0, 4_000, 'live_b'));
    expect(window.loss).toBeCloseTo(0.05);
  });
  it('leaves out what says nothing: small streams, and sessions that began anew', () => {
    const window = new LossWindow();
    look(window, publisher(100, 0, 150), publisher(5_000, 100, 4_000, 'live_b'));
    look(window, publisher(110, 90, 150), publisher(10, 9, 4_000, 'live_b'));
    expect(window.loss).toBe(0);
  });
  it('forgets after twelve looks', () => {
    const window = new LossWindow();
    look(window, publisher(0, 0));
    look(window, publisher(50, 50));
    expect(window.loss).toBe(0.5);
    for (let n = 1; n <= 12; n++) look(window, publisher(50 + n * 100, 50));
    expect(window.loss).toBe(0);
  });
});
