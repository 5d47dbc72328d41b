import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const path = (relative: string): string => new URL(relative, import.meta.url).pathname;
const ADDON = path('../../native/build/asan/tributary.node');

/** The compiler prints a mere name when it has no such file. */
const library = (name: string): string => {
  try {
    return execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  } catch {
    return name;
  }
};

const libraries = ['libasan.so', 'libubsan.so'].map(library);
const missing = libraries.find((file) => !existsSync(file));

/** So many at once: each waits for libsrt most of its time. */
const AT_ONCE = 6;

const run = async (args: string[], env: NodeJS.ProcessEnv = {}) => {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let text = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (chunk) => (text += chunk));
  const [code, signal] = await once(child, 'close');
  return { code, signal, text };
};

describe.skipIf(missing !== undefined)(`under ASan and UBSan${missing ? ` (skipped: no ${missing})` : ''}`, () => {
  test('sessions, tails, dropped registrations, and every end of a worker and of the process', {
    timeout: 300_000,
  }, async () => {
    expect(await run([path('../../native/build.cjs'), '--sanitize'])).toMatchObject({ code: 0 });
    const env = {
      LD_PRELOAD: libraries.join(':'),
      ASAN_OPTIONS: 'detect_leaks=0',
      TRIBUTARY_ADDON_PATH: ADDON,
    };
    const ways = ['terminate', 'throw', 'exit', 'dispose-in-wake', 'main-exit', 'main-dispose'];
    const jobs = [
      ...['./life-child.ts', './udp-life-child.ts'].flatMap((child) => ways.map((how) => [path(child), how, '2'])),
      [path('./udp-registration-child.ts')],
    ];
    const worker = async (): Promise<void> => {
      for (let job = jobs.shift(); job; job = jobs.shift())
        expect({ job, ...(await run(job, env)) }).toEqual({ job, code: 0, signal: null, text: '' });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  });
});
