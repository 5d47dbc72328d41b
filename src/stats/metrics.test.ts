import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Sample, samplesOf } from '../../test/support/metrics-text.ts';
import { dataPlaneSnapshot, groupSnapshot, linkSnapshot, publisherSnapshot } from '../../test/support/snapshots.ts';
import { ROWS, statsClient } from '../../test/support/stats-client.ts';
import { ADMIN } from '../../test/support/stats-deps.ts';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { UDP_COUNTERS } from '../shared/addon.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';
import { COUNTER_NAMES } from '../srtla/counters.ts';
import { METRICS } from './metrics.ts';
import { METRIC_PREFIX } from './metrics-definition.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Of a snapshot as rich as it can be: every counter has a number of its own. */
const rich = (): DataPlaneSnapshot => {
  const numbered = (names: readonly string[], from: number): Record<string, number> =>
    Object.fromEntries(names.map((name, index) => [name, from + index]));
  const udp = UDP_COUNTERS.filter((name) => name !== 'linkErrors' && name !== 'serverErrors');
  return dataPlaneSnapshot({
    srtla: {
      groups: [groupSnapshot()],
      counters: numbered([...COUNTER_NAMES, ...udp, 'linkSocketErrors', 'serverSocketErrors'], 1_000),
    },
    counters: {
      dataPlaneUp: 1,
      dataPlaneRestarts: 2,
      srtKernelDrops: 3,
      ...numbered(['accepted', 'refused', 'takeovers', 'messages', 'wakeups', 'kicked'], 10),
      ...numbered(['slowPlayers', 'bitrateClosed', 'logLinesLost', 'eventsLost', 'unrecorded', 'srtEventsQueued'], 20),
      ...numbered(['loopLagP50Ms', 'loopLagP99Ms', 'loopLagMaxMs', 'loopActiveMs', 'gcPauses', 'gcPausedMs'], 30),
      'door.publish.accepted': 40,
      'door.bond.in-use': 41,
      'door.play.unknown-id': 42,
    },
  });
};

const client = async (view: DataPlaneSnapshot = rich(), env: Record<string, string> = {}) => {
  const { app, deps, call, withKey } = await statsClient(env);
  deps.view = view;
  deps.quality = () => ({
    ...{ mode: 'advise', level: 'HIGH', advice: 'MEDIUM', state: 'MEDIUM', reason: 'loss', sinceMs: 0 },
  });
  deps.hookFacts = () => ({ delivered: 50, failed: 2, dropped: 1, waiting: 3, silentMs: 1_500 });
  Object.assign(deps, { controlStatus: () => ({ state: 'degraded', silentMs: 2_500, held: 3, refusedRemovals: 1 }) });
  const text = async (): Promise<string> => (await call('GET', '/metrics')).body;
  return { app, deps, call, withKey, text, scrape: async (): Promise<Sample[]> => samplesOf(await text()) };
};

const numberOf = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number | undefined =>
  samples.find(
    (one) =>
      one.name === METRIC_PREFIX + name && Object.entries(labels).every(([label, text]) => one.labels[label] === text),
  )?.value;

describe('a scrape', () => {
  it('is the pinned text, for a pinned snapshot', async () => {
    const { deps, text } = await client();
    for (const type of ['link-joined', 'link-joined', 'publisher-up'])
      for (const listener of deps.listeners) listener({ wallMs: 0, type, publisherId: 'live_a' } as StreamEvent);
    const ours = (await text()).split('\n\n').filter((metric) => metric.includes(METRIC_PREFIX));
    // What depends on the machine has no value that could be pinned.
    const pinned = ours
      .join('\n\n')
      .replaceAll(/^(tributary_(?:event_loop\S+|gc_\S+)\{thread="main".*\}|tributary_health_score) .*$/gm, '$1 (…)')
      .replace(/node="[^"]*"/, 'node="(…)"')
      // They are salted.
      .replaceAll(/"stream-[0-9a-f]{6}"/g, '"stream-(…)"')
      .replace(/(link="(?!00000007))[0-9a-f]{8}"/g, '$1(…)"');
    await expect(`${pinned.trim()}\n`).toMatchFileSnapshot(resolve(ROOT, 'test/shape/metrics.txt'));
  });

  it('has every metric, with just the labels that it is said to have', async () => {
    const { deps, scrape } = await client();
    for (const listener of deps.listeners)
      listener({ wallMs: 0, type: 'link-left', publisherId: 'live_a' } as StreamEvent);
    await scrape();
    const samples = await scrape();
    for (const { name, labels } of METRICS) {
      const own = samples.filter((one) => one.name === METRIC_PREFIX + name);
      expect(own.length, name).toBeGreaterThan(0);
      for (const one of own) expect(Object.keys(one.labels).sort(), name).toEqual([...labels].sort());
    }
    const known = new Set(METRICS.map(({ name }) => METRIC_PREFIX + name));
    for (const { name } of samples) expect(known.has(name) || /^(process|nodejs)_/.test(name), name).toBe(true);
  });

  it('names nothing twice', async () => {
    const samples = await (await client()).scrape();
    const keys = samples.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("has prom-client's own, but for a second lag of the event loop", async () => {
    const names = new Set((await (await client()).scrape()).map(({ name }) => name));
    for (const name of ['process_cpu_seconds_total', 'nodejs_heap_size_used_bytes', 'nodejs_version_info'])
      expect(names).toContain(name);
    expect([...names].filter((name) => name.startsWith('nodejs_eventloop'))).toEqual([]);
  });

  it('tells every counter that there is', async () => {
    const view = rich();
    const asked = new Set<string>();
    const watched = (counters: Readonly<Record<string, number>>): Record<string, number> =>
      new Proxy(counters, {
        get: (target, name) => {
          asked.add(String(name));
          return target[String(name)];
        },
      }) as Record<string, number>;
    const { scrape } = await client({
      ...view,
      counters: watched(view.counters),
      srtla: { ...view.srtla, counters: watched(view.srtla.counters) },
    });
    await scrape();
    // Of these two the sums are in tributary_auth_total.
    const all = [...Object.keys(view.counters), ...Object.keys(view.srtla.counters)];
    expect(all.filter((name) => !asked.has(name))).toEqual(['accepted', 'refused']);
  });

  it('has no id and no address in it', async () => {
    const text = await (await client()).text();
    expect(text).toContain('stream-');
    for (const secret of ['live_a', 'play_a', '203.0.113', '198.51.100', '2001:db8', '0x1a2b'])
      expect(text.includes(secret), secret).toBe(false);
  });

  it('is there while the data plane is down', async () => {
    const down = { groups: [], counters: {} };
    const { scrape } = await client(
      dataPlaneSnapshot({
        srtla: down,
        publishers: [],
        players: [],
        counters: { dataPlaneUp: 0, dataPlaneRestarts: 1 },
      }),
    );
    const samples = await scrape();
    expect(numberOf(samples, 'data_plane_up')).toBe(0);
    expect(numberOf(samples, 'data_plane_restarts_total')).toBe(1);
    expect(numberOf(samples, 'event_loop_lag_seconds', { thread: 'data_plane' })).toBeUndefined();
  });

  it('lets others have a turn, and is made once for those who ask together', async () => {
    const groups = Array.from({ length: 200 }, (_, g) =>
      groupSnapshot({
        id: `0x${g}`,
        streamId: `live_${g}`,
        links: Array.from({ length: 10 }, (_, l) => linkSnapshot({ address: `203.0.${g}.${l}` })),
      }),
    );
    const publishers = groups.map(({ id, streamId }) => publisherSnapshot({ publisherId: streamId!, group: id }));
    const { deps, text } = await client(dataPlaneSnapshot({ srtla: { groups, counters: {} }, publishers }));
    let looks = 0;
    deps.snapshot = () => {
      looks++;
      return deps.view;
    };
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    looks = 0;
    const [first, second] = await Promise.all([text(), text()]);
    isOver = true;
    expect(first).toBe(second);
    expect(samplesOf(first!).filter(({ name }) => name === 'tributary_srtla_link_up')).toHaveLength(2_000);
    expect(turns).toBeGreaterThan(2);
    expect(looks).toBeLessThan(10);
  });
});

describe('docs/metrics.md', () => {
  it('has the table of what there is', () => {
    const row = ({ name, type, labels, help }: (typeof METRICS)[number]): string =>
      `| \`${METRIC_PREFIX}${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
    const docs = readFileSync(resolve(ROOT, 'docs/metrics.md'), 'utf8');
    const rows = docs.split('\n').filter((line) => line.startsWith(`| \`${METRIC_PREFIX}`));
    expect(rows).toEqual(METRICS.map(row));
  });
});

describe('who may read them', () => {
  const from = (remoteAddress: string, headers: Record<string, string> = {}) => ({
    remoteAddress,
    headers: { host: '127.0.0.1:8090', ...headers },
  });
  const TOKEN = 'a-token-of-a-prometheus';
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it.each([
    ['the machine itself', from('127.0.0.1'), 200],
    ['the machine itself, by IPv6', from('::1', { host: 'localhost:8090' }), 200],
    ['a private network', from('10.0.0.5'), 401],
    ['another private network', from('192.168.1.7'), 401],
    ['the network of containers', from('172.17.0.1'), 401],
    ['a private network of IPv6', from('fd00::7'), 401],
    ['anybody', from('203.0.113.9'), 401],
    ['a proxy on the machine', from('127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }), 401],
    ['a trusted proxy, for the machine', from('192.0.2.80', { 'x-forwarded-for': '127.0.0.1' }), 401],
    ['a web page in a browser of the machine', from('127.0.0.1', { host: 'evil.example' }), 401],
    ['anybody with the token', from('203.0.113.9', bearer(TOKEN)), 200],
    ['anybody with an API key', from('203.0.113.9', bearer(ADMIN)), 200],
    ['anybody with another token', from('203.0.113.9', bearer(`${TOKEN}x`)), 401],
    ['anybody with the secret of the commands', from('203.0.113.9', bearer('runtime-token')), 401],
  ])('%s', async (_who, more, status) => {
    const { call } = await client(rich(), {
      TRIBUTARY_METRICS_TOKEN: TOKEN,
      TRIBUTARY_HTTP_TRUSTED_PROXIES: '192.0.2.80',
    });
    const answer = await call('GET', '/metrics', more);
    expect(answer.status).toBe(status);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    if (status === 200) expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    else expect(answer.body).not.toContain(METRIC_PREFIX);
  });

  it('is what the settings say', async () => {
    const { call } = await client(rich(), { TRIBUTARY_METRICS_TRUSTED: '10.0.0.0/24' });
    expect((await call('GET', '/metrics', from('10.0.0.5'))).status).toBe(200);
    expect((await call('GET', '/metrics', from('10.0.1.5'))).status).toBe(401);
    expect((await call('GET', '/metrics', from('127.0.0.1'))).status).toBe(401);
  });

  it('lets nobody try tokens without end', async () => {
    const { call } = await client(rich(), { TRIBUTARY_HTTP_API_PER_MINUTE: '5' });
    const tries = [];
    for (let n = 0; n < 7; n++)
      tries.push((await call('GET', '/metrics', from('203.0.113.9', bearer(`guess-${n}`)))).status);
    expect(tries).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect((await call('GET', '/metrics', from('127.0.0.1'))).status).toBe(200);
  });
});

describe('a node with 10,000 bonded senders', () => {
  const GROUPS = 10_000;

  it('has a scrape that stays small, and says what is not in it', async () => {
    const groups = Array.from({ length: GROUPS }, (_, n) =>
      groupSnapshot({ id: `0x${n}`, streamId: `live_${n}`, links: [linkSnapshot({ port: n })] }),
    );
    const srtla = { groups, counters: {} };
    const publishers = srtla.groups.map(({ id, streamId }) => publisherSnapshot({ publisherId: streamId!, group: id }));
    const { scrape, deps } = await client(dataPlaneSnapshot({ srtla, publishers, players: [] }));
    const samples = await scrape();
    const few = await (await client()).scrape();
    expect(numberOf(samples, 'srtla_groups', { state: 'accepted' })).toBe(GROUPS);
    expect(numberOf(samples, 'srtla_links', { state: 'active' })).toBe(GROUPS);
    expect(samples.filter(({ name }) => name === 'tributary_stream_up')).toHaveLength(200);
    expect(samples.filter(({ name }) => name === 'tributary_srtla_link_up')).toHaveLength(200);
    expect(numberOf(samples, 'metrics_omitted', { kind: 'streams' })).toBe(GROUPS - 200);
    expect(numberOf(samples, 'metrics_omitted', { kind: 'links' })).toBe(GROUPS - 200);
    const perStream = METRICS.filter(({ labels }) => labels.includes('stream')).length * 4;
    expect(samples.length).toBeLessThan(few.length + 200 * perStream);
    // Strangers, of whom no session was accepted, have no series of their own.
    const strangers = srtla.groups.map((group) => ({ ...group, sessionAccepted: false }));
    deps.view = dataPlaneSnapshot({ srtla: { ...srtla, groups: strangers }, publishers: [], players: [] });
    const empty = await scrape();
    expect(empty.some(({ labels }) => labels.stream !== undefined)).toBe(false);
    expect(numberOf(empty, 'srtla_groups', { state: 'pending' })).toBe(GROUPS);
  });
});

describe('what is shown one by one', () => {
  const sized = (id: string, kbps: number) =>
    publisherSnapshot({ publisherId: id, source: 'srt', group: undefined, bitrateKbps: kbps, messages: kbps });
  const of = (...publishers: ReturnType<typeof sized>[]): DataPlaneSnapshot =>
    dataPlaneSnapshot({ srtla: { groups: [], counters: {} }, publishers, players: [] });
  const shownStreams = async (scrape: () => Promise<Sample[]>): Promise<number> =>
    (await scrape()).filter(({ name }) => name === 'tributary_stream_up').length;

  it('are the largest streams, and those that were shown before unless another is twice as large', async () => {
    const names = async (view: DataPlaneSnapshot, c: Awaited<ReturnType<typeof client>>): Promise<string[]> => {
      c.deps.view = view;
      return (await c.scrape()).flatMap(({ name, labels }) => (name === 'tributary_stream_up' ? [labels.stream!] : []));
    };
    const c = await client(of(), { TRIBUTARY_METRICS_MAX_STREAMS: '1' });
    const [small] = await names(of(sized('live_small', 1_000)), c);
    expect(await names(of(sized('live_small', 1_000), sized('live_large', 1_500)), c)).toEqual([small]);
    const [large] = await names(of(sized('live_small', 1_000), sized('live_large', 2_500)), c);
    expect(large).not.toBe(small);
    expect(await names(of(sized('live_small', 3_000), sized('live_large', 2_500)), c)).toEqual([large]);
  });

  it('is nothing where the settings say so', async () => {
    const c = await client(rich(), { TRIBUTARY_METRICS_MAX_STREAMS: '0' });
    expect(await shownStreams(c.scrape)).toBe(0);
    expect(numberOf(await c.scrape(), 'metrics_omitted', { kind: 'streams' })).toBe(1);
    const noLinks = await client(rich(), { TRIBUTARY_METRICS_MAX_LINKS: '1' });
    const samples = await noLinks.scrape();
    // A group is shown whole or not at all.
    expect(samples.filter(({ name }) => name === 'tributary_srtla_link_up')).toEqual([]);
    expect(numberOf(samples, 'metrics_omitted', { kind: 'links' })).toBe(2);
  });

  it('has links that name themselves alike told apart', async () => {
    const telemetry = {
      ...{ connectionId: 7, windowPackets: 1, inFlightPackets: 0, rttMs: 50, nakCount: 0, bitrateKbps: 1 },
      ...{ inMicroseconds: false, ageMs: 1 },
    };
    const links = [1, 2, 3].map((n) => linkSnapshot({ address: `203.0.113.${n}`, telemetry }));
    const { scrape } = await client(dataPlaneSnapshot({ srtla: { groups: [groupSnapshot({ links })], counters: {} } }));
    for (let n = 0; n < 3; n++) {
      const shown = (await scrape()).filter(({ name }) => name === 'tributary_srtla_link_up');
      expect(shown.map(({ labels }) => labels.link)).toEqual(['00000007', '00000007-2', '00000007-3']);
    }
  });
});

describe('states and events', () => {
  it('tells a stream that goes dark while it is watched', async () => {
    const view = rich();
    const { deps, scrape } = await client(view);
    expect(numberOf(await scrape(), 'stream_up')).toBe(1);
    deps.view = { ...view, publishers: [publisherSnapshot({ lastPayloadMs: 6_000 })] };
    const silent = await scrape();
    expect(numberOf(silent, 'stream_up')).toBe(0);
    expect(numberOf(silent, 'stream_silence_seconds')).toBe(6);
    expect(numberOf(silent, 'streams', { state: 'gone' })).toBe(1);
    deps.view = { ...view, publishers: [], srtla: { ...view.srtla, groups: [] } };
    const gone = await scrape();
    expect(numberOf(gone, 'stream_up')).toBe(0);
    expect(numberOf(gone, 'stream_silence_seconds')).toBeUndefined();
    expect(numberOf(gone, 'stream_players')).toBe(1);
    deps.view = { ...deps.view, players: [] };
    expect(numberOf(await scrape(), 'stream_up')).toBeUndefined();
  });

  it('counts what happens, for the node and for the stream', async () => {
    const { app, deps, scrape } = await client();
    const tell = (type: string, publisherId: string): void => {
      for (const listener of deps.listeners) listener({ wallMs: 0, type, publisherId } as StreamEvent);
    };
    tell('link-joined', ROWS[0]!.publisher);
    tell('link-left', ROWS[0]!.publisher);
    tell('link-joined', ROWS[1]!.publisher);
    const samples = await scrape();
    expect(numberOf(samples, 'events_total', { type: 'link_joined' })).toBe(2);
    expect(numberOf(samples, 'stream_events_total', { type: 'link_joined' })).toBe(1);
    expect(numberOf(samples, 'stream_events_total', { type: 'link_left' })).toBe(1);
    await app.close();
    expect(deps.listeners.size).toBe(0);
  });

  it('tells how the node stands with its control plane, where it has one', async () => {
    const { deps, scrape } = await client();
    const states = (samples: readonly Sample[]) =>
      samples
        .filter(({ name }) => name === 'tributary_control_state')
        .map(({ labels, value }) => [labels.state, value]);
    expect(states(await scrape())).toEqual([
      ['enrolling', 0],
      ['online', 0],
      ['degraded', 1],
      ['offline', 0],
    ]);
    expect(numberOf(await scrape(), 'control_silence_seconds')).toBe(2.5);
    Object.assign(deps, { controlStatus: () => undefined });
    expect(states(await scrape())).toEqual([]);
  });

  it('tells how good a stream is, where it is judged', async () => {
    const { deps, scrape } = await client();
    const sets = (samples: readonly Sample[]) =>
      samples
        .filter(({ name, value }) => name.startsWith('tributary_stream_quality_') && value === 1)
        .map(({ name, labels }) => [name.slice('tributary_stream_quality_'.length), labels.level ?? labels.state]);
    deps.quality = () => undefined;
    expect(sets(await scrape())).toEqual([]);
    const common = { reason: 'start', sinceMs: 0 } as const;
    deps.quality = () => ({ ...common, mode: 'observe', level: 'LOW', advice: undefined, state: 'ERROR' });
    expect(sets(await scrape())).toEqual([
      ['level', 'low'],
      ['state', 'error'],
    ]);
    deps.quality = () => ({ ...common, mode: 'advise', level: 'LOW', advice: 'VERY_LOW', state: 'RECOVERY' });
    const samples = await scrape();
    expect(sets(samples)).toEqual([
      ['level', 'low'],
      ['advice', 'very_low'],
      ['state', 'recovery'],
    ]);
    expect(samples.filter(({ name }) => name === 'tributary_stream_quality_state')).toHaveLength(6);
  });

  it('tells who carries a link', async () => {
    const { deps, scrape, text } = await client();
    expect(numberOf(await scrape(), 'srtla_link_info', { kind: 'unknown', carrier: '' })).toBe(1);
    deps.carriers = {
      ...deps.carriers,
      of: (address) =>
        address === '203.0.113.7' ? { label: 'A "carrier"', kind: 'cellular', country: 'DE' } : undefined,
    };
    expect(numberOf(await scrape(), 'srtla_link_info', { kind: 'cellular', country: 'DE' })).toBe(1);
    expect(await text()).toContain('carrier="A \\"carrier\\""');
  });
});
