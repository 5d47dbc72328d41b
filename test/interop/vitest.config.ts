import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** `npm run test:interop`: encoders and players of others, as the distribution has them. What is not installed is skipped by name. */
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, '../..'),
    include: ['test/interop/**/*.interop.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    maxConcurrency: 3,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
