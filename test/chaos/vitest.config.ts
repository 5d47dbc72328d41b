import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** `npm run test:chaos`: what may happen to networks, disks and clocks, in networks of its own. Needs root; skipped by name where that is missing. */
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, '../..'),
    include: ['test/chaos/**/*.chaos.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
