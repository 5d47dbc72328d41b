import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * `npm run test:system`: what is checked with programs that the tests of every day do without (Prometheus, …). Each `*.system.ts` here is a
 * part of it; one after the other, because each brings servers of its own.
 */
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, '../..'),
    include: ['test/system/**/*.system.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
