import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { settingValues } from '../../src/config/reference.ts';
import { loadSettings } from '../../src/config/resolve.ts';
import type { Settings } from '../../src/config/schema.ts';
import { EventHistory } from '../../src/data-plane/event-history.ts';
import type { DataPlaneSnapshot, PlayerSnapshot, PublisherSnapshot } from '../../src/data-plane/snapshot.ts';
import { QualityBook } from '../../src/quality/quality-book.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { DirectoryFile } from '../../src/sls-bridge/directory-file.ts';
import type { GroupSnapshot, LinkSnapshot } from '../../src/srtla/types.ts';
import { carriersOff, type LinkCarrier } from '../../src/stats/carrier.ts';
import { createDashboardServer, type DashboardServer } from '../../src/stats/dashboard-server.ts';
import { ShareStore } from '../../src/stats/dashboard-shares.ts';
import { DocsLibrary } from '../../src/stats/docs/library.ts';
import { KeyStore } from '../../src/stats/key-store.ts';
import { LinkNames } from '../../src/stats/link-names.ts';
import { NodeWatch } from '../../src/stats/node-watch.ts';
import { groupSnapshot, linkSnapshot, publisherSnapshot, srtStats } from '../support/snapshots.ts';

export const SAMPLE_KEY = 'sample-key-of-the-pictures-01234';

/** Numbers that look the same at every run. */
const randoms = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** A link as a walk through a town makes it: slow swings, some noise, now and then a hole. */
export interface SampleLink {
  address: string;
  meanKbps: number;
  rttMs: number;
  lossPct: number;
  /** s. */
  swing: number;
}

export interface SampleStream {
  publisher: string;
  player: string;
  label: string;
  links: readonly SampleLink[];
  players: number;
  latencyMs: number;
}

interface LinkTotals {
  bytes: number;
  packets: number;
  lost: number;
}

/** Streams that change with time as real ones do. For pictures, and to measure what showing them costs. */
export class SampleStreams {
  readonly #streams: readonly SampleStream[];
  readonly #random = randoms(7);
  readonly #totals = new Map<string, LinkTotals>();
  readonly #stream = new Map<string, { received: number; lost: number; dropped: number; resent: number }>();
  #lastMs: number | undefined;

  constructor(streams: readonly SampleStream[]) {
    this.#streams = streams;
  }

  at(nowMs: number): DataPlaneSnapshot {
    const elapsed = Math.min(5_000, nowMs - (this.#lastMs ?? nowMs - 500));
    this.#lastMs = nowMs;
    const groups: GroupSnapshot[] = [];
    const publishers: PublisherSnapshot[] = [];
    const players: PlayerSnapshot[] = [];
    this.#streams.forEach((stream, index) => {
      const { group, publisher } = this.#one(stream, index, nowMs, elapsed);
      groups.push(group);
      publishers.push(publisher);
      for (let n = 0; n < stream.players; n++) players.push(this.#player(stream, index, n, nowMs));
    });
    return {
      srtVersion: '1.5.1',
      uptimeMs: 302_400_000 + nowMs,
      ports: { srtla: [5_000], publish: 4_001, bond: 41_000, play: 4_000 },
      srtla: { groups, counters: {} },
      publishers,
      players,
      lastRefusal: undefined,
      counters: { dataPlaneUp: 1, dataPlaneRestarts: 0, linkKernelDrops: 0, srtKernelDrops: 0 },
    };
  }

  #one(stream: SampleStream, index: number, nowMs: number, elapsed: number) {
    const seconds = nowMs / 1_000;
    const links = stream.links.map((link, number): LinkSnapshot => {
      const phase = index * 1.7 + number * 2.1;
      const swing = 1 + 0.28 * Math.sin(seconds / link.swing + phase) + 0.12 * Math.sin(seconds / 2.7 + phase * 3);
      const kbps = Math.max(0, link.meanKbps * swing * (0.94 + this.#random() * 0.12));
      const packets = (kbps * elapsed) / 8 / 1_316;
      const totals = this.#totals.get(link.address) ?? { bytes: 0, packets: 0, lost: 0 };
      totals.bytes += (kbps * elapsed) / 8;
      totals.packets += packets;
      totals.lost += packets * (link.lossPct / 100) * (0.3 + this.#random() * 1.4);
      this.#totals.set(link.address, totals);
      return linkSnapshot({
        address: link.address,
        port: 40_000 + number,
        bytes: Math.round(totals.bytes),
        packets: Math.round(totals.packets),
        lostPackets: Math.round(totals.lost),
        windowBytes: kbps * 625,
        bitrateKbps: kbps,
        bitrate1sKbps: kbps,
        lastHeardMs: 4 + this.#random() * 30,
        uptimeMs: 4_215_000 + nowMs,
        jitterMs: link.rttMs * (0.05 + this.#random() * 0.06),
        roundTrip: {
          ms: link.rttMs * (0.95 + 0.12 * Math.sin(seconds / 11 + phase) + this.#random() * 0.06),
          source: 'srt',
        },
      });
    });
    const kbps = links.reduce((sum, link) => sum + link.bitrate1sKbps, 0) * 0.96;
    const lost = links.reduce((sum, link) => sum + link.lostPackets, 0);
    const totals = this.#stream.get(stream.publisher) ?? { received: 0, lost: 0, dropped: 0, resent: 0 };
    totals.received += (kbps * elapsed) / 8 / 1_316;
    totals.resent = lost * 1.02;
    // A tunnel, now and then.
    if (Math.floor(seconds / 97) !== Math.floor((seconds - elapsed / 1_000) / 97)) totals.dropped += 3 + index * 2;
    this.#stream.set(stream.publisher, totals);
    const rttMs = Math.max(...stream.links.map((link) => link.rttMs)) * (0.9 + 0.1 * Math.sin(seconds / 13));
    const group = `0x${(index + 1).toString(16).padStart(16, '0')}`;
    return {
      group: groupSnapshot({
        id: group,
        streamId: stream.publisher,
        links,
        losses: { lost, falselyLost: 0, repaired: lost, unrepaired: 0, duplicates: 0, restarts: 0 },
      }),
      publisher: publisherSnapshot({
        publisherId: stream.publisher,
        group,
        latencyMs: stream.latencyMs,
        uptimeMs: 4_215_000 + nowMs,
        bitrateKbps: kbps,
        meanKbps2s: kbps,
        lastPayloadMs: 20,
        stats: srtStats({
          rttMs,
          pktRecvTotal: Math.round(totals.received),
          pktRcvRetransTotal: Math.round(totals.resent),
          pktRcvDropTotal: totals.dropped,
          rcvBufMs: stream.latencyMs * (0.93 + 0.04 * Math.sin(seconds / 5)),
        }),
      }),
    };
  }

  #player(stream: SampleStream, index: number, number: number, nowMs: number): PlayerSnapshot {
    return {
      key: `${index}-${number}`,
      playerId: stream.player,
      publisherId: stream.publisher,
      address: `198.51.100.${20 + number}`,
      port: 51_000 + number,
      state: 'playing',
      uptimeMs: 3_100_000 + nowMs - number * 400_000,
      latencyMs: 2_000,
      sentMessages: 2_304_411 - number * 40_000,
      droppedMessages: number * 3,
      stats: srtStats({
        rttMs: 18 + number * 9,
        sndBufMs: 21 + number * 4,
        sendRateMbps: 6.1,
        pktRetransTotal: number * 12,
      }),
    };
  }
}

const settingsOf = (env: Record<string, string>): Settings => {
  const loaded = loadSettings({ argv: [], env, cwd: '/', readFile: () => undefined });
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
  return loaded.settings;
};

export interface SampleNode extends DashboardServer {
  events: EventHistory;
  close: () => void;
}

export interface SampleNodeOptions {
  streams: readonly SampleStream[];
  carriers: (address: string) => LinkCarrier | undefined;
  env?: Record<string, string>;
  /** ms: so much history is there already. */
  historyMs?: number;
}

/** The real server of the dashboard over streams that are made up. */
export const sampleNode = async ({
  streams,
  carriers,
  env = {},
  historyMs = 0,
}: SampleNodeOptions): Promise<SampleNode> => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-pages-'));
  const rows = streams.map(({ publisher, player, label }) => ({ publisher, player, label }));
  const store = await DirectoryFile.open(folder, Date.now, () => rows);
  const { keys } = await KeyStore.open(folder, SAMPLE_KEY);
  await keys.create('Moderators', 'read');
  const settings = settingsOf({ TRIBUTARY_PUBLIC_HOST: 'relay.example.net', TRIBUTARY_API_KEY: SAMPLE_KEY, ...env });
  const samples = new SampleStreams(streams);
  const events = new EventHistory(silentLogger);
  const lookup = { ...carriersOff, of: carriers };
  let now = (): number => 10_000;
  const clock = (): number => now();
  const judged = new QualityBook('observe');
  const base = {
    snapshot: () => samples.at(clock()),
    control: { kickPublisher: () => {}, kickPlayers: () => {}, kickSocket: () => {}, drain: () => {} },
    directory: store.directory,
    ...{ store, keys, events, settings, logger: silentLogger, clock },
    carriers: lookup,
    linkNames: new LinkNames(lookup),
    quality: (publisherId: string) => judged.of(publisherId),
    unixNow: Date.now,
    version: '0.1.0',
    runtimeToken: 'none',
    docs: new DocsLibrary(resolve(import.meta.dirname, '../../docs')),
    controlStatus: () => undefined,
  };
  const server = createDashboardServer({
    ...base,
    watch: new NodeWatch(base),
    shares: await ShareStore.open(folder),
    publicHost: 'relay.example.net',
    ports: () => ({ srtla: [5_000], publish: 4_001, play: 4_000, stats: 8_090, links: 5_080, dashboard: 3_000 }),
    settingViews: () => settingValues(settings),
    pagesDir: resolve(import.meta.dirname, '../../dist/dashboard'),
    preview: undefined,
  });
  for (let at = 10_000; at < historyMs + 10_000; at += 2_000) {
    judged.look(samples.at(at), at);
    now = () => at;
    server.state.look();
  }
  const startMs = performance.now();
  now = () => performance.now() - startMs + historyMs + 10_000;
  return { ...server, events, close: () => rmSync(folder, { recursive: true, force: true }) };
};
