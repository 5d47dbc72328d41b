import { describe, expect, it } from 'vitest';
import { SRT_STATS_FIELDS } from '../../src/shared/addon.ts';
import { groupSnapshot, linkSnapshot } from '../support/snapshots.ts';
import { player, publisher, RecordedWorld } from './fake-plane.ts';

const link = (port: number, bytes: number) => linkSnapshot({ port, bytes, windowBytes: bytes });
const group = (id: string, uptimeMs: number, bytes: number, links = [link(1, bytes)]) =>
  groupSnapshot({ id, uptimeMs, totalBytes: bytes, streamId: `live_${id}`, links });

describe('what is recorded', () => {
  it('tells what a bond has certainly lost instead of what libsrt takes for lost', () => {
    const world = new RecordedWorld();
    world.groups = [groupSnapshot({ links: [] })];
    const live = publisher('live_a', world.now - 500);
    world.publishers.add(live);
    world.groupNames.set(live, world.groups[0]!.id);
    world.pass();
    const { stats } = world.seen().publishers[0]!;
    expect(stats.pktRcvLossTotal).toBe(39);
    expect(stats.byteRcvLossTotal).toBe(Math.round((39 * stats.byteRecvTotal) / stats.pktRecvTotal));
    expect(stats.pktRcvDropTotal).not.toBe(0);
  });

  it('is read back in the shape in which it was', () => {
    const world = new RecordedWorld();
    // Exact in binary: ages are differences of large numbers.
    const exact = { lastHeardMs: 12.5, lossesExact: false };
    const links = groupSnapshot().links.map((of) => ({ ...of, lastHeardMs: exact.lastHeardMs }));
    const groups = [
      groupSnapshot({ ...exact, lastDataMs: 5, session: 3, sessionAccepted: true, links }),
      groupSnapshot({
        ...exact,
        id: '0xff',
        streamId: undefined,
        session: undefined,
        lastDataMs: undefined,
        links: [],
      }),
    ];
    world.groups = groups;
    world.srtlaCounters = { toServer: 12, toLinks: 0 };
    const live = publisher('live_a', world.now - 500);
    live.count(10, 13_160, world.now - 100);
    live.noteArrivals(10, world.now);
    live.isLatencyShort = true;
    live.continuity.errors = 2;
    world.publishers.add(live);
    world.groupNames.set(live, groups[0]!.id);
    const watching = player('play_a', 'live_a', world.now - 400);
    watching.state = 'playing';
    watching.sentMessages = 9;
    watching.missedMessages = 2;
    watching.givenUpMessages = 3;
    world.players.add(watching);
    world.refusal = { atMs: world.now - 30, door: 'bond', shortId: 'live_3f…', code: 1404 };
    world.pass();
    const stats = Object.fromEntries(SRT_STATS_FIELDS.map((name, index) => [name, 7 + index]));
    const seen = world.seen();
    expect(seen.srtla.groups).toEqual(groups);
    expect({ ...seen, srtla: seen.srtla.counters }).toEqual({
      srtla: { toServer: 12, toLinks: 0 },
      publishers: [
        {
          publisherId: 'live_a',
          source: 'srtla',
          group: groups[0]!.id,
          address: '127.0.0.1',
          uptimeMs: 500,
          latencyMs: 1_000,
          encrypted: true,
          bitrateKbps: live.bitrateKbps(world.now),
          payloadBytes: 13_160,
          messages: 10,
          lastPayloadMs: 0,
          meanKbps2s: live.bitrateKbps(world.now),
          warnings: ['latency-short'],
          continuityErrors: 2,
          stats,
        },
      ],
      players: [
        {
          key: '9',
          playerId: 'play_a',
          publisherId: 'live_a',
          address: '198.51.100.4',
          port: 5_123,
          state: 'playing',
          uptimeMs: 400,
          latencyMs: 900,
          sentMessages: 9,
          droppedMessages: 5,
          stats,
        },
      ],
      lastRefusal: { ageMs: 30, port: 'srtla', shortId: 'live_3f…', code: 1404 },
      counters: { accepted: 3, logLinesLost: 0, unrecorded: 0 },
    });
  });

  it('ages while the thread says nothing', () => {
    const world = new RecordedWorld();
    world.groups = [groupSnapshot({ uptimeMs: 1_000, lastHeardMs: 3, lastDataMs: 4, links: [linkSnapshot()] })];
    world.pass();
    world.take();
    world.now += 777;
    expect(world.seen().srtla.groups[0]).toMatchObject({
      uptimeMs: 1_777,
      lastHeardMs: expect.closeTo(780, 6),
      lastDataMs: 781,
      links: [{ lastHeardMs: expect.closeTo(12.345 + 777, 6), uptimeMs: 63_778 }],
    });
  });

  it('keeps the last statistics of a socket that is gone', () => {
    const world = new RecordedWorld();
    world.publishers.add(publisher('live_a', world.now));
    world.pass();
    world.srtFigure = undefined;
    for (let i = 0; i < 4; i++) world.pass();
    expect(world.seen().publishers[0]!.stats.rttMs).toBe(7);
  });

  it('tells of a stream id, a group and a counter that come later', () => {
    const world = new RecordedWorld();
    world.groups = [groupSnapshot({ streamId: undefined })];
    const live = publisher('live_a', world.now);
    world.publishers.add(live);
    world.pass();
    expect(world.seen().srtla.groups[0]!.streamId).toBeUndefined();
    expect(world.seen().publishers[0]!.group).toBeUndefined();
    world.groups = [groupSnapshot({ streamId: 'live_late' })];
    world.groupNames.set(live, '0x1a2b3c4d5e6f7081');
    world.srtlaCounters = { late: 5 };
    world.pass();
    expect(world.seen().srtla).toMatchObject({ groups: [{ streamId: 'live_late' }], counters: { late: 5 } });
    expect(world.seen().publishers[0]!.group).toBe('0x1a2b3c4d5e6f7081');
  });
});

describe('a slot that passes to somebody else', () => {
  it('never shows the numbers of the next one under the name of the last', () => {
    const world = new RecordedWorld({ maxGroups: 1, maxLinksPerGroup: 1 });
    world.groups = [group('0xa', 100, 1_000)];
    world.pass();
    expect(world.seen().srtla.groups.map(({ id }) => id)).toEqual(['0xa']);
    world.groups = [];
    world.pass();
    world.groups = [group('0xb', 10, 7)];
    world.pass();
    // Main has not been told yet: it knows the slot as that of 0xa.
    expect(world.view.snapshot(world.now).srtla.groups).toEqual([]);
    world.settle();
    expect(world.seen().srtla.groups).toMatchObject([{ id: '0xb', totalBytes: 7, links: [{ bytes: 7 }] }]);
  });

  it('is not taken for the same group because the name is the same', () => {
    const world = new RecordedWorld();
    world.groups = [group('0xa', 100, 1_000), group('0xa', 50, 2)];
    world.pass();
    expect(world.seen().srtla.groups.map(({ totalBytes }) => totalBytes)).toEqual([1_000, 2]);
    world.groups = [group('0xa', 50, 3)];
    world.pass();
    expect(world.view.snapshot(world.now).srtla.groups.map(({ totalBytes }) => totalBytes)).toEqual([3]);
    world.settle();
    expect(world.seen().srtla.groups).toMatchObject([{ totalBytes: 3, uptimeMs: 50, links: [{ bytes: 3 }] }]);
  });

  it('gives each link its group, also where group and link changed hands together', () => {
    const world = new RecordedWorld({ maxGroups: 2, maxLinksPerGroup: 2 });
    world.groups = [group('0xa', 100, 3, [link(1, 1), link(2, 2)]), group('0xb', 90, 12, [link(1, 4), link(2, 8)])];
    world.pass();
    world.seen();
    world.groups = [group('0xc', 5, 48, [link(2, 16), link(1, 32)]), group('0xb', 90, 8, [link(2, 8)])];
    world.settle();
    const seen = world.seen().srtla.groups;
    expect(seen.map(({ id, links }) => [id, links.map(({ bytes }) => bytes)])).toEqual([
      ['0xb', [8]],
      ['0xc', [16, 32]],
    ]);
  });

  it('is counted, not shown, where all are taken', () => {
    const world = new RecordedWorld({ maxGroups: 1, maxLinksPerGroup: 1 });
    world.groups = [group('0xa', 100, 1, [link(1, 1), link(2, 2)]), group('0xb', 50, 2)];
    world.pass();
    expect(world.seen()).toMatchObject({ srtla: { groups: [{ links: [{ bytes: 1 }] }] }, counters: { unrecorded: 2 } });
    world.groups = [group('0xb', 50, 2)];
    world.settle();
    expect(world.seen()).toMatchObject({ srtla: { groups: [{ id: '0xb' }] }, counters: { unrecorded: 0 } });
  });
});

describe('a main thread that is away', () => {
  it('finds one message in its queue, and then the latest state', () => {
    const world = new RecordedWorld();
    world.groups = [group('0xa', 0, 1)];
    world.pass();
    for (let i = 1; i <= 500; i++) {
      world.now += 100;
      const churn = [group(`0x${i}`, 50, i, [link(i, i)]), group(`0x${i + 1_000}`, 50, i)];
      world.groups = [group('0xa', i * 100, 1), ...churn];
      world.pass();
    }
    expect(world.queue.length).toBe(1);
    world.take();
    world.pass();
    expect(world.queue.length).toBe(1);
    // A change for each slot at the most, and the totals.
    expect(world.queue[0]!.changes.length).toBeLessThanOrEqual(4 + 8 + 1);
    expect(world.seen().srtla.groups.map(({ id }) => id)).toEqual(['0xa', '0x500', '0x1500']);
  });
});
