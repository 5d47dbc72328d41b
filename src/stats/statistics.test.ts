import { describe, expect, it } from 'vitest';
import { dataPlaneSnapshot, groupSnapshot, linkSnapshot, publisherSnapshot } from '../../test/support/snapshots.ts';
import { carriersOff } from './carrier.ts';
import { GuessLimit } from './guess-limit.ts';
import { LinkNames } from './link-names.ts';
import { peersOf } from './peers.ts';
import { RecentlyLive } from './recently-live.ts';
import { RequestBudget } from './request-budget.ts';

describe('peersOf', () => {
  const of = (links: ReturnType<typeof linkSnapshot>[], some: Parameters<typeof publisherSnapshot>[0] = {}) => {
    const publisher = publisherSnapshot(some);
    const groups = [groupSnapshot({ links })];
    const view = dataPlaneSnapshot({ srtla: { groups, counters: {} }, publishers: [publisher] });
    return peersOf(view, publisher, new LinkNames(carriersOff));
  };

  it('has a whole bitrate and a round trip for every link: that of the session where the link has none', () => {
    const [one, two] = of([
      linkSnapshot({ roundTrip: { ms: 61.5, source: 'keepalive38' } }),
      linkSnapshot({ port: 40_001, roundTrip: undefined, jitterMs: undefined }),
    ]);
    expect(one).toMatchObject({ bitrate: 2_800, rtt: 61.5, uptime: 63 });
    expect(two?.rtt).toBe(41.235);
    expect(two).not.toHaveProperty('jitter');
  });
  it('names links apart, the same each time, without an address', () => {
    const links = [linkSnapshot({ telemetry: undefined }), linkSnapshot({ telemetry: undefined, port: 40_001 })];
    const names = of(links).map((peer) => peer.connection_id);
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{8}$/);
    expect(of(links).map((peer) => peer.connection_id)).toEqual(names);
  });
  it('is empty for a stream that is not bonded, or whose group is gone', () => {
    expect(of([linkSnapshot()], { group: undefined, source: 'srt' })).toEqual([]);
    expect(of([linkSnapshot()], { group: '0xdead' })).toEqual([]);
  });
});

describe('RecentlyLive', () => {
  it('forgets after an hour, and does not grow with ids that are gone', () => {
    const recently = new RecentlyLive();
    for (let n = 0; n < 25_000; n++)
      recently.observe({ publishers: [publisherSnapshot({ publisherId: `live_${n}` })] }, n);
    expect(recently.has('live_24999', 25_000)).toBe(true);
    expect(recently.has('live_0', 25_000)).toBe(false);
    expect(recently.has('live_24999', 24_999 + 3_600_001)).toBe(false);
  });
  it('does not count a publisher that sends nothing', () => {
    const recently = new RecentlyLive();
    recently.observe({ publishers: [publisherSnapshot({ lastPayloadMs: 5_001 })] }, 0);
    expect(recently.has('live_a', 0)).toBe(false);
  });
});

describe('GuessLimit', () => {
  it('remembers who was answered what, within bounds, and by source', () => {
    const guesses = new GuessLimit(1);
    expect(guesses.admits('192.0.2.1', 'known', true, 0)).toBe(true);
    expect(guesses.admits('192.0.2.1', 'x', false, 0)).toBe(true);
    expect(guesses.admits('192.0.2.1', 'y', false, 0)).toBe(false);
    expect(guesses.admits('192.0.2.1', 'other', true, 0)).toBe(false);
    expect(guesses.admits('192.0.2.2', 'other', true, 0)).toBe(true);
    expect(guesses.admits('192.0.2.1', 'known', true, 0)).toBe(true);
    for (let n = 0; n < 10_000; n++) guesses.admits('192.0.2.9', `id${n}`, true, 0);
    expect(guesses.admits('192.0.2.1', 'known', true, 0)).toBe(false);
  });
});

describe('Retry-After', () => {
  it('is the rest of the minute', () => {
    expect([0, 1, 59_001, 59_999, 60_000].map((now) => RequestBudget.retryAfterS(now))).toEqual([60, 60, 1, 1, 60]);
  });
});
