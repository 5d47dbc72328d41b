import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linksAnswer } from '../../src/stats/compat-links.ts';
import { legacyStats, livePublisher, modernStats } from '../../src/stats/compat-sls.ts';
import { doctorView } from '../../src/stats/doctor-view.ts';
import { dataPlaneSnapshot, groupSnapshot, linkSnapshot, publisherSnapshot, srtStats } from '../support/snapshots.ts';

const UPDATE = process.env.UPDATE_GOLDEN === '1';

/** Compares with a file beside this one, order of keys included; `UPDATE_GOLDEN=1 npx vitest run test/shape` writes them anew. */
const golden = (name: string, answer: object): void => {
  const path = resolve(import.meta.dirname, `${name}.json`);
  if (UPDATE) writeFileSync(path, `${JSON.stringify(answer, undefined, 2)}\n`);
  expect(JSON.stringify(answer)).toBe(JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))));
};

const question = {
  mode: 'auto',
  publisherCount: 1,
  publisherOfPlayer: () => undefined,
  privileged: true,
  streamId: undefined,
} as const;
const snapshot = dataPlaneSnapshot();
const live = snapshot.publishers[0];

describe('golden shapes', () => {
  it('/stats/{key}, live', () => golden('stats-modern', modernStats(live)));
  it('/stats/{key}, silent', () => golden('stats-modern-silent', modernStats(undefined)));
  it('/stats/{key}?legacy=1, live', () => golden('stats-legacy', legacyStats(live, false)));
  it('/stats/{key}?legacy=1, silent', () => golden('stats-legacy-silent', legacyStats(undefined, false)));
  it('/stats/{key}?legacy=1, silent, for the plugin', () => golden('stats-legacy-zero', legacyStats(undefined, true)));
  it('5080 /stats, with a key', () => golden('links', linksAnswer(snapshot, question)));
  it('5080 /stats, anonymous', () =>
    golden('links-anonymous', linksAnswer(snapshot, { ...question, privileged: false })));
  it('/v1/doctor', () => golden('doctor', doctorView(snapshot)));
});

/** Every number as it stands in the text, by the name of its key. */
const numbersIn = (answer: object): [key: string, text: string][] =>
  [...JSON.stringify(answer).matchAll(/"([^"]+)":(-?[0-9][^,}\]]*)/g)].map((match) => [match[1]!, match[2]!]);

const anyNumber = fc.oneof(
  fc.double(),
  fc.double({ min: 0, max: 1e12 }),
  fc.double({ min: 0, max: 1e-6 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, -1, 1e21, 1e300, 2 ** 31, 2 ** 53),
);
const WHOLE = /^\d+$/;
const DECIMAL = /^\d+(\.\d{1,3})?$/;
const MAX_INT32 = 2 ** 31 - 1;

/** Keys that NOALBS and Qt take as whole numbers, and the most that they take. */
const LIMITS: Readonly<Record<string, number>> = {
  bitrate: MAX_INT32,
  buffer: MAX_INT32,
  dropped_pkts: MAX_INT32,
  latency: 65_535,
  uptime: MAX_INT32,
  msRcvBuf: MAX_INT32,
  pktRcvDrop: MAX_INT32,
  pktRcvLoss: MAX_INT32,
  pktRecv: Number.MAX_SAFE_INTEGER,
  bytesRcvDrop: Number.MAX_SAFE_INTEGER,
  bytesRcvLoss: Number.MAX_SAFE_INTEGER,
  conn_count: MAX_INT32,
  last_ms_ago: MAX_INT32,
  uptime_s: MAX_INT32,
  bitrate_kbps: MAX_INT32,
  bitrate_1s_kbps: MAX_INT32,
  bitrate_10s_kbps: MAX_INT32,
  unique_pkts: Number.MAX_SAFE_INTEGER,
  retransmitted_pkts: Number.MAX_SAFE_INTEGER,
  duplicate_pkts: Number.MAX_SAFE_INTEGER,
  lost_pkts: Number.MAX_SAFE_INTEGER,
  repaired_pkts: Number.MAX_SAFE_INTEGER,
  unrepaired_pkts: Number.MAX_SAFE_INTEGER,
  in_flight_pkts: Number.MAX_SAFE_INTEGER,
  rebinds: Number.MAX_SAFE_INTEGER,
  bytes: Number.MAX_SAFE_INTEGER,
  pkts: Number.MAX_SAFE_INTEGER,
  total_bytes: Number.MAX_SAFE_INTEGER,
};
const DECIMALS = [
  'rtt',
  'rtt_ms',
  'skew_ms',
  'jitter_ms',
  'reorder_ms',
  'window_pkts',
  'mbpsBandwidth',
  'mbpsRecvRate',
  'share_pct',
];

const expectReadable = (answer: object): void => {
  for (const [key, text] of numbersIn(answer)) {
    if (DECIMALS.includes(key)) expect(text, key).toMatch(DECIMAL);
    else {
      expect(text, key).toMatch(WHOLE);
      expect(Number(text), key).toBeLessThanOrEqual(LIMITS[key]!);
    }
  }
};

describe('types of numbers, as they stand in the text', () => {
  it('/stats/{key}: whole where NOALBS and Qt want it, whatever libsrt says', () => {
    fc.assert(
      fc.property(fc.array(anyNumber, { minLength: 8, maxLength: 8 }), ([a, b, c, d, e, f, g, h]) => {
        const publisher = publisherSnapshot({
          bitrateKbps: a!,
          latencyMs: b!,
          uptimeMs: c!,
          stats: srtStats({
            rttMs: d!,
            rcvBufMs: e!,
            pktRcvDropTotal: f!,
            pktRcvLossTotal: g!,
            pktRecvTotal: h!,
            byteRcvLossTotal: a!,
            byteRcvDropTotal: b!,
            bandwidthMbps: c!,
            receiveRateMbps: d!,
          }),
        });
        expectReadable(modernStats(publisher));
        expectReadable(legacyStats(publisher, false));
        expect(numbersIn(modernStats(publisher))).toHaveLength(6);
        expect(numbersIn(legacyStats(publisher, false))).toHaveLength(12);
      }),
    );
  });

  it('5080: whole ages, so that no dead link looks fresh', () => {
    fc.assert(
      fc.property(fc.array(anyNumber, { minLength: 6, maxLength: 6 }), ([a, b, c, d, e, f]) => {
        const link = linkSnapshot({
          bytes: a!,
          packets: b!,
          lastHeardMs: c!,
          uptimeMs: d!,
          bitrateKbps: e!,
          bitrate1sKbps: a!,
          bitrate10sKbps: b!,
          uniquePackets: c!,
          duplicatePackets: d!,
          retransmittedPackets: e!,
          lostPackets: f!,
          skewMs: a!,
          jitterMs: b!,
          reorderMs: c!,
          roundTrip: { ms: d!, source: 'srt' },
          telemetry: {
            connectionId: 1,
            windowPackets: e!,
            inFlightPackets: f!,
            rttMs: f!,
            nakCount: 0,
            bitrateKbps: 0,
            inMicroseconds: true,
            ageMs: 0,
          },
        });
        const answer = linksAnswer(
          dataPlaneSnapshot({ srtla: { groups: [groupSnapshot({ links: [link], totalBytes: a! })], counters: {} } }),
          question,
        );
        expectReadable(answer);
        expect(numbersIn(answer)).toHaveLength(26);
      }),
    );
  });

  it('a dead link is old, however long ago it was heard', () => {
    const link = linkSnapshot({ lastHeardMs: 5e9 });
    const groups = [groupSnapshot({ links: [link] })];
    const answer = linksAnswer(dataPlaneSnapshot({ srtla: { groups, counters: {} } }), question);
    expect(answer.groups[0]!.connections[0]!.last_ms_ago).toBe(MAX_INT32);
  });
});

describe('keys', () => {
  it('of the SLS answers are in alphabetical order', () => {
    const check = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      expect(Object.keys(value)).toEqual(Object.keys(value).sort());
      Object.values(value).forEach(check);
    };
    for (const answer of [
      modernStats(live),
      legacyStats(live, false),
      legacyStats(undefined, true),
      modernStats(undefined),
    ])
      check(answer);
  });
});

describe('while one publisher takes over from another', () => {
  const of = (...publishers: [uptimeMs: number, bitrateKbps: number][]) =>
    livePublisher(
      dataPlaneSnapshot({
        publishers: publishers.map(([uptimeMs, bitrateKbps]) => publisherSnapshot({ uptimeMs, bitrateKbps })),
      }),
      'live_a',
    );
  it('the one whose stream goes out is shown', () => {
    expect(of([9_000, 4_000], [100, 0])?.uptimeMs).toBe(9_000);
    expect(of([9_000, 4_000], [100, 3_000])?.uptimeMs).toBe(100);
    expect(of([9_000, 0], [100, 0])?.uptimeMs).toBe(100);
    expect(of()).toBeUndefined();
  });
});
