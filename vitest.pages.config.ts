import { defineConfig } from 'vitest/config';

/** Tests that drive the pages with a browser: `npm run test:pages`. */
export default defineConfig({
  test: {
    include: ['test/pages/*.pages.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
