import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';

interface Needs {
  addon: boolean;
  testTools: boolean;
  devPackages: boolean;
  pages: boolean;
}
interface Tools {
  pkgConfig: boolean;
  srtVersion?: string;
  compiler: boolean;
  ffmpeg: boolean;
  srtTools: boolean;
  chromium?: boolean;
}
interface Rights {
  forbidden: boolean;
  apt: boolean;
  root: boolean;
  sudo: 'free' | 'asks' | 'none';
  listsFresh: boolean;
}
interface Plan {
  aptPlan(missing: string[], rights: Rights): Record<string, unknown>;
  chooseNode(own: string): 'own' | 'runtime';
  compareVersions(a: string, b: string): number;
  missingDebianPackages(needs: Needs, tools: Tools): string[];
  needsOf(command: string | undefined): Needs;
  needsRuntime(own: string, runtime: string | undefined): boolean;
  npmArguments(
    needs: Needs,
    found: { installed: string; hasDevPackages: boolean; lacksPageTools?: boolean },
  ): string[] | undefined;
}
const plan = createRequire(import.meta.url)('../../bin/plan.cjs') as Plan;

describe('compareVersions', () => {
  it.each([
    ['1.5.1', '1.5.1', 0],
    ['v22.13.0', '22.13.0', 0],
    ['1.5', '1.5.0', 0],
    ['1.5.1-1+deb12u2', '1.5.1', 0],
    ['22.9.0', '22.13.0', -1],
    ['1.4.4', '1.5.1', -1],
    ['18.20.4', '22.13.0', -1],
    ['24.0.0', '22.13.0', 1],
    ['1.10.0', '1.9.9', 1],
  ])('%s against %s is %i', (a, b, expected) => {
    expect(plan.compareVersions(a, b)).toBe(expected);
  });
});

describe('which Node', () => {
  it.each([
    ['v16.20.2', undefined, true, 'runtime'],
    ['v18.20.4', 'v24.21.0', false, 'runtime'],
    ['v20.20.2', 'v22.17.1', true, 'runtime'],
    ['v22.17.1', undefined, true, 'runtime'],
    ['v22.18.0', undefined, false, 'own'],
    ['v24.1.0', undefined, false, 'own'],
  ] as const)('own %s, fetched %s', (own, runtime, fetch, choice) => {
    expect(plan.needsRuntime(own, runtime)).toBe(fetch);
    expect(plan.chooseNode(own)).toBe(choice);
  });
});

const everything: Tools = { pkgConfig: true, srtVersion: '1.5.3', compiler: true, ffmpeg: true, srtTools: true };
const nothing: Tools = { pkgConfig: false, compiler: false, ffmpeg: false, srtTools: false };

describe('missing Debian packages', () => {
  it.each([
    ['start', nothing, ['libsrt-openssl-dev', 'pkg-config', 'g++']],
    ['test', nothing, ['libsrt-openssl-dev', 'pkg-config', 'g++', 'ffmpeg', 'srt-tools']],
    ['test-pages', nothing, ['libsrt-openssl-dev', 'pkg-config', 'g++', 'ffmpeg', 'srt-tools', 'chromium']],
    ['pictures', { ...nothing, chromium: true }, []],
    ['demo', nothing, ['libsrt-openssl-dev', 'pkg-config', 'g++', 'ffmpeg']],
    ['demo', { ...everything, srtTools: false }, []],
    ['send', nothing, ['libsrt-openssl-dev', 'pkg-config', 'g++']],
    ['urls', nothing, []],
    ['doctor', nothing, []],
    ['--help', nothing, []],
    [undefined, nothing, []],
    ['toString', nothing, ['libsrt-openssl-dev', 'pkg-config', 'g++']],
    ['test', everything, []],
    ['start', { ...everything, srtVersion: '1.4.4' }, ['libsrt-openssl-dev']],
    ['start', { ...everything, compiler: false }, ['g++']],
    ['start', { ...everything, ffmpeg: false, srtTools: false }, []],
    ['test', { ...everything, srtTools: false }, ['srt-tools']],
  ] as const)('%s with %o', (command, tools, expected) => {
    expect(plan.missingDebianPackages(plan.needsOf(command), tools)).toEqual(expected);
  });
});

describe('how they are installed', () => {
  const rights: Rights = { forbidden: false, apt: true, root: true, sudo: 'none', listsFresh: true };
  const command = 'apt-get install -y --no-install-recommends g++';

  it('nothing missing', () => {
    expect(plan.aptPlan([], { ...rights, apt: false, forbidden: true })).toEqual({ kind: 'nothing' });
  });

  it('as root, with lists or without', () => {
    expect(plan.aptPlan(['g++'], rights)).toEqual({ kind: 'install', update: false, prefix: [], command });
    expect(plan.aptPlan(['g++'], { ...rights, listsFresh: false })).toEqual({
      kind: 'install',
      update: true,
      prefix: [],
      command: `apt-get update && ${command}`,
    });
  });

  it('through sudo where it asks for no password', () => {
    expect(plan.aptPlan(['g++'], { ...rights, root: false, sudo: 'free', listsFresh: false })).toEqual({
      kind: 'install',
      update: true,
      prefix: ['sudo', '-n'],
      command: `sudo apt-get update && sudo ${command}`,
    });
  });

  it.each([
    ['sudo asks', { root: false, sudo: 'asks' }, `sudo ${command}`],
    ['no sudo', { root: false, sudo: 'none' }, command],
    ['forbidden', { forbidden: true }, command],
    ['no apt', { apt: false }, undefined],
  ] as const)('is refused, with the command to run: %s', (_, change, expected) => {
    const result = plan.aptPlan(['g++'], { ...rights, ...change });
    expect(result).toMatchObject({ kind: 'refuse', why: expect.stringContaining('g++') });
    expect(result.command).toBe(expected);
  });
});

describe('npm', () => {
  it('fetches what builds the pages where they have to be built, and only there', () => {
    for (const [command, lacksPageTools, expected] of [
      ['start', true, '--omit=dev'],
      ['start', false, undefined],
    ] as const) {
      const found = { installed: 'production', hasDevPackages: false, lacksPageTools };
      expect(plan.npmArguments(plan.needsOf(command), found)?.at(-1)).toBe(expected);
    }
    expect(plan.needsOf('start').pages).toBe(true);
    expect(plan.needsOf('send').pages).toBe(false);
  });

  it.each([
    ['start', 'nothing', false, '--omit=dev'],
    ['start', 'nothing', true, '--include=dev'],
    ['start', 'production', false, undefined],
    ['start', 'all', true, undefined],
    ['test', 'nothing', false, '--include=dev'],
    ['test', 'production', false, '--include=dev'],
    ['test', 'all', true, undefined],
  ])('%s with %s installed (development packages: %s)', (command, installed, hasDevPackages, last) => {
    const args = plan.npmArguments(plan.needsOf(command), { installed, hasDevPackages });
    expect(args?.at(-1)).toBe(last);
    if (args) expect(args.slice(0, 2)).toEqual(['ci', '--ignore-scripts']);
  });
});
