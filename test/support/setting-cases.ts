import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ReloadablePath } from '../../src/config/schema.ts';
import { isHookSigned } from '../../src/hooks/hook-signature.ts';
import { until } from './processes.ts';
import type { Asked, SettingStage, Values } from './setting-stage.ts';
import { PushClient } from './stats-socket.ts';

/** What a reload test does with one setting. */
export interface SettingCase {
  /** Another value than that of the stage. */
  readonly to: unknown;
  /** What has to be set with it. */
  readonly also?: Values;
  readonly prepare?: (stage: SettingStage) => Promise<void> | void;
  /** What is different from then on: fails where it is not; or the test file in which that is looked at. */
  readonly look: ((stage: SettingStage) => Promise<unknown>) | string;
}

const HOUR = 3_600;
const IN_OTHER_TESTS = {
  core: 'test/srtla/live-settings.test.ts',
  quality: 'test/quality/quality-book.test.ts',
  hub: 'src/sls-bridge/hub.test.ts',
};
const GONE_WITHIN_MS = 6_000;

/** 429 within a few tries: a minute may end in between. */
const isLimited =
  (path: string, headers: (stage: SettingStage) => Record<string, string> = () => ({})) =>
  (stage: SettingStage): Promise<unknown> =>
    until(`${path} to be limited`, async () => (await stage.statusOf(path, headers(stage))) === 429, 5_000);

const toldPlane =
  (probe: (facts: ReturnType<SettingStage['told']>) => unknown) =>
  (stage: SettingStage): Promise<unknown> =>
    until('the plane to be told', () => probe(stage.told()));

const named =
  (host: string) =>
  async (stage: SettingStage): Promise<void> =>
    expect((await stage.page<{ node: string }>('/session')).node).toBe(host);

const linksOf = async ({ node }: SettingStage): Promise<{ stream_id: string; connections: { addr: string }[] }[]> =>
  ((await (await fetch(node.links)).json()) as { groups: { stream_id: string; connections: { addr: string }[] }[] })
    .groups;

const forgets =
  (isForgotten: (links: number | undefined) => boolean) =>
  async (stage: SettingStage): Promise<void> => {
    const sender = await stage.silentSender();
    await until('what is silent to be forgotten', async () => isForgotten(await sender.links()), GONE_WITHIN_MS);
    await sender.close();
  };
const forgetsGroup = forgets((links) => links === undefined);

/** The request to the stage's web server that an encoder's coming makes. */
const toldOfEncoder = async (
  stage: SettingStage,
  isIt: (asked: Asked, publisher: string) => boolean = () => true,
): Promise<void> => {
  const from = stage.asked.length;
  const { socket, publisher } = await stage.publish();
  await until('the receiver to be told', () => stage.asked.slice(from).some((asked) => isIt(asked, publisher)));
  stage.peer.engine.close(socket);
};
const isSigned = (secret: string, { headers, body }: Asked): boolean =>
  isHookSigned(
    secret,
    { timestamp: String(headers['tributary-timestamp']), signature: String(headers['tributary-signature']) },
    body,
    Date.now() / 1_000,
  );
const SECRET = 'a-secret-of-the-reload-test';
const written = (stage: SettingStage, name: string, text: string): void =>
  writeFileSync(join(stage.folder, name), text);

/** Made for a stage, because some values have its addresses in them. */
export const settingCases = (stage: SettingStage): Record<ReloadablePath, SettingCase> => {
  const hooked = { 'hooks.urls': [`${stage.web}/told`], 'hooks.secret': SECRET };
  const authorised = { 'hooks.authUrl': `${stage.web}/may` };
  const quality = (to: unknown, look: SettingCase['look'] = IN_OTHER_TESTS.quality): SettingCase => ({ to, look });
  const strangers = { 'stats.trusted': [] };
  // With asn.update they would have the vendors asked; they take the way of asn.url.
  const shown = 'src/config/reload.test.ts';
  return {
    publicHost: { to: 'relay.example.net', look: named('relay.example.net') },
    publicIp: { to: '203.0.113.7', look: toldPlane((facts) => facts.publicIp === '203.0.113.7') },
    publicIp6: { to: '2001:db8::7', look: toldPlane((facts) => facts.publicIp6 === '2001:db8::7') },
    appUrl: { to: 'http://app.example.net:8090', look: named('app.example.net') },
    'log.level': {
      to: 'debug',
      look: async (at) => {
        at.peer.call(at.node.ports.play, 'a-guess');
        await until('a debug line of the packets', () => at.node.program.output.includes('caller refused'));
      },
    },
    'srtla.linkTimeoutMs': { to: 1_000, look: forgets((links) => !links) },
    'srtla.groupTimeoutMs': { to: 1_500, also: { 'srtla.linkTimeoutMs': 1_500 }, look: forgetsGroup },
    'srtla.sessionTimeoutMs': { to: 1_000, look: forgetsGroup },
    'srtla.maxGroupKbps': { to: 90_000, look: IN_OTHER_TESTS.core },
    'srtla.maxGroupPacketsPerSecond': { to: 14_000, look: IN_OTHER_TESTS.core },
    'srtla.ackFlushMs': { to: 20, look: IN_OTHER_TESTS.core },
    'srt.latencyFloorMs': {
      to: 900,
      look: async (at) => {
        const { publisher } = await at.publish();
        expect((await until('the publisher', () => at.encoder(publisher))).latencyMs).toBe(900);
      },
    },
    'srt.latencyCeilingMs': {
      to: 2_000,
      look: async (at) => {
        const { publisher } = at.ids();
        const socket = at.peer.call(at.node.ports.publish, publisher, { latencyMs: 3_000 });
        await until('too long a latency to be refused', () => at.isOver(socket));
      },
    },
    'player.waitSeconds': {
      to: 1,
      look: async (at) => {
        const { player } = at.ids();
        const socket = await at.play(player);
        await until('the player that waits to be closed', () => at.isOver(socket), 5_000);
      },
    },
    'player.maxPerId': {
      to: 1,
      look: async (at) => {
        const { player } = at.ids();
        const first = await at.play(player);
        const second = at.peer.call(at.node.ports.play, player, { reads: true });
        await until('the second player to be refused', () => at.isOver(second));
        expect(at.isOver(first)).toBe(false);
      },
    },
    'player.slow': { to: 'disconnect', look: 'src/sls-bridge/bridge.test.ts' },
    'player.join': { to: 'last-key-frame', look: IN_OTHER_TESTS.hub },
    'player.gopMaxBytes': { to: 1_048_576, look: IN_OTHER_TESTS.hub },
    'player.gopMaxMs': { to: 5_000, look: IN_OTHER_TESTS.hub },
    'http.statsPerMinute': { to: 1, look: isLimited('/stats/a-guess') },
    'http.unknownIdsPerMinute': { to: 1, look: isLimited('/stats/a-guess') },
    'http.apiPerMinute': { to: 1, look: isLimited('/api/streams', (at) => at.key('no-key')) },
    'http.apiKeyPerMinute': { to: 1, look: isLimited('/api/streams', (at) => at.key()) },
    'http.keysPerMinute': { to: 1, look: isLimited('/api/keys', (at) => at.key()) },
    'http.maxPushClients': {
      to: 0,
      look: async (at) =>
        expect(await new PushClient(`ws://127.0.0.1:${at.node.ports.stats}/ws/stats`, at.key()).outcome).toBe(429),
    },
    'http.trustedProxies': {
      to: ['127.0.0.1'],
      also: { 'http.statsPerMinute': 1 },
      look: async (at) => {
        await isLimited('/stats/a-guess')(at);
        expect(await at.statusOf('/stats/a-guess', { 'x-forwarded-for': '198.51.100.9' })).toBe(404);
      },
    },
    'streams.deleteGraceSeconds': {
      to: 1,
      look: async (at) => {
        const { socket, player } = await at.publish();
        await fetch(`http://127.0.0.1:${at.node.ports.stats}/api/stream-ids/${player}`, {
          ...{ method: 'DELETE', headers: at.key() },
        });
        await until('the end of the grace', () => at.isOver(socket), 5_000);
      },
    },
    'stats.linksMode': {
      to: 'byor',
      also: strangers,
      look: async (at) => expect((await linksOf(at)).length).toBeGreaterThan(0),
    },
    'stats.trusted': {
      to: [],
      // There is more than one publisher id.
      look: async (at) => expect(await linksOf(at)).toEqual([]),
    },
    'stats.srtlaFolder': {
      to: join(stage.folder, 'srtla'),
      prepare: (at) => void mkdirSync(join(at.folder, 'srtla'), { recursive: true }),
      look: (at) =>
        until('the file', () => existsSync(join(at.folder, 'srtla', `srtla_stats_${at.node.ports.srtla[0]}.json`))),
    },
    'api.key': {
      to: 'an-admin-key-of-the-reload-test-01',
      look: async (at) =>
        expect(await at.statusOf('/api/keys', at.key('an-admin-key-of-the-reload-test-01'))).toBe(200),
    },
    'api.keyFile': {
      to: join(stage.folder, 'key'),
      prepare: (at) => written(at, 'key', 'an-admin-key-of-the-reload-test-02\n'),
      look: async (at) =>
        expect(await at.statusOf('/api/keys', at.key('an-admin-key-of-the-reload-test-02'))).toBe(200),
    },
    'control.region': { to: 'eu-west', look: toldPlane((facts) => facts.region === 'eu-west') },
    'control.provider': { to: 'hetzner', look: toldPlane((facts) => facts.provider === 'hetzner') },
    'control.position': { to: '41.88, -87.63', look: toldPlane((facts) => facts.position?.latitude === 41.88) },
    'control.maxSessions': { to: 3, look: toldPlane(({ limits }) => limits.maxSessions === 3) },
    'control.monthlyCapGb': { to: 20_000, look: toldPlane(({ limits }) => limits.monthlyCapBytes === 20_000e9) },
    'control.portMbps': { to: 1_000, look: toldPlane(({ limits }) => limits.portKbps === 1_000_000) },
    'traffic.resetDay': { to: 15, look: toldPlane(({ limits }) => limits.resetDay === 15) },
    'traffic.count': { to: 'out', look: toldPlane(({ limits }) => limits.count === 'out') },
    'traffic.sustainedMbps': { to: 200, look: toldPlane(({ limits }) => limits.sustainedKbps === 200_000) },
    'metrics.trusted': { to: [], look: async (at) => expect(await at.statusOf('/metrics')).toBe(401) },
    'metrics.token': {
      to: 'a-token-of-the-reload-test-01',
      also: { 'metrics.trusted': [] },
      look: async (at) => expect(await at.statusOf('/metrics', at.key('a-token-of-the-reload-test-01'))).toBe(200),
    },
    'metrics.tokenFile': {
      to: join(stage.folder, 'token'),
      also: { 'metrics.trusted': [] },
      prepare: (at) => written(at, 'token', 'a-token-of-the-reload-test-02\n'),
      look: async (at) => expect(await at.statusOf('/metrics', at.key('a-token-of-the-reload-test-02'))).toBe(200),
    },
    'metrics.maxStreams': { to: 0, look: async (at) => expect(await at.metrics()).not.toContain('stream="stream-') },
    'metrics.maxLinks': { to: 0, look: async (at) => expect(await at.metrics()).not.toMatch(/^[^#]*\blink="/m) },
    'hooks.urls': { to: [`${stage.web}/told`], look: (at) => toldOfEncoder(at) },
    'hooks.events': {
      to: ['unpublish'],
      also: hooked,
      look: async (at) => {
        const from = at.asked.length;
        const { socket } = await at.publish();
        at.peer.engine.close(socket);
        await until('the receiver to be told', () => at.asked.length > from);
        for (const { body } of at.asked.slice(from)) expect(JSON.parse(body)).toMatchObject({ type: 'unpublish' });
      },
    },
    'hooks.details': {
      to: 'full',
      also: hooked,
      look: async (at) => {
        await toldOfEncoder(at, ({ body }, publisher) => JSON.parse(body).publisherId === publisher);
      },
    },
    'hooks.secret': {
      to: SECRET,
      also: { 'hooks.urls': [`${stage.web}/told`] },
      look: async (at) => toldOfEncoder(at, (asked) => isSigned(SECRET, asked)),
    },
    'hooks.secretFile': {
      to: join(stage.folder, 'secret'),
      also: { 'hooks.urls': [`${stage.web}/told`] },
      prepare: (at) => written(at, 'secret', `${SECRET}-2`),
      look: async (at) => toldOfEncoder(at, (asked) => isSigned(`${SECRET}-2`, asked)),
    },
    'hooks.authUrl': {
      to: `${stage.web}/may`,
      look: (at) =>
        toldOfEncoder(at, ({ url, body }, publisher) => url === '/may' && JSON.parse(body).streamId === publisher),
    },
    'hooks.authForm': {
      to: 'sls',
      also: authorised,
      look: (at) =>
        toldOfEncoder(at, ({ url }, publisher) => url.includes('on_event=on_connect') && url.includes(publisher)),
    },
    'hooks.whenDown': {
      to: 'open',
      also: authorised,
      look: async (at) => {
        at.status = 503;
        const { publisher } = await at.publish();
        await until('an id that it does not know to be let in', () => at.encoder(publisher));
        at.status = 204;
      },
    },
    'hooks.allowedNetworks': {
      to: [],
      also: hooked,
      look: async (at) => {
        const { socket } = await at.publish();
        await until('the call to be refused', () => at.node.program.output.includes('add it to hooks.allowedNetworks'));
        at.peer.engine.close(socket);
      },
    },
    'hooks.maxQueued': { to: 5, also: hooked, look: 'src/hooks/hook-queue.test.ts' },
    'privacy.addresses': {
      to: 'full',
      also: { ...strangers, 'stats.linksMode': 'byor' },
      look: async (at) => expect((await linksOf(at))[0]!.connections[0]!.addr).toMatch(/^127\.0\.[12]\.1:/),
    },
    'asn.update': { to: 'weekly', also: { 'asn.url': `${stage.web}/a.mmdb` }, look: (at) => at.untilAsked('/a.mmdb') },
    'asn.url': { to: `${stage.web}/b.mmdb`, also: { 'asn.update': 'weekly' }, look: (at) => at.untilAsked('/b.mmdb') },
    'asn.ipinfoToken': { to: 'a-token-of-the-reload-test', look: shown },
    'asn.maxmindAccount': { to: '123456', look: shown },
    'asn.maxmindKey': { to: 'a-key-of-the-reload-test', look: shown },
    'asn.maxmindEditions': { to: ['GeoLite2-City'], look: shown },
    'quality.mode': quality('off', async (at) => expect(await at.level()).toBeUndefined()),
    'quality.highKbps': quality(3_000, (at) => until('level HIGH', async () => (await at.level()) === 'HIGH')),
    'quality.highLossPct': quality(1),
    'quality.mediumKbps': quality(2_400),
    'quality.mediumLossPct': quality(4),
    'quality.lowKbps': quality(1_300),
    'quality.lowLossPct': quality(6),
    'quality.veryLowKbps': quality(700),
    'quality.veryLowLossPct': quality(6),
    'quality.viewerLossPct': quality(0.2),
    'quality.rttPct': quality(40),
    'quality.bufferPct': quality(20),
    'quality.downAfterSeconds': quality(5),
    'quality.downFastAfterSeconds': quality(2),
    'quality.upAfterSeconds': quality(HOUR / 60),
    'quality.probeAfterSeconds': quality(21),
    'quality.trialSeconds': quality(61),
    'quality.upAfterMostSeconds': quality(HOUR),
    'quality.errorAfterSeconds': quality(4),
    'quality.errorEndsAfterSeconds': quality(4),
    'dashboard.maxPages': {
      to: 1,
      look: async (at) => {
        const over = new AbortController();
        const first = await at.feed(over.signal);
        const second = await at.feed(over.signal);
        expect([first.status, second.status]).toEqual([200, 429]);
        over.abort();
      },
    },
  };
};
