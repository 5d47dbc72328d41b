import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import {
  cityRecord,
  geoliteRecord,
  IPINFO_LITE,
  ipinfoRecord,
  type MmdbSpec,
  mmdbFile,
} from '../../test/support/mmdb-writer.ts';
import { codeOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { AsnLookup } from './asn.ts';
import { openAsnDatabase } from './asn-database.ts';
import type { AsnSearchPath } from './asn-files.ts';

const IPINFO: MmdbSpec = {
  type: IPINFO_LITE,
  networks: {
    '172.32.0.0/11': ipinfoRecord(21_928, 'T-Mobile USA, Inc.'),
    '98.97.0.0/16': ipinfoRecord(14_593, 'Space Exploration Technologies Corporation'),
    '95.216.0.0/16': ipinfoRecord(24_940, 'Hetzner Online GmbH', 'FI'),
    '2a00:23c0::/28': ipinfoRecord(2_856, 'British Telecommunications PLC', 'GB'),
  },
};
const GEOLITE: MmdbSpec = {
  type: 'GeoLite2-ASN',
  networks: {
    '172.32.0.0/11': geoliteRecord(21_928, 'T-MOBILE-AS21928'),
    '2001:4860::/32': geoliteRecord(15_169, 'GOOGLE'),
  },
};
const DBIP: MmdbSpec = {
  type: 'DBIP-ASN-Lite (compat=GeoLite2-ASN)',
  networks: { '92.40.0.0/15': geoliteRecord(206_067, 'Hutchison 3G UK Limited') },
};
const CITY: MmdbSpec = {
  type: 'GeoLite2-City',
  networks: { '172.32.0.0/11': cityRecord('US', 'Chicago', 41.88, -87.63) },
};

/** Lines of the log, as `level message reason`. */
const recorder = () => {
  const lines: string[] = [];
  const line =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      lines.push([level, message, fields.reason ?? fields.type ?? ''].join(' ').trim());
    };
  const logger: Logger = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => logger,
  };
  return { lines, logger };
};

const world = (files: Readonly<Record<string, MmdbSpec | Buffer>> = {}) => {
  const folder = temporaryFolder();
  const system = temporaryFolder();
  const search: AsnSearchPath = [{ folder }, { folder: system, names: ['ipinfo_lite.mmdb', 'GeoLite2-ASN.mmdb'] }];
  const put = (path: string, content: MmdbSpec | Buffer): void =>
    writeFileSync(path, Buffer.isBuffer(content) ? content : mmdbFile(content));
  for (const [name, content] of Object.entries(files)) put(join(folder, name), content);
  const { lines, logger } = recorder();
  let looks = 0;
  const lookup = new AsnLookup({ search, logger, onLooked: () => looks++ });
  onTestFinished(() => lookup.close());
  return { folder, system, put, lines, lookup, looks: () => looks };
};

describe('the three schemas', () => {
  it('IPinfo Lite: number, organisation and country', async () => {
    const { lookup } = world({ 'ipinfo_lite.mmdb': IPINFO });
    await lookup.look();
    expect(lookup.of('172.58.3.4')).toEqual({
      asn: 21_928,
      org: 'T-Mobile USA, Inc.',
      label: 'T-Mobile',
      kind: 'cellular',
      country: 'US',
    });
    expect(lookup.of('98.97.1.1')).toMatchObject({ label: 'Starlink', kind: 'satellite' });
    expect(lookup.of('95.216.9.9')).toMatchObject({ label: 'Hetzner', kind: 'hosting', country: 'FI' });
    expect(lookup.of('2a00:23c5::1')).toMatchObject({ asn: 2_856, label: 'BT', kind: 'fixed' });
    expect(lookup.of('8.8.8.8')).toBeUndefined();
  });

  it('GeoLite2-ASN: number and organisation', async () => {
    const { lookup } = world({ 'GeoLite2-ASN.mmdb': GEOLITE });
    await lookup.look();
    expect(lookup.of('172.58.3.4')).toEqual({
      asn: 21_928,
      org: 'T-MOBILE-AS21928',
      label: 'T-Mobile',
      kind: 'cellular',
    });
    expect(lookup.of('2001:4860::8888')).toMatchObject({ kind: 'hosting' });
    expect(lookup.placeOf('172.58.3.4')).toBeUndefined();
  });

  it('DB-IP ASN, under any name', async () => {
    const { lookup } = world({ 'dbip-asn-lite-2026-11.mmdb': DBIP });
    await lookup.look();
    expect(lookup.of('92.40.1.1')).toMatchObject({ asn: 206_067, org: 'Hutchison 3G UK Limited', label: 'Three' });
  });

  it('a file of nobody we know, read by the fields that it has', async () => {
    const { lookup } = world({ 'own.mmdb': { ...IPINFO, type: 'Our-Own' } });
    await lookup.look();
    expect(lookup.of('172.58.3.4')?.org).toBe('T-Mobile USA, Inc.');
    expect(lookup.databases[0]?.attribution).toBe('IP address data: Our-Own');
  });

  it.each(['ipinfo_lite.mmdb', 'ipinfo generic_bundle.mmdb'])(
    'IPinfo, whatever it calls its file: %s',
    async (type) => {
      const { lookup } = world({ 'x.mmdb': { ...IPINFO, type } });
      await lookup.look();
      expect(lookup.databases[0]?.attribution).toMatch(/powered by IPinfo/);
    },
  );

  it('a type that would write on a terminal, on one line', async () => {
    const { lookup } = world({ 'x.mmdb': { ...IPINFO, type: 'Own\u001b[2J\nno' } });
    await lookup.look();
    expect(lookup.databases[0]).toMatchObject({ type: 'Own [2J no', attribution: 'IP address data: Own [2J no' });
  });

  it.each([24, 28, 32] as const)('records of %i bits, IPv4 trees too', async (recordSize) => {
    for (const ipVersion of [4, 6] as const) {
      const { lookup } = world({ 'own.mmdb': { ...DBIP, recordSize, ipVersion } });
      await lookup.look();
      expect(lookup.of('92.41.255.255')?.asn).toBe(206_067);
      expect(lookup.of('92.42.0.0')).toBeUndefined();
    }
  });

  it('the country comes from a database of places where that of carriers has none', async () => {
    const { lookup } = world({ 'GeoLite2-ASN.mmdb': GEOLITE, 'GeoLite2-City.mmdb': CITY });
    await lookup.look();
    expect(lookup.of('172.58.3.4')).toMatchObject({ asn: 21_928, country: 'US' });
    expect(lookup.placeOf('172.58.3.4')).toEqual({
      country: 'US',
      city: 'Chicago',
      latitude: 41.88,
      longitude: -87.63,
    });
    expect(lookup.databases.map(({ type }) => type)).toEqual(['GeoLite2-ASN', 'GeoLite2-City']);
  });
});

describe('which file is taken', () => {
  it('of the data folder before that of the system, and of the data folder the best known', async () => {
    const { lookup, put, system, folder } = world();
    put(join(system, 'ipinfo_lite.mmdb'), IPINFO);
    put(join(system, 'other.mmdb'), DBIP);
    await lookup.look();
    expect(lookup.databases.map(({ path }) => path)).toEqual([join(system, 'ipinfo_lite.mmdb')]);
    put(join(folder, 'a.mmdb'), DBIP);
    put(join(folder, 'GeoLite2-ASN.mmdb'), GEOLITE);
    await lookup.look();
    // The one of the system still tells countries.
    expect(lookup.databases.map(({ path }) => path)).toEqual([
      join(folder, 'GeoLite2-ASN.mmdb'),
      join(system, 'ipinfo_lite.mmdb'),
    ]);
  });

  it('and what is of no use beside others is neither kept nor read again', async () => {
    const { lookup, folder, lines } = world({ 'ipinfo_lite.mmdb': IPINFO, 'GeoLite2-ASN.mmdb': GEOLITE });
    const path = join(folder, 'GeoLite2-ASN.mmdb');
    const rewrite = (content: Buffer): void => {
      writeFileSync(path, content);
      utimesSync(path, 1_790_000_000, 1_790_000_000);
    };
    rewrite(mmdbFile(GEOLITE));
    await lookup.look();
    expect(lookup.databases.map(({ type }) => type)).toEqual([IPINFO_LITE]);
    // The same file by all that is looked at, which would be refused if it were read.
    rewrite(Buffer.alloc(statSync(path).size));
    await lookup.look();
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([]);
    // It is read as soon as it is needed.
    rewrite(mmdbFile(GEOLITE));
    rmSync(join(folder, 'ipinfo_lite.mmdb'));
    await lookup.look();
    expect(lookup.of('172.58.3.4')?.org).toBe('T-MOBILE-AS21928');
  });

  it('none: only private addresses are known, and it is said once', async () => {
    const { lookup, lines } = world();
    await lookup.look();
    await lookup.look();
    expect(lookup.of('172.58.3.4')).toBeUndefined();
    expect(lookup.of('192.168.1.5')).toEqual({ label: 'Private network', kind: 'private' });
    expect(lines).toEqual(['info there is no carrier database: carriers of links are not known']);
  });
});

describe('addresses that belong to nobody', () => {
  it.each([
    ['127.0.0.1', 'This machine'],
    ['::1', 'This machine'],
    ['10.1.2.3', 'Private network'],
    ['172.31.255.255', 'Private network'],
    ['192.168.0.1', 'Private network'],
    ['fd12::1', 'Private network'],
    ['100.64.0.1', 'CGNAT'],
    ['100.127.255.255', 'CGNAT'],
    ['169.254.1.1', 'Link-local'],
    ['fe80::1%eth0', 'Link-local'],
  ])('%s is %s', async (address, label) => {
    const { lookup } = world({ 'ipinfo_lite.mmdb': IPINFO });
    await lookup.look();
    expect(lookup.of(address)).toEqual({ label, kind: 'private' });
    expect(lookup.placeOf(address)).toBeUndefined();
  });
  it.each(['100.128.0.1', '172.32.0.1', '11.0.0.1', '2001:db8::1'])('%s is not', async (address) => {
    expect(world().lookup.of(address)).toBeUndefined();
  });
  it('unless a database knows them: whoever made it meant it', async () => {
    const { lookup } = world({
      'own.mmdb': { type: IPINFO_LITE, networks: { '10.0.0.0/8': ipinfoRecord(64_512, 'Our LAN') } },
    });
    await lookup.look();
    expect(lookup.of('10.1.2.3')).toMatchObject({ asn: 64_512, org: 'Our LAN', label: 'Our LAN' });
  });
});

const whole = mmdbFile(IPINFO);
const BROKEN: readonly (readonly [what: string, bytes: Buffer, reason: RegExp])[] = [
  ['an empty file', Buffer.alloc(0), /no MaxMind DB file/],
  ['a web page', Buffer.from('<html>Not found</html>'), /no MaxMind DB file/],
  ['a file without its end', whole.subarray(0, whole.length - 200), /no database/],
  ['a file without its last byte', whole.subarray(0, -1), /ASN_DATABASE|no database/],
  ['a file without its beginning', whole.subarray(600), /points outside|does not fit|no database/],
  ['a tree that points outside', Buffer.concat([Buffer.alloc(3, 0xff), whole.subarray(3)]), /points outside the file/],
  ['data of zeros', zeroed(whole), /no database/],
  [
    'a database of something else',
    mmdbFile({ type: 'GeoIP2-Domain', networks: { '1.0.0.0/8': { domain: 'x.org' } } }),
    /GeoIP2-Domain/,
  ],
];

function zeroed(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  const mark = copy.lastIndexOf(Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'));
  const text = copy.indexOf('as_domain');
  copy.fill(0, text - 2, mark);
  return copy;
}

describe('a file that is not whole', () => {
  it.each(BROKEN)('%s is refused', async (_what, bytes, reason) => {
    const { folder, put } = world();
    put(join(folder, 'x.mmdb'), bytes);
    const error = await openAsnDatabase(join(folder, 'x.mmdb')).catch((thrown: unknown) => thrown);
    expect(codeOf(error)).toBe('TRIBUTARY_ASN_DATABASE_INVALID');
    expect((error as Error).message).toMatch(reason);
  });

  it('nor is anything that is no file', async () => {
    const { folder } = world();
    mkdirSync(join(folder, 'a.mmdb'));
    execFileSync('mkfifo', [join(folder, 'b.mmdb')]);
    symlinkSync('/dev/zero', join(folder, 'c.mmdb'));
    for (const name of ['a.mmdb', 'b.mmdb', 'c.mmdb'])
      await expect(openAsnDatabase(join(folder, name))).rejects.toThrow(/it is no file/);
  });

  it('nor is one with its metadata elsewhere than at the end', async () => {
    const { folder, put } = world();
    put(join(folder, 'x.mmdb'), Buffer.concat([whole, Buffer.alloc(2 ** 18)]));
    await expect(openAsnDatabase(join(folder, 'x.mmdb'))).rejects.toThrow(/its end is missing/);
  });

  it('however it is cut', async () => {
    const { folder, put } = world();
    for (let at = 0; at < whole.length; at += 97) {
      put(join(folder, 'x.mmdb'), whole.subarray(0, at));
      await expect(openAsnDatabase(join(folder, 'x.mmdb'))).rejects.toMatchObject({
        code: 'TRIBUTARY_ASN_DATABASE_INVALID',
      });
    }
  });

  it('never makes a lookup fail, whichever byte is wrong', async () => {
    const { folder, put } = world();
    for (let at = 0; at < whole.length; at += 31) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0xff;
      put(join(folder, 'x.mmdb'), bytes);
      const database = await openAsnDatabase(join(folder, 'x.mmdb')).catch((error: unknown) => {
        expect(codeOf(error)).toBe('TRIBUTARY_ASN_DATABASE_INVALID');
      });
      for (const address of ['172.58.3.4', '98.97.1.1', '2a00:23c5::1', '8.8.8.8']) database?.get(address);
    }
  });

  it('at the start leaves the next one of the search path', async () => {
    const { lookup, lines } = world({ 'ipinfo_lite.mmdb': whole.subarray(0, 100), 'other.mmdb': DBIP });
    await lookup.look();
    expect(lookup.of('92.40.1.1')?.asn).toBe(206_067);
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    await lookup.look();
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });
});

describe('a file that changes while the node runs', () => {
  const running = async (files: Readonly<Record<string, MmdbSpec | Buffer>>) => {
    const made = world(files);
    made.lookup.watch();
    await made.lookup.look();
    const looked = made.looks();
    return { ...made, seen: () => expect.poll(made.looks, { timeout: 5_000 }).toBeGreaterThan(looked) };
  };
  it('is taken by itself when it is swapped in one step', async () => {
    const { lookup, folder, put, seen, lines } = await running({ 'ipinfo_lite.mmdb': IPINFO });
    expect(lookup.of('172.58.3.4')?.label).toBe('T-Mobile');
    put(join(folder, '.new.partial'), {
      ...IPINFO,
      buildEpoch: 1_800_000_000,
      networks: { '172.32.0.0/11': ipinfoRecord(20_057, 'AT&T Enterprises, LLC') },
    });
    renameSync(join(folder, '.new.partial'), join(folder, 'ipinfo_lite.mmdb'));
    await seen();
    await expect.poll(() => lookup.of('172.58.3.4')?.label).toBe('AT&T');
    expect(lookup.databases[0]?.builtMs).toBe(1_800_000_000_000);
    expect(lines.filter((line) => line.startsWith('info carrier database'))).toHaveLength(2);
  });

  it('is refused when it is damaged, and the old one stays', async () => {
    const { lookup, folder, put, seen, lines } = await running({ 'ipinfo_lite.mmdb': IPINFO });
    put(join(folder, 'ipinfo_lite.mmdb'), whole.subarray(0, 700));
    await seen();
    await expect.poll(() => lines.at(-1)).toMatch(/^warn a carrier database is refused, the one before it stays/);
    expect(lookup.of('172.58.3.4')?.label).toBe('T-Mobile');
    expect(lookup.of('98.97.1.1')?.label).toBe('Starlink');
  });

  it('turns it on and off', async () => {
    const { lookup, folder, put } = await running({});
    expect(lookup.of('172.58.3.4')).toBeUndefined();
    put(join(folder, 'ipinfo_lite.mmdb'), IPINFO);
    await expect.poll(() => lookup.of('172.58.3.4')?.label, { timeout: 5_000 }).toBe('T-Mobile');
    rmSync(join(folder, 'ipinfo_lite.mmdb'));
    await expect.poll(() => lookup.of('172.58.3.4'), { timeout: 5_000 }).toBeUndefined();
  });

  it('in a folder that comes later is found when the node looks again', async () => {
    const { lookup, folder, put } = world();
    rmSync(folder, { recursive: true });
    lookup.watch();
    await lookup.look();
    mkdirSync(folder);
    put(join(folder, 'ipinfo_lite.mmdb'), IPINFO);
    await lookup.look();
    expect(lookup.of('172.58.3.4')?.label).toBe('T-Mobile');
  });
});

describe('what is kept of answers', () => {
  it('is bounded, and no answer changes by it', async () => {
    const { lookup } = world({ 'ipinfo_lite.mmdb': IPINFO });
    await lookup.look();
    for (let n = 0; n < 40_000; n++) lookup.of(`172.58.${n >> 8}.${n & 255}`);
    expect(lookup.of('172.58.0.0')?.label).toBe('T-Mobile');
    expect(lookup.of('172.58.0.0')).toBe(lookup.of('172.58.0.0'));
  });
});
