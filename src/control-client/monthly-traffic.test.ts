import { describe, expect, it } from 'vitest';
import { MonthlyTraffic, type SessionBytes } from './monthly-traffic.ts';

const session = (key: string, uptimeMs: number, receivedBytes: number, sentBytes = 0): SessionBytes => ({
  key,
  uptimeMs,
  receivedBytes,
  sentBytes,
});

describe('the traffic of a month', () => {
  it('adds up what sessions have moved since the last look', () => {
    const traffic = new MonthlyTraffic('2030-01');
    traffic.look([session('link', 1_000, 500), session('player', 1_000, 0, 400)], '2030-01');
    traffic.look([session('link', 2_000, 800), session('player', 2_000, 0, 600)], '2030-01');
    traffic.look([session('player', 3_000, 0, 700)], '2030-01');
    expect(traffic.traffic).toEqual({ month: '2030-01', receivedBytes: 800, sentBytes: 700 });
  });

  it('takes a session that began anew for another one', () => {
    const traffic = new MonthlyTraffic('2030-01');
    traffic.look([session('link', 9_000, 500)], '2030-01');
    traffic.look([session('link', 100, 700)], '2030-01');
    expect(traffic.traffic.receivedBytes).toBe(1_200);
  });

  it('never counts backwards', () => {
    const traffic = new MonthlyTraffic('2030-01');
    traffic.look([session('link', 1_000, 500)], '2030-01');
    traffic.look([session('link', 2_000, 300)], '2030-01');
    expect(traffic.traffic.receivedBytes).toBe(500);
  });

  it('goes on with what was stored in the same month only', () => {
    const stored = { month: '2030-01', receivedBytes: 70, sentBytes: 30 };
    const same = new MonthlyTraffic('2030-01', stored);
    same.look([session('link', 1_000, 5)], '2030-01');
    expect(same.traffic).toEqual({ month: '2030-01', receivedBytes: 75, sentBytes: 30 });
    expect(new MonthlyTraffic('2030-02', stored).traffic).toEqual({ month: '2030-02', receivedBytes: 0, sentBytes: 0 });
  });

  it('begins anew with a new month, and not where the clock is set back', () => {
    const traffic = new MonthlyTraffic('2030-01');
    traffic.look([session('link', 1_000, 500)], '2030-01');
    traffic.look([session('link', 2_000, 600)], '2030-02');
    expect(traffic.traffic).toEqual({ month: '2030-02', receivedBytes: 100, sentBytes: 0 });
    traffic.look([session('link', 3_000, 650)], '2030-01');
    expect(traffic.traffic).toEqual({ month: '2030-02', receivedBytes: 150, sentBytes: 0 });
  });
});
