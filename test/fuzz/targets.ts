import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { FastifyInstance } from 'fastify';
import { parseSendArguments } from '../../src/cli/send-arguments.ts';
import { readSlsDatabase } from '../../src/cli/sls-database.ts';
import { SLS_SCHEMA } from '../../src/cli/sls-schema.ts';
import { parseSrtlaArguments } from '../../src/cli/srtla-arguments.ts';
import { loadSettings } from '../../src/config/resolve.ts';
import * as protocol from '../../src/control-plane/protocol.ts';
import { parseUdpTable } from '../../src/data-plane/kernel-drops.ts';
import { parseImpairments } from '../../src/sender/impair/impairment-spec.ts';
import { parseLinkLines } from '../../src/sender/link-list.ts';
import { TS_PACKET_BYTES, TsFramer } from '../../src/sender/ts-framer.ts';
import { loadAddon } from '../../src/shared/addon.ts';
import { normaliseAddress, parseEndpoint } from '../../src/shared/address.ts';
import { TributaryError } from '../../src/shared/errors.ts';
import { ipv6Prefix } from '../../src/shared/ipv6-prefix.ts';
import { maskedText } from '../../src/shared/masked-address.ts';
import { CleanPoint, HOLD_MESSAGES } from '../../src/sls-bridge/clean-point.ts';
import { compareDebianVersions } from '../../src/sls-bridge/debian-version.ts';
import { DirectoryFile } from '../../src/sls-bridge/directory-file.ts';
import { GopCache } from '../../src/sls-bridge/gop-cache.ts';
import { streamIdForms } from '../../src/sls-bridge/stream-id.ts';
import { classify, parseTelemetry } from '../../src/srtla/packet.ts';
import { agreedLatencyMs, firstLost, lastLost, streamIdOf } from '../../src/srtla/srt-header.ts';
import { openAsnDatabase } from '../../src/stats/asn-database.ts';
import { ShareStore } from '../../src/stats/dashboard-shares.ts';
import { KeyStore } from '../../src/stats/key-store.ts';
import { createStatsServer } from '../../src/stats/stats-server.ts';
import { conclusion, data, ENCODER, induction, reg1, reg2, SENDER_ID } from '../srtla/packets.ts';
import { World } from '../srtla/world.ts';
import { geoliteRecord, mmdbFile } from '../support/mmdb-writer.ts';
import { ADMIN, statsDeps } from '../support/stats-deps.ts';
import { asDatagrams, datagrams } from './datagrams.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { SRT_SERVER_TARGET } from './srt-server-target.ts';
import { SRT_TARGETS } from './srt-targets.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (input: Uint8Array): string => Buffer.from(input).toString('utf8');
const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`does not hold: ${what}`);
};
/** Runs what may fail with a typed error of ours and no other. */
const typed = async (act: () => unknown): Promise<void> => {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    must(!error.line.includes('\n'), 'an error is one line');
  }
};
const json = (input: Uint8Array): unknown => {
  try {
    return JSON.parse(textOf(input));
  } catch {
    return undefined;
  }
};
const folder = mkdtempSync(join(tmpdir(), 'tributary-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const inFile = (name: string, input: Uint8Array): string => {
  writeFileSync(join(folder, name), input);
  return join(folder, name);
};

/** One of SLS, in the smallest pages there are. */
const slsDatabase = (): Uint8Array => {
  const path = join(folder, 'seed.db');
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA page_size = 512; ${SLS_SCHEMA}`);
  database.exec(
    "INSERT INTO stream_ids (publisher, player, description) VALUES ('live_a', 'play_a', 'one'), ('live_b', 'play_b', NULL)",
  );
  database.exec(`INSERT INTO api_keys (key_hash, name, permissions) VALUES ('${'0'.repeat(64)}', 'a key', 'admin')`);
  database.close();
  const bytes = readFileSync(path);
  rmSync(path);
  return bytes;
};

const TELEMETRY = Buffer.from('9000000000000001e240c01f00010000000700004e200000000c00000057000000040004c4b4', 'hex');
const PAT = Buffer.concat([Buffer.from('474000100000b00d0001c100000001f0002ab104b2', 'hex'), Buffer.alloc(167, 0xff)]);

let app: Promise<FastifyInstance> | undefined;
const statsApp = (): Promise<FastifyInstance> => {
  app ??= statsDeps(
    [{ publisher: 'live_fuzzed_id', player: 'play_a' }],
    {
      TRIBUTARY_HTTP_STATS_PER_MINUTE: '1000000',
      TRIBUTARY_HTTP_UNKNOWN_IDS_PER_MINUTE: '1000000',
      TRIBUTARY_HTTP_API_KEY_PER_MINUTE: '1000000',
      TRIBUTARY_HTTP_KEYS_PER_MINUTE: '1000000',
    },
    join(folder, 'node'),
  ).then((deps) => createStatsServer(deps).app);
  return app;
};

const schemas = Object.entries(protocol).filter(([name]) => name.endsWith('Schema')) as [
  string,
  { safeParse(value: unknown): { success: boolean } },
][];

export const TARGETS: readonly FuzzTarget[] = [
  ...SRT_TARGETS,
  SRT_SERVER_TARGET,
  {
    name: 'srtla-core',
    seeds: [
      asDatagrams(reg1(), reg2(SENDER_ID), TELEMETRY, induction(), conclusion(ENCODER, 'live_a'), data(1), data(2)),
    ],
    maxBytes: 8_000,
    run: (input) => {
      const world = new World({ maxGroups: 4, maxLinksPerGroup: 4 });
      world.register([1, 2], SENDER_ID);
      for (const [index, datagram] of datagrams(input).entries()) {
        world.receive(1 + (index % 5), datagram);
        world.advance(index % 7 === 0 ? 250 : 1);
      }
      const { groups } = world.core.snapshot(world.now);
      must(groups.length <= 4 && groups.every(({ links }) => links.length <= 4), 'the limits of groups and links');
    },
  },
  {
    name: 'srt-headers',
    seeds: [conclusion(ENCODER, 'live_a'), induction(), data(5), TELEMETRY],
    maxBytes: 1_500,
    run: (input) => {
      const kind = classify(input);
      must(Number.isInteger(kind), 'a kind is a number');
      parseTelemetry(input, { connId: 0, window: 0, inFlight: 0, rttMs: 0, nakCount: 0, bitrateBps: 0 } as never);
      if (input.length < 64) return;
      must((streamIdOf(input)?.length ?? 0) <= 512, 'a stream id is short');
      must(!Number.isNaN(agreedLatencyMs(input) + firstLost(input) + lastLost(input)), 'numbers');
    },
  },
  {
    name: 'stream-ids',
    seeds: ['#!::r=live_a,m=publish', 'publish/live/live_a', 'live_a?srtauth=x', '#!::u=a,r=play/b,m=request'].map(
      bytes,
    ),
    maxBytes: 600,
    run: (input) => {
      const text = textOf(input);
      // What SRT itself carries.
      if (Buffer.byteLength(text) > 512 || text.includes('\0')) return;
      for (const role of ['publish', 'play'] as const) {
        const forms = streamIdForms(text, role);
        must(
          forms.every((form) => form !== '' && form !== text && text.includes(form)),
          'a form is a part of the id',
        );
        must(JSON.stringify(loadAddon().streamIdForms(text, role)) === JSON.stringify(forms), 'the addon agrees');
      }
    },
  },
  {
    name: 'http',
    seeds: [
      'POST /api/stream-ids\n{"publisher":"live_x","player":"play_x","maxPlayers":3,"expiresAt":"2030-01-01T00:00:00Z"}',
      'PATCH /api/stream-ids/play_a\n{"label":"x","maxBitrateKbps":null}',
      'POST /api/keys\n{"name":"x","permissions":"read"}',
      'POST /api/drain\n{"drain":true}',
      'GET /stats/play_a?legacy=1&token=x\n',
      'GET /stats?publisher=play_a\n',
      'DELETE /api/players/play_a?key=7\n',
    ].map(bytes),
    maxBytes: 2_000,
    run: async (input) => {
      const [head = '', ...rest] = textOf(input).split('\n');
      const [method = '', path = '/'] = head.split(' ');
      if (!['GET', 'POST', 'PATCH', 'DELETE'].includes(method) || !/^\/[\x21-\x7e]*$/.test(path)) return;
      const { statusCode } = await (await statsApp()).inject({
        method: method as 'GET',
        url: path,
        headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
        ...(method === 'GET' ? {} : { payload: rest.join('\n') }),
      });
      must(statusCode < 500 || statusCode === 503, `${statusCode} is no answer to bad input`);
    },
  },
  {
    name: 'settings',
    seeds: [
      'srtla:\n  ports: [5000, 5001]\n  maxGroups: 3\nbind: auto\n',
      'a: &a [1]\nb: [*a, *a]\n',
      'http: {statsPort: 8090}',
    ].map(bytes),
    maxBytes: 2_000,
    run: (input) => {
      const text = textOf(input);
      const loaded = loadSettings({
        argv: [],
        env: {},
        cwd: '/c',
        readFile: (path) => (path === '/c/tributary.yml' ? text : undefined),
      });
      if ('problems' in loaded)
        must(loaded.problems.length > 0 && loaded.problems.every((one) => !one.includes('\n')), 'lines');
      const word = text.replaceAll('\0', '');
      loadSettings({
        argv: [`--${word}`],
        env: { SRTLA_PORT: word, TRIBUTARY_BIND: word },
        cwd: '/c',
        readFile: () => undefined,
      });
    },
  },
  {
    name: 'command-lines',
    seeds: [
      '--to 127.0.0.1:5000 --links 127.0.0.1 --streamid a',
      '--srtla_port 5000 --srt_hostname h --srt_port 1',
    ].map(bytes),
    maxBytes: 500,
    run: async (input) => {
      const words = textOf(input).split(' ');
      await typed(() => parseSendArguments(words));
      await typed(() => parseSrtlaArguments(words));
    },
  },
  {
    name: 'asn-database',
    seeds: [24, 28, 32].map((recordSize) =>
      mmdbFile({
        type: 'GeoLite2-ASN',
        networks: {
          '203.0.113.0/24': geoliteRecord(64_500, 'Example'),
          '2001:db8::/32': geoliteRecord(64_501, 'Other'),
        },
        recordSize: recordSize as 24,
      }),
    ),
    maxBytes: 12_000,
    run: async (input) => {
      const beginMs = performance.now();
      await typed(async () => {
        const database = await openAsnDatabase(inFile('fuzz.mmdb', input));
        for (const address of ['203.0.113.9', '2001:db8::1', '8.8.8.8', '::', 'ffff::']) database.get(address);
      });
      must(performance.now() - beginMs < 5_000, 'a file of a few kB is read in no time');
    },
  },
  {
    name: 'control-plane',
    seeds: [
      '{"generation":1,"planeId":"plane-12345","streams":[{"publisher":"live_a","player":"play_a","label":"x"}]}',
      '{"serverId":"a","version":"0.1.0","protocol":1,"ports":{"srtla":[5000]}}',
      '{"generation":1,"failed":[]}',
      '{"links":[{"address":"192.0.2.1","bitrateKbps":100}]}',
    ].map(bytes),
    maxBytes: 3_000,
    run: (input) => {
      const value = json(input);
      if (value !== undefined) for (const [, schema] of schemas) schema.safeParse(value);
      for (const [, schema] of schemas) schema.safeParse(textOf(input));
    },
  },
  {
    name: 'data-files',
    seeds: [
      '{"version":1,"rows":[{"publisher":"live_a","player":"play_a"}]}',
      `{"version":1,"keys":[{"name":"a","permissions":"admin","created":"2026-01-01T00:00:00.000Z","sha256":"${'0'.repeat(64)}"}]}`,
      '{"version":1,"shares":[]}',
    ].map(bytes),
    maxBytes: 2_000,
    run: async (input) => {
      for (const name of ['streams.json', 'keys.json', 'shares.json', 'api-keys.json']) inFile(name, input);
      await typed(() => DirectoryFile.open(folder));
      for (const name of ['streams.json', 'keys.json', 'shares.json', 'api-keys.json']) inFile(name, input);
      await typed(() => KeyStore.openAsItIs(folder));
      await typed(() => ShareStore.open(folder));
    },
  },
  {
    name: 'sls-database',
    seeds: [slsDatabase()],
    // Of pages of 512 bytes.
    maxBytes: 8_192,
    run: async (input) => {
      await typed(async () => {
        const { rows, keys, unusable } = await readSlsDatabase(inFile('streams.db', input), folder);
        for (const { publisher, player } of rows) must(publisher !== '' && player !== '', 'a row has both ids');
        for (const { sha256 } of keys) must(/^[0-9a-f]{64}$/.test(sha256), 'a key is a hash');
        for (const line of unusable) must(!line.includes('\n'), 'what was left out is one line each');
      });
    },
  },
  {
    name: 'transport-stream',
    seeds: [PAT, Buffer.concat([PAT, PAT, PAT])],
    maxBytes: 1_316,
    run: (input) => {
      const arena = new Uint8Array(1_456);
      const length = Math.min(input.length, 1_456);
      arena.set(input.subarray(0, length));
      const point = new CleanPoint();
      const cache = new GopCache({ maxBytes: 4_000, maxMs: 1_000 });
      for (let n = 0; n < 4; n++) {
        point.offer(arena, 0, length, n * 700);
        cache.offer(arena, 0, length, n * 700_000, n * 700);
      }
      must(point.heldMessages <= HOLD_MESSAGES && cache.heldBytes <= 4_000, 'what is held is bounded');
      new TsFramer().push(input, (packet) => must(packet.length === TS_PACKET_BYTES, 'a packet is whole'));
    },
  },
  {
    name: 'texts',
    seeds: [
      'delay=30,jitter=5,loss=1%',
      '::ffff:192.0.2.1',
      '[2001:db8::1]:5000',
      '1.5.1-1+deb12u2',
      '192.0.2.1 # phone',
      '  12: 00000000:1388 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1 2 0 7',
    ].map(bytes),
    maxBytes: 400,
    run: async (input) => {
      const text = textOf(input);
      await typed(() => parseImpairments(text));
      await typed(() => parseLinkLines(text));
      parseEndpoint(text);
      normaliseAddress(text);
      ipv6Prefix(text, 4);
      maskedText(text, 'prefix');
      parseUdpTable(text);
      must(
        Math.sign(compareDebianVersions(text, '1.5.1')) === -Math.sign(compareDebianVersions('1.5.1', text)),
        'an order',
      );
    },
  },
];
