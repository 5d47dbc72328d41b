import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const ROOT = resolve(import.meta.dirname, '../..');
const library = (name: string): string =>
  execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();

/**
 * `npm run test:sanitized`: the end-to-end tests with every program of ours on an addon under ASan and UBSan. What a sanitizer finds ends the
 * program, and its test fails.
 */
export default defineConfig({
  test: {
    root: ROOT,
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/sanitized/build.ts'],
    setupFiles: ['test/support/secret-setup.ts'],
    env: {
      TRIBUTARY_ADDON_PATH: resolve(ROOT, 'native/build/asan/tributary.node'),
      // Of programs that the tests start: the tests' own process is up already, and loads no addon.
      LD_PRELOAD: ['libasan.so', 'libubsan.so'].map(library).join(':'),
      ASAN_OPTIONS: 'detect_leaks=0',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
