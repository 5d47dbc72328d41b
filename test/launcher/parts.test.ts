import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';

const load = createRequire(import.meta.url);
const { compareLockfiles } = load('../../bin/lockfile.cjs') as {
  compareLockfiles(wanted: object, present: object | undefined): string;
};
const { acquireLock } = load('../../bin/lock.cjs') as {
  acquireLock(file: string, options?: { staleAfterMs?: number; onWait?: () => void }): Promise<() => void>;
};
const owner = load('../../bin/owner.cjs') as {
  parsePasswd(text: string, uid: number): { name: string; gid: number; home: string } | undefined;
  environmentFor(owner: { name: string; home: string }, env: Record<string, string>): Record<string, string>;
  dataFolderOf(args: string[], env: Record<string, string>, cwd: string): string;
  handOverData(folder: string, owner: { uid: number; gid: number }): void;
};
const { withProgress } = load('../../bin/progress.cjs') as {
  withProgress<T>(
    title: string,
    work: () => Promise<T>,
    stream: { isTTY?: boolean; write(text: string): void },
  ): Promise<T>;
};
const { exitCodeOf, runQuietly } = load('../../bin/run.cjs') as {
  exitCodeOf(code: number | null, signal: string | null): number;
  runQuietly(what: string, program: string, args: string[]): Promise<string>;
};
const { summarise, lineOf } = load('../../.ci/summary.cjs') as {
  summarise(
    report: object | undefined,
    testStatus: number,
    checks: number[],
  ): { passed: number; failed: number; skipped: number };
  lineOf(counts: { passed: number; failed: number; skipped: number }): string;
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-launcher-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('compareLockfiles', () => {
  const wanted = {
    packages: {
      '': {},
      a: { version: '1.0.0', integrity: 'x' },
      b: { version: '2.0.0', integrity: 'y', dev: true },
      c: { version: '3.0.0', integrity: 'z', optional: true },
    },
  };
  const { a, b } = wanted.packages;
  it.each([
    ['no record', undefined, 'nothing'],
    ['an empty record', { packages: {} }, 'nothing'],
    ['another version', { packages: { a: { ...a, version: '1.0.1' }, b } }, 'nothing'],
    ['other content', { packages: { a: { ...a, integrity: 'q' }, b } }, 'nothing'],
    ['production only', { packages: { a } }, 'production'],
    ['all but the optional', { packages: { a, b } }, 'all'],
  ])('%s', (_, present, expected) => {
    expect(compareLockfiles(wanted, present)).toBe(expected);
  });
});

describe('acquireLock', () => {
  it('makes the second wait for the first', async () => {
    const file = join(folder, 'lock');
    const release = await acquireLock(file);
    const order: string[] = [];
    const second = acquireLock(file, { onWait: () => order.push('waits') }).then((free) => {
      order.push('has it');
      return free;
    });
    await until('the second to wait', () => order.length === 1);
    release();
    (await second)();
    expect(order).toEqual(['waits', 'has it']);
    expect(existsSync(file)).toBe(false);
  });

  it('takes a lock over that nobody has touched for long', async () => {
    const file = join(folder, 'lock');
    writeFileSync(file, 'left behind\n');
    utimesSync(file, new Date(0), new Date(0));
    const release = await acquireLock(file);
    expect(readFileSync(file, 'utf8')).not.toContain('left behind');
    release();
  });

  it('leaves a lock alone that is no longer its own', async () => {
    const file = join(folder, 'lock');
    const release = await acquireLock(file);
    writeFileSync(file, 'of somebody else\n');
    release();
    expect(readFileSync(file, 'utf8')).toBe('of somebody else\n');
  });
});

describe('the owner of the clone', () => {
  it('is looked up by number', () => {
    const text = 'root:x:0:0:root:/root:/bin/bash\nanna:x:1000:1001:Anna,,,:/home/anna:/bin/sh\n';
    expect(owner.parsePasswd(text, 1000)).toEqual({ name: 'anna', gid: 1001, home: '/home/anna' });
    expect(owner.parsePasswd(text, 100)).toBeUndefined();
  });

  it("does not get root's folders, and keeps the rest of the environment", () => {
    const env = {
      HOME: '/root',
      npm_config_cache: '/root/.npm',
      npm_config_registry: 'r',
      SUDO_USER: 'anna',
      SRTLA_PORT: '1',
    };
    expect(owner.environmentFor({ name: 'anna', home: '/home/anna' }, env)).toEqual({
      HOME: '/home/anna',
      USER: 'anna',
      LOGNAME: 'anna',
      npm_config_registry: 'r',
      SRTLA_PORT: '1',
    });
  });

  it.each([
    [[], {}, '/clone/data'],
    [[], { DATA_DIR: '/srv/x' }, '/srv/x'],
    [['--data-dir', 'y'], { DATA_DIR: '/srv/x' }, '/clone/y'],
    [['--data-dir=/z'], {}, '/z'],
  ])('data folder of %j with %j', (args, env, expected) => {
    expect(owner.dataFolderOf(args, env as Record<string, string>, '/clone')).toBe(expected);
  });

  it.skipIf(process.getuid?.() !== 0)("gets a node's data folder, and no other folder", () => {
    const ours = join(folder, 'data');
    const foreign = join(folder, 'etc');
    const fresh = join(folder, 'fresh');
    mkdirSync(ours);
    mkdirSync(foreign);
    writeFileSync(join(ours, 'streams.json'), '{}');
    writeFileSync(join(ours, 'notes.txt'), '');
    writeFileSync(join(foreign, 'passwd'), '');
    chownSync(join(ours, 'notes.txt'), 0, 0);
    for (const path of [ours, foreign, fresh]) owner.handOverData(path, { uid: 1234, gid: 1234 });
    const uid = (path: string): number => statSync(path).uid;
    expect([ours, fresh, join(ours, 'streams.json')].map(uid)).toEqual([1234, 1234, 1234]);
    expect([foreign, join(foreign, 'passwd'), join(ours, 'notes.txt')].map(uid)).toEqual([0, 0, 0]);
  });
});

describe('withProgress', () => {
  const out = (isTTY: boolean) => {
    const written: string[] = [];
    return { isTTY, written, write: (text: string) => void written.push(text) };
  };

  it('is silent about a short step', async () => {
    const stream = out(true);
    expect(await withProgress('step', async () => 7, stream)).toBe(7);
    expect(stream.written).toEqual([]);
  });

  it.each([
    [true, '\r  step … 0 s ', '\r\x1b[K  step: done after '],
    [false, '  step …\n', '  step: done after '],
  ])('shows a long step (terminal: %s)', async (isTTY, begin, end) => {
    const stream = out(isTTY);
    await withProgress('step', () => until('a line', () => stream.written.length > 0), stream);
    expect(stream.written[0]).toBe(begin);
    expect(stream.written.at(-1)!.startsWith(end)).toBe(true);
  });
});

describe('runQuietly', () => {
  it('gives the output', async () => {
    expect(await runQuietly('echo', 'sh', ['-c', 'echo yes'])).toBe('yes\n');
  });
  it('names what failed, with the last lines', async () => {
    const error = await runQuietly('this step', 'sh', ['-c', 'echo why; exit 3']).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ message: 'this step failed (exit code 3)', details: ['why'] });
  });
  it('names a program that is not there', async () => {
    await expect(runQuietly('this step', '/no/such/program', [])).rejects.toThrow('this step does not start');
  });
});

it.each([
  [0, null, 0],
  [3, null, 3],
  [null, 'SIGTERM', 143],
  [null, 'SIGINT', 130],
] as const)('exit code of %s, %s is %i', (code, signal, expected) => {
  expect(exitCodeOf(code, signal)).toBe(expected);
});

describe('the result line of CI', () => {
  const file = (...statuses: string[]) => ({
    status: statuses.includes('failed') ? 'failed' : 'passed',
    assertionResults: statuses.map((status) => ({ status })),
  });
  it.each([
    ['all is well', [file('passed', 'passed')], 0, [0, 0], '4 passed, 0 failed'],
    ['skipped and todo', [file('passed', 'pending', 'skipped', 'todo')], 0, [0, 0], '3 passed, 0 failed, 3 skipped'],
    ['a failed test', [file('passed', 'failed')], 1, [0, 0], '3 passed, 1 failed'],
    ['failed checks', [file('passed')], 0, [1, 2], '1 passed, 2 failed'],
    [
      'a file that does not load',
      [file('passed'), { status: 'failed', assertionResults: [] }],
      1,
      [0, 0],
      '3 passed, 1 failed',
    ],
    ['an error outside of tests', [file('passed')], 1, [0, 0], '3 passed, 1 failed'],
    ['no tests', [], 0, [0, 0], '2 passed, 1 failed'],
  ])('%s', (_, testResults, testStatus, checks, line) => {
    expect(lineOf(summarise({ testResults }, testStatus, checks))).toBe(line);
  });
  it('no report at all', () => {
    expect(lineOf(summarise(undefined, 1, [0, 1]))).toBe('1 passed, 2 failed');
  });
});
