import { describe, expect, it } from 'vitest';
import type { DataPlaneSnapshot } from '../../src/data-plane/snapshot.ts';
import { QualityBook, type QualityChange } from '../../src/quality/quality-book.ts';
import type { QualityMode } from '../../src/quality/types.ts';
import { dataPlaneSnapshot, groupSnapshot, linkSnapshot, publisherSnapshot, srtStats } from '../support/snapshots.ts';

interface Shape {
  kbps?: number;
  heardMs?: number;
  lossPct?: number;
  dropPct?: number;
  rttMs?: number;
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

  for(seconds: number, { kbps = 2_600, heardMs = 20, lossPct = 0, dropPct = 0, rttMs = 60 }: Shape = {}): this {
    for (let second = 0; second < seconds; second++) {
      this.#received += 500;
      this.#lost += 5 * lossPct;
      this.#dropped += 5 * dropPct;
      const link = linkSnapshot({ lastHeardMs: heardMs, windowBytes: 1_000, roundTrip: { ms: rttMs, source: 'srt' } });
      const losses = { lost: this.#lost, falselyLost: 0, repaired: 0, unrepaired: 0, duplicates: 0, restarts: 0 };
      const group = groupSnapshot({ id: '0x1', lossesExact: true, losses, links: [link, link] });
      const stats = srtStats({ pktRecvUniqueTotal: this.#received, pktRcvDropTotal: this.#dropped, rttMs });
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
    expect(stream.book.of('live_a')).toBeUndefined();
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
