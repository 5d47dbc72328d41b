import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import {
  dataPlaneSnapshot,
  groupSnapshot,
  linkSnapshot,
  publisherSnapshot,
  srtStats,
} from '../../test/support/snapshots.ts';
import { statsClient } from '../../test/support/stats-client.ts';
import { ADMIN, statsDeps } from '../../test/support/stats-deps.ts';
import { readByAdapter, readByIngestMonitor } from '../../test/support/vvlive-adapter.ts';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { silentLogger } from '../shared/logger.ts';
import { setRedaction } from '../shared/redact.ts';
import type { LinkSnapshot } from '../srtla/types.ts';
import { type SrtlaDocument, srtlaDocument } from './compat-vvlive.ts';
import { SrtlaFile } from './srtla-file.ts';
import { SrtlaReports } from './srtla-reports.ts';
import { SrtlaWindows } from './srtla-windows.ts';

setRedaction({ salt: 'of this test', addresses: 'prefix' });

const FACTS = { port: 5_000, unixMs: 1_790_000_000_000, addresses: 'prefix' } as const;

/** A bonded stream with these links; `lost` of its group are those that no link is blamed for as well. */
const seen = (links: readonly Partial<LinkSnapshot>[], lost = 0, uptimeMs = 20_000): DataPlaneSnapshot => {
  const all = links.map((link, port) => linkSnapshot({ address: `203.0.113.${port}`, port, ...link }));
  const losses = { lost, falselyLost: 0, repaired: 0, unrepaired: 0, duplicates: 0, restarts: 0 };
  const group = groupSnapshot({ id: '0x1', streamId: 'live_a', lossesExact: true, losses, links: all });
  const publisher = publisherSnapshot({
    ...{
      publisherId: 'live_a',
      source: 'srtla' as const,
      group: '0x1',
      uptimeMs,
      meanKbps2s: 4_000,
      lastPayloadMs: 20,
    },
    stats: srtStats({ rttMs: 80, pktRecvTotal: 100 }),
  });
  return dataPlaneSnapshot({ publishers: [publisher], players: [], srtla: { groups: [group], counters: {} } });
};
const documentOf = (windows: SrtlaWindows) =>
  srtlaDocument({ publisherId: 'live_a', window: windows.of('live_a')!, quality: undefined }, FACTS);
const read = (windows: SrtlaWindows) => readByAdapter(JSON.stringify(documentOf(windows)));

describe('the document for the adapter', () => {
  it('has the losses of the last ten seconds, and none of before', () => {
    const windows = new SrtlaWindows();
    const at = (packets: number, lost: number) =>
      windows.look(seen([{ dataPackets: packets, lostPackets: lost, falselyLostPackets: 0 }], lost));
    at(0, 0);
    at(90, 10);
    expect(read(windows).lossPct).toBe(10);
    for (let s = 2; s <= 11; s++) at(s * 100 - 10, 10);
    expect(read(windows).lossPct).toBe(0);
    expect(documentOf(windows)).toMatchObject({ total_packets: 1_000, window_s: 10 });
  });

  it('shares out what no link is blamed for, so that the total is right', () => {
    const windows = new SrtlaWindows();
    const links = (packets: number, lost: number): Partial<LinkSnapshot>[] => [
      { dataPackets: packets * 3, lostPackets: lost, falselyLostPackets: 0 },
      { dataPackets: packets, lostPackets: 0 },
    ];
    windows.look(seen(links(0, 0)));
    windows.look(seen(links(100, 2), 11));
    const document = documentOf(windows);
    expect(document.links.map(({ packets_lost }) => packets_lost)).toEqual([9, 2]);
    expect(document.links.map(({ packets_sent }) => packets_sent)).toEqual([309, 102]);
  });

  it('counts anew with a new session, and never down', () => {
    const windows = new SrtlaWindows();
    windows.look(seen([{ dataPackets: 1_000, lostPackets: 5, falselyLostPackets: 0 }], 5));
    windows.look(seen([{ dataPackets: 10, lostPackets: 0, falselyLostPackets: 0 }], 0));
    expect(documentOf(windows).links[0]).toMatchObject({ packets_sent: 0, packets_lost: 0 });
  });

  it('has no link active that is not heard, or has no round trip yet', () => {
    const windows = new SrtlaWindows();
    const roundTrip = { ms: 48.2, source: 'keepalive38' as const };
    windows.look(seen([{ roundTrip }, { roundTrip, lastHeardMs: 3_000 }, { roundTrip: undefined }], 0, 1_000));
    const { links } = documentOf(windows);
    expect(links.map(({ active }) => active)).toEqual([true, false, false]);
    expect(links.map(({ rtt_source }) => rtt_source)).toEqual(['sender', 'sender', 'none']);
    expect(read(windows)).toMatchObject({ activeLinks: 1, minRttMs: 48.2, maxRttMs: 48.2 });
    // Later on the session has one.
    windows.look(seen([{ roundTrip: undefined }], 0, 5_000));
    expect(documentOf(windows).links[0]).toMatchObject({ active: true, rtt_ms: 80, rtt_source: 'srt' });
  });

  it('says what a link can carry where its sender tells, as far as that is to be believed', () => {
    const telemetry = {
      ...{ connectionId: 1, windowPackets: 20, inFlightPackets: 0, rttMs: 50, nakCount: 0 },
      ...{ bitrateKbps: 0, inMicroseconds: false, ageMs: 400 },
    };
    const windows = new SrtlaWindows();
    windows.look(
      seen([
        { telemetry, bitrateKbps: 3_000, bitrate1sKbps: 3_000 },
        { telemetry, bitrateKbps: 1_000, bitrate1sKbps: 1_000 },
        { bitrateKbps: 700, telemetry: undefined },
      ]),
    );
    expect(
      documentOf(windows).links.map(({ bandwidth_bps, bandwidth_source }) => [bandwidth_bps, bandwidth_source]),
    ).toEqual([
      [4_262_400, 'sender'],
      [1_500_000, 'sender'],
      [700_000, 'received'],
    ]);
  });

  it('keeps the numbers of links while others come and go, and their addresses to itself', () => {
    const windows = new SrtlaWindows();
    const [a, b, c] = [{ port: 1 }, { port: 2 }, { port: 3 }];
    windows.look(seen([a, b]));
    windows.look(seen([b, c]));
    const { links } = documentOf(windows);
    expect(links.map(({ id }) => id)).toHaveLength(2);
    expect(links.every(({ source_ip }) => source_ip === '203.0.113.x')).toBe(true);
  });

  it('is, without an id, of the stream that has come last', () => {
    const windows = new SrtlaWindows();
    expect(windows.latest()).toBeUndefined();
    const publisher = (publisherId: string, uptimeMs: number) =>
      publisherSnapshot({ publisherId, uptimeMs, source: 'srt', group: undefined });
    windows.look(dataPlaneSnapshot({ publishers: [publisher('live_a', 9_000), publisher('live_b', 4_000)] }));
    expect(windows.latest()?.publisherId).toBe('live_b');
    windows.look(dataPlaneSnapshot({ publishers: [publisher('live_a', 10_000)] }));
    expect(windows.latest()?.publisherId).toBe('live_a');
  });

  it('is of one link for a stream without SRTLA', () => {
    const windows = new SrtlaWindows();
    const look = (packets: number, lost: number): void => {
      const stats = srtStats({ rttMs: 35, pktRecvTotal: packets, pktRcvLossTotal: lost });
      const plain = { source: 'srt' as const, group: undefined, uptimeMs: 9_000, meanKbps2s: 2_500, lastPayloadMs: 20 };
      windows.look(dataPlaneSnapshot({ publishers: [publisherSnapshot({ ...plain, stats })], players: [] }));
    };
    look(0, 0);
    look(99, 1);
    expect(read(windows)).toEqual({ bandwidthBps: 2_500_000, lossPct: 1, minRttMs: 35, maxRttMs: 35, activeLinks: 1 });
  });

  it('is read whatever the node has counted', () => {
    const odd = fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 0.5, 2 ** 53);
    const link = fc.record({
      ...{ dataPackets: odd, lostPackets: odd, falselyLostPackets: odd, bitrateKbps: odd, lastHeardMs: odd },
      roundTrip: fc.option(fc.record({ ms: odd, source: fc.constant('srt' as const) }), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(link, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
        odd,
        (all, lost) => {
          const windows = new SrtlaWindows();
          for (const links of all) windows.look(seen(links, lost));
          expect(() => read(windows)).not.toThrow();
        },
      ),
    );
  });
});

describe('the routes', () => {
  const client = async (env: Record<string, string> = {}) => {
    const it = await statsClient(env);
    await it.app.ready();
    it.deps.view = seen([{ roundTrip: { ms: 48, source: 'srt' } }]);
    it.reports.look();
    return it;
  };

  it('open to whoever knows an id of the stream', async () => {
    const { call, app, deps } = await client();
    for (const id of ['play_a', 'live_a']) {
      const { status, body } = await call('GET', `/streams/${id}/srtla`);
      expect({ status, ...readByAdapter(body) }).toMatchObject({ status: 200, activeLinks: 1, minRttMs: 48 });
      expect(body).not.toContain('live_a');
      expect(readByIngestMonitor((await call('GET', `/streams/${id}/vvlive`)).body)).toEqual({
        ...{ kbps: 4_000, rttMs: 80, connected: true },
      });
    }
    expect((await call('GET', '/streams/other/srtla')).status).toBe(404);
    expect((await call('GET', '/streams/play_a')).status).toBe(404);
    const silent = await call('GET', '/streams/play%2Fbb/srtla');
    expect(readByAdapter(silent.body)).toMatchObject({ activeLinks: 0, bandwidthBps: 0 });
    expect(readByIngestMonitor((await call('GET', '/streams/play/bb/vvlive')).body)).toEqual({
      ...{ kbps: 0, rttMs: 0, connected: false },
    });
    deps.quality = () => ({
      ...{ mode: 'advise', level: 'HIGH', advice: 'MEDIUM', state: 'MEDIUM', reason: 'loss', sinceMs: deps.now - 500 },
    });
    expect(JSON.parse((await call('GET', '/streams/play_a/srtla')).body).quality).toEqual({
      ...{ level: 'HIGH', advice: 'MEDIUM', reason: 'loss', since_ms: deps.unixMs - 500 },
    });
    await app.close();
  });

  it('have the shapes of its backend under their names there', async () => {
    const { call, app, withKey } = await client();
    const get = async (name: string): Promise<unknown> =>
      JSON.parse((await call('GET', `/api/srtla/${name}`, withKey(ADMIN))).body);
    expect(await get('status')).toEqual({
      ...{ enabled: true, transport_mode: 'srtla', metrics_source: 'api', receiver_port: 5_000, has_data: true },
      ...{ last_update: 1_790_000_000, polling_active: true },
    });
    const bandwidth = { bandwidth_mbps: expect.any(Number), packet_loss_percent: 0, min_rtt_ms: 48, max_rtt_ms: 48 };
    expect(await get('metrics')).toEqual({ enabled: true, ...bandwidth, active_links: 1 });
    expect(await get('raw')).toMatchObject({
      ...{ total_packets_received: 0, total_packets_reordered: 0, avg_rtt_ms: 48, active_links: 1 },
      links: [{ id: 1, source_ip: '203.0.113.x', rtt_ms: 48, packets_lost: 0, active: true }],
    });
    await app.close();
  });

  it.each<[mode: string, status: number]>([
    ['auto', 401],
    ['managed', 401],
    ['byor', 200],
  ])('without an id are for those who may see all links: %s', async (mode, status) => {
    const { call, app, withKey } = await client({ TRIBUTARY_STATS_LINKS_MODE: mode, STATS_TRUSTED: 'none' });
    const stranger = { remoteAddress: '198.51.100.9' };
    expect((await call('GET', '/api/srtla/metrics', stranger)).status).toBe(status);
    expect((await call('GET', '/api/srtla/metrics?stream=play_a', stranger)).status).toBe(200);
    expect((await call('GET', '/api/srtla/metrics', { ...stranger, ...withKey(ADMIN) })).status).toBe(200);
    await app.close();
  });
});

describe('the file', () => {
  const reporting = async (folder: string | undefined) => {
    const deps = await statsDeps();
    const errors: unknown[] = [];
    deps.logger = { ...deps.logger, error: (message, more) => void errors.push([message, more]) };
    deps.settings = { ...deps.settings, stats: { ...deps.settings.stats, srtlaFolder: folder } };
    deps.view = seen([{ roundTrip: { ms: 48, source: 'srt' } }]);
    return { deps, errors, reports: new SrtlaReports(deps) };
  };
  const written = async (path: string): Promise<string> =>
    await expect
      .poll(() => readFileSync(path, 'utf8'))
      .toBeTruthy()
      .then(() => readFileSync(path, 'utf8'));

  it('is there each second for whoever is in the group, whole, and is gone at the end', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'srtla_stats_5000.json');
    const { deps, reports } = await reporting(folder);
    reports.look();
    expect(readByAdapter(await written(path))).toMatchObject({ activeLinks: 1, minRttMs: 48 });
    expect(statSync(path).mode & 0o777).toBe(0o640);
    deps.unixMs += 1_000;
    reports.look();
    await expect.poll(() => JSON.parse(readFileSync(path, 'utf8')).updated_at_ms).toBe(deps.unixMs);
    expect(readdirSync(folder)).toEqual(['srtla_stats_5000.json']);
    await reports.stop();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says with its last words that there are no links', async () => {
    const file = new SrtlaFile(temporaryFolder(), 5_000, silentLogger);
    const words: SrtlaDocument[] = [];
    const write = file.write.bind(file);
    file.write = (document) => {
      words.push(document);
      return write(document);
    };
    const windows = new SrtlaWindows();
    windows.look(seen([{}]));
    await file.write(documentOf(windows));
    await file.remove(srtlaDocument(undefined, FACTS));
    expect(words.map(({ links }) => links.length)).toEqual([1, 0]);
    expect(readdirSync(dirname(file.path))).toEqual([]);
  });

  it('is not written through a link that somebody has put there', async () => {
    const folder = temporaryFolder();
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'mine');
    symlinkSync(victim, join(folder, 'srtla_stats_5000.json'));
    const { reports } = await reporting(folder);
    reports.look();
    await expect.poll(() => readFileSync(join(folder, 'srtla_stats_5000.json'), 'utf8')).toContain('"links"');
    expect(readFileSync(victim, 'utf8')).toBe('mine');
    await reports.stop();
  });

  it('follows the settings, and says once that a folder is not there', async () => {
    const folder = join(temporaryFolder(), 'later');
    const { deps, errors, reports } = await reporting(folder);
    reports.look();
    await expect.poll(() => errors).toHaveLength(1);
    mkdirSync(folder);
    reports.look();
    await written(join(folder, 'srtla_stats_5000.json'));
    deps.settings = { ...deps.settings, stats: { ...deps.settings.stats, srtlaFolder: undefined } };
    reports.look();
    await expect.poll(() => readdirSync(folder)).toEqual([]);
    expect(errors).toHaveLength(1);
    await reports.stop();
  });
});
