import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { geoliteRecord, IPINFO_LITE, ipinfoRecord, mmdbFile } from '../../test/support/mmdb-writer.ts';
import { tarFile } from '../../test/support/tar-writer.ts';
import { loadSettings } from '../config/resolve.ts';
import { TributaryError } from '../shared/errors.ts';
import { silentLogger } from '../shared/logger.ts';
import { DOWNLOAD_LIMITS, download } from './asn-download.ts';
import { type AsnSource, asnSources, sourceOfUrl } from './asn-sources.ts';
import { unpacked } from './asn-unpack.ts';
import { updateAsnDatabase } from './asn-update.ts';
import { pauseAfter, WeeklyUpdate } from './asn-weekly.ts';
import { isPublicAddress } from './reserved-address.ts';

const MMDB = mmdbFile({ type: IPINFO_LITE, networks: { '172.32.0.0/11': ipinfoRecord(21_928, 'T-Mobile USA, Inc.') } });
const GEOLITE = mmdbFile({
  type: 'GeoLite2-ASN',
  networks: { '172.32.0.0/11': geoliteRecord(21_928, 'T-MOBILE-AS21928') },
  // More than one chunk of a socket.
  buildEpoch: 1_790_000_001,
});
const TAR = tarFile([
  ['GeoLite2-ASN_20261120/COPYRIGHT.txt', Buffer.from('by whom')],
  ['GeoLite2-ASN_20261120/GeoLite2-ASN.mmdb', GEOLITE],
  ['GeoLite2-ASN_20261120/README.txt', Buffer.alloc(100_000, 'x')],
]);
const SECRET = 'not_to_be_seen';

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => void;
const bytes =
  (content: Buffer, status = 200): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-length': content.length }).end(content);
  };
const redirect =
  (target: (url: URL) => string): Answer =>
  (_request, response, url) => {
    response.writeHead(302, { location: target(url) }).end();
  };

/** Settled when the connection is over. */
let endless: Promise<unknown> | undefined;

const PATHS: Readonly<Record<string, Answer>> = {
  '/x.mmdb': bytes(MMDB),
  '/x.mmdb.gz': bytes(gzipSync(MMDB)),
  '/x.tar.gz': bytes(gzipSync(TAR)),
  '/x.tar': bytes(TAR),
  '/cut.tar.gz': bytes(gzipSync(TAR).subarray(0, 300)),
  '/empty.tar.gz': bytes(gzipSync(tarFile([['README.txt', Buffer.from('x')]]))),
  '/bomb.gz': bytes(gzipSync(Buffer.alloc(3_000_000))),
  '/bomb.tar.gz': bytes(
    gzipSync(
      tarFile([
        ['x.txt', Buffer.alloc(3_000_000)],
        ['x.mmdb', MMDB],
      ]),
    ),
  ),
  '/endless.tar': (_request, response) => {
    endless = new Promise((done) => response.on('close', done));
    response.write(tarFile([['x.mmdb', MMDB]]));
  },
  '/page': bytes(Buffer.from('<html>please sign in</html>')),
  '/cut.mmdb': bytes(MMDB.subarray(0, 300)),
  '/none': bytes(Buffer.from('no'), 404),
  '/busy': bytes(Buffer.from('no'), 429),
  '/broken': bytes(Buffer.from('no'), 503),
  '/moved': redirect(() => '/x.mmdb'),
  '/loop': redirect(() => '/loop'),
  '/inside': redirect(() => 'https://169.254.169.254/latest/meta-data'),
  '/inside-name': redirect(() => 'https://localhost:1/'),
  '/inside-v6': redirect(() => 'https://[::ffff:10.0.0.1]/x.mmdb'),
  '/elsewhere': redirect(() => 'http://192.0.2.1/x.mmdb'),
  '/silent': () => {},
  '/stops': (_request, response) => {
    response.writeHead(200, { 'content-length': 10_000 }).write(MMDB.subarray(0, 100));
  },
  '/breaks': (_request, response) => {
    response.writeHead(200, { 'content-length': 10_000 });
    response.write(MMDB.subarray(0, 100), () => response.destroy());
  },
  '/data/ipinfo_lite.mmdb': (request, response, url) =>
    url.searchParams.get('token') === SECRET
      ? bytes(MMDB)(request, response, url)
      : bytes(MMDB, 403)(request, response, url),
  '/app/geoip_download': (request, response, url) =>
    url.searchParams.get('license_key') === SECRET && url.searchParams.get('suffix') === 'tar.gz'
      ? bytes(gzipSync(TAR))(request, response, url)
      : bytes(Buffer.from('Invalid license key'), 401)(request, response, url),
  '/geoip/databases/GeoLite2-ASN/download': (request, response, url) =>
    request.headers.authorization === `Basic ${Buffer.from(`123:${SECRET}`).toString('base64')}`
      ? redirect(() => '/x.tar.gz')(request, response, url)
      : bytes(Buffer.from('Invalid'), 401)(request, response, url),
};

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://x');
  (PATHS[url.pathname] ?? PATHS['/none']!)(request, response, url);
});
let base = '';
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const LIMITS = { ...DOWNLOAD_LIMITS, idleMs: 300, totalMs: 5_000 };
const at = (path: string): AsnSource => sourceOfUrl(`${base}${path}?token=${SECRET}`);
const failure = async (promise: Promise<unknown>): Promise<TributaryError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TributaryError);
  expect((error as TributaryError).line).not.toContain(SECRET);
  return error as TributaryError;
};

describe('an update', () => {
  it.each([
    ['/x.mmdb', 'x.mmdb', MMDB],
    ['/x.mmdb.gz', 'x.mmdb', MMDB],
    ['/x.tar.gz', 'x.mmdb', GEOLITE],
    ['/x.tar', 'x.mmdb', GEOLITE],
    ['/moved', 'downloaded.mmdb', MMDB],
  ])('takes %s', async (path, name, content) => {
    const folder = join(temporaryFolder(), 'asn');
    const database = await updateAsnDatabase(folder, at(path), LIMITS);
    expect(database.path).toBe(join(folder, name));
    expect(database.get('172.58.0.1')?.organisation.asn).toBe(21_928);
    expect(readdirSync(folder)).toEqual([name]);
    expect(readFileSync(join(folder, name)).equals(content)).toBe(true);
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['/page', 'TRIBUTARY_ASN_DATABASE_INVALID', /no MaxMind DB file/],
    ['/cut.mmdb', 'TRIBUTARY_ASN_DATABASE_INVALID', /no MaxMind DB file, or its end is missing/],
    ['/cut.tar.gz', 'TRIBUTARY_ASN_DATABASE_INVALID', /gzip is damaged/],
    ['/empty.tar.gz', 'TRIBUTARY_ASN_DATABASE_INVALID', /no \.mmdb file in the archive/],
    ['/none', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /answers 404/],
    ['/busy', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /too often/],
    ['/broken', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /answers 503/],
    ['/loop', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /redirects more than 5 times/],
    ['/inside', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /169\.254\.169\.254, which is no public host/],
    ['/inside-name', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /localhost, which is no public host/],
    ['/inside-v6', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /which is no public host/],
    ['/elsewhere', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /http:\/\/192\.0\.2\.1, which is not https/],
    ['/silent', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /nothing came for 0\.3 s/],
    ['/stops', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /nothing came for 0\.3 s/],
    ['/breaks', 'TRIBUTARY_ASN_DOWNLOAD_FAILED', /broke off|ECONNRESET/],
  ])('refuses %s (%s), and what was there stays', async (path, code, reason) => {
    const folder = temporaryFolder();
    const name = at(path).fileName;
    writeFileSync(join(folder, name), 'what was there');
    const error = await failure(updateAsnDatabase(folder, at(path), LIMITS));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(reason);
    expect(error.mend).not.toBe('');
    expect(readdirSync(folder)).toEqual([name]);
    expect(readFileSync(join(folder, name), 'utf8')).toBe('what was there');
  });

  it('is bounded in bytes, packed and unpacked, and in time', async () => {
    const drain = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const _ of chunks);
    };
    const small = { ...LIMITS, maxBytes: 50 };
    expect((await failure(drain(download(at('/x.mmdb'), small)))).message).toMatch(/larger than 50 bytes/);
    await expect(drain(unpacked(download(at('/bomb.gz'), LIMITS), 1_000_000))).rejects.toThrow(
      /larger than 1000000 bytes when unpacked/,
    );
    // What an archive has before the database counts, too.
    await expect(drain(unpacked(download(at('/bomb.tar.gz'), LIMITS), 1_000_000))).rejects.toThrow(
      /larger than 1000000 bytes when unpacked/,
    );
    const short = { ...LIMITS, idleMs: 4_000, totalMs: 200 };
    expect((await failure(drain(download(at('/stops'), short)))).message).toMatch(/longer than 0\.2 s/);
  });

  it('ends the connection when it has what it wants', async () => {
    const patient = { ...LIMITS, idleMs: 60_000, totalMs: 120_000 };
    const { type } = await updateAsnDatabase(temporaryFolder(), at('/endless.tar'), patient);
    expect(type).toBe(IPINFO_LITE);
    await endless;
  });

  it.each([
    ...['127.0.0.1', '10.0.0.1', '100.100.100.200', '169.254.169.254', '192.0.0.192', '224.0.0.1', '255.255.255.255'],
    ...['::1', '::', 'fd00:ec2::254', 'fe80::1', 'ff02::1', '::ffff:10.0.0.1', '64:ff9b::a00:1', '2002:a00:1::1'],
  ])('is not led to %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
  it.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'])('may be led to %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it('says that nobody is there', async () => {
    const error = await failure(
      updateAsnDatabase(temporaryFolder(), sourceOfUrl(`http://127.0.0.1:1/x.mmdb?k=${SECRET}`)),
    );
    expect(error.message).toMatch(/ECONNREFUSED/);
  });

  it('clears away what a killed one has left, and not what another one is writing', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, '.x.mmdb.aa.partial'), '');
    writeFileSync(join(folder, '.x.mmdb.bb.partial'), '');
    const before = Date.now() / 1_000 - 100_000;
    utimesSync(join(folder, '.x.mmdb.aa.partial'), before, before);
    await updateAsnDatabase(folder, at('/x.mmdb'), LIMITS);
    expect(readdirSync(folder).sort()).toEqual(['.x.mmdb.bb.partial', 'x.mmdb']);
  });

  it('names the folder that it cannot write', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'asn'), '');
    expect((await failure(updateAsnDatabase(join(folder, 'asn'), at('/x.mmdb'), LIMITS))).code).toBe(
      'TRIBUTARY_DATA_DIR_UNWRITABLE',
    );
    mkdirSync(join(folder, 'x.mmdb'));
    expect((await failure(updateAsnDatabase(folder, at('/x.mmdb'), LIMITS))).code).toBe(
      'TRIBUTARY_DATA_DIR_UNWRITABLE',
    );
    expect(readdirSync(folder).sort()).toEqual(['asn', 'x.mmdb']);
  });
});

describe('what the settings name', () => {
  const sources = (env: Record<string, string>): AsnSource[] => {
    const loaded = loadSettings({ argv: [], env, cwd: '/', readFile: () => undefined });
    if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
    return asnSources(loaded.settings.asn, { ipinfo: base, maxmind: base });
  };

  it.each([
    ['a token of IPinfo', { TRIBUTARY_ASN_IPINFO_TOKEN: SECRET }, ['ipinfo_lite.mmdb']],
    ['a key of MaxMind', { TRIBUTARY_ASN_MAXMIND_KEY: SECRET }, ['GeoLite2-ASN.mmdb']],
    [
      'with its account',
      { TRIBUTARY_ASN_MAXMIND_KEY: SECRET, TRIBUTARY_ASN_MAXMIND_ACCOUNT: '123' },
      ['GeoLite2-ASN.mmdb'],
    ],
  ])('%s', async (_what, env, names) => {
    const folder = temporaryFolder();
    for (const source of sources(env)) await updateAsnDatabase(folder, source, LIMITS);
    expect(readdirSync(folder)).toEqual(names);
  });

  it('a wrong one is said to be that, and which setting it is', async () => {
    for (const [env, setting] of [
      [{ TRIBUTARY_ASN_IPINFO_TOKEN: 'wrong-one' }, 'asn.ipinfoToken'],
      [{ TRIBUTARY_ASN_MAXMIND_KEY: 'wrong-one' }, 'asn.maxmindKey'],
    ] as const) {
      const error = await failure(updateAsnDatabase(temporaryFolder(), sources({ ...env })[0]!, LIMITS));
      expect(error.message).toMatch(/does not accept the token or key/);
      expect(error.line).not.toContain('wrong-one');
      expect(error.mend).toContain(setting);
    }
  });

  it('several at once, or nothing', () => {
    const several = sources({
      TRIBUTARY_ASN_URL: 'https://db.example/free/dbip-asn-lite-2026-11.mmdb.gz?key=1',
      TRIBUTARY_ASN_IPINFO_TOKEN: SECRET,
      TRIBUTARY_ASN_MAXMIND_KEY: SECRET,
      TRIBUTARY_ASN_MAXMIND_EDITIONS: 'GeoLite2-ASN,GeoLite2-City',
    });
    expect(several.map(({ fileName }) => fileName)).toEqual([
      'dbip-asn-lite-2026-11.mmdb',
      'ipinfo_lite.mmdb',
      'GeoLite2-ASN.mmdb',
      'GeoLite2-City.mmdb',
    ]);
    expect(several.map(({ name }) => name).join()).not.toContain(SECRET);
    expect(sources({})).toEqual([]);
  });

  it.each([
    ['https://x.example/', 'downloaded.mmdb'],
    ['https://x.example/..%2f..%2fetc%2fpasswd', 'downloaded.mmdb'],
    ['https://x.example/..%2f..%2fetc%2fx.mmdb', 'x.mmdb'],
    ['https://x.example/.hidden.mmdb', 'downloaded.mmdb'],
    ['https://x.example/a%00b.mmdb', 'downloaded.mmdb'],
    ['https://x.example/A.MMDB', 'A.mmdb'],
    ['https://me:pw@x.example/geo.tgz', 'geo.mmdb'],
  ])('a URL such as %s is kept as %s', (url, name) => {
    const source = sourceOfUrl(url);
    expect(source.fileName).toBe(name);
    expect(source.url).not.toContain('pw');
  });

  it.each([
    `https://x.example/account/${SECRET}/db/isp/mmdb`,
    `https://x.example/${SECRET}`,
    `https://x.example/${SECRET}/geo.mmdb.gz?k=${SECRET}#${SECRET}`,
  ])('a key in a path is not shown: %s', (url) => {
    const { name, fileName } = sourceOfUrl(url);
    expect(`${name} ${fileName}`).not.toContain(SECRET);
    expect(name).toContain('https://x.example');
  });
});

describe('every week', () => {
  const DAY_MS = 86_400_000;
  const world = (fails = false) => {
    const folder = temporaryFolder();
    const source = { name: 'x', url: 'https://x.example', fileName: 'x.mmdb', settings: 'asn.url' };
    const state = { now: Date.now(), fails, tries: 0 };
    const weekly = new WeeklyUpdate({
      folder,
      sources: [source],
      logger: silentLogger,
      unixNow: () => state.now,
      update: async () => {
        state.tries++;
        if (state.fails) throw new TributaryError('TRIBUTARY_ASN_DOWNLOAD_FAILED', 'no');
        writeFileSync(join(folder, 'x.mmdb'), '');
        utimesSync(join(folder, 'x.mmdb'), state.now / 1_000, state.now / 1_000);
        return { path: 'x', type: 'x' } as Awaited<ReturnType<typeof updateAsnDatabase>>;
      },
    });
    const after = async (ms: number): Promise<number> => {
      state.now += ms;
      await weekly.check();
      return state.tries;
    };
    return { state, after };
  };

  it('a file that is missing or a week old is fetched', async () => {
    const { after } = world();
    expect(await after(0)).toBe(1);
    expect(await after(DAY_MS)).toBe(1);
    expect(await after(5.9 * DAY_MS)).toBe(1);
    expect(await after(0.2 * DAY_MS)).toBe(2);
    expect(await after(DAY_MS)).toBe(2);
  });

  it('and again after ever longer pauses where that fails', async () => {
    const { state, after } = world(true);
    expect(await after(0)).toBe(1);
    expect(await after(3_500_000)).toBe(1);
    expect(await after(200_000)).toBe(2);
    expect(await after(3_700_000)).toBe(2);
    expect(await after(3_700_000)).toBe(3);
    expect([1, 2, 3, 5, 6, 50].map((times) => pauseAfter(times) / 3_600_000)).toEqual([1, 2, 4, 16, 24, 24]);
    state.fails = false;
    expect(await after(DAY_MS)).toBe(4);
    expect(await after(DAY_MS)).toBe(4);
  });
});
