import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const BUILD = new URL('../../native/build.cjs', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'tributary-build-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The tools that a build may use, and nothing else: no node-gyp, no npm, no Node headers. */
const tools = (name: string, ...wanted: string[]): string => {
  const bin = join(folder, name);
  mkdirSync(bin, { recursive: true });
  for (const tool of wanted) symlinkSync(join('/usr/bin', tool), join(bin, tool));
  return bin;
};

const build = (path: string, ...args: string[]): Promise<{ code: number; out: string; error: string }> => {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [BUILD, ...args],
      { env: { PATH: path, HOME: home }, cwd: folder },
      (failure, out, error) => resolve({ code: failure ? Number(failure.code) : 0, out, error }),
    );
  });
};

describe('the build', () => {
  const out = join(folder, 'out');
  const all = tools('all', 'g++', 'pkg-config', 'as', 'ld');
  let first: Awaited<ReturnType<typeof build>>;
  beforeAll(async () => {
    first = await build(all, '--out', out);
  }, 120_000);

  test('works with an empty home folder and nothing of Node on the path', async () => {
    expect(first).toMatchObject({ code: 0, error: '' });
    expect(first.out).toMatch(/native: compile udp\n(.*\n)*native: link /);
    const code = `console.log(require(${JSON.stringify(join(out, 'tributary.node'))}).srtVersion)`;
    const loaded = await new Promise((resolve) =>
      execFile(process.execPath, ['-e', code], { env: {} }, (_failure, text) => resolve(text)),
    );
    expect(loaded).toMatch(/^1\.5\.\d+\n$/);
  });

  test('does nothing when all is up to date, and that fast', async () => {
    const startMs = performance.now();
    expect(await build(all, '--out', out)).toEqual({ code: 0, out: 'native: up to date\n', error: '' });
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });

  test('compiles only what changed, and replaces the file instead of writing into it', async () => {
    const target = join(out, 'tributary.node');
    const inode = statSync(target).ino;
    // As if a source were newer than its object.
    utimesSync(join(out, 'obj', 'rest.part.o'), 1, 1);
    const second = await build(all, '--out', out);
    expect(second.out.match(/compile .*/g)).toEqual(['compile rest']);
    expect(second.out).toContain('link');
    expect(statSync(target).ino).not.toBe(inode);
  });

  test.each([
    {
      missing: 'pkg-config',
      has: ['g++'],
      line: 'native: pkg-config is missing; install the Debian package pkg-config\n',
    },
    { missing: 'g++', has: ['pkg-config'], line: 'native: g++ is missing; install the Debian package g++\n' },
  ])('says in one line that $missing is missing', async ({ missing, has, line }) => {
    const failed = await build(tools(`no-${missing}`, ...has), '--out', join(folder, `out-${missing}`));
    expect({ code: failed.code, error: failed.error }).toEqual({ code: 1, error: line });
  });

  test('says in one line that libsrt is missing or too old', async () => {
    const bin = join(folder, 'no-srt');
    const fake = join(bin, 'pkg-config');
    mkdirSync(dirname(fake), { recursive: true });
    writeFileSync(fake, '#!/bin/sh\nexit 1\n');
    chmodSync(fake, 0o755);
    expect(await build(bin)).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^native: libsrt is missing.*libsrt-openssl-dev\n$/),
    });
    writeFileSync(fake, '#!/bin/sh\n[ "$1" = --modversion ] && echo 1.4.4\n');
    expect(await build(bin)).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^native: libsrt 1\.4\.4 is too old.*\n$/),
    });
  });
});
