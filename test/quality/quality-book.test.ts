import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/config/resolve.ts';
import type { DataPlaneSnapshot } from '../../src/data-plane/snapshot.ts';
import { LinkCapacity } from '../../src/quality/link-capacity.ts';
import { QualityBook, type QualityChange } from '../../src/quality/quality-book.ts';
import { qualityRulesOf } from '../../src/quality/settings.ts';
import { StreamWindow } from '../../src/quality/stream-window.ts';
import { QUALITY_RULES, type QualityMode } from '../../src/quality/types.ts';
import { dataPlaneSnapshot, groupSnapshot, linkSnapshot, publisherSnapshot, srtStats } from '../support/snapshots.ts';

interface Shape {
  kbps?: number;
  heardMs?: number;
  lossPct?: number;
  dropPct?: number;
  rttMs?: number;
  bufferMs?: number;
}

/** A bonded stream of 500 packets a second, looked at once a second. */
class Stream {
  readonly book: QualityBook;
  readonly changes: QualityChange[] = [];
  #received = 0;
  #lost = 0;
  #dropped = 0;
  atS = 0;

  constructor(mode: QualityMode) {
    this.book = new QualityBook(mode);
  }

  for(
    seconds: number,
    { kbps = 2_600, heardMs = 20, lossPct = 0, dropPct = 0, rttMs = 60, bufferMs = 1_900 }: Shape = {},
  ): this {
    for (let second = 0; second < seconds; second++) {
      this.#received += 500;
      this.#lost += 5 * lossPct;
      this.#dropped += 5 * dropPct;
      const link = linkSnapshot({ lastHeardMs: heardMs, windowBytes: 1_000, roundTrip: { ms: rttMs, source: 'srt' } });
      const losses = { lost: this.#lost, falselyLost: 0, repaired: 0, unrepaired: 0, duplicates: 0, restarts: 0 };
      const group = groupSnapshot({ id: '0x1', lossesExact: true, losses, links: [link, link] });
      const stats = srtStats({
        pktRecvUniqueTotal: this.#received,
        pktRcvDropTotal: this.#dropped,
        rttMs,
        rcvBufMs: bufferMs,
      });
      const publisher = publisherSnapshot({
        ...{ publisherId: 'live_a', source: 'srtla' as const, group: '0x1', meanKbps2s: kbps, latencyMs: 2_000, stats },
      });
      this.see(dataPlaneSnapshot({ publishers: [publisher], srtla: { groups: [group], counters: {} } }));
    }
    return this;
  }

  see(snapshot: DataPlaneSnapshot): void {
    this.changes.push(...this.book.look(snapshot, this.atS++ * 1_000));
  }

  get words(): string[] {
    return this.changes.map(({ from, to, reason }) => `${from} → ${to}: ${reason}`);
  }
}

describe('a stream that is observed', () => {
  it('has the name of its rate after 5 s, which is no change, and another one after 5 s of another rate', () => {
    const stream = new Stream('observe').for(5);
    expect(stream.book.of('live_a')?.level).toBeUndefined();
    stream.for(1);
    expect(stream.book.of('live_a')).toMatchObject({ state: 'MEDIUM', reason: 'start' });
    stream.for(30).for(4, { kbps: 900 }).for(10).for(6, { kbps: 900 });
    expect(stream.words).toEqual(['MEDIUM → VERY_LOW: rate']);
    expect(stream.for(30, { kbps: 2_130 }).for(30, { kbps: 2_490 }).words.slice(1)).toEqual(['VERY_LOW → LOW: rate']);
  });
  it('is an error while no link is heard, and what arrives again 3 s after one is', () => {
    const stream = new Stream('observe').for(10).for(3, { heardMs: 3_500, kbps: 0 });
    expect(stream.changes).toEqual([]);
    stream.for(20, { heardMs: 3_500, kbps: 0 }).for(3);
    expect(stream.words).toEqual(['MEDIUM → ERROR: no-links']);
    expect(stream.for(1).words.at(-1)).toBe('ERROR → MEDIUM: links-back');
  });
});

describe('a stream whose encoder is advised', () => {
  it.each<[what: string, shape: Shape, word: string]>([
    ['certain loss', { lossPct: 6 }, 'MEDIUM → LOW: loss'],
    ['what a viewer misses', { dropPct: 1 }, 'MEDIUM → LOW: player-loss'],
    ['round trips that are long for the latency', { rttMs: 700 }, 'MEDIUM → LOW: round-trip'],
    ['too little that arrives', { kbps: 1_900 }, 'MEDIUM → LOW: rate'],
  ])('goes down by %s', (_what, shape, word) => {
    expect(new Stream('advise').for(10).for(12, shape).words[0]).toBe(word);
  });
  it('forgets a loss after ten seconds', () => {
    const stream = new Stream('advise').for(10).for(1, { lossPct: 20 }).for(15, { rttMs: 500 });
    expect(stream.words).toEqual([]);
  });
});

describe('what is told of a stream', () => {
  const told = (stream: Stream) => {
    const { mode, level, advice, state } = stream.book.of('live_a') ?? {};
    return [mode, level, advice, state];
  };
  it('is the name of what arrives, and where it is advised what should be sent', () => {
    expect(told(new Stream('observe').for(20))).toEqual(['observe', 'MEDIUM', undefined, 'MEDIUM']);
    expect(told(new Stream('advise').for(3))).toEqual(['advise', undefined, 'MEDIUM', 'MEDIUM']);
    // All of MEDIUM arrives for 20 s: more is tried, and does not come.
    expect(told(new Stream('advise').for(22))).toEqual(['advise', 'MEDIUM', 'HIGH', 'RECOVERY']);
  });
  it('is nothing where streams are not judged', () => {
    const stream = new Stream('advise').for(20);
    stream.book.configure('off', QUALITY_RULES);
    expect(told(stream.for(20))).toEqual([undefined, undefined, undefined, undefined]);
    expect(stream.book.size).toBe(0);
  });
});

describe('other settings', () => {
  it('hold from the next look on, and streams go on from the level that they have', () => {
    const stream = new Stream('observe').for(20);
    stream.book.configure('advise', QUALITY_RULES);
    expect(stream.for(1).book.of('live_a')).toMatchObject({ mode: 'advise', level: 'MEDIUM', advice: 'MEDIUM' });
    stream.book.configure('advise', { ...QUALITY_RULES, downAfterMs: 0, playerLossPct: 0.01 });
    stream.for(1, { dropPct: 1 });
    expect(stream.book.of('live_a')).toMatchObject({ advice: 'LOW', reason: 'player-loss' });
    stream.book.configure('observe', QUALITY_RULES);
    expect(stream.for(1).book.of('live_a')).toMatchObject({ mode: 'observe', level: 'MEDIUM', advice: undefined });
  });
  it('are by default the rules that are published', () => {
    const loaded = loadSettings({ argv: [], env: {}, cwd: '/', readFile: () => undefined });
    if ('problems' in loaded) throw new Error(loaded.problems.join());
    expect(qualityRulesOf(loaded.settings.quality)).toEqual(QUALITY_RULES);
  });
});

describe('the buffer', () => {
  it.each<[what: string, early: number, late: number, word: string | undefined]>([
    ['that runs dry is the earliest sign', 1_900, 300, 'MEDIUM → LOW: buffer'],
    ['that was never there is none', 100, 100, undefined],
  ])('%s', (_what, early, late, word) => {
    const stream = new Stream('advise').for(5, { bufferMs: early }).for(8, { bufferMs: late });
    expect(stream.words[0]).toBe(word);
  });
});

describe('the round trip', () => {
  it('is that of the slowest link that carries a tenth', () => {
    const window = new StreamWindow();
    const links = [
      linkSnapshot({ windowBytes: 9_000, roundTrip: { ms: 50, source: 'srt' } }),
      linkSnapshot({ windowBytes: 1_100, roundTrip: { ms: 300, source: 'srt' } }),
      linkSnapshot({ windowBytes: 900, roundTrip: { ms: 900, source: 'srt' } }),
    ];
    const look = (some: typeof links) => window.look(publisherSnapshot(), groupSnapshot({ links: some })).rttMs;
    expect(look(links)).toBe(300);
    expect(look([linkSnapshot({ windowBytes: 9_000, roundTrip: undefined })])).toBe(publisherSnapshot().stats.rttMs);
  });
});

describe('the capacity', () => {
  const link = (kbps: number, windowPackets: number, ageMs = 400, port = 1) =>
    linkSnapshot({
      ...{ port, bitrate1sKbps: kbps },
      telemetry: {
        ...{ connectionId: 1, windowPackets, inFlightPackets: 0, rttMs: 50 },
        ...{ nakCount: 0, bitrateKbps: kbps, inMicroseconds: false, ageMs },
      },
    });
  // 20 packets a round trip of 50 ms are 4,262.4 kbit/s.
  it.each<[what: string, links: ReturnType<typeof link>[], kbps: number | undefined]>([
    ['is what window and round trip say of links that are used', [link(4_000, 20), link(3_000, 20, 400, 2)], 8_525],
    ['is not told of a link that is used little', [link(4_000, 20), link(1_000, 20, 400, 2)], undefined],
    ['is not told from what was', [link(4_000, 20, 2_500)], undefined],
    ['is not told without telemetry', [linkSnapshot({ bitrate1sKbps: 4_000 })], undefined],
    ['is not told without links', [], undefined],
  ])('%s', (_what, links, kbps) => {
    const told = new LinkCapacity().look(links);
    expect(told === undefined ? undefined : Math.round(told)).toBe(kbps);
  });
  it('remembers for a minute what a link has carried', () => {
    const capacity = new LinkCapacity();
    capacity.look([link(4_000, 20)]);
    for (let s = 0; s < 59; s++) expect(capacity.look([link(100, 20)])).toBeDefined();
    expect(capacity.look([link(100, 20)])).toBeUndefined();
  });
});

describe('streams', () => {
  it('count anew with a new session, and are forgotten a minute after they are gone', () => {
    const stream = new Stream('advise').for(10);
    const stats = srtStats({ pktRecvUniqueTotal: 10 });
    stream.see(
      dataPlaneSnapshot({ publishers: [publisherSnapshot({ publisherId: 'live_a', stats, meanKbps2s: 2_600 })] }),
    );
    expect(stream.changes).toEqual([]);
    for (let s = 0; s < 59; s++) stream.see(dataPlaneSnapshot({ publishers: [] }));
    expect(stream.book.size).toBe(1);
    for (let s = 0; s < 3; s++) stream.see(dataPlaneSnapshot({ publishers: [] }));
    expect(stream.book.size).toBe(0);
  });
});
