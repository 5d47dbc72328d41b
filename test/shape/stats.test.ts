import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setRedaction } from '../../src/shared/redact.ts';
import type { CarrierLookup } from '../../src/stats/carrier.ts';
import { carrierOf } from '../../src/stats/carrier-label.ts';
import { linksAnswer } from '../../src/stats/compat-links.ts';
import { legacyStats, modernStats } from '../../src/stats/compat-sls.ts';
import { doctorView } from '../../src/stats/doctor-view.ts';
import { LinkNames } from '../../src/stats/link-names.ts';
import { peersOf } from '../../src/stats/peers.ts';
import { shown, shownPublisher } from '../../src/stats/timeline.ts';
import { dataPlaneSnapshot, groupSnapshot, linkSnapshot, publisherSnapshot, srtStats } from '../support/snapshots.ts';

const UPDATE = process.env.UPDATE_GOLDEN === '1';

/** Compares with a file beside this one, order of keys included; `UPDATE_GOLDEN=1 npx vitest run test/shape` writes them anew. */
const golden = (name: string, answer: object): void => {
  const path = resolve(import.meta.dirname, `${name}.json`);
  if (UPDATE) writeFileSync(path, `${JSON.stringify(answer, undefined, 2)}\n`);
  expect(JSON.stringify(answer)).toBe(JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))));
};

/** As IPinfo Lite would have it. */
const carriers: CarrierLookup = {
  of: (address) =>
    address.startsWith('203.') ? carrierOf({ asn: 21_928, name: 'T-Mobile USA, Inc.', country: 'US' }) : undefined,
  placeOf: () => undefined,
  databases: [{ path: '/x.mmdb', type: 'ipinfo bundle_location_lite.mmdb', builtMs: 0, attribution: 'by whom' }],
};
const names = new LinkNames(carriers);
setRedaction({ salt: 'of the golden files', addresses: 'prefix' });

const question = {
  mode: 'auto',
  publisherCount: 1,
  publisherOfPlayer: () => undefined,
  privileged: true,
  addresses: 'full',
  streamId: undefined,
  names,
  databases: carriers.databases,
} as const;
const snapshot = dataPlaneSnapshot();
const live = shown(snapshot.publishers[0]!)!;
const peers = peersOf(snapshot, live.publisher, names).map((peer, n) => ({ ...peer, connection_id: `0000000${n}` }));

describe('golden shapes', () => {
  it('/stats/{key}, live', () => golden('stats-modern', modernStats(live)));
  it('/stats/{key}, live and bonded', () => golden('stats-modern-bonded', modernStats(live, peers)));
  it('/stats/{key}?legacy=1, live and bonded', () => golden('stats-legacy-bonded', legacyStats(live, false, peers)));
  it('/stats/{key}, silent', () => golden('stats-modern-silent', modernStats(undefined)));
  it('/stats/{key}?legacy=1, live', () => golden('stats-legacy', legacyStats(live, false)));
  it('/stats/{key}?legacy=1, silent', () => golden('stats-legacy-silent', legacyStats(undefined, false)));
  it('/stats/{key}?legacy=1, silent, for the plugin', () => golden('stats-legacy-zero', legacyStats(undefined, true)));
  it('5080 /stats, with a key', () => golden('links', linksAnswer(snapshot, question)));
  it('5080 /stats, anonymous', () =>
    golden('links-anonymous', linksAnswer(snapshot, { ...question, privileged: false, addresses: 'prefix' })));
  it('/v1/doctor', () => golden('doctor', doctorView(snapshot, 'prefix')));
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
  asn: 2 ** 32 - 1,
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
          meanKbps2s: a!,
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
        const one = shown(publisher)!;
        expectReadable(modernStats(one));
        expectReadable(legacyStats(one, false));
        expect(numbersIn(modernStats(one))).toHaveLength(6);
        expect(numbersIn(legacyStats(one, false))).toHaveLength(12);
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
          falselyLostPackets: a!,
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
        expect(numbersIn(answer)).toHaveLength(27);
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
  const of = (...publishers: [uptimeMs: number, lastPayloadMs: number][]) =>
    shownPublisher(
      dataPlaneSnapshot({
        publishers: publishers.map(([uptimeMs, lastPayloadMs]) => publisherSnapshot({ uptimeMs, lastPayloadMs })),
      }),
      'live_a',
    )?.publisher;
  it('the one whose payload came last is shown', () => {
    expect(of([9_000, 5], [100, 90])?.uptimeMs).toBe(9_000);
    expect(of([9_000, 1_500], [100, 10])?.uptimeMs).toBe(100);
    expect(of([9_000, 7], [100, 7])?.uptimeMs).toBe(100);
    expect(of()).toBeUndefined();
  });
});
