import { describe, expect, it } from 'vitest';
import { dataPlaneSnapshot, srtStats } from '../../test/support/snapshots.ts';
import type { PlayerSnapshot } from '../data-plane/snapshot.ts';
import { EventCounts } from './event-counts.ts';
import { PlayerTotals } from './player-totals.ts';

const player = (key: string, packets: number, droppedMessages = 0): PlayerSnapshot => ({
  ...dataPlaneSnapshot().players[0]!,
  key,
  droppedMessages,
  stats: srtStats({ pktSentTotal: packets, pktSndLossTotal: packets / 10 }),
});
const of = (...players: PlayerSnapshot[]) => new Map([['live_a', { players }]]);

describe('what all players of a stream have got', () => {
  it('does not fall when one leaves, and counts each packet once', () => {
    const totals = new PlayerTotals();
    totals.take(of(player('1', 100), player('2', 50)));
    expect(totals.of('live_a').packets).toBe(150);
    totals.take(of(player('1', 130, 4)));
    expect(totals.of('live_a')).toMatchObject({ packets: 180, lostPackets: 18, droppedMessages: 4 });
    totals.take(of());
    expect(totals.of('live_a').packets).toBe(180);
    totals.take(of(player('3', 20)));
    expect(totals.of('live_a').packets).toBe(200);
  });
  it('takes a number that has fallen for another connection', () => {
    const totals = new PlayerTotals();
    totals.take(of(player('1', 100)));
    totals.take(of(player('1', 30)));
    expect(totals.of('live_a').packets).toBe(130);
  });
  it('is forgotten with the stream', () => {
    const totals = new PlayerTotals();
    totals.take(of(player('1', 100)));
    totals.take(new Map());
    expect(totals.of('live_a').packets).toBe(0);
    totals.take(of(player('1', 100)));
    expect(totals.of('live_a').packets).toBe(100);
  });
});

describe('event counts', () => {
  it('forget the stream that has been quiet for longest', () => {
    const counts = new EventCounts();
    for (let n = 0; n < 2_048; n++) counts.count({ publisherId: `live_${n}`, type: 'publisher-up' });
    counts.count({ publisherId: 'live_0', type: 'publisher-down' });
    counts.count({ publisherId: 'live_new', type: 'publisher-up' });
    expect([...counts.of('live_0')]).toEqual([
      ['publisher-up', 1],
      ['publisher-down', 1],
    ]);
    expect(counts.of('live_1').size).toBe(0);
    expect(counts.all.get('publisher-up')).toBe(2_049);
  });
});
