import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { compareDebianVersions } from './debian-version.ts';
import { hasFixes, libsrtName, unfixedLibrary } from './libsrt-fixes.ts';
import { loadedLibsrtPackage } from './libsrt-package.ts';

const facts = (version: string, packageVersion?: string, changelog = '') => ({
  version,
  package: packageVersion === undefined ? undefined : { name: 'libsrt1.5-openssl', version: packageVersion, changelog },
});

describe('versions of Debian packages', () => {
  // Each in ascending order.
  const ORDERS = [
    ['1.5.1-1', '1.5.1-1+deb12u1', '1.5.1-1+deb12u2', '1.5.1-1+deb12u10', '1.5.1-2'],
    ['1.5.4-1~bpo12+1', '1.5.4-1', '1.5.4-1ubuntu1', '1.5.4-1+deb13u1', '1.5.10-1', '2'],
    ['0.9', '1:0.1', '2:0'],
    ['1.0~rc1', '1.0', '1.0a', '1.0+1', '1.0.1'],
    ['1.5-1', '1.5-1.1', '1.5-a', '1.5.0-1'],
  ];
  it.each(ORDERS.map((order) => [order]))('orders %j as dpkg does', (order) => {
    for (const [i, a] of order.entries())
      for (const [j, b] of order.entries()) expect(compareDebianVersions(a, b), `${a} and ${b}`).toBe(Math.sign(i - j));
  });

  let dpkg = true;
  try {
    execFileSync('dpkg', ['--version'], { stdio: 'ignore' });
  } catch {
    dpkg = false;
  }
  it.skipIf(!dpkg)('agrees with dpkg itself', () => {
    for (const order of ORDERS)
      for (const [a, b] of order.slice(1).map((one, index) => [order[index]!, one] as const))
        execFileSync('dpkg', ['--compare-versions', a, 'lt', b]);
  });
});

describe('the fixes of libsrt', () => {
  it.each([
    [facts('1.5.6'), true],
    [facts('1.6.0'), true],
    [facts('1.5.10', '1.5.10-1'), true],
    [facts('1.5.5'), false],
    [facts('1.5.1'), false],
    [facts('1.5.1', '1.5.1-1+deb12u1'), false],
    [facts('1.5.1', '1.5.1-1+deb12u2'), true],
    [facts('1.5.1', '1.5.1-1+deb12u3'), true],
    [facts('1.5.1', '1.5.1-1ubuntu1'), false],
    [facts('1.5.4', '1.5.4-1'), false],
    [facts('1.5.4', '1.5.4-1+deb13u1'), true],
    // The upstream version is what counts, not a number that only looks newer.
    [facts('1.5.3', '1.5.3-1ubuntu1'), false],
    [facts('1.5.3', '1.5.3-1ubuntu1.1', 'CVE-2026-55869: …\nCVE-2026-55868: …'), true],
    [facts('1.5.3', '1.5.3-1ubuntu1.1', 'CVE-2026-55869: …'), false],
  ])('%j: %s', (library, fixed) => {
    expect(hasFixes(library)).toBe(fixed);
  });

  it('are asked for with the package, its mend and the way round', () => {
    const { code, line } = unfixedLibrary(facts('1.5.1', '1.5.1-1+deb12u1'));
    expect(code).toBe('TRIBUTARY_LIBSRT_UNFIXED');
    expect(line).toContain('libsrt 1.5.1 (libsrt1.5-openssl 1.5.1-1+deb12u1)');
    expect(line).toContain('apt-get install libsrt1.5-openssl');
    expect(line).toContain('TRIBUTARY_SRT_ALLOW_UNFIXED_LIBRARY');
    expect(unfixedLibrary(facts('1.5.2')).line).toContain('install libsrt 1.5.6 or newer');
  });
});

describe('the package of the loaded libsrt', () => {
  const root = (files: Record<string, string | Buffer>): string => {
    const made = temporaryFolder();
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(made, name)), { recursive: true });
      writeFileSync(join(made, name), content);
    }
    return made;
  };
  const MAPS =
    '7f00-7f01 r-xp 0 fe:00 1 /usr/lib/libc.so.6\n7f02-7f03 r-xp 0 fe:00 2    /usr/lib/arm/libsrt-gnutls.so.1.5.1\n7f04-7f05 rw-p 0 0 0\n';
  const paragraph = (name: string, architecture: string, status: string, version: string): string =>
    `Package: ${name}\nStatus: ${status}\nArchitecture: ${architecture}\nSource: srt\nVersion: ${version}\nDescription: x\n more`;
  const STATUS = `${[
    paragraph('libsrt1.5-openssl', 'arm64', 'install ok installed', '9'),
    paragraph('libsrt1.5-gnutls', 'amd64', 'install ok installed', '8'),
    paragraph('libsrt1.5-gnutls', 'arm64', 'install ok installed', '1.5.1-1+deb12u1'),
  ].join('\n\n')}\n`;
  const FILES = {
    'proc/self/maps': MAPS,
    'var/lib/dpkg/info/libsrt1.5-openssl:arm64.list': '/.\n/usr/lib/arm/libsrt.so.1.5.1\n',
    'var/lib/dpkg/info/libsrt1.5-gnutls:arm64.list': '/.\n/lib/arm/libsrt-gnutls.so.1.5.1\n',
    'var/lib/dpkg/status': STATUS,
  };

  it('is the one whose files have what is mapped, not another flavour or architecture', () => {
    expect(loadedLibsrtPackage(root(FILES))).toEqual({
      name: 'libsrt1.5-gnutls',
      version: '1.5.1-1+deb12u1',
      changelog: '',
    });
    const changelog = gzipSync('srt (1.5.1-1+deb12u1)\n');
    expect(
      loadedLibsrtPackage(root({ ...FILES, 'usr/share/doc/libsrt1.5-gnutls/changelog.Debian.gz': changelog }))
        ?.changelog,
    ).toBe('srt (1.5.1-1+deb12u1)\n');
  });

  it.each(Object.keys(FILES))('is not known without %s', (name) => {
    const { [name as keyof typeof FILES]: _gone, ...rest } = FILES;
    const known = loadedLibsrtPackage(root(rest));
    if (name.includes('openssl')) expect(known?.name).toBe('libsrt1.5-gnutls');
    else expect(known).toBeUndefined();
  });

  it('is none that was removed and has left its settings', () => {
    const status = paragraph('libsrt1.5-gnutls', 'arm64', 'deinstall ok config-files', '1');
    expect(loadedLibsrtPackage(root({ ...FILES, 'var/lib/dpkg/status': status }))).toBeUndefined();
  });

  it('has a name for logs', () => {
    expect(libsrtName(facts('1.5.6'))).toBe('libsrt 1.5.6');
  });
});
