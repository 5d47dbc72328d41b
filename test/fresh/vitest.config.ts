import { defineConfig } from 'vitest/config';

/** `npm run test:upgrade`: takes its time, and so is no part of `npm test`. */
export default defineConfig({
  test: {
    root: '.',
    include: ['test/fresh/*.slow.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    hookTimeout: 60_000,
  },
});
