import { describe, expect, it } from 'vitest';
import {
  dataPlaneSnapshot,
  groupSnapshot,
  linkSnapshot,
  publisherSnapshot,
  srtStats,
} from '../../test/support/snapshots.ts';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { StreamDirectory } from '../sls-bridge/directory.ts';
import type { LinkSnapshot } from '../srtla/types.ts';
import { carriersOff } from './carrier.ts';
import { MAX_STREAMS, StreamBook } from './dashboard-book.ts';
import { PacketMeter } from './dashboard-meter.ts';
import { Rings, STEP_MS, STEPS } from './dashboard-rings.ts';
import type { LinkView } from './dashboard-types.ts';
import { streamView } from './dashboard-view.ts';
import { LinkNames } from './link-names.ts';

const names = new LinkNames(carriersOff);
const directory = new StreamDirectory();
const link = (address: string, port = 1, some: Partial<LinkSnapshot> = {}): LinkSnapshot =>
  linkSnapshot({ address, port, bitrate1sKbps: 1_000, lastHeardMs: 10, ...some });
const withLinks = (...links: LinkSnapshot[]): DataPlaneSnapshot =>
  dataPlaneSnapshot({ srtla: { groups: [groupSnapshot({ links })], counters: {} } });
const lanes = (book: StreamBook, now: number): readonly LinkView[] =>
  streamView(book.of('live_a')!, directory, now, 'full').links;

describe('lanes', () => {
  it('stay with their links: one that comes back from the same address has its lane and colour again', () => {
    const book = new StreamBook();
    book.observe(withLinks(link('192.0.2.1'), link('192.0.2.2')), names, 0);
    book.observe(withLinks(link('192.0.2.2')), names, 500);
    expect(lanes(book, 500).map(({ slot, state }) => [slot, state])).toEqual([
      [0, 'gone'],
      [1, 'active'],
    ]);
    book.observe(withLinks(link('192.0.2.2'), link('192.0.2.3'), link('192.0.2.1', 99)), names, 1_000);
    expect(lanes(book, 1_000).map(({ slot, address, state }) => [slot, address, state])).toEqual([
      [0, '192.0.2.1:99', 'active'],
      [1, '192.0.2.2:1', 'active'],
      [2, '192.0.2.3:1', 'active'],
    ]);
  });

  it('tell two links of one address apart', () => {
    const book = new StreamBook();
    book.observe(withLinks(link('192.0.2.1', 1), link('192.0.2.1', 2)), names, 0);
    book.observe(withLinks(link('192.0.2.1', 2), link('192.0.2.1', 1)), names, 500);
    expect(lanes(book, 500).map(({ slot, address }) => [slot, address])).toEqual([
      [0, '192.0.2.1:1'],
      [1, '192.0.2.1:2'],
    ]);
  });

  it('have shares that total 100, of what came in the last second', () => {
    const book = new StreamBook();
    const some = [1_000, 1_000, 1_000].map((kbps, n) => link(`192.0.2.${n}`, 1, { bitrate1sKbps: kbps }));
    book.observe(withLinks(...some), names, 0);
    expect(lanes(book, 0).map(({ share }) => share)).toEqual([33.4, 33.3, 33.3]);
  });

  it('count no packet as lost that was only late', () => {
    const book = new StreamBook();
    const at = (now: number, packets: number, lostPackets: number, falselyLostPackets: number): void =>
      book.observe(withLinks(link('192.0.2.1', 1, { packets, lostPackets, falselyLostPackets })), names, now);
    at(0, 0, 0, 0);
    at(5_000, 990, 40, 30);
    expect(lanes(book, 5_000)[0]!.lossPct).toBe(1);
  });

  it('say when a link was heard last, and go a minute after it has left', () => {
    const book = new StreamBook();
    book.observe(withLinks(link('192.0.2.1', 1, { lastHeardMs: 4_000 }), link('192.0.2.2')), names, 0);
    expect(lanes(book, 0)[0]).toMatchObject({ state: 'quiet', lastHeardMs: 4_000 });
    book.observe(withLinks(link('192.0.2.2')), names, 30_000);
    expect(lanes(book, 30_000)[0]).toMatchObject({ state: 'gone', share: 0, lastHeardMs: 34_000 });
    book.observe(withLinks(link('192.0.2.2')), names, 61_000);
    expect(lanes(book, 61_000)).toHaveLength(1);
  });
});

describe('rings', () => {
  it('hold the last 30 minutes, with gaps where nothing was written', () => {
    const rings = new Rings(['x']);
    rings.write(10, { x: 1.04 });
    rings.write(12, { x: 3 });
    rings.write(12, { x: 9 });
    rings.write(11, { x: 9 });
    expect(rings.read('x', 13).slice(-4)).toEqual([1, null, 3, null]);
    expect(rings.read('x', 13)).toHaveLength(STEPS);
    rings.write(12 + STEPS, { x: 5 });
    expect(rings.read('x', 12 + STEPS).filter((value) => value !== null)).toEqual([5]);
    expect(rings.isCurrent(12 + 2 * STEPS)).toBe(false);
  });

  it('are right after going round many times', () => {
    const rings = new Rings(['x']);
    for (let step = 1; step <= 3 * STEPS; step++) rings.write(step, { x: step });
    expect(rings.read('x', 3 * STEPS).slice(0, 2)).toEqual([2 * STEPS + 1, 2 * STEPS + 2]);
  });
});

describe('the history', () => {
  it('has a line for each link and the drops of each step', () => {
    const book = new StreamBook();
    for (let step = 1; step <= 3; step++) {
      const now = step * STEP_MS;
      const stats = srtStats({ rttMs: 40, pktRecvTotal: 1_000 * step, pktRcvDropTotal: step === 3 ? 7 : 0 });
      book.observe({ ...withLinks(link('192.0.2.1')), publishers: [publisherSnapshot({ stats })] }, names, now);
      book.record(now);
    }
    const history = book.history(book.of('live_a')!, 1_790_000_000_000);
    expect(history.dropped.slice(-3)).toEqual([0, 0, 7]);
    expect(history.rttMs.slice(-4)).toEqual([null, 40, 40, 40]);
    expect(history.links).toMatchObject([{ slot: 0, label: 'Link-1' }]);
    expect(history.links[0]!.kbps.slice(-2)).toEqual([1_000, 1_000]);
  });

  it('forgets streams of which nothing was seen for half an hour', () => {
    const book = new StreamBook();
    book.observe(dataPlaneSnapshot(), names, STEP_MS);
    book.record(STEP_MS);
    const later = STEP_MS * (STEPS + 3);
    book.observe(dataPlaneSnapshot({ publishers: [], players: [], srtla: { groups: [], counters: {} } }), names, later);
    book.record(later);
    expect(book.records).toEqual([]);
  });

  it('takes a bounded number of streams; the quietest makes room, and nobody who is live', () => {
    const book = new StreamBook();
    const of = (from: number, count: number): DataPlaneSnapshot =>
      dataPlaneSnapshot({
        players: [],
        publishers: Array.from({ length: count }, (_, n) =>
          publisherSnapshot({ publisherId: `live_${from + n}`, group: undefined }),
        ),
      });
    book.observe(of(0, MAX_STREAMS + 5), names, 0);
    expect(book.records).toHaveLength(MAX_STREAMS);
    book.observe(of(1_000, 2), names, 500);
    book.observe(of(1_000, 2), names, 1_000);
    expect(book.records).toHaveLength(MAX_STREAMS);
    expect(book.of('live_1000')).toBeDefined();
  });
});

describe('the meter', () => {
  it('counts over the last 10 s, and begins anew with another session', () => {
    const meter = new PacketMeter();
    const look = (at: number, received: number, lost: number, resent = lost): void =>
      meter.look({ received, lost, resent, dropped: 0 }, at);
    look(0, 0, 0);
    look(10_000, 1_000, 100);
    look(20_000, 1_990, 110);
    expect(meter.rates).toEqual({ lossPct: 1, resentPct: (10 / 990) * 100, dropped: 0 });
    look(20_500, 50, 0);
    expect(meter.rates.lossPct).toBe(0);
  });

  it('goes on where a packet that counted as lost was only late', () => {
    const meter = new PacketMeter();
    const look = (at: number, received: number, lost: number): void =>
      meter.look({ received, lost, resent: 0, dropped: 0 }, at);
    look(0, 0, 0);
    look(5_000, 900, 102);
    look(5_500, 902, 100);
    look(6_000, 903, 100);
    expect(meter.rates.lossPct).toBeCloseTo((100 / 1_003) * 100);
  });
});
